package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

const wasi = "wasi_snapshot_preview1"

func TestAdmissionRefuses(t *testing.T) {
	t.Parallel()
	described := func(json string) []byte {
		return newStrategyDescribed(json).encode()
	}
	cases := []struct {
		name   string
		module []byte
		want   string
	}{
		{"empty", nil, "is not a WebAssembly 1.0 module"},
		{"text", []byte("#!/bin/sh\n"), `it starts with "#!/bin/s"`},
		{"component", []byte("\x00asm\x0d\x00\x01\x00"), "is not a WebAssembly 1.0 module"},
		{"truncated", newStrategy(1).encode()[:60], "the section at byte 57 is cut short"},
		{"oversize", append(newStrategy(1).encode(), make([]byte, 1<<20)...), "more than 1048576 bytes"},
		{"no marker", newStrategy(1).remove(abi.Marker).encode(), `no export "switchyard_abi_1"`},
		{"later marker", newStrategy(1).remove(abi.Marker).set("switchyard_abi_7", typeNone, nil).encode(), "module speaks ABI 7; this host speaks 1"},
		{"two markers", newStrategy(1).set("switchyard_abi_2", typeNone, nil).encode(), "ABI versions 1 and 2"},
		{"odd marker", newStrategy(1).set(abi.Marker, typeI32, nil).encode(), `export "switchyard_abi_1" is (i32) -> (), it must be () -> ()`},
		{"no memory", (&guest{noMemory: true, order: newStrategy(1).order, functions: newStrategy(1).functions}).encode(), `no exported memory "memory"`},
		{"large memory", withMemory(newStrategy(1), 0x00, 0x80, 0x08).encode(), "1024 pages"},
		{"no kind", newGuest(strategyDescription).encode(), `no export "score" (a strategy's) and no export "request" (a provider's)`},
		{"both kinds", newStrategy(1).set(abi.ExportStream, typeI32toL, trap).encode(), `it exports both "score" and "stream"`},
		{"half a provider", newProvider().remove(abi.ExportStream).encode(), `no export "stream", which a provider must have`},
		{"no configure", newStrategy(1).remove(abi.ExportConfigure).encode(), `no export "configure"`},
		{"wrong score", newStrategy(1).set(abi.ExportScore, typeI32toI, trap).encode(), `export "score" is (i32) -> (i32), it must be (i32) -> (i64)`},
		{"wrong init", newStrategy(1).set(abi.ExportInit, typeI32, nil).encode(), `export "_initialize" is (i32) -> ()`},
		{"provider with feedback", newProvider().set(abi.ExportFeedback, typeI32toL, trap).encode(), `it exports "feedback", which only a strategy may`},
		{"unknown import", withImport(newStrategy(1), "env", "system", typeI32toI).encode(), `it imports "system" from "env"`},
		{"unknown log", withImport(newStrategy(1), abi.HostModule, "fetch", typeI32toI).encode(), `it imports "fetch" from "switchyard"`},
		{"socket", withImport(newStrategy(1), wasi, "sock_shutdown", typeI32I32).encode(), `it imports "sock_shutdown"`},
		{"odd log", withImport(newStrategy(1), abi.HostModule, abi.HostLog, typeI32).encode(), "it is (i32, i32, i32) -> ()"},
		{"start traps", start(newStrategy(1).set("begin", typeNone, trap)).encode(), "starting it: "},
		{"init traps", newStrategy(1).set(abi.ExportInit, typeNone, trap).encode(), "unreachable"},
		{"init exits", exiting(newStrategy(1), 3).encode(), "it exited with code 3"},
		{"init exits well", exiting(newStrategy(1), 0).encode(), "nothing to call"},
		{"describe traps", newStrategy(1).set(abi.ExportDescribe, typeToI64, trap).encode(), "describe: it trapped: unreachable"},
		{"describe lies", newStrategy(1).set(abi.ExportDescribe, typeToI64, constI64(int64(abi.Pack(190<<10, 16<<10)))).encode(), "outside its memory of 196608 bytes"},
		{"describe is endless", newStrategy(1).set(abi.ExportDescribe, typeToI64, constI64(int64(abi.Pack(0, 1<<30)))).encode(), "its output has 1073741824 bytes, the limit is 262144"},
		{"description", described(`{"abi":`), "describe: its description is not the JSON"},
		{"other ABI", described(`{"abi":2,"kind":"strategy","name":"x","version":"1"}`), "it says ABI 2, its marker says 1"},
		{"other kind", described(`{"abi":1,"kind":"provider","name":"x","version":"1"}`), "it says that it is a provider, its exports are those of a strategy"},
		{"no name", described(`{"abi":1,"kind":"strategy","version":"1"}`), "it has no name"},
		{"no version", described(`{"abi":1,"kind":"strategy","name":"x"}`), "it has no version"},
		{"escape in version", described(`{"abi":1,"kind":"strategy","name":"x","version":"1\u001b[2J"}`), `its version "1\x1b[2J" has characters`},
		{"long name", described(`{"abi":1,"kind":"strategy","name":"` + strings.Repeat("x", 300) + `","version":"1"}`), "more than 256 bytes"},
		{"odd mode", described(`{"abi":1,"kind":"strategy","name":"x","version":"1","mode":"sort"}`), `its mode "sort"`},
		{"configure traps", newStrategy(1).set(abi.ExportConfigure, typeI32toL, trap).encode(), "configure: it trapped: unreachable"},
		{"configure is silent", newStrategy(1).set(abi.ExportConfigure, typeI32toL, constI64(0)).encode(), "configure: its output can't be decoded"},
		{"start spins", start(newStrategy(1).set("begin", typeNone, spin)).encode(), "starting it: it used up its fuel of 1000000 instructions"},
		{"init spins", newStrategy(1).set(abi.ExportInit, typeNone, spin).encode(), "starting it: it used up its fuel of 1000000 instructions"},
		{"describe spins", newStrategy(1).set(abi.ExportDescribe, typeToI64, concat(spin, constI64(0))).encode(), "describe: it used up its fuel"},
		{"configure spins", newStrategy(1).set(abi.ExportConfigure, typeI32toL, concat(spin, constI64(0))).encode(), "configure: it used up its fuel"},
		{"input spins", newStrategy(1).set(abi.ExportInput, typeI32toI, concat(spin, constI32(0))).encode(), `export "input" of 16384 bytes: it used up its fuel`},
		{"configure refuses at length", refusing(newStrategy(1), "go\x1b[2J\n"+strings.Repeat("\x00", 60<<10)).encode(), `configure: go\x1b[2J\n\x00`},
		{"configure refuses", refusing(newStrategy(1), "no such key \"speed\"").encode(), `configure: no such key "speed"`},
		{"input lies", newStrategy(1).set(abi.ExportInput, typeI32toI, constI32(190<<10)).encode(), `export "input" returned address 194560`},
		{"input traps", newStrategy(1).set(abi.ExportInput, typeI32toI, trap).encode(), `export "input" of 16384 bytes: it trapped`},
	}
	f := newFolder(t, Options{Limits: Limits{ModuleSize: 1 << 20, Memory: 64, Fuel: Fuel{Start: 1_000_000}}})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f.write("plugin", c.module)
			list := f.refused(nil, strategySpec("models.fast.strategy[0]", "plugin"))
			if len(list) != 1 {
				t.Fatalf("%d problems: %v", len(list), list)
			}
			path := filepath.Join(f.dir, "plugin.wasm")
			contains(t, list.Error(), path+": ", c.want, "(used by models.fast.strategy[0])")
			if strings.ContainsFunc(list.Error(), unicode.IsControl) || len(list.Error()) > 2*maxSentence {
				t.Errorf("more than a sentence: %s", list)
			}
			s := f.status("plugin")
			if s.State != StateFailed || s.Rejected == nil {
				t.Fatalf("status: %+v", s)
			}
			contains(t, s.Rejected.Error, c.want)
		})
	}
	f.closed()
}

