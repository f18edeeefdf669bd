package host

import (
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// TestDrainingPoolsAreCounted: an instance that is busy when its pool ends is in the status until it is closed, and its
// calls stay there.
func TestDrainingPoolsAreCounted(t *testing.T) {
	t.Parallel()
	g := newGate()
	f := newFolder(t, Options{Limits: Limits{Instances: 4}, Log: slog.New(g)})
	f.write("a", holding().encode())
	spec := func(config string) Spec {
		return Spec{Key: "a", Plugin: "a", Kind: abi.KindStrategy, Config: []byte(config)}
	}
	first := f.build(nil, spec(`{"x":1}`))
	var calls sync.WaitGroup
	call := func(s *Strategy) {
		calls.Go(func() {
			if _, err := score(t, s, 1, 0); err != nil {
				t.Error(err)
			}
		})
		<-g.entered
	}
	call(first.Strategy("a"))
	second := f.build(first, spec(`{"x":2}`))
	first.Release()
	if st := f.status("a"); st.Calls != 1 || st.Instances != (Instances{Live: 2, Idle: 1, Max: 5, Memory: 2 * 3 << 16}) {
		t.Errorf("with a pool that drains: %+v", st)
	}
	// The plugin leaves the configuration and comes back while its calls last.
	third := f.build(second)
	if n := len(f.host.Plugins()); n != 0 {
		t.Errorf("%d plugins are reported, none is used", n)
	}
	fourth := f.build(third, spec(`{"x":2}`))
	if st := f.status("a"); st.Calls != 1 || st.Instances.Live != 2 {
		t.Errorf("used again: %+v", st)
	}
	g.leave <- struct{}{}
	calls.Wait()
	if st := f.status("a"); st.Calls != 1 || st.Instances != (Instances{Live: 1, Idle: 1, Max: 4, Memory: 3 << 16}) {
		t.Errorf("when it has drained: %+v", st)
	}
	f.closed(second, third, fourth)
}

// TestBadVersionIsTriedAgain: touching, or removing and putting back, a file whose version failed gives it a new chance;
// doing nothing does not.
func TestBadVersionIsTriedAgain(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	spec := strategySpec("a", "a")
	path := filepath.Join(f.dir, "a.wasm")
	aside := filepath.Join(f.dir, "aside")
	f.write("a", newStrategy(1).encode())
	set := f.build(nil, spec)
	f.write("a", fragile(2))
	build := func() {
		t.Helper()
		next := f.build(set, spec)
		set.Release()
		set = next
	}
	fail := func(when string) {
		t.Helper()
		if st := f.status("a"); st.State != StateActive || !st.Probation {
			t.Fatalf("%s: %+v", when, st)
		}
		expect(t, set.Strategy("a"), 0, 2)
		for range probationFaults {
			expect(t, set.Strategy("a"), 13, 1)
		}
		for range 2 {
			if st := f.status("a"); st.State != StateReverted || st.Probation || st.Rejected == nil {
				t.Fatalf("%s, after three faults: %+v", when, st)
			}
			build()
		}
	}
	build()
	fail("at first")

	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	build()
	fail("touched")

	if err := os.Rename(path, aside); err != nil {
		t.Fatal(err)
	}
	build()
	if st := f.status("a"); st.State != StateGone {
		t.Errorf("gone: %+v", st)
	}
	if err := os.Rename(aside, path); err != nil {
		t.Fatal(err)
	}
	build()
	fail("gone and back")

	// Touched before its third fault, but read since: that is the file as it failed.
	f.write("a", fragile(3))
	build()
	later = later.Add(time.Hour)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	build()
	for range probationFaults {
		expect(t, set.Strategy("a"), 13, 1)
	}
	build()
	if st := f.status("a"); st.State != StateReverted {
		t.Errorf("as it failed: %+v", st)
	}
	f.closed(set)
}

// TestReplacedVersionFails: a version that was replaced while on probation, and fails in a set that is still held, says
// nothing about the one that replaced it.
func TestReplacedVersionFails(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	spec := strategySpec("a", "a")
	f.write("a", newStrategy(1).encode())
	first := f.build(nil, spec)
	f.write("a", fragile(2))
	second := f.build(first, spec)
	f.write("a", newStrategy(3).encode())
	third := f.build(second, spec)
	before := f.status("a")
	for range probationFaults {
		expect(t, second.Strategy("a"), 13, 1)
	}
	expect(t, second.Strategy("a"), 0, 1)
	expect(t, third.Strategy("a"), 0, 3)
	if st := f.status("a"); st.State != StateActive || st.Hash != before.Hash || st.PreviousHash != before.PreviousHash || st.Rejected != nil {
		t.Errorf("status: %+v, it was %+v", st, before)
	}
	f.closed(first, second, third)
}
