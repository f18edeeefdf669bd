// Package lease keeps something open for as long as somebody uses it. Import it for what is
// replaced while requests use it: the last of them closes it, and those that outlive its successor
// by far are ended.
package lease

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// ErrExpired is the cause of a context that Bound returned and that ended because the drain was over.
var ErrExpired = errors.New("the request outlived the configuration that it began with")

// Lease counts the users of something. All methods are safe for concurrent use.
type Lease struct {
	refs    atomic.Int64
	onClose func()

	drain   time.Duration // 0: never over
	expired context.Context
	expire  context.CancelFunc
	timer   atomic.Pointer[time.Timer]
}

// New returns a lease with one reference. onClose runs once, after the last release; it may be nil.
// drain is how long users may go on after Retire; 0 is for as long as they like.
func New(drain time.Duration, onClose func()) *Lease {
	l := &Lease{onClose: onClose, drain: drain}
	if drain > 0 {
		l.expired, l.expire = context.WithCancel(context.Background())
	}
	l.refs.Store(1)
	return l
}

// Acquire adds a reference unless there is none left: what is closed stays closed.
func (l *Lease) Acquire() bool {
	for {
		n := l.refs.Load()
		if n <= 0 {
			return false
		}
		if l.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Hold adds a reference to one that the caller has, and keeps meanwhile.
func (l *Lease) Hold() { l.refs.Add(1) }

// Release gives one reference back; the last one closes.
func (l *Lease) Release() {
	if l.refs.Add(-1) != 0 {
		return
	}
	if t := l.timer.Load(); t != nil {
		t.Stop()
	}
	if l.expire != nil {
		l.expire()
	}
	if l.onClose != nil {
		l.onClose()
	}
}

// Retire starts the clock of the drain. The caller has a reference, and does it once.
func (l *Lease) Retire() {
	if l.drain > 0 {
		l.timer.Store(time.AfterFunc(l.drain, l.expire))
	}
}

// Bound ends ctx with ErrExpired when the drain is over, if a user who may take timeout could see
// that; for all others it costs nothing. The function that it returns frees what it took.
func (l *Lease) Bound(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if l.drain == 0 || timeout <= l.drain {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(l.expired, func() { cancel(ErrExpired) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}
