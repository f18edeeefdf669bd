package main

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// delta writes the delta of one choice. said is false if it holds nothing that the client does not know.
func (p *plugin) delta(in *abi.StreamInput, w *jsonraw.Writer, cs *choiceState, c *choice) (kind abi.ChunkKind, said bool, ref *abi.Refusal) {
	s, doc := &p.speech, &p.doc
	s.read(doc, c.delta, p.Vendor.KeepReasoning)
	content, reasoning := p.split(s)
	w.Object()
	first := !cs.role
	if first {
		w.Key("role")
		w.String("assistant")
		cs.role, said = true, true
	}
	if text := !content.blank(doc); text || first && s.content != 0 {
		w.Key("content")
		content.write(w, doc)
		if text {
			kind, said = abi.ChunkContent, true
			p.note(w, content, !first && reasoning.blank(doc) && s.calls == 0 && len(s.extra) == 0)
		}
	}
	if !reasoning.blank(doc) {
		w.Key("reasoning_content")
		reasoning.write(w, doc)
		kind, said = abi.ChunkContent, true
		p.note(w, reasoning, !first && content.blank(doc) && s.calls == 0 && len(s.extra) == 0)
	}
	if s.calls != 0 || c.finish != finishNone && lacksArgs(cs) {
		wrote, ref := p.toolDeltas(in, w, cs, s.calls, c.finish)
		if ref != nil {
			return 0, false, ref
		}
		if wrote {
			kind, said = abi.ChunkContent, true
		}
		if first || !content.blank(doc) || !reasoning.blank(doc) || len(s.extra) > 0 {
			p.spot = spot{}
		}
	}
	if s.extra.write(w, doc); len(s.extra) > 0 {
		kind, said = abi.ChunkContent, true
	}
	w.End()
	return kind, said, nil
}

// note remembers where the text that was just written stands, if it is alone.
func (p *plugin) note(w *jsonraw.Writer, t *texts, alone bool) {
	if alone && t.count == 1 {
		p.spot = spot{text: t.first, start: len(w.Buf) - 1 - len(p.doc.Inner(t.first))}
	}
}

// lacksArgs reports whether a tool got no arguments so far.
func lacksArgs(cs *choiceState) bool {
	for i := range cs.tools {
		if !cs.tools[i].args {
			return true
		}
	}
	return false
}

// toolDeltas writes the member tool_calls for the elements of calls. With a finish, calls that never got arguments get
// an empty object. It reports whether there was anything to write.
func (p *plugin) toolDeltas(in *abi.StreamInput, w *jsonraw.Writer, cs *choiceState, calls jsonraw.Node, f finish) (bool, *abi.Refusal) {
	doc := &p.doc
	mark := *w
	w.Key("tool_calls")
	w.Array()
	empty := len(w.Buf)
	last := -1
	e, end := jsonraw.Root, jsonraw.Root
	if calls != 0 {
		e, end = doc.Elements(calls)
	}
	for ; e < end; e = doc.After(e) {
		var c call
		c.read(doc, e)
		t := cs.tool(doc, &c, last)
		fresh := t < 0
		if fresh {
			if p.stream.tools == maxTools {
				return false, unreadable("the provider's stream has too many tool calls", nil)
			}
			p.stream.tools++
			t = len(cs.tools)
			cs.tools = append(cs.tools, toolState{index: c.index})
		}
		p.toolDelta(in, w, cs, t, &c, last, fresh)
		last = t
	}
	if f != finishNone {
		for t := range cs.tools {
			if !cs.tools[t].args {
				p.toolDelta(in, w, cs, t, &call{empty: true}, last, false)
			}
		}
	}
	if len(w.Buf) == empty {
		mark.Buf = w.Buf[:len(mark.Buf)]
		*w = mark
		return false, nil
	}
	w.End()
	return true, nil
}

// toolDelta writes one element for tool t: id and name once, arguments as they come. last is the tool of the element
// before, -1 if this is the first.
func (p *plugin) toolDelta(in *abi.StreamInput, w *jsonraw.Writer, cs *choiceState, t int, c *call, last int, fresh bool) {
	doc, tool := &p.doc, &cs.tools[t]
	named := c.name != 0 && tool.name == 0
	if !fresh && !named && !c.hasArgs(doc) {
		return
	}
	w.Object()
	w.Key("index")
	w.Int(int64(t))
	if fresh {
		c.writeID(w, doc, in.RequestID, int(cs.index), t)
		w.Key("type")
		w.String("function")
		if c.id != 0 {
			tool.id = hash(doc.Inner(c.id))
		}
	}
	if named {
		tool.name = nameHash(doc, c.name)
	} else {
		c.name = 0
	}
	c.writeFunction(w, doc, "")
	p.spot = spot{}
	if tool.args && !fresh && !named && last < 0 && c.args != 0 && doc.Kind(c.args) == jsonraw.String {
		p.spot = spot{text: c.args, start: len(w.Buf) - len("\"}") - len(doc.Inner(c.args))}
	}
	tool.args = tool.args || c.hasArgs(doc)
	w.End()
}

// terminate ends the stream at the vendor's end mark. A choice that it left open is closed.
func (p *plugin) terminate(in *abi.StreamInput, out *abi.StreamOutput) {
	s := &p.stream
	if len(s.choices) == 0 {
		p.fail(out, endedEarly())
		return
	}
	for i := range s.choices {
		if !s.choices[i].finished {
			p.close(in, &s.choices[i], out)
		}
	}
	p.end(in, out)
}

// close writes the finish that the vendor left out.
func (p *plugin) close(in *abi.StreamInput, cs *choiceState, out *abi.StreamOutput) {
	w := p.openChunk(nil)
	p.finishChoice(in, &w, cs)
	w.End()
	p.endChunk(in, &w, out, abi.ChunkFinish)
}

// openChunk begins a chunk with the vendor's members extra, up to the elements of choices.
func (p *plugin) openChunk(extra members) jsonraw.Writer {
	s := &p.stream
	t := title{id: s.id, model: s.model, created: s.created}
	w := jsonraw.Writer{Buf: p.buf[:0]}
	t.write(&w, chunkObject)
	extra.write(&w, &p.doc)
	w.Key("choices")
	w.Array()
	return w
}

func (p *plugin) finishChoice(in *abi.StreamInput, w *jsonraw.Writer, cs *choiceState) {
	f := finishStop
	if len(cs.tools) > 0 {
		f = finishToolCalls
	}
	w.Object()
	w.Key("index")
	w.Int(cs.index)
	w.Key("delta")
	w.Object()
	if lacksArgs(cs) {
		p.toolDeltas(in, w, cs, 0, f) //nolint:errcheck // without elements there is nothing to refuse
	}
	w.End()
	w.Key("logprobs")
	w.Null()
	w.Key("finish_reason")
	w.String(f.String())
	w.End()
	cs.finished = true
}

// end writes the usage chunk if the client asked for it. The answer is complete.
func (p *plugin) end(in *abi.StreamInput, out *abi.StreamOutput) {
	s := &p.stream
	s.done = true
	if in.Flags&abi.FlagIncludeUsage == 0 || len(s.usage) == 0 {
		return
	}
	u := p.readUsage(s.usage)
	w := p.openChunk(nil)
	w.End()
	w.Key("usage")
	writeUsage(&w, s.usage, &u)
	w.End()
	p.send(out, abi.ChunkUsage, w.Buf)
}
