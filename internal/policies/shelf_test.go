package policies

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// tenants uploads and activates the same module for many tenants, with a factor each.
func (w *world) tenants(n int, module []byte) []string {
	w.t.Helper()
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("t%d", i)
		w.upload(names[i], "p", module, "")
		w.activate(names[i], "p", 1)
	}
	return names
}

// resident lists the tenants whose version is loaded.
func (w *world) resident(names []string) (loaded []string) {
	for _, name := range names {
		if w.Figures(name, "p", 1).Loaded {
			loaded = append(loaded, name)
		}
	}
	return loaded
}

// TestLRU gives room for three of five small policies.
func TestLRU(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	names := w.tenants(5, tiny(t))
	each := w.Figures("t4", "p", 1).Memory
	for i, name := range names {
		w.shelf.drop(w.tenant(name).route.Load().active.version)
		if left := len(w.resident(names)); left != 4-i {
			t.Fatalf("%d are loaded after %d were dropped", left, i+1)
		}
	}
	ask := func(name string) {
		t.Helper()
		if _, err := w.score(name, "", 0); err != nil {
			t.Fatal(err)
		}
	}
	ask("t0")
	module := w.Stats().Memory - each
	w.shelf.budget = module + 3*each
	for _, name := range []string{"t1", "t2", "t0", "t3"} {
		ask(name)
	}
	if got := fmt.Sprint(w.resident(names)); got != "[t0 t2 t3]" {
		t.Errorf("%s are loaded, want those that were used last", got)
	}
	if s := w.Stats(); s.Evictions != 1 || s.Memory > s.Budget || s.Modules != 1 || s.Versions != 3 || s.Instances != 3 {
		t.Errorf("stats %+v", s)
	}
	for round := range 20 {
		ask(names[round%5])
		if s := w.Stats(); s.Memory > s.Budget {
			t.Fatalf("beyond the budget: %+v", s)
		}
	}

	// What is in use stays, whatever the budget.
	v := w.tenant("t1").route.Load().active.version
	r := good(v.enter(t.Context(), 0))(t)
	w.shelf.budget = 1
	w.shelf.tidy()
	if got := fmt.Sprint(w.resident(names)); got != "[t1]" {
		t.Errorf("%s are loaded, one is in use", got)
	}
	if _, err := r.loaded.Score(t.Context(), header, candidates, output()); err != nil {
		t.Error(err)
	}
	r.release()
	w.shelf.tidy()
	if s := w.Stats(); s.Versions != 0 || s.Memory != 0 {
		t.Errorf("left: %+v", s)
	}
	ask("t2") // it is loaded for the call
}

// TestSingleFlight asks for a version many times at once.
func TestSingleFlight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenants(1, mean(t))
	v := w.tenant("t0").route.Load().active.version
	loads := w.Stats().Loads
	for range 3 {
		w.shelf.drop(v)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := w.score("t0", "", 0); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	if n := w.Stats().Loads - loads; n != 3 {
		t.Errorf("loaded %d times, want 3", n)
	}
	if refs := v.resident.Load().refs.Load(); refs != 1 {
		t.Errorf("%d references are left", refs)
	}
}

// TestGivenUp has callers that leave while the version is loaded for them.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenants(1, tiny(t))
	v := w.tenant("t0").route.Load().active.version
	w.shelf.drop(v)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for range cap(w.shelf.loads) { // nothing is loaded meanwhile
		w.shelf.loads <- struct{}{}
	}
	if _, err := v.Score(over, header, candidates, output()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	for range cap(w.shelf.loads) {
		<-w.shelf.loads
	}
	w.await("it is loaded all the same", func() bool { r := v.resident.Load(); return r != nil && r.refs.Load() == 1 })
	if f := w.Figures("t0", "p", 1); f.Faults[FaultLoad] != 0 {
		t.Errorf("leaving counts as a fault: %+v", f)
	}
}

// broken is a store without modules.
type broken struct{ store.Policies }

func (broken) Module(context.Context, store.Digest) ([]byte, error) {
	return nil, errors.New("the disk is gone")
}

