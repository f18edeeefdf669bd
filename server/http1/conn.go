package http1

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// conn is a connection that this server serves. But for state, all of it belongs to the goroutine of serve; buf is lent to
// the body of the request that is being handled.
type conn struct {
	server   *Server
	socket   net.Conn
	ctx      context.Context // of all its requests
	cancel   context.CancelFunc
	born     time.Time
	template *http.Request // what all its requests have in common

	// state is what the connection is doing, in the lowest two bits, and since which beat of the server.
	state  atomic.Uint64
	posted bool // the request before was a POST
	handed bool // the socket is net/http's by now

	buf        []byte // what was read and not used yet is buf[start:end]
	start, end int

	watch  watch
	answer response
}

// What a connection is doing.
const (
	expecting = iota // the head of a request, of which some may be there
	idling           // between two requests
	working
	closed // by the server, because it was neither
)

func newConn(s *Server, socket net.Conn) *conn {
	c := &conn{server: s, socket: socket, born: time.Now()}
	c.ctx, c.cancel = context.WithCancel(s.base)
	c.template = (&http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(c.ctx)
	if a := socket.RemoteAddr(); a != nil {
		c.template.RemoteAddr = a.String()
	}
	c.watch.conn, c.watch.beat = c, uint(s.taken.Add(1))
	c.watch.seen = make(chan sight, 1)
	c.answer.conn = c
	c.answer.header = http.Header{}
	c.enter(expecting)
	return c
}

// phase is what the connection is doing, and since when.
func (c *conn) phase() (since uint64, what int) {
	v := c.state.Load()
	return v >> 2, int(v & 3)
}

// enter returns the state that it sets.
func (c *conn) enter(what int) uint64 {
	state := c.server.beat.Load()<<2 | uint64(what)
	c.state.Store(state)
	return state
}

// dismiss closes the connection if it has not found work since phase was called.
func (c *conn) dismiss(since uint64, what int) {
	if c.state.CompareAndSwap(since<<2|uint64(what), closed) {
		_ = c.socket.Close()
	}
}

// serve serves requests until the connection ends or is handed over.
func (c *conn) serve() {
	defer func() {
		if cause := recover(); cause != nil && cause != http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
			c.server.logf("http1: panic serving %v: %v\n%s", c.template.RemoteAddr, cause, debug.Stack())
		}
		c.close()
	}()
	for first := true; ; first = false {
		r := c.next(first)
		if r == nil || !c.handle(r) {
			return
		}
	}
}

func (c *conn) close() {
	c.cancel()
	if !c.handed {
		_ = c.socket.Close()
	}
	if b := c.answer.body; b != nil {
		b.end()
	}
	c.watch.disarm()
	c.drop()
	c.server.forget(c)
}

// leastIdle is what net/http waits for before it looks at what came on a connection that was used before, in bytes.
const leastIdle = 4

// next waits for a request. It is nil when there will be none here.
func (c *conn) next(first bool) *request {
	what, least := idling, leastIdle
	if first {
		what, least = expecting, 1
	}
	for c.end-c.start < least {
		if c.start < c.end {
			what = expecting
		}
		if !c.receive(what) {
			return nil
		}
	}
	r := c.recognise()
	if r == nil {
		c.handOver()
	}
	return r
}

// receive waits for bytes of a request.
func (c *conn) receive(what int) bool {
	waiting := c.enter(what)
	var first sight
	if c.watch.pending { // it is the watch that is reading
		if first = c.watch.wait(); first.gone {
			return false
		}
	}
	if c.buf == nil {
		c.buf = getBuffer()
	}
	c.start, c.end = 0, copy(c.buf, c.buf[c.start:c.end])
	if first.got {
		c.buf[0], c.end = first.b, 1
	}
	if c.end < len(c.buf) {
		n, _ := c.socket.Read(c.buf[c.end:]) // an error comes again
		if n == 0 {
			return false
		}
		c.end += n
	}
	return c.state.CompareAndSwap(waiting, working)
}

// handOver gives the connection to net/http's server.
func (c *conn) handOver() {
	read := c.buf[c.start:c.end]
	if c.posted { // net/http forgives line ends after a POST, and does not know of the one that was here
		for i := 0; i < leastIdle && len(read) > 0 && (read[0] == '\r' || read[0] == '\n'); i++ {
			read = read[1:]
		}
	}
	to := &begun{Conn: c.socket, read: bytes.Clone(read)}
	c.handed = true
	c.server.queue.put(to)
}

// drop gives the buffer back.
func (c *conn) drop() {
	putBuffer(c.buf)
	c.buf, c.start, c.end = nil, 0, 0
}

// handle has the handler answer a request. It returns whether another one may follow.
func (c *conn) handle(r *request) bool {
	w := &c.answer
	w.begin(r)
	c.posted = r.Method == http.MethodPost
	if r.body.arrived.Load() {
		c.watch.arm()
	}
	c.server.rest.Handler.ServeHTTP(w, &r.Request)
	w.finish()
	unread := r.body.end()
	if seen := c.watch.release(c.start < c.end); seen.got {
		c.start, c.end = 0, copy(c.buf, c.buf[c.start:c.end])
		c.buf[c.end] = seen.b
		c.end++
	}
	w.lift()
	if !w.closing {
		return true
	}
	if unread && w.err == nil {
		c.linger()
	}
	return false
}

// lingerTime is how long a client that is still sending gets to read an answer which ends the connection: a connection that
// is closed with bytes unread is reset, and what the client has not read yet is lost.
const lingerTime = 500 * time.Millisecond

func (c *conn) linger() {
	half, ok := c.socket.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.socket.SetReadDeadline(time.Now().Add(lingerTime))
	scratch := getBuffer()
	defer putBuffer(scratch)
	for {
		if _, err := c.socket.Read(scratch); err != nil {
			return
		}
	}
}
