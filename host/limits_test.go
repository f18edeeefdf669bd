package host

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/switchyard-gateway/switchyard/host/meter"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// when runs extra code before a function's own if the attempt is that one.
func when(attempt byte, extra, code []byte) []byte {
	return concat(constI32(bufferAt+attemptAt), []byte{0x2d, 0, 0}, constI32(int32(attempt)), []byte{0x46, 0x04, 0x40}, extra, []byte{0x0b}, code)
}

// nest adds a function that calls itself as often as its parameter says, and returns code that calls it.
func nest(g *guest, times int32) []byte {
	g.set("nest", typeI32toI, nil)
	g.set("nest", typeI32toI, concat([]byte{0x20, 0, 0x04, 0x7f, 0x20, 0}, constI32(1), []byte{0x6b}, call(g.index("nest")),
		[]byte{0x05}, constI32(0), []byte{0x0b})) // n != 0 ? nest(n-1) : 0
	return concat(constI32(times), call(g.index("nest")), []byte{0x1a})
}

func tenant(key, plugin, owner string) Spec {
	return Spec{Key: key, Plugin: plugin, Kind: abi.KindStrategy, Owner: owner}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{Limits: Limits{Memory: 7, Fuel: Fuel{Base: 5}, Output: Output{Message: math.MaxUint32}}})
	l, p := f.host.limits(""), f.host.limits("acme")
	want := DefaultLimits()
	want.Memory, want.Fuel.Base = 7, 5
	if *l != want || *p != DefaultPolicies() {
		t.Errorf("limits %+v\npolicies %+v", *l, *p)
	}
	if p.Memory<<16 != 32<<20 || p.Stack != 1<<20 || p.ModuleSize != 16<<20 || l.Fuel.Score != 2_000_000 || l.Output.Message != abi.MaxOutput {
		t.Errorf("limits %+v\npolicies %+v", *l, *p)
	}
	f.closed()
}

// TestCallsAreLimited lets a call take too much of each thing. The instance is dropped, and the next call works.
func TestCallsAreLimited(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{
		Limits:   Limits{Fuel: Fuel{Start: 1_000_000, Score: 300_000}, Stack: 256 << 10, Output: Output{Score: 100}},
		Policies: Limits{Fuel: Fuel{Start: 1_000_000, Score: 70_000}, Stack: 96 << 10, Output: Output{Score: 90}},
	})
	cases := []struct {
		name     string
		extra    func(g *guest) []byte
		operator string
		tenant   string
	}{
		{"spin", func(*guest) []byte { return spin }, "it used up its fuel of 300000 instructions", "it used up its fuel of 70000 instructions"},
		{"deep", func(g *guest) []byte { return nest(g, 10_000) },
			"its calls nested too deep: they need more than 256 KiB of stack", "its calls nested too deep: they need more than 96 KiB of stack"},
		{"random", func(g *guest) []byte {
			withImport(g, wasi, "random_get", typeI32I32)
			draw := concat(constI32(0), constI32(160<<10), call(0), []byte{0x1a})
			return concat(draw, draw)
		}, "it used up its fuel of 300000 instructions", "it used up its fuel of 70000 instructions"},
		{"output", func(g *guest) []byte { return concat(g.answer(make([]byte, 101)), []byte{0x0f}) },
			"its output has 101 bytes, the limit is 100", "its output has 101 bytes, the limit is 90"},
	}
	for _, c := range cases {
		g := newStrategy(1)
		extra := c.extra(g)
		f.write(c.name, g.set(abi.ExportScore, typeI32toL, when(13, extra, g.functions[abi.ExportScore].body)).encode())
		set := f.build(nil, strategySpec("operator", c.name), tenant("acme", c.name, "acme"))
		for key, want := range map[string]string{"operator": c.operator, "acme": c.tenant} {
			s := set.Strategy(key)
			first := idle(t, s.line.pool)
			_, err := score(t, s, 1, 13)
			fault, ok := errors.AsType[*Fault](err)
			if !ok || fault.Cause != want {
				t.Errorf("%s of %s: %v, want %q", c.name, key, err, want)
			}
			expect(t, s, 0, 1)
			if _, n := f.host.Loaded(); n != 2 || idle(t, s.line.pool) == first {
				t.Errorf("%s of %s: the instance was kept", c.name, key)
			}
		}
		set.Release()
	}
	f.closed()
}

// TestFuelGrowsWithInput gives a provider fuel for each byte that it is sent.
func TestFuelGrowsWithInput(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{Limits: Limits{Fuel: Fuel{Base: 1000, PerByte: 10}}})
	g := newProvider()
	f.write("a", g.set(abi.ExportRequest, typeI32toL, concat(spin, constI64(0))).encode())
	set := f.build(nil, providerSpec("a", "a"))
	small, large := &abi.RequestInput{}, &abi.RequestInput{Body: make([]byte, 5000)}
	for _, in := range []*abi.RequestInput{small, large} {
		want := fmt.Sprintf("it used up its fuel of %d instructions", 1000+10*len(in.Append(nil)))
		_, err := set.Provider("a").Request(t.Context(), in, new(abi.RequestOutput), nil)
		if fault, ok := errors.AsType[*Fault](err); !ok || fault.Cause != want {
			t.Errorf("%d bytes: %v, want %q", len(in.Body), err, want)
		}
	}
	f.closed(set)
}

