package main

import (
	"github.com/switchyard-gateway/switchyard/sdk/chat"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// speech is what a message or a delta says, read tolerantly. Members that are null, empty lists and the like are
// left nil.
type speech struct {
	content   jsonraw.Value // string or array of parts
	reasoning jsonraw.Value // string, from reasoning_content or reasoning
	calls     jsonraw.Value // array
	extra     []member      // copied, unless null
}

// read reads the object v. keepReasoning leaves the member "reasoning" to the copied ones.
func (s *speech) read(v jsonraw.Value, keepReasoning bool) {
	*s = speech{extra: s.extra[:0]}
	var reasoning jsonraw.Value
	for m := v.Members(); m.Next(); {
		if m.Value.Absent() {
			continue
		}
		switch string(m.Name()) {
		case "role":
		case "content":
			if k := m.Value.Kind(); k == jsonraw.String || k == jsonraw.Array {
				s.content = m.Value
			}
		case "reasoning_content":
			if m.Value.Kind() == jsonraw.String {
				s.reasoning = m.Value
			}
		case "tool_calls":
			if e := m.Value.Elements(); e.Next() {
				s.calls = m.Value
			}
		case "reasoning":
			if !keepReasoning && m.Value.Kind() == jsonraw.String {
				reasoning = m.Value
				continue
			}
			s.extra = appendMember(s.extra, m.Key, m.Value)
		default:
			s.extra = appendMember(s.extra, m.Key, m.Value)
		}
	}
	if len(s.reasoning.Inner()) == 0 {
		s.reasoning = reasoning
	}
}

// texts are texts that become one. They are joined as they come: there may be very many.
type texts struct {
	first  jsonraw.Value
	count  int
	joined jsonraw.Writer // the insides of all, once there are two
}

func (t *texts) reset() { t.first, t.count, t.joined.Buf = nil, 0, t.joined.Buf[:0] }

// add adds a string; what is none counts as empty.
func (t *texts) add(text jsonraw.Value) {
	switch t.count {
	case 0:
		t.first = text
	case 1:
		t.joined.Inner(t.first)
		fallthrough
	default:
		t.joined.Inner(text)
	}
	t.count++
}

// inner returns the inside of the joined string.
func (t *texts) inner() []byte {
	if t.count == 1 {
		return t.first.Inner()
	}
	return t.joined.Buf
}

func (t *texts) blank() bool { return len(t.inner()) == 0 }

func (t *texts) write(w *jsonraw.Writer) { w.Around(`"`, t.inner(), `"`) }

// split takes content and reasoning apart into the texts that make them up: content may be an array of text and
// thinking parts. The results are valid until the next split.
func (p *plugin) split(s *speech) (content, reasoning *texts) {
	content, reasoning = &p.content, &p.reasoning
	content.reset()
	reasoning.reset()
	if s.reasoning != nil {
		reasoning.add(s.reasoning)
	}
	if s.content.Kind() == jsonraw.String {
		content.add(s.content)
		return content, reasoning
	}
	for e := s.content.Elements(); e.Next(); {
		if e.Value.Kind() == jsonraw.String {
			content.add(e.Value)
		} else {
			splitPart(e.Value, content, reasoning)
		}
	}
	return content, reasoning
}

func splitPart(part jsonraw.Value, content, reasoning *texts) {
	var kind, text, thinking jsonraw.Value
	for m := part.Members(); m.Next(); {
		switch string(m.Name()) {
		case "type":
			kind = m.Value
		case "text":
			text = m.Value
		case "thinking":
			thinking = m.Value
		}
	}
	if !kind.TextIs("thinking") {
		if text.Kind() == jsonraw.String {
			content.add(text)
		}
		return
	}
	if thinking.Kind() == jsonraw.String {
		reasoning.add(thinking)
	}
	for t := thinking.Elements(); t.Next(); {
		reasoning.add(t.Value.Get("text"))
	}
}

// call is one element of tool_calls, or of a delta's.
type call struct {
	index int64 // -1 when absent
	id    jsonraw.Value
	name  jsonraw.Value
	args  jsonraw.Value
}

// read reads v. An id that is empty or the text "null" counts as absent.
func (c *call) read(v jsonraw.Value) {
	*c = call{index: -1}
	for m := v.Members(); m.Next(); {
		switch string(m.Name()) {
		case "index":
			if n, ok := m.Value.Int(); ok && n >= 0 && n < 1<<31 {
				c.index = n
			}
		case "id":
			if inner := m.Value.Inner(); len(inner) > 0 && string(inner) != "null" {
				c.id = m.Value
			}
		case "function":
			for f := m.Value.Members(); f.Next(); {
				switch string(f.Name()) {
				case "name":
					if len(f.Value.Inner()) > 0 {
						c.name = f.Value
					}
				case "arguments":
					if !f.Value.Absent() {
						c.args = f.Value
					}
				}
			}
		}
	}
}

// hasArgs reports whether there is a piece of arguments.
func (c *call) hasArgs() bool {
	return c.args.Kind() > jsonraw.Null && (c.args.Kind() != jsonraw.String || len(c.args.Inner()) > 0)
}

// writeID writes the call's id, or one of ours.
func (c *call) writeID(w *jsonraw.Writer, requestID []byte, choice, tool int) {
	w.Key("id")
	if c.id != nil {
		w.Raw(c.id)
		return
	}
	w.Raw(nil)
	w.Buf = chat.AppendCallID(w.Buf, requestID, choice, tool)
}

// writeFunction writes the member "function", its arguments as a string whatever they came as. missing stands in for
// arguments that are absent.
func (c *call) writeFunction(w *jsonraw.Writer, missing string) {
	w.Key("function")
	w.Object()
	w.Member("name", c.name)
	w.Key("arguments")
	switch {
	case !c.hasArgs():
		w.String(missing)
	case c.args.Kind() == jsonraw.String:
		w.Raw(c.args)
	default:
		w.Quoted(c.args)
	}
	w.End()
}

// hash is FNV-1a.
func hash(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}
