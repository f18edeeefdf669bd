package meter_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/switchyard-gateway/switchyard/host/meter"
	"github.com/switchyard-gateway/switchyard/host/meter/internal/modgen"
)

// outcomes counts what became of calls, so that a generator whose modules do nothing is found out.
type outcomes map[string]int

// TestGeneratedModules compares what random modules do metered and unmetered.
func TestGeneratedModules(t *testing.T) {
	const workers, each = 4, 250
	sums := make([]outcomes, workers)
	t.Run("workers", func(t *testing.T) {
		for w := range workers {
			sums[w] = outcomes{}
			t.Run("", func(t *testing.T) {
				t.Parallel()
				l := newLab(t)
				for i := range each {
					n := uint64(w*each + i)
					t.Run("", func(t *testing.T) { differ(t, l, randomSeed(n, 40+int(n)%40*60), sums[w]) })
					if t.Failed() {
						t.Fatalf("seed %d", n)
					}
				}
			})
		}
	})
	sum := outcomes{}
	for _, s := range sums {
		for what, n := range s {
			sum[what] += n
		}
	}
	t.Log(sum)
	for what, least := range map[string]int{"returned": 1000, "trapped": 150, "ended by fuel": 50, "ended by stack": 8, "in many slices": 5} {
		if sum[what] < least {
			t.Errorf("only %d calls %s, want %d: the generator has changed", sum[what], what, least)
		}
	}
}

// differ checks all that must hold for the module made of one seed.
func differ(t testing.TB, l *lab, seed []byte, seen outcomes) {
	m := modgen.Generate(seed)
	metered, err := meter.Rewrite(m.Plain, generous())
	if err != nil {
		t.Fatalf("rewriting: %v\n%x", err, m.Plain)
	}
	plenty := func(int) int64 { return labFuel }
	first := play(t, l.compiler, metered, m, 100, plenty, sliced)
	n := len(first.steps)
	if first.ended != "" {
		seen["ended by "+first.ended]++
	}
	for i, s := range first.steps {
		seen[map[bool]string{true: "returned", false: "trapped"}[s.trap == ""]]++
		if first.fuel[i] > meter.Slice {
			seen["in many slices"]++
		}
	}
	if first.native > stackBound {
		t.Errorf("the native stack has grown to %d bytes, of which %d are allowed", first.native, labStack)
	}

	if n == 0 {
		return // what does not end can't be compared
	}

	// As the original does, with all that can be seen.
	again := play(t, l.compiler, metered, m, n, plenty, sliced)
	state := again.observe(t)
	plain := play(t, l.compiler, m.Plain, m, n, plenty, sliced)
	agree(t, "unmetered", first, plain)
	if got := plain.observe(t); got != state && plain.instance != nil {
		t.Errorf("tables and globals are %s metered and %s unmetered", state, got)
	}

	// The same fuel again, in one piece, in a small piece first, and on another engine.
	agree(t, "again", first, again)
	sameFuel(t, "again", first.fuel, again.fuel)
	for name, give := range map[string]split{
		"in one piece":       func(in *instance, f int64) { in.give(f, labStack); in.fuel.set(f); in.reserve.set(0) },
		"after a tiny slice": func(in *instance, f int64) { in.give(f, labStack); in.fuel.set(1); in.reserve.set(f - 1) },
	} {
		other := play(t, l.compiler, metered, m, n, plenty, give)
		agree(t, name, first, other)
		sameFuel(t, name, first.fuel, other.fuel)
	}
	interpreted := play(t, l.interpreter, metered, m, n, plenty, sliced)
	if k := len(interpreted.steps); interpreted.ended == "" || interpreted.ended == "fuel" || interpreted.ended == "stack" {
		agree(t, "interpreted", first, interpreted)
		sameFuel(t, "interpreted", first.fuel, interpreted.fuel)
	} else { // it allows 2000 nested calls
		sameFuel(t, "interpreted", first.fuel[:k], interpreted.fuel)
	}

	// Never for less than was executed.
	counted := play(t, l.compiler, m.Counted, m, n, plenty, sliced)
	agree(t, "counted", first, counted)
	for i, did := range counted.did {
		if did > first.fuel[i] {
			t.Errorf("%d instructions were executed in step %d for %d fuel", did, i, first.fuel[i])
		}
	}
	exact(t, l, metered, m, first)
	if twice, err := meter.Rewrite(m.Plain, generous()); err != nil || !bytes.Equal(twice, metered) {
		t.Errorf("rewriting again differs (%v)", err)
	}
	if t.Failed() {
		t.Logf("module %x", m.Plain)
	}
}

// exact gives the last step just the fuel that it used, then one less.
func exact(t testing.TB, l *lab, metered []byte, m *modgen.Module, first *run) {
	t.Helper()
	n := len(first.steps)
	if first.fuel[n-1] == 0 {
		return
	}
	last := func(less int64) func(int) int64 {
		return func(i int) int64 {
			if i == n-1 {
				return first.fuel[i] - less
			}
			return labFuel
		}
	}
	enough := play(t, l.compiler, metered, m, n, last(0), sliced)
	agree(t, "with just the fuel", first, enough)
	sameFuel(t, "with just the fuel", first.fuel, enough.fuel)
	if short := play(t, l.compiler, metered, m, n, last(1), sliced); short.ended != "fuel" || len(short.steps) != n-1 {
		t.Errorf("with one fuel less than the %d of %s: %d of %d steps, then %q", first.fuel[n-1], first.steps[n-1].export, len(short.steps), n, short.ended)
	}
}

func agree(t testing.TB, how string, want, got *run) {
	t.Helper()
	if got.ended != "" || len(got.steps) != len(want.steps) {
		t.Errorf("%s: %d steps and %q, want %d", how, len(got.steps), got.ended, len(want.steps))
	}
	for i := range min(len(got.steps), len(want.steps)) {
		a, b := want.steps[i], got.steps[i]
		if got.instance == nil { // it has not come up
			a = step{export: a.export, trap: a.trap}
		}
		if a != b {
			t.Errorf("%s: step %d is %+v, metered %+v", how, i, b, a)
			return
		}
	}
}

func sameFuel(t testing.TB, how string, want, got []int64) {
	t.Helper()
	if !slices.Equal(want, got) {
		t.Errorf("%s: the fuel is %v, want %v", how, got, want)
	}
}

// stackBound is what native stack the limit of labStack may lead to: estimates err, and wazero's stacks grow by doubling.
const stackBound = 4*labStack + 64<<10

func generous() *meter.Limits { return &meter.Limits{} }
