package guests

import (
	"context"
	"time"
)

// waiter is a call that waits for an instance.
type waiter struct{ got chan handoff }

// handoff is what a waiter receives: an instance, or why there will be none.
type handoff struct {
	instance *Instance
	err      error
}

// serve hands idle instances to waiting calls, oldest first.
func (p *Pool) serve() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.waiters) > 0 {
		i := p.take()
		if i == nil {
			return
		}
		p.waiters[0].got <- handoff{instance: i}
		p.waiters = p.waiters[1:]
		p.waiting.Add(-1)
	}
}

// fail ends the waiting calls. p.mu is held.
func (p *Pool) fail(err error) {
	for _, w := range p.waiters {
		w.got <- handoff{err: err}
	}
	p.waiters = nil
	p.waiting.Store(0)
}

func (p *Pool) wait(ctx context.Context) (*Instance, error) {
	start := time.Now()
	w := &waiter{got: make(chan handoff, 1)}
	p.mu.Lock()
	if p.closed.Load() {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	p.waiters = append(p.waiters, w)
	p.waiting.Add(1)
	p.mu.Unlock()
	p.serve() // an instance that was put back before waiting was visible would else be missed
	p.mu.Lock()
	if len(p.waiters) > 0 {
		p.grow()
	}
	p.mu.Unlock()

	var got handoff
	select {
	case got = <-w.got:
	case <-ctx.Done():
		if p.withdraw(w) {
			return nil, &StarvedError{ctx.Err()}
		}
		got = <-w.got
	}
	p.owner.Waited(time.Since(start))
	return got.instance, got.err
}

// withdraw removes a waiter and reports whether it was still queued: if not, its handoff is on the way.
func (p *Pool) withdraw(w *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at, other := range p.waiters {
		if other == w {
			p.waiters = append(p.waiters[:at], p.waiters[at+1:]...)
			p.waiting.Add(-1)
			return true
		}
	}
	return false
}

// grow starts making one more instance unless that is under way or the pool is full. p.mu is held.
func (p *Pool) grow() {
	if p.growing || p.closed.Load() || len(p.all) == len(p.slots) {
		return
	}
	p.growing = true
	go p.add()
}

// add makes an instance in the background. When it can't and none is left, the waiting calls fail.
func (p *Pool) add() {
	ctx, cancel := context.WithTimeout(context.Background(), p.setup.Limits.Start)
	defer cancel()
	i, err := Start(ctx, p.setup)
	if err != nil {
		err = p.owner.Failed(err)
	}
	p.mu.Lock()
	p.growing = false
	if err != nil {
		if len(p.all) == 0 {
			p.fail(err)
		}
		p.mu.Unlock()
		if p.closed.Load() {
			p.sweep()
		}
		return
	}
	p.enlist(i)
	p.mu.Unlock()
	p.put(i)

	p.mu.Lock()
	if len(p.waiters) > 0 {
		p.grow()
	}
	p.mu.Unlock()
}