func TestAdmissionOfProviders(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, description, want string }{
		{"dialect", `{"abi":1,"kind":"provider","name":"x","version":"1","dialect":"smoke","endpoints":["chat"]}`, `its dialect "smoke" is unknown`},
		{"no endpoint", `{"abi":1,"kind":"provider","name":"x","version":"1","dialect":"openai"}`, "it serves no endpoint"},
		{"endpoint", `{"abi":1,"kind":"provider","name":"x","version":"1","dialect":"openai","endpoints":["chess"]}`, `its endpoint "chess" is unknown`},
		{"passthrough", `{"abi":1,"kind":"provider","name":"x","version":"1","dialect":"openai","endpoints":["chat"],"passthrough":["morse"]}`, `its passthrough dialect "morse" is unknown`},
	}
	f := newFolder(t, Options{})
	for _, c := range cases {
		g := newProvider()
		g.set(abi.ExportDescribe, typeToI64, g.answer([]byte(c.description)))
		f.write("plugin", g.encode())
		contains(t, f.refused(nil, providerSpec("providers.x", "plugin")).Error(), c.want)
	}
	f.closed()
}

func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	f.write("latency", newStrategy(1).encode())
	f.write("cost", newStrategy(1).remove(abi.ExportScore).encode())
	f.write("openai", newProvider().encode())
	list := f.refused(nil,
		strategySpec("models.a.strategy[0]", "latancy"),
		strategySpec("models.a.strategy[1]", "cost"),
		strategySpec("models.b.strategy[0]", "cost"),
		strategySpec("models.c.strategy[0]", "openai"),
		strategySpec("models.c.strategy[1]", "../latency"),
		strategySpec("models.d.strategy[0]", "latency"),
		strategySpec("models.d.strategy[0]", "latency"),
		providerSpec("providers.x", "nothing-like-it"),
	)
	want := []struct{ key, text string }{
		{"models.a.strategy[0]", `no such file; the folder has cost, latency, openai; did you mean "latency"?`},
		{"models.a.strategy[1]", `no export "score"`},
		{"models.c.strategy[0]", "it is a provider, but models.c.strategy[0] needs a strategy"},
		{"models.c.strategy[1]", "a plugin's name is a file name"},
		{"models.d.strategy[0]", "is asked for twice"},
		{"providers.x", "no such file; the folder has cost, latency, openai"},
	}
	if len(list) != len(want) {
		t.Fatalf("%d problems, want %d:\n%v", len(list), len(want), list)
	}
	for i, w := range want {
		if list[i].Key != w.key {
			t.Errorf("problem %d is under %q, want %q", i, list[i].Key, w.key)
		}
		contains(t, list[i].Error(), w.text)
	}
	if !errors.Is(list, fs.ErrNotExist) {
		t.Error("the causes are not reachable")
	}
	if strings.Contains(list[5].Error(), "did you mean") {
		t.Errorf("a far-fetched guess: %v", list[5])
	}
	f.closed()
}

