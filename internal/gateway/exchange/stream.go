package exchange

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Sink takes what a stream has for the client.
type Sink interface {
	// Chunk gets one JSON text of the client's dialect, valid only during the call. An error
	// means that the client is gone.
	Chunk(kind abi.ChunkKind, data []byte) error
	// Flush comes when nothing more is at hand: the next chunk is waited for.
	Flush() error
}

// Stream reads a vendor's stream and writes the client's. Open comes first, once, then Run. One
// goroutine uses it.
type Stream struct {
	// Usage is what the vendor has reported so far.
	Usage abi.Usage

	call   *Call
	ctx    context.Context
	resp   *upstream.Response
	dec    upstream.Decoder
	events events
	read   []byte
	held   []held

	emitted   bool // anything at all
	committed bool
	finished  bool // every choice has its finish reason
	done      bool // the answer is complete
}

// events turns what the decoder has at hand into chunks for a sink.
type events interface {
	// forward handles the events at hand; end tells whether more may come.
	forward(sink Sink, end abi.End) error
}

// held is a chunk that came up to the commit point.
type held struct {
	kind abi.ChunkKind
	data []byte
}

const (
	// A stream that trickles needs little room; one whose reads are full gets more.
	readSize = 2 << 10
	readMost = 32 << 10
	maxEvent = abi.MaxOutput
	// MaxHeld bounds what is kept of a stream that never commits, in bytes.
	MaxHeld = 1 << 20
)

// Open reads the body of resp, the answer to a call, up to the commit point, so that whatever
// fails before it can be retried. Errors are, here and of Run, a *[abi.Refusal], a *[Fault], a
// *[BadAnswer], or of the connection. ctx governs Run too.
func (s *Stream) Open(ctx context.Context, call *Call, resp *upstream.Response) error {
	*s = Stream{call: call, ctx: ctx, resp: resp, dec: upstream.NewDecoder(lookup(framings[:], call.plan.Framing), maxEvent), read: make([]byte, readSize)}
	if call.plan.ResponseMode == abi.ModeTranslate {
		s.events = newTranslated(s)
	} else {
		s.events = &passed{Stream: s}
	}
	return s.pump(&holder{s: s})
}

// holder is the sink before the commit point: it keeps chunks.
type holder struct {
	s    *Stream
	size int
}

// Chunk keeps a chunk.
func (h *holder) Chunk(kind abi.ChunkKind, data []byte) error {
	if h.size += len(data); h.size > MaxHeld && !h.s.committed {
		return errTooLong
	}
	h.s.held = append(h.s.held, held{kind, append([]byte(nil), data...)})
	return nil
}

// Flush stops the reading as soon as there is something to commit to.
func (h *holder) Flush() error {
	if h.s.committed {
		return errCommitted
	}
	return nil
}

// Run writes the stream to sink until it ends; the last chunks are not followed by a Flush. The
// result is nil for a whole answer, and [ErrClient] if the sink gave up.
func (s *Stream) Run(sink Sink) error {
	for _, c := range s.held {
		if sink.Chunk(c.kind, c.data) != nil {
			return ErrClient
		}
	}
	s.held = nil
	return s.pump(sink)
}

// Drain reads what little may follow the end of an answer, because only a body that was read to
// its end leaves the connection for the next request. It closes the body after limit.
func (s *Stream) Drain(limit time.Duration) {
	t := time.AfterFunc(limit, func() { _ = s.resp.Close() })
	defer t.Stop()
	for range 4 {
		if _, err := s.resp.Body.Read(s.read); err != nil {
			return
		}
	}
}

// pump moves events from the upstream to sink until the answer is complete, or sink stops it.
func (s *Stream) pump(sink Sink) error {
	for {
		if err := s.events.forward(sink, abi.EndNot); err != nil {
			return err
		}
		if s.done {
			return s.ended(nil, sink)
		}
		switch err := sink.Flush(); {
		case err == nil:
		case errors.Is(err, errCommitted):
			return nil
		default:
			return ErrClient
		}
		n, err := s.resp.Body.Read(s.read)
		if n > 0 {
			if bad := s.dec.Write(s.read[:n]); bad != nil {
				err = bad
			}
		}
		if n == len(s.read) && n < readMost {
			s.read = make([]byte, 4*n)
		}
		if err != nil {
			return s.ended(err, sink)
		}
	}
}

// ended handles the end of the upstream's body: events that lacked their end mark still count,
// and an answer whose finish reason came is whole even if the goodbye did not.
func (s *Stream) ended(err error, sink Sink) error {
	if errors.Is(err, io.EOF) {
		err = s.dec.Close()
	}
	if err != nil && s.ctx.Err() != nil && !s.finished {
		return err
	}
	end := abi.EndClean
	if err != nil {
		end = abi.EndAborted
	}
	if !s.done {
		if e := s.events.forward(sink, end); e != nil && !s.finished {
			return e
		}
	}
	switch {
	case s.finished, s.done && s.emitted:
		s.done = true
		return nil
	case err != nil:
		return err
	case s.done:
		return badAnswer("The upstream's stream had no content.")
	default:
		return badAnswer("The upstream ended the stream early.")
	}
}
