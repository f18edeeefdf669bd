package main

import (
	"bytes"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/chat"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// Stream repairs the chunks of a vendor that deviates from the format: one head for all, one finish per choice and
// nothing behind it, usage at the end only, tool calls numbered.
func (p *plugin) Stream(in *abi.StreamInput, out *abi.StreamOutput) error {
	s := &p.stream
	if !s.load(in.State) {
		return chat.BadResponse("the state of the stream is damaged")
	}
	for name, data, rest, ok := in.Events.Cut(); ok && !s.done; name, data, rest, ok = rest.Cut() {
		if len(name) > 0 || !p.apply(data, out) {
			p.event(in, name, data, out)
		}
	}
	if !s.done && in.End != abi.EndNot {
		s.loaded = nil
		if s.complete() {
			p.end(in, out)
		} else {
			p.fail(out, endedEarly())
		}
	}
	out.Done = s.done
	if len(s.usage) > 0 {
		out.Usage = p.readUsage(s.usage)
	}
	out.State = s.save(out.State)
	return nil
}

const chunkObject = `"chat.completion.chunk"`

// fail ends the stream with an error.
func (p *plugin) fail(out *abi.StreamOutput, ref *abi.Refusal) {
	out.Chunks = out.Chunks.AppendRefusal(ref)
	p.stream.done = true
}

func (p *plugin) event(in *abi.StreamInput, name, data []byte, out *abi.StreamOutput) {
	s := &p.stream
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return
	}
	s.loaded = nil
	if string(data) == "[DONE]" {
		p.terminate(in, out)
		return
	}
	s.template.drop()
	doc, err := jsonraw.Parse(data)
	if err != nil {
		doc = nil
	}
	h := &p.head
	if h.read(doc); h.failed || string(name) == "error" {
		p.fail(out, p.failure(200, doc, data, nil, in.Now))
		return
	}
	if doc.Kind() != jsonraw.Object {
		p.fail(out, unreadable("the provider sent a stream event that is not a JSON object", data))
		return
	}
	if h.usage != nil && len(h.usage) <= maxUsage {
		s.usage = append(p.spent[:0], h.usage...)
		p.spent = s.usage
	}
	p.settle(in, h)
	p.spot = spot{}
	if p.chunk(in, h, out) && h.usage == nil && len(name) == 0 {
		p.learn(doc, p.buf)
	}
}

// settle gives every chunk the id, model and time of the first one that has a choice.
func (p *plugin) settle(in *abi.StreamInput, h *head) {
	s := &p.stream
	if !s.started {
		if e := h.choices.Elements(); !e.Next() {
			return
		}
		h.complete(in.RequestID, in.Model, in.Now)
		s.started, s.created = true, h.created
		s.id, s.model = bytes.Clone(h.id), bytes.Clone(h.model) // they outlive the event
	}
	h.id, h.model, h.created = s.id, s.model, s.created
}

// chunk writes one chunk for the client, if there is anything for it in h. It reports whether a template may be made
// of it: one choice, which goes on.
func (p *plugin) chunk(in *abi.StreamInput, h *head, out *abi.StreamOutput) bool {
	w := jsonraw.Writer{Buf: p.buf[:0]}
	h.write(&w, chunkObject)
	w.Key("choices")
	w.Array()
	empty := len(w.Buf)
	kind := abi.ChunkMeta
	position := int64(0)
	for e := h.choices.Elements(); e.Next(); position++ {
		k, ref := p.writeDelta(in, &w, e.Value, position)
		if ref != nil {
			p.fail(out, ref)
			return false
		}
		kind = max(kind, k)
	}
	p.buf = w.Buf
	if len(w.Buf) == empty {
		return false
	}
	w.End()
	p.endChunk(in, &w, out, kind)
	return kind == abi.ChunkContent && position == 1
}

func (p *plugin) endChunk(in *abi.StreamInput, w *jsonraw.Writer, out *abi.StreamOutput, kind abi.ChunkKind) {
	if in.Flags&abi.FlagIncludeUsage != 0 {
		w.Key("usage")
		w.Null()
	}
	w.End()
	p.buf = w.Buf
	out.Chunks = out.Chunks.Append(kind, w.Buf)
}

// writeDelta writes one element of choices, or nothing if it says nothing new.
func (p *plugin) writeDelta(in *abi.StreamInput, w *jsonraw.Writer, v jsonraw.Value, position int64) (abi.ChunkKind, *abi.Refusal) {
	c := &p.choice
	c.read(v)
	if c.index < 0 {
		c.index = position
	}
	cs := p.stream.choice(c.index)
	if cs == nil {
		return 0, unreadable("the provider's stream has too many choices", nil)
	}
	if cs.finished {
		return 0, nil
	}
	if c.finish == finishError || isFault(c.failed) {
		return 0, p.broken(c, nil, in.Now)
	}

	mark := *w
	w.Object()
	w.RawKey(jsonraw.Value(`"index"`))
	w.Int(c.index)
	w.RawKey(jsonraw.Value(`"delta"`))
	kind, said, ref := p.delta(in, w, cs, c)
	if ref != nil {
		return 0, ref
	}
	if !said && c.finish == finishNone && c.logprobs.Absent() {
		mark.Buf = w.Buf[:len(mark.Buf)]
		*w = mark
		return 0, nil
	}
	w.RawKey(jsonraw.Value(`"logprobs"`))
	w.Raw(c.logprobs)
	w.RawKey(jsonraw.Value(`"finish_reason"`))
	if c.finish == finishNone {
		w.Null()
	} else {
		f := c.finish
		if f == finishStop && len(cs.tools) > 0 {
			f = finishToolCalls
		}
		w.String(f.String())
		cs.finished = true
		kind = abi.ChunkFinish
	}
	writeMembers(w, c.extra)
	w.End()
	return kind, nil
}
