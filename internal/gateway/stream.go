package gateway

import (
	"context"
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

// Stream is an answer in progress, past its commit point. It holds its snapshot until it is
// closed. One goroutine uses it.
type Stream struct {
	a      *attempt
	ctx    context.Context
	resp   *upstream.Response
	dec    upstream.Decoder
	events events
	read   []byte
	held   []held

	usage     abi.Usage
	emitted   bool // anything at all
	committed bool
	finished  bool // every choice has its finish reason
	done      bool // the answer is complete
	settled   bool
	whole     bool // settled without an error
	released  bool
}

// events turns what the decoder has at hand into chunks for a sink.
type events interface {
	// forward handles the events at hand; end tells whether more may come.
	forward(sink Sink, end abi.End) *Error
}

// held is a chunk that came up to the commit point.
type held struct {
	kind abi.ChunkKind
	data []byte
}

const (
	readSize = 16 << 10
	// maxHeld bounds what is kept of a stream that never commits.
	maxHeld = 1 << 20
	// reuseWait is how long a stream that has ended may be held on to for the sake of its connection.
	reuseWait = 25 * time.Millisecond
)

// openStream reads up to the commit point, so that whatever fails before it is an ordinary
// error that can be retried.
func (a *attempt) openStream(ctx context.Context, resp *upstream.Response) (*answer, *Error) {
	s := &Stream{
		a: a, ctx: ctx, resp: resp, dec: upstream.NewDecoder(lookup(framings[:], a.plan.Framing), maxEvent),
		read: make([]byte, readSize),
	}
	if a.plan.ResponseMode == abi.ModeTranslate {
		s.events = newTranslated(s)
	} else {
		s.events = &passed{Stream: s}
	}
	began := now()
	first := &holder{s: s}
	e := s.pump(first)
	a.upstream += now().Sub(began)
	if e == nil && a.first != nil && !a.first.Stop() {
		e = upstreamTimeout("The upstream sent no token in time.") // it came as the time was over
	}
	if e != nil {
		_ = resp.Close()
		return nil, e
	}
	rec := a.record()
	rec.TTFT = now().Sub(rec.Start)
	return &answer{stream: s}, nil
}

// holder is the sink before the commit point: it keeps chunks.
type holder struct {
	s    *Stream
	size int
}

// Chunk keeps a chunk.
func (h *holder) Chunk(kind abi.ChunkKind, data []byte) error {
	if h.size += len(data); h.size > maxHeld && !h.s.committed {
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
// result is nil for a whole answer. Otherwise it is for the client, in band, unless it left. Close
// the stream when the client has the last of it.
func (s *Stream) Run(sink Sink) *Error {
	e := s.forward(sink)
	s.settle(e)
	return e
}

func (s *Stream) forward(sink Sink) *Error {
	for _, c := range s.held {
		if sink.Chunk(c.kind, c.data) != nil {
			return clientGone()
		}
	}
	s.held = nil
	return s.pump(sink)
}

// Close gives up a stream that was not run to its end, as when the client left, and lets go of
// the connection and the snapshot. It may be called again.
func (s *Stream) Close() {
	s.settle(clientGone())
	if s.released {
		return
	}
	s.released = true
	if s.whole {
		s.reuse()
	}
	s.a.cancel(errFinished)
	s.a.run.cancel()
	_ = s.resp.Close()
	s.a.snap.Release()
}

// settle records how the stream ended; only the first call counts.
func (s *Stream) settle(e *Error) {
	if s.settled {
		return
	}
	s.settled = true
	a := s.a
	if e == nil {
		s.whole = true
		a.succeeded(now(), &s.usage)
	} else {
		a.report.Usage, a.report.Cost = s.usage, cost(a.d, &s.usage)
		a.failed(e)
		a.run.cancel()
	}
	a.finish(e)
}

// reuse reads what little may follow the end of an answer, because only a body that was read to
// its end leaves the connection for the next request.
func (s *Stream) reuse() {
	t := time.AfterFunc(reuseWait, func() { _ = s.resp.Close() })
	defer t.Stop()
	for range 4 {
		if _, err := s.resp.Body.Read(s.read); err != nil {
			return
		}
	}
}

// pump moves events from the upstream to sink until the answer is complete, or sink stops it.
func (s *Stream) pump(sink Sink) *Error {
	for {
		if e := s.events.forward(sink, abi.EndNot); e != nil {
			return e
		}
		if s.done {
			return s.ended(nil, sink)
		}
		switch err := sink.Flush(); err {
		case nil:
		case errCommitted:
			return nil
		default:
			return clientGone()
		}
		n, err := s.resp.Body.Read(s.read)
		if n > 0 {
			if bad := s.dec.Write(s.read[:n]); bad != nil {
				err = bad
			}
		}
		if err != nil {
			return s.ended(err, sink)
		}
	}
}

// ended handles the end of the upstream's body: events that lacked their end mark still count,
// and an answer whose finish reason came is whole even if the goodbye did not.
func (s *Stream) ended(err error, sink Sink) *Error {
	if err == io.EOF {
		err = s.dec.Close()
	}
	if err != nil && s.ctx.Err() != nil && !s.finished {
		return s.a.stopped(s.ctx)
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
		return s.a.transport(s.ctx, err)
	case s.done:
		return badResponse("The upstream's stream had no content.")
	default:
		return badResponse("The upstream ended the stream early.")
	}
}
