package http1

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/socket"
)

// conn is one connection. It belongs to the pool of its host, or to one exchange.
type conn struct {
	host   *Host
	socket net.Conn
	stream net.Conn // the socket, or TLS over it

	born      time.Time
	idleSince time.Time
	used      bool // it has carried an answer
}

// close closes the socket itself: the farewell of TLS could wait for a host that takes nothing.
func (c *conn) close() { _ = c.socket.Close() }

// inlineBody is the largest body that is written before the answer is looked for. The buffers of a socket take it in, so
// that a host which answers without reading is heard.
const inlineBody = 64 << 10

// lateWrite is how long the rest of a body may take to leave when the answer is there already.
const lateWrite = time.Second

// exchange sends r and reads the head of the answer. sent is false only when not a byte of r was written. After an error
// the connection is closed.
func (c *conn) exchange(ctx context.Context, r *Request) (resp *Response, sent bool, err error) {
	x := &exchange{conn: c}
	head, err := appendHead(getBuffer(), c.host.name, r)
	if err != nil {
		putBuffer(head)
		c.close()
		return nil, true, err
	}
	x.stop = context.AfterFunc(ctx, x.abort)
	if r.length() <= inlineBody {
		sent, err = c.write(head, pieces{r.Body, r.Middle, r.End})
	} else {
		sent, err = true, nil
		x.late.Store(writing)
		go x.writeLate(head, pieces{r.Body, r.Middle, r.End})
	}
	if err != nil {
		_ = x.Close()
		return nil, sent, err
	}
	if resp, err = x.readHead(r.Method == http.MethodHead); err != nil {
		_ = x.Close()
		return nil, true, err
	}
	return resp, true, nil
}

// write writes the head and the body of a request, in one piece if they are small. It takes the head's buffer.
func (c *conn) write(head []byte, body pieces) (sent bool, err error) {
	// What is short leaves with the head, so that it takes no packet, or record of TLS, of its own.
	i := 0
	for i < len(body) && len(head)+len(body[i]) <= bufferSize {
		head = append(head, body[i]...)
		i++
	}
	var n int64
	if i == len(body) {
		var m int
		m, err = c.stream.Write(head)
		n = int64(m)
	} else {
		parts := append(append(make(net.Buffers, 0, 1+len(body)), head), body[i:]...)
		n, err = socket.WriteAll(c.stream, &parts)
	}
	putBuffer(head)
	return n > 0 || err == nil, err
}

// pieces are what a body consists of.
type pieces [3][]byte

// States of an exchange.
const (
	open   = iota
	whole  // the body was read to its end
	broken // closed before that
)

// What became of a body that is written beside the reading of the answer.
const (
	written = iota
	writing
	failed
	handed // the answer is whole: the writer gives the connection back
)

// exchange is a request on a connection and the body of its answer.
type exchange struct {
	resp  Response
	conn  *conn
	stop  func() bool // ends the watch over the context
	state atomic.Uint32
	late  atomic.Uint32 // what became of a body that is written beside the reading
	keep  bool          // another request may follow

	buf   []byte // holds rest
	rest  []byte // read with the head and not returned yet
	body  framing
	left  int64 // of a body of known length
	chunk chunks
	err   error // what reading has come to
}

// abort closes the connection because the context has ended.
func (x *exchange) abort() {
	if x.state.CompareAndSwap(open, broken) {
		x.conn.close()
	}
}

// Close gives the answer up.
func (x *exchange) Close() error {
	if x.state.CompareAndSwap(open, broken) {
		x.stop()
		x.conn.close()
	}
	return nil
}

// finish ends an exchange whose answer was read to its end.
func (x *exchange) finish() {
	putBuffer(x.buf)
	x.buf, x.rest = nil, nil
	if !x.state.CompareAndSwap(open, whole) {
		return
	}
	x.stop()
	if !x.keep {
		x.conn.close()
		return
	}
	if x.late.Load() == writing {
		_ = x.conn.socket.SetWriteDeadline(time.Now().Add(lateWrite))
		if x.late.CompareAndSwap(writing, handed) {
			return
		}
		_ = x.conn.socket.SetWriteDeadline(time.Time{})
	}
	if x.late.Load() == failed {
		x.conn.close()
		return
	}
	x.conn.host.pool.put(x.conn)
}

// writeLate writes a long request beside the reading of its answer. When it fails, the reader learns of it from the
// connection, after what the host may have said before.
func (x *exchange) writeLate(head []byte, body pieces) {
	_, err := x.conn.write(head, body)
	switch {
	case err == nil && x.late.CompareAndSwap(writing, written), err != nil && x.late.CompareAndSwap(writing, failed):
	case err != nil:
		x.conn.close()
	default:
		_ = x.conn.socket.SetWriteDeadline(time.Time{})
		x.conn.host.pool.put(x.conn)
	}
}

var _ io.ReadCloser = (*exchange)(nil)
