package lease

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheLastReleaseCloses(t *testing.T) {
	t.Parallel()
	closed := 0
	l := New(0, func() { closed++ })
	if !l.Acquire() {
		t.Fatal("it is not open")
	}
	l.Hold()
	l.Retire() // without a drain that is nothing
	l.Release()
	l.Release()
	if closed != 0 {
		t.Fatal("closed before the last release")
	}
	if l.Release(); closed != 1 || l.Acquire() {
		t.Errorf("closed %d times, or taken up again", closed)
	}
	New(time.Hour, nil).Release() // nobody has to be told
}

// TestHammer lets many take up and give back what is being closed.
func TestHammer(t *testing.T) {
	t.Parallel()
	for range 200 {
		var open atomic.Bool
		var closed atomic.Int32
		open.Store(true)
		l := New(0, func() {
			open.Store(false)
			closed.Add(1)
		})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 100 {
					if !l.Acquire() {
						return
					}
					if !open.Load() {
						t.Error("taken up while it is closed")
					}
					l.Hold()
					l.Release()
					l.Release()
				}
			})
		}
		l.Release()
		wg.Wait()
		if closed.Load() != 1 {
			t.Fatalf("closed %d times", closed.Load())
		}
	}
}

func TestBound(t *testing.T) {
	t.Parallel()
	const drain = time.Minute
	for _, tc := range []struct {
		name    string
		drain   time.Duration
		timeout time.Duration
		retire  bool
		want    time.Duration // after which the context ends, 0: not by the lease
	}{
		{"who may outlive the drain is ended", drain, drain + 1, true, drain},
		{"who may not is left alone", drain, drain, true, 0},
		{"without a drain nobody is ended", 0, time.Hour, true, 0},
		{"while it is not retired neither", drain, time.Hour, false, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := New(tc.drain, nil)
				defer l.Release()
				giveUp, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				ctx, free := l.Bound(giveUp, tc.timeout)
				defer free()
				if tc.retire {
					l.Retire()
				}
				began := time.Now()
				<-ctx.Done()
				took := time.Since(began)
				if ended := errors.Is(context.Cause(ctx), ErrExpired); ended != (tc.want > 0) || ended && took != tc.want {
					t.Errorf("ended after %s by %v", took, context.Cause(ctx))
				}
			})
		})
	}
}

// TestReleaseStopsTheClock holds that nothing is left of a lease that is closed: the bubble fails
// the test if a goroutine is, and a context that was freed is not ended by the drain.
func TestReleaseStopsTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(time.Minute, nil)
		ctx, free := l.Bound(t.Context(), time.Hour)
		l.Retire()
		free()
		l.Release()
		if timer := l.timer.Load(); timer.Stop() {
			t.Error("the clock was running")
		}
		synctest.Wait()
		if cause := context.Cause(ctx); errors.Is(cause, ErrExpired) {
			t.Errorf("ended by %v", cause)
		}
	})
}
