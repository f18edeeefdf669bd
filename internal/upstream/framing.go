package upstream

import (
	"bytes"
	"encoding/json"
)

// Framing is the way in which a vendor marks where one streamed event ends.
type Framing uint8

const (
	// None is no framing: the whole body is one event, which comes after Close.
	None Framing = iota
	// SSE is text/event-stream.
	SSE
	// NDJSON is one JSON value a line.
	NDJSON
	// EventStream is application/vnd.amazon.eventstream.
	EventStream
)

// String returns the name used in messages.
func (f Framing) String() string {
	switch f {
	case SSE:
		return "sse"
	case NDJSON:
		return "ndjson"
	case EventStream:
		return "eventstream"
	}
	return "none"
}

// Event is one decoded event. Both slices point into the decoder's buffer: they are valid until the next call of
// Write or Next and must not be changed.
type Event struct {
	// Name is the SSE "event" field, or the ":event-type" of an AWS message, ":exception/" followed by its
	// ":exception-type", ":error/" followed by its ":error-code". It is ":" for an SSE comment, which carries no
	// answer but shows that the vendor is alive. It is empty for NDJSON and None.
	Name []byte
	// Data is the payload, never empty except for a comment or an AWS message without payload. The "data" lines of one
	// SSE event are joined with LF. For an AWS ":error/" message without payload it is the plain ":error-message" text.
	Data []byte
}

// Comment reports whether the event is an SSE comment.
func (e Event) Comment() bool { return len(e.Name) == 1 && e.Name[0] == ':' }

// Decoder cuts a byte stream into events. The events are the same wherever the stream is split into Writes.
// A decoder serves one stream and one goroutine.
//
//	for each piece of the body:
//		Write(piece), then Next until it returns false
//	at the end of the body:
//		Close, then Next until it returns false
type Decoder interface {
	// Write takes the next piece of the stream; p may be reused afterwards. It returns the error of the stream, if it has one.
	Write(p []byte) error
	// Next returns the next complete event. False means: write more, or ask Err.
	Next() (Event, bool)
	// Close says that the stream is over; call it after Next returned false. A last event that lacks its end mark is
	// still delivered by Next if it is complete JSON (or "[DONE]"); otherwise Close returns [ErrTruncated].
	Close() error
	// Err returns the first error: an event larger than allowed, a damaged frame, a cut stream. No event follows it.
	Err() error
}

// NewDecoder returns a decoder for f. One event, counted as it is on the wire, may take maxEvent bytes; a larger one is an
// [Error] of kind [TooLarge].
func NewDecoder(f Framing, maxEvent int) Decoder {
	switch f {
	case SSE:
		return &sseDecoder{max: maxEvent, lf: mark{at: -1}, cr: mark{at: -1}}
	case NDJSON:
		return &lineDecoder{max: maxEvent, lf: mark{at: -1}}
	case EventStream:
		return &frameDecoder{max: maxEvent}
	default:
		return &wholeDecoder{max: maxEvent}
	}
}

const opStream = "read the event stream"

var (
	doneMark    = []byte("[DONE]")
	commentName = []byte(":")
	errClosed   = &Error{Kind: Malformed, Op: opStream, Detail: "bytes arrived after the end of the stream"}
)

// isComplete reports whether an event that was not properly ended can be taken as whole.
func isComplete(data []byte) bool {
	return bytes.Equal(data, doneMark) || json.Valid(data)
}

// window is a growing buffer whose front is given up as events are consumed.
type window struct {
	buf   []byte
	start int // bytes before start are no longer needed
}

// push appends p and returns by how much the kept bytes moved towards the front.
func (w *window) push(p []byte) (shift int) {
	if w.start > 0 {
		shift = w.start
		w.buf = w.buf[:copy(w.buf, w.buf[w.start:])]
		w.start = 0
	}
	w.buf = append(w.buf, p...)
	return shift
}

// mark remembers how far a byte value was searched for, so that no byte is looked at twice.
type mark struct {
	at   int // where the value was found last, -1 for nowhere
	seen int // bytes before seen were searched
}

// next returns the first position of c at or after from, or -1 if buf has none yet. from must not go back behind an
// earlier position that was returned and then passed.
func (m *mark) next(buf []byte, from int, c byte) int {
	if m.at >= from {
		return m.at
	}
	s := max(from, m.seen)
	i := bytes.IndexByte(buf[s:], c)
	if i < 0 {
		m.seen = len(buf)
		return -1
	}
	m.at = s + i
	m.seen = m.at + 1
	return m.at
}

func (m *mark) shift(n int) {
	m.at = max(m.at-n, -1)
	m.seen = max(m.seen-n, 0)
}

// wholeDecoder is the Decoder for None.
type wholeDecoder struct {
	buf    []byte
	max    int
	closed bool
	err    error
}

func (d *wholeDecoder) Write(p []byte) error {
	switch {
	case d.err != nil:
		return d.err
	case d.closed:
		return errClosed
	case len(d.buf)+len(p) > d.max:
		d.err = tooLarge("read the response body", "the body", d.max)
		return d.err
	}
	d.buf = append(d.buf, p...)
	return nil
}

func (d *wholeDecoder) Next() (Event, bool) {
	if !d.closed || d.err != nil {
		return Event{}, false
	}
	data := bytes.TrimSpace(d.buf)
	d.buf = nil
	return Event{Data: data}, len(data) > 0
}

func (d *wholeDecoder) Close() error {
	d.closed = true
	return d.err
}

func (d *wholeDecoder) Err() error { return d.err }
