package http1

import (
	"sync"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/socket"
)

// pool has the unused connections to one host. The one that was used last is taken first, so that what a burst has opened
// can grow old.
type pool struct {
	o *Options

	mu    sync.Mutex
	idle  []*conn // by the time since when
	timer *time.Timer
}

// get takes an unused connection that is still good, nil if there is none.
func (p *pool) get() *conn {
	for {
		c := p.pop()
		if c == nil || socket.Quiet(c.socket) {
			return c
		}
		c.close() // the host has closed it, or said what nobody asked
	}
}

func (p *pool) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	c := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return c
}

// put keeps a connection for the next request, unless it is old or there are enough.
func (p *pool) put(c *conn) {
	o := p.o
	c.idleSince, c.used = time.Now(), true
	if o.MaxAge > 0 && c.idleSince.Sub(c.born) > o.MaxAge {
		c.close()
		return
	}
	p.mu.Lock()
	if len(p.idle) >= o.MaxIdle {
		p.mu.Unlock()
		c.close()
		return
	}
	p.idle = append(p.idle, c)
	if p.timer == nil && o.IdleTimeout > 0 {
		p.timer = time.AfterFunc(o.IdleTimeout, p.expire)
	}
	p.mu.Unlock()
}

// expire closes the connections that nobody has used for long. It runs only while there are some.
func (p *pool) expire() {
	limit := time.Now().Add(-p.o.IdleTimeout)
	p.mu.Lock()
	n := 0
	for n < len(p.idle) && !p.idle[n].idleSince.After(limit) {
		n++
	}
	old := append([]*conn(nil), p.idle[:n]...)
	left := copy(p.idle, p.idle[n:])
	clear(p.idle[left:])
	p.idle = p.idle[:left]
	if left > 0 {
		p.timer.Reset(p.idle[0].idleSince.Sub(limit))
	} else {
		p.timer = nil
	}
	p.mu.Unlock()
	for _, c := range old {
		c.close()
	}
}

func (p *pool) closeIdle() {
	p.mu.Lock()
	old := p.idle
	p.idle = nil
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	p.mu.Unlock()
	for _, c := range old {
		c.close()
	}
}