// TestFuelIsCounted: equal calls use equal fuel, and the status has the sum and the largest.
func TestFuelIsCounted(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{Limits: Limits{Instances: 2}})
	g := newStrategy(1)
	f.write("a", g.set(abi.ExportScore, typeI32toL, when(13, trap, when(9, nest(g, 1000), g.functions[abi.ExportScore].body))).encode())
	set := f.build(nil, strategySpec("a", "a"))
	var total, most uint64
	ask := func(attempt uint32) uint64 {
		fuel, err := set.Strategy("a").Score(t.Context(), &abi.Header{Attempt: attempt}, make([]abi.Candidate, 1), new(abi.ScoreOutput))
		if (err != nil) != (attempt == 13) {
			t.Fatal(err)
		}
		total, most = total+fuel, max(most, fuel)
		return fuel
	}
	cheap, dear, bad := ask(0), ask(9), ask(13)
	if cheap == 0 || dear < cheap+3000 || bad == 0 || bad > cheap {
		t.Errorf("fuel %d, %d and %d in a call that traps", cheap, dear, bad)
	}
	if a, b := ask(0), ask(9); a != cheap || b != dear {
		t.Errorf("fuel %d and %d, at first %d and %d", a, b, cheap, dear)
	}
	// What the guest's allocator used is no part of a score, but of the sum.
	if st := f.status("a"); st.Fuel.Max != most || st.Fuel.Total < total || st.Fuel.Total > total+1000 {
		t.Errorf("status %+v, want %d and %d", st.Fuel, total, most)
	}
	f.closed(set)
}

// remembering is a strategy whose score is how often it was asked.
func remembering() *guest {
	g := newStrategy(0)
	at := int32(answersFrom + len(g.data) - 8) // of the score
	count := concat(constI32(at), constI32(at), []byte{0x2b, 3, 0, 0x44}, make([]byte, 6), []byte{0xf0, 0x3f}, []byte{0xa0, 0x39, 3, 0})
	return g.set(abi.ExportScore, typeI32toL, concat(count, g.functions[abi.ExportScore].body)) // f64.store(f64.load + 1)
}

// TestOwnersShareNothing: a guest that remembers meets its own tenant's calls only.
func TestOwnersShareNothing(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{Limits: Limits{Instances: 1}, Policies: Limits{Instances: 1}})
	f.write("a", remembering().encode())
	set := f.build(nil, strategySpec("operator", "a"), tenant("acme", "a", "acme"), tenant("acme too", "a", "acme"), tenant("bolt", "a", "bolt"))
	for round := range 3 {
		for key, want := range map[string]float64{"operator": 1, "bolt": 1} {
			expect(t, set.Strategy(key), 0, want+float64(round))
		}
		expect(t, set.Strategy("acme"), 0, float64(2*round+1))
		expect(t, set.Strategy("acme too"), 0, float64(2*round+2))
	}
	a, b := set.Strategy("acme").line.pool.module, set.Strategy("bolt").line.pool.module
	if a != b || f.modules() != 2 { // one for each set of limits
		t.Errorf("%d modules, tenants share theirs: %t", f.modules(), a == b)
	}
	for key, owner := range map[string]string{"operator": "", "acme": "acme", "acme too": "acme", "bolt": "bolt"} {
		if got := set.Strategy(key).line.pool.setup.Owner; got != owner {
			t.Errorf("guests of %s take the turns of %q", key, got)
		}
	}
	var owners []string
	for _, st := range f.host.Plugins() {
		owners = append(owners, fmt.Sprint(st.Owner, " ", st.Calls, " ", st.Keys))
	}
	if got := strings.Join(owners, ", "); got != " 3 [operator], acme 6 [acme acme too], bolt 3 [bolt]" {
		t.Errorf("status of %s", got)
	}
	f.closed(set)
}

// TestOwnersFailAlone: one tenant's faults put the previous version back for that tenant.
func TestOwnersFailAlone(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	specs := []Spec{strategySpec("operator", "a"), tenant("acme", "a", "acme"), tenant("bolt", "a", "bolt")}
	f.write("a", newStrategy(1).encode())
	first := f.build(nil, specs...)
	f.write("a", fragile(2))
	second := f.build(first, specs...)
	for range probationFaults {
		expect(t, second.Strategy("acme"), 13, 1)
	}
	expect(t, second.Strategy("acme"), 0, 1)
	expect(t, second.Strategy("bolt"), 0, 2)
	expect(t, second.Strategy("operator"), 0, 2)
	third := f.build(second, specs...)
	expect(t, third.Strategy("acme"), 0, 1)
	expect(t, third.Strategy("bolt"), 0, 2)
	f.closed(first, second, third)
}

