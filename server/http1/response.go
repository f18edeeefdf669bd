package http1

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/socket"
)

// response is the [http.ResponseWriter] of a connection. An answer whose length is given, or which is small, leaves in one
// write with its head; else in chunks, one write each: what is gathered until a flush, or until it fills a buffer.
type response struct {
	conn   *conn
	header http.Header
	body   *body // of the request

	status  int   // 0 until WriteHeader
	length  int64 // of the body: given, or found out at the end; -1 until then
	written int64
	stated  stated
	settled bool   // how the answer is framed
	chunked bool   // it is framed in chunks
	closing bool   // the connection ends with it
	timed   bool   // the socket has a deadline for writing
	head    []byte // until it is sent
	data    []byte // gathered, behind room for the size of a chunk
	err     error  // of the socket
	parts   [4][]byte
	queue   net.Buffers
}

func (w *response) begin(r *request) {
	clear(w.header)
	w.body = &r.body
	w.status, w.length, w.written, w.stated = 0, -1, 0, stated{}
	w.settled, w.chunked, w.closing = false, false, r.Close
}

// Header is sent by WriteHeader, as it is then.
func (w *response) Header() http.Header { return w.header }

// WriteHeader begins the answer. Further calls are ignored, and so are interim answers.
func (w *response) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("http1: there is no status %d", status)) // as net/http does
	}
	if w.status != 0 || status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	w.status = status
	w.head, w.stated = appendHeader(getBuffer()[:0], status, w.header)
	w.length = w.stated.length
	if w.stated.closing {
		w.closing = true
	}
}

// bodied tells whether the status lets an answer have a body.
func (w *response) bodied() bool {
	return w.status >= 200 && w.status != http.StatusNoContent && w.status != http.StatusNotModified
}

// Write adds to the body.
func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if len(p) == 0 {
		return 0, w.err
	}
	if !w.bodied() {
		return 0, http.ErrBodyNotAllowed
	}
	w.written += int64(len(p))
	if w.length >= 0 && w.written > w.length {
		return 0, http.ErrContentLength
	}
	if w.length < 0 || w.written < w.length { // more may come
		if w.data == nil && len(p) <= bufferSize-sizeRoom-tailRoom {
			w.data = getBuffer()[:sizeRoom]
		}
		if len(w.data)+len(p) <= bufferSize-tailRoom && w.data != nil {
			w.data = append(w.data, p...)
			return len(p), w.err
		}
	}
	if err := w.send(p, false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush sends what was written.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError is Flush for [http.ResponseController].
func (w *response) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.head == nil && w.data == nil {
		return w.err
	}
	return w.send(nil, false)
}

// SetReadDeadline limits the reading of the request's body. The limit ends with the body or with the request.
func (w *response) SetReadDeadline(t time.Time) error { return w.body.limit(t) }

// SetWriteDeadline limits writes until the end of the request.
func (w *response) SetWriteDeadline(t time.Time) error {
	w.timed = true
	return w.conn.socket.SetWriteDeadline(t)
}

// finish sends what is left when the handler has ended.
func (w *response) finish() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.length < 0 && !w.settled && w.bodied() {
		w.length = w.written
	}
	if w.head != nil || w.data != nil || w.chunked {
		_ = w.send(nil, true)
	}
	if w.err != nil || w.bodied() && w.length >= 0 && w.written != w.length {
		w.closing = true
	}
}

// lift lifts the deadline of writes.
func (w *response) lift() {
	if w.timed {
		w.timed = false
		_ = w.conn.socket.SetWriteDeadline(time.Time{})
	}
}

// settle decides how the answer is framed and completes its head. first is how the body begins.
func (w *response) settle(first []byte) {
	w.settled = true
	if w.conn.server.draining.Load() || !w.closing && !w.body.drain() {
		w.closing = true
	}
	if w.bodied() {
		if !w.stated.typed && len(first) > 0 {
			w.head = appendLine(w.head, "Content-Type", http.DetectContentType(first))
		}
		if w.length >= 0 {
			w.head = appendLength(w.head, w.length)
		} else {
			w.chunked = true
			w.head = append(w.head, "Transfer-Encoding: chunked\r\n"...)
		}
	}
	if !w.stated.dated {
		w.head = appendDate(w.head, time.Now())
	}
	switch {
	case w.closing:
		w.head = append(w.head, "Connection: close\r\n"...)
	default:
		for _, v := range w.stated.connection {
			w.head = appendLine(w.head, "Connection", v)
		}
	}
	w.head = append(w.head, '\r', '\n')
}

const (
	sizeRoom = len("7fffffffffffffff\r\n")
	tailRoom = len(lastTail)
	tail     = "\r\n"
	lastTail = "\r\n0\r\n\r\n"
)

// send writes what was gathered and p, in one system call. last ends the body.
func (w *response) send(p []byte, last bool) error {
	if w.err != nil {
		return w.err
	}
	data := w.data
	w.data = nil
	if data == nil && w.chunked || data == nil && !w.settled && w.length < 0 {
		data = getBuffer()[:sizeRoom]
	}
	var gathered []byte
	if data != nil {
		gathered = data[sizeRoom:]
	}
	if !w.settled {
		first := gathered
		if len(first) == 0 {
			first = p
		}
		w.settle(first)
	}
	end := ""
	if w.chunked {
		if n := len(gathered) + len(p); n > 0 {
			gathered = data[putSize(data, n):]
			end = tail
		}
		if last {
			end = lastTail[len(tail)-len(end):]
		}
	}
	head := w.head
	w.head = nil
	w.write(head, gathered, p, end)
	putBuffer(head)
	putBuffer(data)
	if w.err != nil {
		w.closing = true
		w.conn.cancel()
	}
	return w.err
}

// write joins the pieces in the room behind the first one as far as they fit.
func (w *response) write(head, gathered, p []byte, end string) {
	first := head
	switch {
	case first == nil:
		first, gathered = gathered, nil
	case len(first)+len(gathered) <= cap(first):
		first, gathered = append(first, gathered...), nil
	}
	if gathered == nil && len(first)+len(p)+len(end) <= cap(first) {
		first = append(append(first, p...), end...)
		if len(first) > 0 {
			_, w.err = w.conn.socket.Write(first)
		}
		return
	}
	w.queue = w.parts[:0]
	for _, part := range [...][]byte{first, gathered, p} {
		if len(part) > 0 {
			w.queue = append(w.queue, part)
		}
	}
	switch end {
	case "":
	case tail:
		w.queue = append(w.queue, tailBytes)
	default:
		w.queue = append(w.queue, lastTailBytes[len(lastTail)-len(end):])
	}
	_, w.err = socket.WriteAll(w.conn.socket, &w.queue)
	clear(w.parts[:])
}

var tailBytes, lastTailBytes = []byte(tail), []byte(lastTail)

// putSize writes the size of a chunk so that it ends where the gathered data begins, and returns where.
func putSize(data []byte, n int) int {
	const digits = "0123456789abcdef"
	i := sizeRoom - len(tail)
	copy(data[i:sizeRoom], tail)
	for {
		i--
		data[i] = digits[n&15]
		if n >>= 4; n == 0 {
			return i
		}
	}
}
