package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The load's two kinds of accounts: quick answers, and streams of some seconds.
const (
	quick    = `{"latency":{"min":"1ms","max":"6ms"}}`
	unhurry  = `{"per_token":{"min":"30ms","max":"50ms"}}`
	settling = time.Minute // for what depends on the length of streams, or on garbage collection
)

// loaded is a router on a plugin folder of the test's own, with a load to run on it.
func loaded(t testing.TB, rate, parallel int) (*router, folder, *vendors, *load) {
	t.Helper()
	v := startVendors(t)
	v.profile("quick", quick)
	v.profile("unhurry", unhurry)
	f := copyPlugins(t, "openai", "anthropic", "ollama", "latency", "priority")
	r := serve(t, writeConfig(t, preamble(f.dir)+accounts(v.addr, "quick", "unhurry")+groups("retries: 0", "quick", "unhurry")))
	l := &load{url: r.url, rate: rate, parallel: parallel}
	for _, d := range dialects {
		l.groups = append(l.groups, d+"-quick")
		l.streamed = append(l.streamed, d+"-unhurry")
	}
	return r, f, v, l
}

// active waits until a version of a plugin serves.
func (r *router) active(plugin string, module []byte) {
	r.t.Helper()
	hash := hashOf(module)
	eventually(r.t, patience, plugin+" "+hash[:8], func() error {
		s := r.status()
		p := s.plugin(plugin)
		return errors.Join(want("hash", p.Hash, hash), want("state", p.State, "active"), want("problems", strings.Join(s.Reload.Problems, "\n"), ""))
	})
}

// TestSwap replaces strategies and providers, by rename and in place, hundreds of times under load. No request may fail,
// no stream may break or get another's text, and what is replaced must be gone from memory in the end: no strategy comes
// twice, so that one that stays behind is one more each time.
func TestSwap(t *testing.T) {
	swaps, reference := 1000, 100
	if testing.Short() {
		swaps, reference = 50, 25
	}
	r, f, v, l := loaded(t, 220, 50)
	providers := map[string][]byte{}
	for _, name := range []string{"openai", "anthropic", "ollama"} {
		providers[name] = shipped(t, name)
	}
	compileVariants(t, providers)
	l.begin(t)
	eventually(t, patience, "open streams", func() error { return want("streams", min(l.open.Load(), 50), 50) })
	first := r.status().Snapshot
	used := []string{"anthropic", "latency", "ollama", "openai"}
	var after uint64 // bytes, at the reference
	for i := range swaps {
		name := []string{"latency", "openai", "latency", "anthropic", "latency", "ollama"}[i%6]
		module := tinyStrategy(i)
		if provider := providers[name]; provider != nil {
			module = variant(provider, byte((1+i/6)%3))
		}
		if (i+i/6)%2 == 0 {
			f.rename(name, module)
		} else {
			f.overwrite(name, module)
		}
		r.active(name, module)
		if err := l.err(); err != nil {
			t.Fatalf("swap %d: %v", i, err)
		}
		if i+1 == reference {
			r.drained()
			r.only(used...)
			l.more(t, 4000) // what is garbage by now would make room for leaks
			after = r.memory()
		}
	}
	published := r.status().Snapshot - first
	r.drained()
	r.only(used...)
	last := r.memory()
	eventually(t, settling, fmt.Sprintf("memory within 10 %% of %d MB", after>>20), func() error {
		if last = r.memory(); last > after+after/10 {
			return fmt.Errorf("%d MB", last>>20)
		}
		return nil
	})
	took := time.Since(l.begun)
	rate := l.end(t)
	t.Logf("%d swaps in %v with %.0f requests/s, %d streams; %d snapshots, %v loads refused; %d MB after %d swaps, %d MB in the end",
		swaps, took.Round(time.Second), rate, l.streams.Load(), published, r.metric("switchyard_config_reloads_total", "result", "refused"),
		after>>20, reference, last>>20)
	if rate < 200 {
		t.Errorf("only %.0f requests a second were answered", rate)
	}
	if published < uint64(swaps) {
		t.Errorf("%d snapshots for %d swaps", published, swaps)
	}
	r.idle()
	s := v.stats()
	if asked := uint64(l.requests.Load() + l.streams.Load()); s.Received != asked || s.Completed != asked {
		t.Errorf("the vendors had %+v of %d requests", s, asked)
	}
	for _, p := range r.status().Plugins {
		if p.Faults > 0 {
			t.Errorf("%+v", p)
		}
	}
}

// compileVariants has another process put the code of variants 1 and 2 into the cache, as the router would. Compiling
// them takes so much memory for a moment that the router's would say nothing about leaks.
func compileVariants(t testing.TB, providers map[string][]byte) {
	t.Helper()
	for n := range byte(2) {
		f := copyPlugins(t, "latency")
		for name, module := range providers {
			f.rename(name, variant(module, n+1))
		}
		config := writeConfig(t, preamble(f.dir)+accounts("127.0.0.1:1", "none")+groups("retries: 0", "none"))
		if code, _, stderr := run(t, nil, "", "check", "--config", config); code != 0 {
			t.Fatalf("compiling variant %d: %s", n+1, stderr)
		}
	}
}

