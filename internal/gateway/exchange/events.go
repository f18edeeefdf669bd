package exchange

import (
	"bytes"
	"errors"
	"net/http"

	"github.com/switchyard-gateway/switchyard/internal/gateway/inspect"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// What the sink before the commit point says to the pump.
var (
	errCommitted = errors.New("the stream has content")
	errTooLong   = errors.New("the stream has much, but no content")
)

// emit hands a chunk to the sink, and keeps back the usage that a client did not ask for.
func (s *Stream) emit(sink Sink, kind abi.ChunkKind, data []byte) error {
	s.emitted = true
	switch kind {
	case abi.ChunkUsage:
		if s.call.Flags&abi.FlagIncludeUsage == 0 {
			return nil
		}
	case abi.ChunkContent, abi.ChunkFinish:
		s.committed = true
	}
	switch err := sink.Chunk(kind, data); {
	case err == nil:
		return nil
	case errors.Is(err, errTooLong):
		return badAnswer("The upstream's stream had no content in its first %d bytes.", MaxHeld)
	default:
		return ErrClient
	}
}

// passed forwards the events of a vendor that speaks the client's dialect, untouched.
type passed struct {
	*Stream
	begun, ended uint64 // choices, as sets of indexes
}

var doneMark = []byte("[DONE]")

func (p *passed) forward(sink Sink, _ abi.End) error {
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
		if e := p.event(sink, p.call.hidden.Clean(ev.Data)); e != nil {
			return e
		}
	}
	if err := p.dec.Err(); err != nil && !p.done && !p.finished {
		return err
	}
	return nil
}

func (p *passed) event(sink Sink, data []byte) error {
	root, err := jsonraw.Parse(data)
	if err != nil || root.Kind() != jsonraw.Object {
		return badAnswer("The upstream sent a stream event that is not a JSON object.")
	}
	f := inspect.ReadEvent(root)
	if f.Failed {
		return p.failure(root)
	}
	if f.Usage.Present {
		p.Usage = f.Usage
	}
	p.begun, p.ended = p.begun|f.Speaking, p.ended|f.Finished
	p.finished = p.ended != 0 && p.begun&^p.ended == 0
	kind := abi.ChunkMeta
	switch {
	case f.Finished != 0:
		kind = abi.ChunkFinish
	case f.Content:
		kind = abi.ChunkContent
	case f.Usage.Present && !f.Choice:
		kind = abi.ChunkUsage
	}
	return p.emit(sink, kind, root)
}

// failure lets the adapter say what an error event means.
func (p *passed) failure(event jsonraw.Value) error {
	status := http.StatusBadGateway
	if code, ok := event.Get("error", "code").Int(); ok && code >= 400 && code <= 599 {
		status = int(code)
	}
	if _, err := p.call.translate(p.ctx, status, p.resp.Header, event); err != nil {
		return err
	}
	return badAnswer("The upstream sent an error inside the stream.")
}

// translated hands the events of another dialect to the adapter.
type translated struct {
	*Stream
	in  abi.StreamInput
	out abi.StreamOutput
	buf []byte
}

func newTranslated(s *Stream) *translated {
	c := s.call
	return &translated{Stream: s, in: abi.StreamInput{
		Endpoint: c.Endpoint, Dialect: c.Dialect, Flags: c.Flags, Now: c.Now, Model: c.Model, RequestID: c.RequestID,
		State: bytes.Clone(c.plan.State),
	}}
}

// forward makes one call for all the events at hand.
func (t *translated) forward(sink Sink, end abi.End) error {
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
		t.in.Events = t.in.Events.Append(t.call.hidden.Clean(ev.Name), t.call.hidden.Clean(ev.Data))
		t.in.Count++
	}
	if err := t.dec.Err(); err != nil && end == abi.EndNot {
		t.in.End = abi.EndAborted // what came before still counts
	}
	if t.in.Count == 0 && t.in.End == abi.EndNot {
		return nil
	}
	buf, err := t.call.Adapter.Stream(t.ctx, &t.in, &t.out, t.buf[:0])
	t.buf = buf
	if err != nil {
		return fault(err)
	}
	t.in.State = append(t.in.State[:0], t.out.State...)
	if t.out.Usage.Present {
		t.Usage = t.out.Usage
	}
	for kind, data := range t.out.Chunks.All {
		if kind == abi.ChunkError {
			ref, err := abi.DecodeRefusal(data)
			if err != nil {
				return fault(err)
			}
			return ref
		}
		t.finished = t.finished || kind == abi.ChunkFinish
		if e := t.emit(sink, kind, data); e != nil {
			return e
		}
	}
	t.done = t.done || t.out.Done
	if err := t.dec.Err(); err != nil && !t.done && !t.finished {
		return err
	}
	return nil
}