func TestMemoryIsLimited(t *testing.T) {
	t.Parallel()
	const pages = 600
	f := newFolder(t, Options{Limits: Limits{Fuel: Fuel{Score: 1 << 40}}, Policies: Limits{Fuel: Fuel{Score: 1 << 40}}})
	g := newStrategy(1)
	// A guest that gets no memory traps.
	grow := concat(constI32(pages), []byte{0x40, 0}, constI32(-1), []byte{0x46, 0x04, 0x40, 0x00, 0x0b})
	f.write("a", g.set(abi.ExportScore, typeI32toL, when(13, grow, g.functions[abi.ExportScore].body)).encode())
	f.write("b", withMemory(newStrategy(1), unsignedLimits(513)...).encode())
	set := f.build(nil, strategySpec("operator", "a"), tenant("acme", "a", "acme"), strategySpec("operator b", "b"))
	expect(t, set.Strategy("operator"), 13, 1)
	if _, err := score(t, set.Strategy("acme"), 1, 13); err == nil {
		t.Errorf("a policy got %d pages", pages)
	}
	expect(t, set.Strategy("acme"), 0, 1)
	contains(t, f.refused(set, tenant("acme b", "b", "acme")).Error(), "513 pages", "512")
	f.closed(set)
}

func unsignedLimits(pages uint64) []byte { return append([]byte{0}, unsigned(pages)...) }

// TestDeepCallsLeaveNothing: the stack that the runtime grew for a deep call is not kept.
func TestDeepCallsLeaveNothing(t *testing.T) {
	const pools = 4
	f := newFolder(t, Options{Limits: Limits{Instances: 1}})
	g := newStrategy(1)
	f.write("a", g.set(abi.ExportScore, typeI32toL, when(13, nest(g, 40_000), g.functions[abi.ExportScore].body)).encode())
	var specs []Spec
	for n := range pools {
		specs = append(specs, Spec{Key: fmt.Sprint(n), Plugin: "a", Kind: abi.KindStrategy, Config: fmt.Appendf(nil, `{"n":%d}`, n)})
	}
	set := f.build(nil, specs...)
	call := func(attempt uint32) uint64 {
		for n := range pools {
			fuel, err := set.Strategy(fmt.Sprint(n)).Score(t.Context(), &abi.Header{Attempt: attempt}, make([]abi.Candidate, 1), new(abi.ScoreOutput))
			if err != nil || (attempt == 13 && fuel < meter.Slice) {
				t.Fatalf("fuel %d, %v", fuel, err)
			}
		}
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := call(0)
	if after := call(13); after > before+pools*256<<10 {
		t.Errorf("%d bytes before, %d after", before, after)
	}
	f.closed(set)
}

// TestMemories finds what a guest was sent in its memory, and leaves the instance usable.
func TestMemories(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{Limits: Limits{Instances: 2}})
	f.write("a", newStrategy(1).encode())
	f.write("b", newProvider().encode())
	set := f.build(nil, strategySpec("a", "a"), providerSpec("b", "b"))
	in := &abi.RequestInput{Body: []byte("a secret that a client sent")}
	if _, err := set.Provider("b").Request(t.Context(), in, new(abi.RequestOutput), nil); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for key, memory := range set.Memories {
		found[key] = found[key] || bytes.Contains(memory, in.Body)
	}
	if len(found) != 2 || found["a"] || !found["b"] {
		t.Errorf("found: %v", found)
	}
	for range set.Memories {
		break
	}
	expect(t, set.Strategy("a"), 0, 1)
	if st := f.status("b"); st.Instances.Live != 1 || st.Instances.Idle != 1 {
		t.Errorf("instances: %+v", st.Instances)
	}
	f.closed(set)
}

// TestLogLinesAreLimited by trust, and say whose they are.
func TestLogLinesAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFolder(t, Options{Limits: Limits{LogLines: 3}, Policies: Limits{LogLines: 2}})
		f.write("a", holding().encode())
		set := f.build(nil, tenant("acme", "a", "acme"), strategySpec("operator", "a"))
		for range 10 {
			expect(t, set.Strategy("acme"), 0, 1)
			expect(t, set.Strategy("operator"), 0, 1)
		}
		log := f.log.String()
		if n := strings.Count(log, "msg=hold plugin=a owner=acme stream=log"); n != 2 {
			t.Errorf("%d lines of a tenant's", n)
		}
		if n := strings.Count(log, "msg=hold plugin=a stream=log"); n != 3 {
			t.Errorf("%d lines of the operator's", n)
		}
		f.closed(set)
	})
}