// drained waits until no request holds an older snapshot.
func (r *router) drained() {
	r.t.Helper()
	eventually(r.t, settling, "the last old snapshot", func() error { return want("snapshots", r.metric("switchyard_snapshots"), 1) })
}

// only waits until nothing is loaded but what a snapshot of these plugins needs: a module each, in one pool. A new
// version's probation, during which the one before it stays, takes a load to end.
func (r *router) only(plugins ...string) {
	r.t.Helper()
	eventually(r.t, settling, "the last replaced versions to be unloaded", func() error {
		s, m := r.status(), r.scrape()
		var names []string
		var errs []error
		live := 0
		for _, p := range s.Plugins {
			names = append(names, p.Plugin)
			live += p.Instances.Live
			errs = append(errs, want("the pools' size of "+p.Plugin, p.Instances.Max, runtime.GOMAXPROCS(0)))
		}
		return errors.Join(append(errs,
			want("the plugins' list", strings.Join(names, " "), strings.Join(plugins, " ")),
			want("loaded modules", series(r.t, m, "switchyard_plugin_modules"), float64(len(plugins))),
			want("loaded instances", series(r.t, m, "switchyard_plugin_instances"), float64(live)),
		)...)
	})
}

// memory is the resident memory in bytes.
func (r *router) memory() uint64 {
	r.t.Helper()
	var kilobytes uint64
	for line := range strings.Lines(readFile(r.t, fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))) {
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kilobytes); err == nil {
			return kilobytes << 10
		}
	}
	r.t.Fatal("no VmRSS")
	return 0
}

// TestBrokenPlugins puts files that can't serve in the place of ones that do, under load: nothing changes but what the
// operator is told.
func TestBrokenPlugins(t *testing.T) {
	t.Parallel()
	r, f, _, l := loaded(t, 50, 6)
	latency, openai := shipped(t, "latency"), shipped(t, "openai")
	swapped := func(module []byte, old, now string) []byte {
		out := strings.ReplaceAll(string(module), old, now)
		if out == string(module) || len(out) != len(module) {
			t.Fatalf("%q is not in the module", old)
		}
		return []byte(out)
	}
	l.begin(t)
	for _, tc := range []struct {
		name, plugin string
		module       []byte
		want         string
	}{
		{"truncated", "latency", latency[:len(latency)/2], "is cut short"},
		{"truncated provider", "openai", openai[:len(openai)-100_000], "is cut short"},
		{"empty", "latency", nil, `it is not a WebAssembly 1.0 module: it starts with ""`},
		{"not WASM", "openai", []byte("#!/bin/sh\nexit 1\n"), `it is not a WebAssembly 1.0 module: it starts with "#!/bin/s"`},
		{"wrong exports", "latency", swapped(latency, "\x05score\x00", "\x05scare\x00"), `no export "score" (a strategy's) and no export "request" (a provider's)`},
		{"wrong ABI", "openai", swapped(openai, "switchyard_abi_1", "switchyard_abi_9"), "module speaks ABI 9; this host speaks 1"},
		{"a strategy in a provider's place", "openai", latency, "it is a strategy, but providers.openai-"},
		{"trap in configure", "latency", []byte(readFile(t, traps)), "configure: it trapped: "},
	} {
		for how, put := range map[string]func(string, []byte){"renamed": f.rename, "in place": f.overwrite} {
			before := r.status()
			refused := r.metric("switchyard_config_reloads_total", "result", "refused")
			versions := r.metric("switchyard_plugin_reloads_total", "result", "refused")
			put(tc.plugin, tc.module)
			var now status
			eventually(t, patience, tc.name+" "+how+" to be refused", func() error {
				now = r.status()
				if p := now.plugin(tc.plugin).Rejected; p == nil || p.Hash != "" && p.Hash != hashOf(tc.module) || !strings.Contains(p.Error, tc.want) {
					return fmt.Errorf("rejected: %+v", p)
				}
				if problems := strings.Join(now.Reload.Problems, "\n"); !strings.Contains(problems, tc.want) || now.Reload.FailedAt == nil {
					return fmt.Errorf("problems: %s", problems)
				}
				return nil
			})
			if p := now.plugin(tc.plugin); now.Snapshot != before.Snapshot || p.Hash != before.plugin(tc.plugin).Hash || p.State != "active" {
				t.Errorf("%s %s: snapshot %d, before %d; %+v", tc.name, how, now.Snapshot, before.Snapshot, p)
			}
			if r.metric("switchyard_config_reloads_total", "result", "refused") <= refused || r.metric("switchyard_plugin_reloads_total", "result", "refused") <= versions {
				t.Errorf("%s %s: the metrics do not show it", tc.name, how)
			}
			good := variant(shipped(t, tc.plugin), 1)
			if before.plugin(tc.plugin).Hash == hashOf(good) {
				good = shipped(t, tc.plugin)
			}
			put(tc.plugin, good)
			r.active(tc.plugin, good)
		}
	}
	l.end(t)
	if n := r.metric("switchyard_snapshots"); n != 1 {
		r.drained()
	}
}

