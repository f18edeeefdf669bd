// Package breaker keeps calls from what goes on failing: import it where the caller has another way, and should not pay
// for a failure each time.
package breaker

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// A breaker opens at the failure that is the fifth within this time and within this many calls: a tenth of them.
const (
	Failures = 5
	Window   = 10 * time.Second
	Calls    = 10 * Failures
)

// How long a breaker stays open at first, and at most.
const (
	Pause    = 10 * time.Second
	MaxPause = 5 * time.Minute
)

// States of a breaker.
const (
	closed int32 = iota
	open
	halfOpen // the pause is over, and one call is to show whether calls are answered again
)

var states = [...]string{"closed", "open", "half-open"}

// Breaker is closed when it is new. When the pause of an open one is over it lets one call try; a good one closes it, a
// failure doubles the pause. It is safe for concurrent use.
type Breaker struct {
	state atomic.Int32

	mu       sync.Mutex // guards the rest
	latest   [Failures]sighting
	next     int    // of latest, which is a ring
	failures uint64 // since it was closed last
	pause    time.Duration
	openedAt time.Time
	retryAt  time.Time
	closedAt time.Time
	probing  bool // a call is trying
	last     string
	refusal  string
}

// sighting is when a failure was seen, on the clock and in calls.
type sighting struct {
	at   time.Time
	made uint64
}

// Closed reports whether all calls may be made. It costs an atomic load.
func (b *Breaker) Closed() bool { return b.state.Load() == closed }

// Enter says whether a call may be made, and if not, why. One that probes must end in Answered, Failed or Abandon.
func (b *Breaker) Enter(now time.Time) (probe bool, refusal string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.Closed():
		return false, ""
	case b.probing || now.Before(b.retryAt):
		return false, b.refusal
	}
	b.probing = true
	b.state.Store(halfOpen)
	return true, ""
}

// Abandon ends a probe that showed nothing: the next call tries.
func (b *Breaker) Abandon() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
}

// Answered closes the breaker after a probe that was answered.
func (b *Breaker) Answered(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing, b.closedAt, b.failures, b.latest = false, now, 0, [Failures]sighting{}
	b.state.Store(closed)
}

// Failed counts a failure, given how many calls were made so far, and reports whether that opened the breaker. Calls that
// were under way as it opened change nothing.
func (b *Breaker) Failed(cause string, probe bool, now time.Time, made uint64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !probe && !b.Closed() {
		return false
	}
	b.failures++
	b.last = cause
	if probe {
		b.pause = min(2*b.pause, MaxPause)
	} else {
		b.latest[b.next] = sighting{now, made}
		b.next = (b.next + 1) % Failures
		first := b.latest[b.next]
		if first.at.IsZero() || now.Sub(first.at) > Window || made-first.made >= Calls {
			return false
		}
		if b.closedAt.IsZero() || now.Sub(b.closedAt) >= b.pause {
			b.pause = Pause
		} else {
			b.pause = min(2*b.pause, MaxPause) // it was closed too soon
		}
	}
	b.probing, b.openedAt, b.retryAt = false, now, now.Add(b.pause)
	b.refusal = fmt.Sprintf("it is not called for %s after %d faults, the last: %s", b.pause, b.failures, cause)
	b.state.Store(open)
	return true
}

// Status is what an operator may know about a breaker.
type Status struct {
	State     string     `json:"state"` // closed, open or half-open
	OpenedAt  *time.Time `json:"opened_at,omitempty"`
	RetryAt   *time.Time `json:"retry_at,omitempty"`
	Faults    uint64     `json:"faults"` // since it was closed last
	LastError string     `json:"last_error,omitempty"`
}

// Status returns the present one.
func (b *Breaker) Status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Status{State: states[b.state.Load()], Faults: b.failures, LastError: b.last}
	if !b.Closed() {
		opened, retry := b.openedAt, b.retryAt
		s.OpenedAt, s.RetryAt = &opened, &retry
	}
	return s
}
