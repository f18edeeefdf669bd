package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchyard-gateway/switchyard/host/internal/breaker"
	"github.com/switchyard-gateway/switchyard/host/internal/guests"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// events records what an observer hears of breakers.
type events struct {
	mu   sync.Mutex
	list []string
}

func (*events) Admitted(string, string, error) {}
func (*events) Waited(string, time.Duration)   {}
func (*events) Faulted(string, string)         {}
func (*events) Reverted(string)                {}
func (e *events) Breaker(plugin, key string, open bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, fmt.Sprint(plugin, " ", key, " ", open))
}

func (e *events) take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := e.list
	e.list = nil
	return list
}

func isOpen(err error) bool {
	f, ok := errors.AsType[*Fault](err)
	return ok && f.Open
}

// TestBreaker goes through a breaker's life with a guest that faults on demand.
func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var heard events
		f := newFolder(t, Options{Observer: &heard, Limits: Limits{Instances: 2}})
		f.write("a", fragile(1))
		set := f.build(nil, strategySpec("one", "a"), strategySpec("two", "a"), // which share a pool
			Spec{Key: "other", Plugin: "a", Kind: abi.KindStrategy, Config: []byte(`{"x":1}`)})
		s := set.Strategy("one")
		for range breaker.Failures {
			if _, err := score(t, s, 1, 13); err == nil || isOpen(err) {
				t.Fatalf("a bad call: %v", err)
			}
		}
		before := f.status("a")
		for range 10 {
			if _, err := score(t, s, 1, 0); !isOpen(err) {
				t.Fatalf("a call while it is open: %v", err)
			}
		}
		if _, err := score(t, set.Strategy("two"), 1, 0); !isOpen(err) {
			t.Errorf("a call by the other key: %v", err)
		}
		expect(t, set.Strategy("other"), 0, 1)
		after := f.status("a")
		if after.Faults != breaker.Failures || after.Calls != before.Calls+1 {
			t.Errorf("calls that were not made were counted: %+v, then %+v", before, after)
		}
		opened := time.Now()
		want := []Breaker{
			{"one", breaker.Status{State: "open", Faults: breaker.Failures, LastError: "it trapped: unreachable"}},
			{"two", breaker.Status{State: "open", Faults: breaker.Failures, LastError: "it trapped: unreachable"}},
			{"other", breaker.Status{State: "closed"}},
		}
		for i := range after.Breakers {
			b := &after.Breakers[i]
			if b.State == "open" && (!b.OpenedAt.Equal(opened) || !b.RetryAt.Equal(opened.Add(breaker.Pause))) {
				t.Errorf("opened %v, to be tried %v, it is %v", b.OpenedAt, b.RetryAt, opened)
			}
			b.OpenedAt, b.RetryAt = nil, nil
		}
		if !slices.Equal(after.Breakers, want) {
			t.Errorf("breakers %+v, want %+v", after.Breakers, want)
		}
		if got := heard.take(); !slices.Equal(got, []string{"a one true", "a two true"}) {
			t.Errorf("the observer heard %q", got)
		}

		time.Sleep(breaker.Pause)
		late, cancel := context.WithCancel(t.Context())
		cancel()
		var held []*guests.Instance // so that the probe gets none
		for range new(guests.Ledger).Count([]*guests.Pool{s.line.pool.guests}).Idle {
			held = append(held, borrow(t, s.line.pool))
		}
		if _, err := s.Score(late, &abi.Header{}, nil, new(abi.ScoreOutput)); err == nil || isOpen(err) {
			t.Errorf("a probe without an instance: %v", err)
		}
		for _, i := range held {
			i.Return()
		}
		if _, err := score(t, s, 1, 13); err == nil || isOpen(err) {
			t.Errorf("a probe that faults: %v", err)
		}
		if _, err := score(t, s, 1, 0); !isOpen(err) {
			t.Errorf("after a probe that faulted: %v", err)
		}
		time.Sleep(2 * breaker.Pause)
		expect(t, s, 0, 1)
		expect(t, set.Strategy("two"), 0, 1)
		if got := heard.take(); !slices.Equal(got, []string{"a one false", "a two false"}) && !slices.Equal(got, []string{"a two false", "a one false"}) {
			t.Errorf("the observer heard %q", got)
		}
		f.closed(set)
	})
}

