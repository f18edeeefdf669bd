package http1

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// body is that of a request. What follows it on the connection is left there.
type body struct {
	mu     sync.Mutex
	conn   *conn // nil when the handler has ended
	left   int64 // not read yet
	err    error // of reading
	closed bool

	arrived atomic.Bool // nothing is still to come from the socket
	limited atomic.Bool // the socket has a deadline for reading
}

// Read reads up to the end of the body. An error of the socket ends the request's context; a body that breaks off is an
// [io.ErrUnexpectedEOF].
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.conn == nil {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.read(p)
}

func (b *body) read(p []byte) (n int, err error) {
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	c := b.conn
	p = p[:min(int64(len(p)), b.left)]
	if c.start < c.end {
		n = copy(p, c.buf[c.start:c.end])
		c.start += n
	} else if n, err = c.socket.Read(p); errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	b.left -= int64(n)
	switch {
	case b.left == 0:
		b.err = io.EOF
		b.complete()
	case err != nil:
		b.err = err
		c.cancel()
	}
	return n, b.err
}

// complete comes with the last byte.
func (b *body) complete() {
	b.conn.release()
	if !b.arrived.Swap(true) {
		b.conn.watch.arm()
	}
}

// release gives the buffer back if nothing is in it.
func (c *conn) release() {
	if c.start == c.end {
		c.drop()
	}
}

// Close leaves the rest of the body to the server, which reads it if it is small.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// limit sets the deadline of reads. When there are none to come it does nothing.
func (b *body) limit(t time.Time) error {
	if b.arrived.Load() {
		return nil
	}
	b.limited.Store(true)
	return b.conn.socket.SetReadDeadline(t)
}

const (
	// drainMost is how much of a body is read for the sake of the connection, when the handler did not.
	drainMost = 256 << 10
	// drainTime is how long that may take, if the handler has set no deadline.
	drainTime = 10 * time.Second
)

// drain reads what the handler left, because many clients send all of a request before they look for the answer. It
// reports whether the connection can be used afterwards.
func (b *body) drain() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left == 0 {
		return true
	}
	if b.err != nil || b.left > drainMost {
		return false
	}
	if !b.arrived.Load() && !b.limited.Load() {
		_ = b.limit(time.Now().Add(drainTime))
	}
	b.closed = true
	scratch := getBuffer()
	defer putBuffer(scratch)
	for b.err == nil {
		_, _ = b.read(scratch)
	}
	return b.left == 0
}

// end takes the connection away from the body, and reports whether something is left on it.
func (b *body) end() (unread bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn != nil {
		if b.limited.Load() {
			_ = b.conn.socket.SetReadDeadline(time.Time{})
		}
		b.conn = nil
	}
	return b.left > 0
}
