package sandbox

import (
	"bytes"
	"encoding/binary"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/switchyard-gateway/switchyard/host/internal/contract"
	"github.com/switchyard-gateway/switchyard/host/internal/guestlog"
	"github.com/switchyard-gateway/switchyard/host/meter"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// bare is a module with a memory of 4 pages and no code.
const bare = "\x00asm\x01\x00\x00\x00" + "\x05\x03\x01\x00\x04" + "\x07\x0a\x01\x06memory\x02\x00"

// guest is an instance without code, as host functions see it.
type guest struct {
	World
	mod api.Module
	log bytes.Buffer
}

func newGuest(t testing.TB, still bool) *guest {
	t.Helper()
	ctx := t.Context()
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	module, err := meter.Rewrite([]byte(bare), &meter.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	g := new(guest)
	if g.mod, err = runtime.InstantiateWithConfig(ctx, module, Config()); err != nil {
		t.Fatal(err)
	}
	g.Init(slog.New(slog.NewTextHandler(&g.log, nil)), &guestlog.Lines{Who: slog.String("plugin", "p"), Limit: 64}, still)
	if err := g.Open(g.mod); err != nil {
		t.Fatal(err)
	}
	g.Fill(1_000_000, 1<<20)
	g.Begin()
	return g
}

// do calls a function of WASI by its name and returns the fuel that it took.
func (g *guest) do(t testing.TB, name string, params ...uint64) (errno, int64) {
	t.Helper()
	at := slices.IndexFunc(all, func(p provided) bool { return p.module == wasi && p.name == name })
	if at < 0 {
		t.Fatalf("no function %q", name)
	}
	if len(params) != len(all[at].Params) {
		t.Fatalf("%s has %d parameters, not %d", name, len(all[at].Params), len(params))
	}
	before := g.Used()
	stack := append(slices.Clone(params), 0)
	all[at].Call(&g.World, g.mod, stack)
	return errno(stack[0]), g.Used() - before
}

// put writes little-endian numbers of 4 bytes.
func (g *guest) put(at uint32, numbers ...uint32) {
	for i, n := range numbers {
		g.mod.Memory().WriteUint32Le(at+4*uint32(i), n)
	}
}

func (g *guest) bytes(at, n uint32) []byte {
	view, _ := g.mod.Memory().Read(at, n)
	return view
}

// TestSignatures compares what is provided with the runtime's own WASI, function by function.
func TestSignatures(t *testing.T) {
	t.Parallel()
	runtime := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter())
	compiled, err := wasi_snapshot_preview1.NewBuilder(runtime).Compile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	imports := Imports()
	delete(imports, contract.Function{Module: abi.HostModule, Name: abi.HostLog})
	for name, def := range compiled.ExportedFunctions() {
		f := contract.Function{Module: wasi, Name: name}
		have, ok := imports[f]
		delete(imports, f)
		if ok == strings.HasPrefix(name, "sock_") {
			t.Errorf("%s is provided: %t", name, ok)
		}
		if ok && (!slices.Equal(have.Params, def.ParamTypes()) || !slices.Equal(have.Results, def.ResultTypes())) {
			t.Errorf("%s is %v, it must be %v -> %v", name, have, def.ParamTypes(), def.ResultTypes())
		}
	}
	for f := range imports {
		t.Errorf("%s is provided and not of WASI", f.Name)
	}
}

// TestEmptyWorld asks for everything that a toolchain may ask for.
func TestEmptyWorld(t *testing.T) {
	t.Parallel()
	const far = 1 << 20 // outside memory
	g := newGuest(t, true)
	for _, c := range []struct {
		name   string
		params []uint64
		want   errno
	}{
		{"args_get", []uint64{0, 0}, success},
		{"args_sizes_get", []uint64{0, 4}, success},
		{"args_sizes_get", []uint64{far, 4}, fault},
		{"environ_get", []uint64{0, 0}, success},
		{"environ_sizes_get", []uint64{0, 4}, success},
		{"environ_sizes_get", []uint64{0, far}, fault},
		{"clock_res_get", []uint64{clockMonotonic, 0}, success},
		{"clock_res_get", []uint64{2, 0}, invalid},
		{"clock_time_get", []uint64{clockRealtime, 0, 0}, success},
		{"clock_time_get", []uint64{7, 0, 0}, invalid},
		{"clock_time_get", []uint64{clockRealtime, 0, far}, fault},
		{"fd_close", []uint64{2}, success},
		{"fd_close", []uint64{3}, badFile},
		{"fd_fdstat_get", []uint64{1, 0}, success},
		{"fd_fdstat_get", []uint64{4, 0}, badFile},
		{"fd_fdstat_get", []uint64{0, far}, fault},
		{"fd_filestat_get", []uint64{0, 0}, success},
		{"fd_prestat_get", []uint64{3, 0}, badFile},
		{"fd_read", []uint64{0, 0, 0, 0}, success},
		{"fd_read", []uint64{1, 0, 0, 0}, badFile},
		{"fd_read", []uint64{0, 0, 0, far}, fault},
		{"fd_seek", []uint64{1, 0, 0, 0}, unseekable},
		{"fd_write", []uint64{0, 0, 0, 0}, badFile},
		{"fd_write", []uint64{3, 0, 0, 0}, badFile},
		{"fd_write", []uint64{1, far, 1, 0}, fault},
		{"fd_write", []uint64{1, 1<<32 - 4, 1, 0}, fault},
		{"fd_write", []uint64{1, 0, 0, far}, fault},
		{"path_open", []uint64{3, 0, 0, 1, 0, 0, 0, 0, 0}, badFile},
		{"poll_oneoff", []uint64{0, 0, 0, 0}, invalid},
		{"poll_oneoff", []uint64{far, 0, 1, 0}, fault},
		{"poll_oneoff", []uint64{0, far, 1, 0}, fault},
		{"proc_raise", []uint64{9}, noSystem},
		{"random_get", []uint64{0, 16}, success},
		{"random_get", []uint64{0, far}, fault},
		{"sched_yield", nil, success},
	} {
		if got, _ := g.do(t, c.name, c.params...); got != c.want {
			t.Errorf("%s%v: %d, want %d", c.name, c.params, got, c.want)
		}
	}
	for _, f := range inert {
		if _, used := g.do(t, f.name, make([]uint64, len(f.params))...); used > 2*entryFuel {
			t.Errorf("%s of nothing takes %d of fuel", f.name, used)
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	g := newGuest(t, true)
	g.mod.Memory().WriteString(100, "one\ntwo\n")
	g.put(0, 100, 2, 102, 5, 107, 1)
	got, used := g.do(t, "fd_write", 2, 0, 3, 64)
	if n := binary.LittleEndian.Uint32(g.bytes(64, 4)); got != success || n != 8 || used != 8+2*lineFuel+3*entryFuel {
		t.Errorf("errno %d, %d bytes, fuel %d", got, n, used)
	}
	if g.LastWords() != "one two" || !strings.Contains(g.log.String(), "msg=two plugin=p stream=stderr") {
		t.Errorf("last words %q, log %s", g.LastWords(), &g.log)
	}
	g.Begin()
	if g.LastWords() != "" {
		t.Errorf("last words of another call: %q", g.LastWords())
	}
}

// TestLargeRequestsAreDear asks for more than the fuel can pay, in each way that has a length.
func TestLargeRequestsAreDear(t *testing.T) {
	t.Parallel()
	large := uint64(4 << 16) // all of memory
	for _, c := range []struct {
		name   string
		params []uint64
	}{
		{"random_get", []uint64{0, large}},
		{"fd_write", []uint64{1, 0, large / 8, 0}},     // many entries
		{"fd_write", []uint64{1, 0, 1<<32 - 1, 0}},     // more than memory has
		{"fd_write", []uint64{1, 64, 1, 0}},            // a long one
		{"poll_oneoff", []uint64{0, 0, 1 << 31, 0}},    //
		{"poll_oneoff", []uint64{0, 0, large / 48, 0}}, //
	} {
		g := newGuest(t, true)
		g.put(64, 0, uint32(large))
		g.Fill(200_000, 1<<20)
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || !errors.Is(err, errDry) {
					t.Errorf("%s%v: panic %v", c.name, c.params, err)
				}
			}()
			got, used := g.do(t, c.name, c.params...)
			t.Errorf("%s%v: %d, fuel %d", c.name, c.params, got, used)
		}()
		if err := g.Empty(); err == nil || err.Error() != "it used up its fuel of 200000 instructions" || g.Used() != 200_000 {
			t.Errorf("%s%v: %v, %d used", c.name, c.params, err, g.Used())
		}
	}
}

func TestRandomRestarts(t *testing.T) {
	t.Parallel()
	g := newGuest(t, true)
	draw := func() string {
		if e, _ := g.do(t, "random_get", 0, 32); e != success {
			t.Fatal(e)
		}
		return string(g.bytes(0, 32))
	}
	first, second := draw(), draw()
	g.Begin()
	again := draw()
	if first == second || first != again {
		t.Errorf("%x, then %x; in another call %x", first, second, again)
	}
}

func TestClocks(t *testing.T) {
	t.Parallel()
	read := func(g *guest, clock uint64) time.Duration {
		if e, _ := g.do(t, "clock_time_get", clock, 0, 0); e != success {
			t.Fatal(e)
		}
		return time.Duration(binary.LittleEndian.Uint64(g.bytes(0, 8)))
	}
	still := newGuest(t, true)
	if a, b := read(still, clockRealtime), read(still, clockMonotonic); a != standing || b != clockResolution {
		t.Errorf("a clock that stands shows %v and %v", a, b)
	}
	g := newGuest(t, false)
	before := time.Duration(time.Now().UnixNano())
	if now := read(g, clockRealtime); now < before-clockResolution || now%clockResolution != 0 {
		t.Errorf("the clock shows %v at %v", now, before)
	}
	if now := read(g, clockMonotonic); now <= 0 || now%clockResolution != 0 {
		t.Errorf("the monotonic clock shows %v", now)
	}
}

// subscribe writes a subscription and returns where the next one goes.
func (g *guest) subscribe(at uint32, mark uint64, tag byte, clock uint32, timeout uint64, flags uint16) uint32 {
	b := g.bytes(at, subscriptionSize)
	clear(b)
	binary.LittleEndian.PutUint64(b, mark)
	b[subTag] = tag
	binary.LittleEndian.PutUint32(b[subClock:], clock) // or the file
	binary.LittleEndian.PutUint64(b[subTimeout:], timeout)
	binary.LittleEndian.PutUint16(b[subFlags:], flags)
	return at + subscriptionSize
}

// TestPoll: nobody waits, the guest's clock does.
func TestPoll(t *testing.T) {
	t.Parallel()
	const events, count = 4096, 8192
	type event struct {
		mark  uint64
		errno uint16
		kind  byte
	}
	hour := uint64(time.Hour)
	for _, c := range []struct {
		name  string
		write func(g *guest, at uint32)
		n     uint64
		want  []event
		slept time.Duration
	}{
		{"sleep", func(g *guest, at uint32) { g.subscribe(at, 7, onClock, clockMonotonic, hour, 0) }, 1, []event{{7, 0, onClock}}, time.Hour},
		{"sleep until", func(g *guest, at uint32) {
			g.subscribe(at, 7, onClock, clockRealtime, uint64(standing)+hour, absolute)
		}, 1, []event{{7, 0, onClock}}, time.Hour},
		{"past", func(g *guest, at uint32) { g.subscribe(at, 7, onClock, clockRealtime, 5, absolute) }, 1, []event{{7, 0, onClock}}, 0},
		{"earliest", func(g *guest, at uint32) {
			at = g.subscribe(at, 1, onClock, clockMonotonic, 2*hour, 0)
			g.subscribe(at, 2, onClock, clockMonotonic, hour, 0)
		}, 2, []event{{2, 0, onClock}}, time.Hour},
		{"file first", func(g *guest, at uint32) {
			at = g.subscribe(at, 1, onClock, clockMonotonic, hour, 0)
			at = g.subscribe(at, 2, onRead, 0, 0, 0)
			at = g.subscribe(at, 3, onWrite, 2, 0, 0)
			g.subscribe(at, 4, onRead, 9, 0, 0)
		}, 4, []event{{2, 0, onRead}, {3, 0, onWrite}, {4, uint16(badFile), onRead}}, 0},
		{"no such clock", func(g *guest, at uint32) { g.subscribe(at, 1, onClock, 3, hour, 0) }, 1, []event{{1, uint16(invalid), onClock}}, 0},
		{"for ever", func(g *guest, at uint32) { g.subscribe(at, 1, onClock, clockMonotonic, 1<<64-1, 0) }, 1, []event{{1, 0, onClock}}, longest},
	} {
		g := newGuest(t, true)
		c.write(g, 0)
		if e, _ := g.do(t, "poll_oneoff", 0, events, c.n, count); e != success {
			t.Errorf("%s: errno %d", c.name, e)
			continue
		}
		var got []event
		for i := range binary.LittleEndian.Uint32(g.bytes(count, 4)) {
			b := g.bytes(events+i*eventSize, eventSize)
			got = append(got, event{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint16(b[eventErrno:]), b[eventType]})
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if now := g.monotonic() - clockResolution; now != c.slept {
			t.Errorf("%s: the clock went %v, want %v", c.name, now, c.slept)
		}
		if g.Begin(); g.monotonic() != clockResolution {
			t.Errorf("%s: the next call finds the clock at %v", c.name, g.monotonic())
		}
	}
}

func TestTank(t *testing.T) {
	t.Parallel()
	g := newGuest(t, true)
	g.Fill(1_000_000, 1<<20)
	if fuel, reserve := g.fuel.Get(), g.reserve.Get(); fuel != First || reserve != 600_000 {
		t.Errorf("slice %d, reserve %d", fuel, reserve)
	}
	for _, c := range []struct{ charge, used int64 }{{1, 1}, {399_999, 400_000}, {1, 400_001}, {599_998, 999_999}, {1, 1_000_000}} {
		g.Charge(c.charge)
		if g.Used() != c.used || g.Empty() != nil {
			t.Errorf("after %d more: %d used, want %d; %v", c.charge, g.Used(), c.used, g.Empty())
		}
	}
	for _, c := range []struct{ limit, stack, deep uint32 }{{1 << 20, Shallow, 1<<20 - Shallow}, {Shallow, Shallow, 0}, {1000, 1000, 0}} {
		g.Fill(50, c.limit)
		if stack, deep := uint32(g.stack.Get()), uint32(g.deep.Get()); stack != c.stack || deep != c.deep || g.Deep() {
			t.Errorf("of %d: stack %d, deep %d, %t", c.limit, stack, deep, g.Deep())
		}
		g.deep.Set(0)
		if g.Deep() != (c.deep > 0) {
			t.Errorf("of %d, used up: %t", c.limit, g.Deep())
		}
	}
	g.Fill(50, 1<<20)
	if g.fuel.Get() != 50 || g.reserve.Get() != 0 || g.Used() != 0 {
		t.Error("less than a slice")
	}
	for depth, want := range map[uint32]string{1 << 20: "1 MiB", 96 << 10: "96 KiB", 1000: "1000 bytes"} {
		g.Fill(50, depth)
		g.stack.Set(1<<32 - 1)
		if err := g.Empty(); err == nil || err.Error() != "its calls nested too deep: they need more than "+want+" of stack" {
			t.Errorf("stack: %v", err)
		}
	}
}

func TestUnmetered(t *testing.T) {
	t.Parallel()
	runtime := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter())
	mod, err := runtime.InstantiateWithConfig(t.Context(), []byte(bare), Config())
	if err != nil {
		t.Fatal(err)
	}
	if err := new(Tank).Open(mod); err == nil {
		t.Error("a module without meter has a tank")
	}
}
