package host

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/switchyard-gateway/switchyard/host/internal/guests"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// gate is a log handler that holds whoever logs "hold" until the test lets it go. Guests never block by themselves, so
// this is how a test keeps an instance busy.
type gate struct{ entered, leave chan struct{} }

func newGate() *gate { return &gate{entered: make(chan struct{}), leave: make(chan struct{})} }

func (g *gate) Enabled(context.Context, slog.Level) bool { return true }
func (g *gate) WithAttrs([]slog.Attr) slog.Handler       { return g }
func (g *gate) WithGroup(string) slog.Handler            { return g }

func (g *gate) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "hold" {
		g.entered <- struct{}{}
		<-g.leave
	}
	return nil
}

// holding is a strategy that logs "hold" before it answers.
func holding() *guest {
	g := withImport(newStrategy(1), abi.HostModule, abi.HostLog, typeLog)
	answer := g.functions[abi.ExportScore].body
	at := answersFrom + len(g.data)
	g.data = append(g.data, "hold"...)
	return g.set(abi.ExportScore, typeI32toL, concat(constI32(abi.LogInfo), constI32(int32(at)), constI32(4), call(0), answer))
}

// borrow takes an instance that is idle.
func borrow(t *testing.T, p *pool) *guests.Instance {
	t.Helper()
	i, err := p.guests.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// idle returns the instance that the next call will get.
func idle(t *testing.T, p *pool) *guests.Instance {
	t.Helper()
	i := borrow(t, p)
	defer i.Return()
	return i
}

func TestPoolIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		f := newFolder(t, Options{Limits: Limits{Instances: 2}, Log: slog.New(g)})
		f.write("a", holding().encode())
		set := f.build(nil, strategySpec("a", "a"))
		s := set.Strategy("a")
		if st := f.status("a"); st.Instances.Live != 1 || st.Instances.Idle != 1 || st.Instances.Max != 2 || st.Instances.Memory != 3<<16 {
			t.Errorf("before the first call: %+v", st.Instances)
		}
		var wg sync.WaitGroup
		call := func() {
			wg.Go(func() {
				if scores, err := score(t, s, 1, 0); err != nil || len(scores) != 1 {
					t.Errorf("score: %v, %v", scores, err)
				}
			})
		}
		call()
		<-g.entered
		call() // makes the pool grow
		<-g.entered
		if st := f.status("a"); st.Instances.Live != 2 || st.Instances.Idle != 0 {
			t.Errorf("with two calls under way: %+v", st.Instances)
		}

		late, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Score(late, &abi.Header{}, make([]abi.Candidate, 1), new(abi.ScoreOutput))
		fault, ok := errors.AsType[*Fault](err)
		if !ok || !fault.Starved || !errors.Is(err, context.Canceled) {
			t.Errorf("a third call without time to wait: %v", err)
		}

		call()
		synctest.Wait() // it waits for an instance
		g.leave <- struct{}{}
		<-g.entered // the waiting call has the instance
		g.leave <- struct{}{}
		g.leave <- struct{}{}
		wg.Wait()
		st := f.status("a")
		if st.Instances.Live != 2 || st.Instances.Idle != 2 || st.Calls != 3 || st.Faults != 0 {
			t.Errorf("after all calls: %+v", st)
		}
		if st.Instances.Memory != 2*3<<16 {
			t.Errorf("memory %d, want two times 3 pages", st.Instances.Memory)
		}
		f.closed(set)
	})
}

func TestHotInstanceServes(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{Limits: Limits{Instances: 4}})
	f.write("a", newStrategy(1).encode())
	set := f.build(nil, strategySpec("a", "a"))
	for range 100 {
		if _, err := score(t, set.Strategy("a"), 1, 0); err != nil {
			t.Fatal(err)
		}
	}
	if st := f.status("a"); st.Instances.Live != 1 || st.Calls != 100 {
		t.Errorf("status: %+v", st)
	}
	f.closed(set)
}

func TestCloseWaitsForCalls(t *testing.T) {
	t.Parallel()
	g := newGate()
	f := newFolder(t, Options{Log: slog.New(g)})
	f.write("a", holding().encode())
	set := f.build(nil, strategySpec("a", "a"))
	var wg sync.WaitGroup
	wg.Go(func() {
		defer set.Release()
		if _, err := score(t, set.Strategy("a"), 1, 0); err != nil {
			t.Error(err)
		}
	})
	<-g.entered
	late, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.host.Close(late); !errors.Is(err, context.Canceled) {
		t.Errorf("close during a call: %v", err)
	}
	if _, err := f.host.Build(t.Context(), f.dir, nil, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("build after close: %v", err)
	}
	g.leave <- struct{}{}
	wg.Wait()
	f.closed()
}