// TestPluginFolderChanges has what happens to a folder other than a new version: files are deleted, copied slowly, and
// the whole folder is exchanged.
func TestPluginFolderChanges(t *testing.T) {
	t.Parallel()
	r, f, _, l := loaded(t, 50, 6)
	l.begin(t)
	one, two := shipped(t, "latency"), variant(shipped(t, "latency"), 1)

	if err := os.Remove(f.path("latency")); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "the file to be missed", func() error { s := r.status(); return want("state", s.plugin("latency").State, "gone") })
	for range 20 {
		if a := r.post("/complete", ask("openai-quick", "x")); a.status != http.StatusOK {
			t.Errorf("without its file: %+v", a)
		}
	}
	f.rename("latency", two)
	r.active("latency", two)

	// A copy that stalls half-way: the part is refused, the whole is taken.
	out, err := os.OpenFile(f.path("latency"), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := out.Write(one[:len(one)/2]); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "the part to be refused", func() error {
		s := r.status()
		if p := s.plugin("latency"); p.Rejected == nil || p.Rejected.Hash != hashOf(one[:len(one)/2]) || p.Hash != hashOf(two) {
			return fmt.Errorf("%+v", p)
		}
		return nil
	})
	if _, err := out.Write(one[len(one)/2:]); err != nil {
		t.Fatal(err)
	}
	r.active("latency", one)

	other := copyPlugins(t, "openai", "anthropic", "ollama", "priority")
	other.rename("latency", two)
	if err := errors.Join(os.Rename(f.dir, f.dir+".old"), os.Rename(other.dir, f.dir)); err != nil {
		t.Fatal(err)
	}
	r.active("latency", two)
	f.overwrite("latency", one) // the new folder is watched as the old one was
	r.active("latency", one)
	l.end(t)
}

// TestProjectedVolumes keeps config and plugins as Kubernetes mounts them: links to ..data, itself a link that flips to
// a new folder, after which the old one is deleted.
func TestProjectedVolumes(t *testing.T) {
	t.Parallel()
	v := startVendors(t)
	plugins, configs := volume{t: t, dir: t.TempDir()}, volume{t: t, dir: t.TempDir()}
	head := preamble(plugins.dir)
	files := map[string][]byte{}
	for _, name := range []string{"openai", "anthropic", "ollama", "latency"} {
		files[name+".wasm"] = shipped(t, name)
	}
	config := func(groups string) map[string][]byte {
		return map[string][]byte{"plugins.yaml": []byte(head + accounts(v.addr, "fast") + groups)}
	}
	plugins.publish(files)
	configs.publish(config(groups("retries: 0", "fast")))
	r := serve(t, filepath.Join(configs.dir, "plugins.yaml"))
	for n := range byte(4) {
		files["latency.wasm"] = variant(shipped(t, "latency"), (n+1)%3)
		plugins.publish(files)
		r.active("latency", files["latency.wasm"])

		group := fmt.Sprintf("group-%d", n)
		configs.publish(config("models: {" + group + ": {deployments: [{provider: openai-fast, model: x}]}}\n"))
		eventually(t, patience, group+" to be served", func() error {
			if a := r.post("/complete", ask(group, "x")); a.status != http.StatusOK {
				return fmt.Errorf("%+v", a)
			}
			return nil
		})
	}
}

// republished waits until there is a newer snapshot.
func (r *router) republished(than uint64) {
	r.t.Helper()
	eventually(r.t, patience, "a new snapshot", func() error {
		if s := r.status(); s.Snapshot <= than {
			return fmt.Errorf("%+v", s.Reload)
		}
		return nil
	})
}

// volume is a folder of links into ..data.
type volume struct {
	t   testing.TB
	dir string
	n   int
}

func (v *volume) publish(files map[string][]byte) {
	v.t.Helper()
	v.n++
	fresh := fmt.Sprintf("..version-%d", v.n)
	err := os.Mkdir(filepath.Join(v.dir, fresh), 0o700)
	for name, content := range files {
		err = errors.Join(err, os.WriteFile(filepath.Join(v.dir, fresh, name), content, 0o600))
	}
	data := filepath.Join(v.dir, "..data")
	old, _ := os.Readlink(data) // there is none at first
	err = errors.Join(err, os.Symlink(fresh, data+"_tmp"), os.Rename(data+"_tmp", data))
	if old == "" {
		for name := range files {
			err = errors.Join(err, os.Symlink(filepath.Join("..data", name), filepath.Join(v.dir, name)))
		}
	} else {
		err = errors.Join(err, os.RemoveAll(filepath.Join(v.dir, old)))
	}
	if err != nil {
		v.t.Fatal(err)
	}
}
