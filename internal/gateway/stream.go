package gateway

import (
	"context"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/exchange"
	"github.com/switchyard-gateway/switchyard/internal/upstream"
)

// Sink is the client's end of a stream.
type Sink = exchange.Sink

// Stream is an answer in progress, past its commit point. It holds its snapshot until it is
// closed. One goroutine uses it.
type Stream struct {
	a      *attempt
	ctx    context.Context
	resp   *upstream.Response
	stream exchange.Stream
	tail   exchange.Tail

	settled  bool
	whole    bool // settled without an error
	released bool
}

// reuseWait is how long a stream that has ended may be held on to for the sake of its connection.
const reuseWait = 25 * time.Millisecond

// openStream reads up to the commit point, so that whatever fails before it is an ordinary
// error that can be retried.
func (a *attempt) openStream(ctx context.Context, resp *upstream.Response) (*answer, *Error) {
	s := &Stream{a: a, ctx: ctx, resp: resp}
	began := now()
	err := s.stream.Open(ctx, &a.call, resp)
	a.upstream += now().Sub(began)
	var e *Error
	switch {
	case err != nil:
		e = a.classify(ctx, err)
	case a.first != nil && !a.first.Stop():
		e = upstreamTimeout("The upstream sent no token in time.") // it came as the time was over
	}
	if e != nil {
		_ = resp.Close()
		return nil, e
	}
	rec := a.record()
	rec.TTFT = now().Sub(rec.Start)
	// No other attempt follows: what the client sent, which may be much, is not kept for as long as the stream lasts.
	a.ask.Body, a.req.Body = nil, nil
	return &answer{stream: s}, nil
}

// Run writes the stream to sink until it ends; the last chunks are not followed by a Flush. The
// result is nil for a whole answer. Otherwise it is for the client, in band, unless it left. The
// request is accounted for before sink gets the last chunk of a whole answer. Close the stream when
// the client has the last of it.
func (s *Stream) Run(sink Sink) *Error {
	s.tail.Sink = sink
	var e *Error
	if err := s.stream.Run(&s.tail); err != nil {
		e = s.a.classify(s.ctx, err)
	}
	s.settle(e)
	if (e == nil || !e.canceled) && s.tail.Release() != nil {
		return clientGone()
	}
	return e
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
		s.stream.Drain(reuseWait)
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
		a.succeeded(now(), &s.stream.Usage)
	} else {
		a.report.Usage = s.stream.Usage
		// Who leaves, or asks for a short timeout, chooses when the stream ends: what came by then was not free.
		// What a vendor has broken off is, unless the vendor said otherwise.
		if e.canceled || e.waited || e.drained {
			a.report.Estimated = s.tail.Complete(&a.report.Usage, a.req.PromptTokens)
		}
		a.report.Cost = a.d.Cost(&a.report.Usage)
		a.failed(e)
		a.run.cancel()
	}
	a.finish(e)
}
