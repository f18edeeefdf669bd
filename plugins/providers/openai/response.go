package main

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// Response reads an error, or an answer that was not streamed.
func (p *plugin) Response(in *abi.ResponseInput, out *abi.ResponseOutput) error {
	doc, err := jsonraw.Parse(in.Body)
	if in.Status >= 400 || in.Status < 200 {
		if err != nil {
			doc = nil
		}
		return p.failure(in.Status, doc, in.Body, in.Headers, in.Now)
	}
	if err != nil || doc.Kind() != jsonraw.Object {
		return unreadable("the provider's answer is not a JSON object", in.Body)
	}
	h := &p.head
	if h.read(doc); h.failed {
		return p.failure(in.Status, doc, in.Body, in.Headers, in.Now)
	}
	if in.Endpoint != abi.EndpointChat || !p.vendor.repair {
		if list := doc.Get("data"); h.choices.Kind() != jsonraw.Array && list.Kind() != jsonraw.Array {
			return unreadable("the provider's answer has neither choices nor data", in.Body)
		}
		out.AsIs = true
		out.Usage = p.readUsage(h.usage)
		return nil
	}
	return p.completion(h, in, out)
}

// completion writes a whole answer anew.
func (p *plugin) completion(h *head, in *abi.ResponseInput, out *abi.ResponseOutput) error {
	if e := h.choices.Elements(); !e.Next() {
		return unreadable("the provider's answer has no choices", in.Body)
	}
	w := jsonraw.Writer{Buf: out.Body}
	h.complete(in.RequestID, in.Model, in.Now)
	h.write(&w, `"chat.completion"`)
	w.Key("choices")
	w.Array()
	n := 0
	p.called = 0
	for e := h.choices.Elements(); e.Next(); n++ {
		if n == maxChoices {
			return unreadable("the provider's answer has too many choices", in.Body)
		}
		if err := p.writeChoice(&w, e.Value, n, in); err != nil {
			return err
		}
	}
	w.End()
	if out.Usage = p.readUsage(h.usage); out.Usage.Present {
		w.Key("usage")
		writeUsage(&w, h.usage, &out.Usage)
	}
	w.End()
	out.Body = w.Buf
	return nil
}

func (p *plugin) writeChoice(w *jsonraw.Writer, v jsonraw.Value, position int, in *abi.ResponseInput) error {
	c := &p.choice
	c.read(v)
	if c.finish == finishError || isFault(c.failed) {
		return p.broken(c, in.Headers, in.Now)
	}
	s := &p.speech
	s.read(c.message, p.vendor.keepReasoning)
	f := c.finish
	if f == finishNone || f == finishStop && s.calls != nil {
		f = finishStop
		if s.calls != nil {
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
	w.Key("logprobs")
	w.Raw(c.logprobs)
	w.Key("finish_reason")
	w.String(f.String())
	writeMembers(w, c.extra)
	w.End()
	return nil
}

func (p *plugin) writeMessage(w *jsonraw.Writer, s *speech, choice int, in *abi.ResponseInput) error {
	content, reasoning := p.split(s)
	w.Object()
	w.Key("role")
	w.String("assistant")
	w.Key("content")
	if content.count == 0 || s.calls != nil && content.blank() {
		w.Null()
	} else {
		content.write(w)
	}
	if !reasoning.blank() {
		w.Key("reasoning_content")
		reasoning.write(w)
	}
	if s.calls != nil {
		w.Key("tool_calls")
		w.Array()
		n := 0
		for e := s.calls.Elements(); e.Next(); n++ {
			if p.called++; p.called > maxTools {
				return unreadable("the provider's answer has too many tool calls", in.Body)
			}
			var c call
			c.read(e.Value)
			w.Object()
			c.writeID(w, in.RequestID, choice, n)
			w.Key("type")
			w.String("function")
			c.writeFunction(w, "{}")
			w.End()
		}
		w.End()
	}
	writeMembers(w, s.extra)
	w.End()
	return nil
}