// TestLoadFails counts the fault, and does not try again at once.
func TestLoadFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenants(1, tiny(t))
	v := w.tenant("t0").route.Load().active.version
	w.shelf.drop(v)
	v.hash = "00" + v.hash[2:] // which is not in the cache
	w.Policies.store = broken{w.Policies.store}
	_, first := w.score("t0", "", 0)
	_, second := w.score("t0", "", 0)
	if decision.BreakerOpen(first) || !decision.BreakerOpen(second) {
		t.Errorf("%v, then %v", first, second)
	}
	if f := w.Figures("t0", "p", 1); f.Faults[FaultLoad] != 1 || w.Stats().Failures != 1 {
		t.Errorf("%+v, %+v", f, w.Stats())
	}
	if w.serving("t0", 0) != "p@1" {
		t.Error("a version was taken out for what is not its fault")
	}
}

// slow is a store whose modules don't come before it is told.
type slow struct {
	store.Policies
	asked chan struct{}
	told  chan struct{}
}

func (s slow) Module(context.Context, store.Digest) ([]byte, error) {
	s.asked <- struct{}{}
	<-s.told
	return nil, errors.New("too late")
}

// TestCompilingHoldsUpNobody has versions that are not in the cache, more than may be loaded at a time, and one that is.
func TestCompilingHoldsUpNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	names := w.tenants(cap(w.shelf.loads)+2, tiny(t))
	s := slow{w.Policies.store, make(chan struct{}), make(chan struct{})}
	w.Policies.store = s
	var calls sync.WaitGroup
	for i, name := range names {
		v := w.tenant(name).route.Load().active.version
		w.shelf.drop(v)
		if i == 0 {
			continue
		}
		v.hash = fmt.Sprintf("%02d", i) + v.hash[2:]
		calls.Go(func() {
			if _, err := w.score(name, "", 0); err == nil {
				t.Error("what can't be read is loaded")
			}
		})
		<-s.asked
	}
	if _, err := w.score(names[0], "", 0); err != nil {
		t.Error(err)
	}
	close(s.told)
	calls.Wait()
}

// TestHammer calls while versions are activated, taken back, unloaded and deleted.
func TestHammer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	names := w.tenants(4, tiny(t))
	w.shelf.budget = w.Stats().Memory * 2 / 3
	var calls, changes sync.WaitGroup
	stop := make(chan struct{})
	for worker := range 4 {
		calls.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			for {
				select {
				case <-stop:
					return
				default:
				}
				name := names[random.IntN(len(names))]
				c := w.Of(name).Choose(t.Context(), random.Uint64())
				if c == nil {
					continue
				}
				if _, err := c.Plugin.Score(t.Context(), header, candidates, new(abi.ScoreOutput)); err != nil {
					t.Errorf("%s of %s: %v", c.Version, name, err)
					return
				}
			}
		})
	}
	for _, name := range names {
		changes.Go(func() {
			for round := range 6 {
				next := w.upload(name, "p", marked(tiny(t), round), "")
				w.canary(name, "p", next, 500)
				w.activate(name, "p", next)
				if _, err := w.Rollback(t.Context(), name, "p", "test", ""); err != nil {
					t.Error(err)
				}
				w.activate(name, "p", next)
				if err := w.DeleteVersion(t.Context(), name, "p", next-1); err != nil {
					t.Error(err)
				}
				w.shelf.tidy()
			}
		})
	}
	changes.Wait()
	close(stop)
	calls.Wait()
	if s := w.Stats(); s.Failures != 0 || s.Evictions == 0 {
		t.Errorf("stats %+v", s)
	}
	if err := w.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if modules, instances := w.host.Loaded(); modules != 0 || instances != 0 {
		t.Errorf("%d modules and %d instances are left in the host", modules, instances)
	}
	if _, err := w.score("t0", "", 0); !errors.Is(err, errClosed) {
		t.Errorf("a call after Close: %v", err)
	}
}

// BenchmarkScore is what a call of a small policy costs, beside the same call without policies around it.
func BenchmarkScore(b *testing.B) {
	w := newWorld(b)
	w.tenants(1, tiny(b))
	source := w.Of("t0")
	loaded := source.(*tenant).route.Load().active.resident.Load().loaded
	var out abi.ScoreOutput
	ctx := b.Context()
	b.Run("host", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := loaded.Score(ctx, header, candidates, &out); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("policies", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := source.Choose(ctx, 1).Plugin.Score(ctx, header, candidates, &out); err != nil {
				b.Fatal(err)
			}
		}
	})
}
