package http1

import (
	"errors"
	"os"
	"sync/atomic"
	"time"
)

// watchAfter is how long at most a handler runs, after the body was read, until the connection is watched; half of it is the
// least. Most have ended by then.
const watchAfter = 10 * time.Millisecond

// watch notices that the client of a handler left, by reading a byte. There is none before the client has its answer; if
// there is one all the same, it is the first of the next request. A watch that is reading when the handler has ended goes on
// to wait for that.
//
// But for begin and run it is used by the goroutine that serves, or under the lock of the request's body.
type watch struct {
	conn    *conn
	beat    uint          // where it is on the list of the patrol
	turn    uint64        // counts the requests that were enlisted
	due     atomic.Uint64 // the turn whose watch is to begin; 0 when there is none, or it has begun
	seen    chan sight    // holds what run saw
	armed   bool          // for the request that is being handled
	pending bool          // run is reading, or has put what it saw into seen
	enough  atomic.Bool
}

// sight is what a watch saw: the client gone, a byte, or neither.
type sight struct {
	gone, got bool
	b         byte
}

func (w *watch) arm() {
	w.armed = true
	w.turn++
	w.due.Store(w.turn)
	w.conn.server.patrol.enlist(post{w, w.turn})
}

// begin begins the watch over a request, unless it was disarmed.
func (w *watch) begin(turn uint64) {
	if w.due.CompareAndSwap(turn, 0) {
		go w.run()
	}
}

// disarm ends a watch that has not begun. One that has ends with the connection, or has to be waited for.
func (w *watch) disarm() {
	if w.armed && !w.due.CompareAndSwap(w.turn, 0) {
		w.pending = true
	}
	w.armed = false
}

// release ends the watch over a request. A reader stays, unless there is more to read from elsewhere.
func (w *watch) release(more bool) (s sight) {
	w.disarm()
	if !w.pending || !more {
		return s
	}
	w.enough.Store(true)
	_ = w.conn.socket.SetReadDeadline(longAgo)
	s = w.wait()
	_ = w.conn.socket.SetReadDeadline(time.Time{})
	w.enough.Store(false)
	return s
}

var longAgo = time.Unix(1, 0)

// wait is for a watch that is pending.
func (w *watch) wait() sight {
	w.pending = false
	return <-w.seen
}

// run is the watch, on a goroutine of its own.
func (w *watch) run() {
	var one [1]byte
	for {
		n, err := w.conn.socket.Read(one[:])
		switch {
		case n == 1:
			w.seen <- sight{got: true, b: one[0]}
			return
		case !errors.Is(err, os.ErrDeadlineExceeded):
			w.conn.cancel()
			w.seen <- sight{gone: true}
			return
		case w.enough.Load():
			w.seen <- sight{}
			return
		default: // the body's limit, which the body has kept
			_ = w.conn.socket.SetReadDeadline(time.Time{})
		}
	}
}
