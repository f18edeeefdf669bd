package gateway

import (
	"bytes"
	"errors"
	"net/http"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// What the sink before the commit point says to the pump.
var (
	errCommitted = errors.New("the stream has content")
	errTooLong   = errors.New("the stream has much, but no content")
)

// emit hands a chunk to the sink, and keeps back the usage that a client did not ask for.
func (s *Stream) emit(sink Sink, kind abi.ChunkKind, data []byte) *Error {
	s.emitted = true
	switch kind {
	case abi.ChunkUsage:
		if !s.a.req.IncludeUsage {
			return nil
		}
	case abi.ChunkContent, abi.ChunkFinish:
		s.committed = true
	}
	switch err := sink.Chunk(kind, data); err {
	case nil:
		return nil
	case errTooLong:
		return badResponse("The upstream's stream had no content in its first %d bytes.", maxHeld)
	default:
		return clientGone()
	}
}

// passed forwards the events of a vendor that speaks the client's dialect, untouched.
type passed struct {
	*Stream
	begun, ended uint64 // choices, as sets of indexes
}

var doneMark = []byte("[DONE]")

func (p *passed) forward(sink Sink, _ abi.End) *Error {
	for !p.done {
		ev, ok := p.dec.Next()
		if !ok {
			break
		}
		if ev.Comment() {
			continue
		}
		if bytes.Equal(ev.Data, doneMark) {
			p.done = true
			return nil
		}
		if e := p.event(sink, ev.Data); e != nil {
			return e
		}
	}
	if err := p.dec.Err(); err != nil && !p.done && !p.finished {
		return p.a.transport(p.ctx, err)
	}
	return nil
}

func (p *passed) event(sink Sink, data []byte) *Error {
	root, err := jsonraw.Parse(data)
	if err != nil || root.Kind() != jsonraw.Object {
		return badResponse("The upstream sent a stream event that is not a JSON object.")
	}
	f := readEvent(root)
	if f.failed {
		return p.failure(root)
	}
	if f.usage.Present {
		p.usage = f.usage
	}
	p.begun, p.ended = p.begun|f.speaking, p.ended|f.finished
	p.finished = p.ended != 0 && p.begun&^p.ended == 0
	kind := abi.ChunkMeta
	switch {
	case f.finished != 0:
		kind = abi.ChunkFinish
	case f.content:
		kind = abi.ChunkContent
	case f.usage.Present && !f.choice:
		kind = abi.ChunkUsage
	}
	return p.emit(sink, kind, root)
}

// failure lets the adapter say what an error event means.
func (p *passed) failure(event jsonraw.Value) *Error {
	status := http.StatusBadGateway
	if code, ok := event.Get("error", "code").Int(); ok && code >= 400 && code <= 599 {
		status = int(code)
	}
	_, e := p.a.translate(p.ctx, status, p.resp.Header, event)
	if e == nil {
		e = badResponse("The upstream sent an error inside the stream.")
	}
	return e
}

// translated hands the events of another dialect to the adapter.
type translated struct {
	*Stream
	in  abi.StreamInput
	out abi.StreamOutput
	buf []byte
}

func newTranslated(s *Stream) *translated {
	a := s.a
	return &translated{Stream: s, in: abi.StreamInput{
		Endpoint: a.req.Endpoint, Dialect: a.req.Dialect, Flags: a.flags, Now: uint64(a.start.Unix()), Model: a.model, RequestID: a.id,
		State: bytes.Clone(a.plan.State),
	}}
}

// forward makes one call for all the events at hand.
func (t *translated) forward(sink Sink, end abi.End) *Error {
	if t.done {
		return nil
	}
	t.in.Events, t.in.Count, t.in.End = t.in.Events[:0], 0, end
	for {
		ev, ok := t.dec.Next()
		if !ok {
			break
		}
		if ev.Comment() {
			continue
		}
		t.in.Events = t.in.Events.Append(ev.Name, ev.Data)
		t.in.Count++
	}
	if err := t.dec.Err(); err != nil && end == abi.EndNot {
		t.in.End = abi.EndAborted // what came before still counts
	}
	if t.in.Count == 0 && t.in.End == abi.EndNot {
		return nil
	}
	buf, err := t.a.d.Account.Plugin.Stream(t.ctx, &t.in, &t.out, t.buf[:0])
	t.buf = buf
	if err != nil {
		return t.a.plugin(t.ctx, err)
	}
	t.in.State = append(t.in.State[:0], t.out.State...)
	if t.out.Usage.Present {
		t.usage = t.out.Usage
	}
	for kind, data := range t.out.Chunks.All {
		if kind == abi.ChunkError {
			ref, err := abi.DecodeRefusal(data)
			if err != nil {
				return t.a.plugin(t.ctx, err)
			}
			return fromRefusal(ref)
		}
		t.finished = t.finished || kind == abi.ChunkFinish
		if e := t.emit(sink, kind, data); e != nil {
			return e
		}
	}
	t.done = t.done || t.out.Done
	if err := t.dec.Err(); err != nil && !t.done && !t.finished {
		return t.a.transport(t.ctx, err)
	}
	return nil
}
