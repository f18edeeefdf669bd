package main

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// Response reads an error, or an answer that was not streamed.
func (p *plugin) Response(in *abi.ResponseInput, out *abi.ResponseOutput) error {
	if in.Status >= 400 || in.Status < 200 {
		root, err := jsonraw.Parse(in.Body)
		if err != nil {
			root = nil
		}
		return p.failure(in.Status, root, in.Body, in.Headers, in.Now)
	}
	doc, h := &p.doc, &p.head
	if err := doc.Read(in.Body); err != nil || doc.Kind(jsonraw.Root) != jsonraw.Object {
		return unreadable("the provider's answer is not a JSON object", in.Body)
	}
	if h.read(doc); h.failed {
		return p.failure(in.Status, doc.Value(jsonraw.Root), in.Body, in.Headers, in.Now)
	}
	if in.Endpoint != abi.EndpointChat || !p.Vendor.Repair {
		if doc.Kind(h.choices) != jsonraw.Array && doc.Kind(h.data) != jsonraw.Array { // a missing one is the whole, an object
			return unreadable("the provider's answer has neither choices nor data", in.Body)
		}
		out.AsIs = true
		out.Usage = p.readUsage(value(doc, h.usage))
		return nil
	}
	return p.completion(h, in, out)
}

// completion writes a whole answer anew.
func (p *plugin) completion(h *head, in *abi.ResponseInput, out *abi.ResponseOutput) error {
	doc := &p.doc
	if !h.hasChoices(doc) {
		return unreadable("the provider's answer has no choices", in.Body)
	}
	w := jsonraw.Writer{Buf: out.Body}
	t := h.title(doc, in.RequestID, in.Model, in.Now)
	t.write(&w, `,"object":"chat.completion"`)
	h.extra.write(&w, doc)
	w.Key("choices")
	w.Array()
	n := 0
	p.called = 0
	for e, end := doc.Elements(h.choices); e < end; e = doc.After(e) {
		if n == maxChoices {
			return unreadable("the provider's answer has too many choices", in.Body)
		}
		if err := p.writeChoice(&w, e, n, in); err != nil {
			return err
		}
		n++
	}
	w.End()
	usage := value(doc, h.usage)
	if out.Usage = p.readUsage(usage); out.Usage.Present {
		w.Key("usage")
		writeUsage(&w, usage, &out.Usage)
	}
	w.End()
	out.Body = w.Buf
	return nil
}

func (p *plugin) writeChoice(w *jsonraw.Writer, v jsonraw.Node, position int, in *abi.ResponseInput) error {
	c, doc := &p.choice, &p.doc
	c.read(doc, v)
	if c.finish == finishError || isFault(value(doc, c.failed)) {
		return p.broken(c, in.Headers, in.Now)
	}
	s := &p.speech
	s.read(doc, c.message, p.Vendor.KeepReasoning)
	f := c.finish
	if f == finishNone || f == finishStop && s.calls != 0 {
		f = finishStop
		if s.calls != 0 {
			f = finishToolCalls
		}
	}
	w.Object()
	w.Key("index")
	if c.index < 0 {
		c.index = int64(position)
	}
	w.Int(c.index)
	w.Key("message")
	if err := p.writeMessage(w, s, position, in); err != nil {
		return err
	}
	c.writeLogprobs(w, doc)
	w.Key("finish_reason")
	w.String(f.String())
	c.extra.write(w, doc)
	w.End()
	return nil
}

func (p *plugin) writeMessage(w *jsonraw.Writer, s *speech, choice int, in *abi.ResponseInput) error {
	doc := &p.doc
	content, reasoning := p.split(s)
	w.Object()
	w.Key("role")
	w.String("assistant")
	w.Key("content")
	if content.count == 0 || s.calls != 0 && content.blank(doc) {
		w.Null()
	} else {
		content.write(w, doc)
	}
	if !reasoning.blank(doc) {
		w.Key("reasoning_content")
		reasoning.write(w, doc)
	}
	if s.calls != 0 {
		w.Key("tool_calls")
		w.Array()
		n := 0
		for e, end := doc.Elements(s.calls); e < end; e = doc.After(e) {
			if p.called++; p.called > maxTools {
				return unreadable("the provider's answer has too many tool calls", in.Body)
			}
			var c call
			c.read(doc, e)
			w.Object()
			c.writeID(w, doc, in.RequestID, choice, n)
			w.Key("type")
			w.String("function")
			c.writeFunction(w, doc, "{}")
			w.End()
			n++
		}
		w.End()
	}
	s.extra.write(w, doc)
	w.End()
	return nil
}