func TestDamagedCache(t *testing.T) {
	t.Parallel()
	cache := filepath.Join(t.TempDir(), "cache")
	for range 2 {
		f := newFolder(t, Options{CacheDir: cache})
		f.write("a", newStrategy(1).encode())
		f.closed(f.build(nil, strategySpec("a", "a")))
		entries, err := filepath.Glob(filepath.Join(cache, "*", "*"))
		if err != nil || len(entries) == 0 {
			t.Fatalf("the cache is empty: %v", err)
		}
		for _, path := range entries {
			if err := os.Truncate(path, 30); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Variations of guests.

func newStrategyDescribed(description string) *guest {
	g := newStrategy(1)
	return g.set(abi.ExportDescribe, typeToI64, g.answer([]byte(description)))
}

func withMemory(g *guest, limits ...byte) *guest {
	g.memory = limits
	return g
}

func withImport(g *guest, module, name string, kind int) *guest {
	g.imports = append(g.imports, imported{module, name, kind})
	return g
}

func start(g *guest) *guest {
	g.startExport = "begin"
	return g
}

// exiting makes a guest leave during its start.
func exiting(g *guest, code int32) *guest {
	return withImport(g, wasi, "proc_exit", typeI32).set(abi.ExportInit, typeNone, concat(constI32(code), call(0)))
}

// refusing makes a guest refuse any config.
func refusing(g *guest, message string) *guest {
	r := abi.Refusal{Status: 400, Message: message}
	return g.set(abi.ExportConfigure, typeI32toL, g.answer(r.Append(nil)))
}