// TestOneProbe lets many calls find a breaker whose pause is over: one reaches the guest.
func TestOneProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFolder(t, Options{Limits: Limits{Instances: 4}})
		f.write("a", fragile(1))
		set := f.build(nil, strategySpec("a", "a"))
		s := set.Strategy("a")
		for range breaker.Failures {
			_, _ = score(t, s, 1, 13)
		}
		for range 20 {
			time.Sleep(breaker.MaxPause)
			before := f.status("a")
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					if _, err := score(t, s, 1, 13); err == nil {
						t.Error("no fault")
					}
				})
			}
			wg.Wait()
			if after := f.status("a"); after.Calls != before.Calls+1 || after.Faults != before.Faults+1 {
				t.Errorf("%d calls, %d faults", after.Calls-before.Calls, after.Faults-before.Faults)
			}
		}
		f.closed(set)
	})
}

// TestBreakerOfReplacedVersion: another version begins with a closed breaker, and the observer hears of it.
func TestBreakerOfReplacedVersion(t *testing.T) {
	t.Parallel()
	var heard events
	f := newFolder(t, Options{Observer: &heard})
	f.write("a", fragile(1))
	first := f.build(nil, strategySpec("a", "a"))
	for range breaker.Failures {
		_, _ = score(t, first.Strategy("a"), 1, 13)
	}
	f.write("a", fragile(2))
	second := f.build(first, strategySpec("a", "a"))
	expect(t, second.Strategy("a"), 0, 2)
	// A fault is repeated on the version before, unless that has shown to be no better.
	if _, err := score(t, second.Strategy("a"), 1, 13); err == nil || isOpen(err) {
		t.Errorf("a bad call: %v", err)
	}
	third := f.build(second)
	if got := heard.take(); !slices.Equal(got, []string{"a a true", "a a false"}) {
		t.Errorf("the observer heard %q", got)
	}
	f.closed(first, second, third)
}

// TestProvidersHaveNoBreaker: a client's body must not take an adapter from others.
func TestProvidersHaveNoBreaker(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	f.write("a", newProvider().set(abi.ExportRequest, typeI32toL, trap).encode())
	set := f.build(nil, providerSpec("a", "a"))
	for range 3 * breaker.Failures {
		_, err := set.Provider("a").Request(t.Context(), &abi.RequestInput{}, new(abi.RequestOutput), nil)
		if err == nil || isOpen(err) {
			t.Fatalf("request: %v", err)
		}
	}
	if st := f.status("a"); st.Breakers != nil || st.Faults != 3*breaker.Failures {
		t.Errorf("status: %+v", st)
	}
	f.closed(set)
}

// TestFeedbackTripsTheBreaker, and is not sent while it is open.
func TestFeedbackTripsTheBreaker(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	f.write("a", newStrategy(1).set(abi.ExportFeedback, typeI32toL, trap).encode())
	set := f.build(nil, strategySpec("a", "a"))
	for range breaker.Failures {
		if err := set.Strategy("a").Feedback(t.Context(), &abi.Feedback{}); err == nil {
			t.Fatal("no fault")
		}
	}
	if err := set.Strategy("a").Feedback(t.Context(), &abi.Feedback{}); err != nil {
		t.Errorf("feedback while it is open: %v", err)
	}
	if _, err := score(t, set.Strategy("a"), 1, 0); !isOpen(err) {
		t.Errorf("score while it is open: %v", err)
	}
	f.closed(set)
}
