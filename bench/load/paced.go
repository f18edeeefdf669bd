package load

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// paced begins requests on a fixed schedule, whatever becomes of those before them.
func paced(ctx context.Context, o *Options, t *tally) (*Result, error) {
	p := &pacer{opt: o, tally: t, request: render(o), begin: time.Now()}
	running, stop := context.WithCancel(ctx)
	defer stop()
	for range o.Connections {
		c := p.client()
		if err := c.dial(ctx); err != nil {
			return nil, err
		}
		p.idle = append(p.idle, c)
	}
	failed := make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		failed <- p.run(running)
	}()
	sleep(ctx, o.Warmup)
	res, err := window(ctx, o, t)
	stop()
	<-ended
	if err != nil {
		return nil, err
	}
	if err := <-failed; err != nil {
		return nil, err
	}
	if err := finish(ctx, &p.flying, o.Grace, t); err != nil {
		return nil, err
	}
	return collect(res, t), nil
}

type pacer struct {
	opt     *Options
	tally   *tally
	request []byte
	begin   time.Time
	flying  sync.WaitGroup

	mu   sync.Mutex
	idle []*client // the one used last is on top: as few connections are in use as suffice
}

func (p *pacer) client() *client { return &client{opt: p.opt, request: p.request, tally: p.tally} }

// run sends each request when it is due, until ctx ends. It has a thread of its own, so that it is on time.
func (p *pacer) run(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := sharpTimers(); err != nil {
		return err
	}
	begin := time.Now()
	for i := 0; ctx.Err() == nil; i++ {
		due := begin.Add(time.Duration(float64(i) / p.opt.Rate * float64(time.Second)))
		sleepUntil(due)
		counted := p.tally.counting.Load()
		c := p.take()
		if c.conn != nil {
			// Sent from here, so that no other goroutine has to be woken for it.
			if _, err := c.conn.Write(c.request); err != nil {
				c.close() // the server had closed it; anew below, still counting from when it was due
			}
		}
		sent := c.conn != nil
		if counted && sent {
			p.tally.late.add(time.Since(due))
		}
		p.flying.Go(func() { p.fly(ctx, c, due, sent) })
	}
	return nil
}

// fly waits for one answer. What began is waited for, even if no more is to begin.
func (p *pacer) fly(ctx context.Context, c *client, due time.Time, sent bool) {
	err := error(nil)
	if !sent {
		if err = c.dial(context.WithoutCancel(ctx)); err == nil {
			_, err = c.conn.Write(c.request)
		}
	}
	if err == nil {
		err = c.receive(due)
	}
	if err != nil {
		p.tally.broke(err)
	}
	if err != nil || c.in.closes {
		c.close()
		return
	}
	p.mu.Lock()
	p.idle = append(p.idle, c)
	p.mu.Unlock()
}

// take returns a connection that is idle, or one still to be dialled.
func (p *pacer) take() *client {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return c
	}
	return p.client()
}
