package main

import (
	"bytes"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

// Stream repairs the chunks of a vendor that deviates from the format: one head for all, one finish per choice and
// nothing behind it, usage at the end only, tool calls numbered.
func (p *plugin) Stream(in *abi.StreamInput, out *abi.StreamOutput) error {
	s := &p.stream
	if !s.load(in.State) {
		return refusal.BadResponse("the state of the stream is damaged")
	}
	for name, data, rest, ok := in.Events.Cut(); ok && !s.done; name, data, rest, ok = rest.Cut() {
		if len(name) > 0 || !p.apply(data, out) {
			p.event(in, name, data, out)
		}
	}
	if !s.done && in.End != abi.EndNot {
		s.changed()
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

const chunkObject = `,"object":"chat.completion.chunk"`

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
	s.changed()
	if string(data) == "[DONE]" {
		p.terminate(in, out)
		return
	}
	s.template.drop()
	doc, h := &p.doc, &p.head
	if err := doc.Read(data); err != nil || doc.Kind(jsonraw.Root) != jsonraw.Object {
		p.oddEvent(in, name, data, err == nil, out)
		return
	}
	if h.read(doc); h.failed || string(name) == "error" {
		p.fail(out, p.failure(200, doc.Value(jsonraw.Root), data, nil, in.Now))
		return
	}
	if h.usage != 0 {
		s.spend(doc.Value(h.usage))
	}
	p.settle(in, h)
	p.spot = spot{}
	if p.chunk(in, h, out) && h.usage == 0 && len(name) == 0 {
		p.learn(data, p.buf)
	}
}

// oddEvent ends the stream at an event that is no JSON object.
func (p *plugin) oddEvent(in *abi.StreamInput, name, data []byte, valid bool, out *abi.StreamOutput) {
	if string(name) != "error" {
		p.fail(out, unreadable("the provider sent a stream event that is not a JSON object", data))
		return
	}
	var root jsonraw.Value
	if valid {
		root = p.doc.Value(jsonraw.Root)
	}
	p.fail(out, p.failure(200, root, data, nil, in.Now))
}

// settle gives every chunk the id, model and time of the first one that has a choice.
func (p *plugin) settle(in *abi.StreamInput, h *head) {
	s := &p.stream
	if !s.started && h.hasChoices(&p.doc) {
		t := h.title(&p.doc, in.RequestID, in.Model, in.Now)
		s.started, s.created = true, t.created
		s.id, s.model = bytes.Clone(t.id), bytes.Clone(t.model) // they outlive the event
	}
}

// chunk writes one chunk for the client, if there is anything for it in h. It reports whether a template may be made
// of it: one choice, which goes on.
func (p *plugin) chunk(in *abi.StreamInput, h *head, out *abi.StreamOutput) bool {
	doc := &p.doc
	if !h.hasChoices(doc) {
		return false
	}
	w := p.openChunk(h.extra)
	empty := len(w.Buf)
	kind := abi.ChunkMeta
	position := int64(0)
	for e, end := doc.Elements(h.choices); e < end; e = doc.After(e) {
		k, ref := p.writeDelta(in, &w, e, position)
		if ref != nil {
			p.fail(out, ref)
			return false
		}
		kind = max(kind, k)
		position++
	}
	if len(w.Buf) == empty {
		p.keep(w.Buf)
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
	p.send(out, kind, w.Buf)
}

// send adds a chunk to the output, and keeps it as p.buf.
func (p *plugin) send(out *abi.StreamOutput, kind abi.ChunkKind, chunk []byte) {
	p.keep(chunk)
	if chunks := out.Chunks.Append(kind, chunk); cap(chunks) == cap(out.Chunks) { // it did not grow: see jsonraw.Writer
		out.Chunks = out.Chunks[:len(chunks)]
	} else {
		out.Chunks = chunks
	}
}

// keep makes p.buf of what was appended to p.buf[:0].
func (p *plugin) keep(buf []byte) {
	if cap(buf) == cap(p.buf) {
		p.buf = p.buf[:len(buf)]
	} else {
		p.buf = buf
	}
}

// writeDelta writes one element of choices, or nothing if it says nothing new.
func (p *plugin) writeDelta(in *abi.StreamInput, w *jsonraw.Writer, v jsonraw.Node, position int64) (abi.ChunkKind, *abi.Refusal) {
	c, doc := &p.choice, &p.doc
	c.read(doc, v)
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
	if c.finish == finishError || isFault(value(doc, c.failed)) {
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
	if !said && c.finish == finishNone && absent(doc, c.logprobs) {
		mark.Buf = w.Buf[:len(mark.Buf)]
		*w = mark
		return 0, nil
	}
	c.writeLogprobs(w, doc)
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
	c.extra.write(w, doc)
	w.End()
	return kind, nil
}
