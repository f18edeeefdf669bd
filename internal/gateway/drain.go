package gateway

import (
	"context"
	"errors"
	"time"
)

var errDrained = errors.New("the request outlived the configuration that it began with")

// drain ends what still uses a snapshot a long time after another has replaced it. Only requests
// whose own deadline may lie beyond that time listen; for all others it costs nothing.
type drain struct {
	after   time.Duration // 0: never
	expired context.Context
	expire  context.CancelFunc
	timer   *time.Timer
}

func newDrain(after time.Duration) drain {
	d := drain{after: after}
	if after > 0 {
		d.expired, d.expire = context.WithCancel(context.Background())
	}
	return d
}

// begin starts the clock: the snapshot was replaced.
func (d *drain) begin() {
	if d.after > 0 {
		d.timer = time.AfterFunc(d.after, d.expire)
	}
}

// end stops the clock: nobody uses the snapshot any more.
func (d *drain) end() {
	if d.timer != nil {
		d.timer.Stop()
	}
	if d.expire != nil {
		d.expire()
	}
}

// bound ends ctx when the snapshot expires, if a request that may take timeout could see that.
func (d *drain) bound(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if d.after == 0 || timeout <= d.after {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(d.expired, func() { cancel(errDrained) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}
