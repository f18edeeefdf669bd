package main

import "github.com/switchyard-gateway/switchyard/sdk/jsonraw"

// speech is what a message or a delta says, read tolerantly. Members that are null, empty lists and the like are
// left 0.
type speech struct {
	content   jsonraw.Node // string or array of parts
	reasoning jsonraw.Node // string, from reasoning_content or reasoning
	calls     jsonraw.Node // array
	extra     members      // copied, unless null
}

const (
	speechRole = 1 + iota
	speechContent
	speechReasoningContent
	speechReasoning
	speechCalls
)

var speechKeys = jsonraw.NewKeys("role", "content", "reasoning_content", "reasoning", "tool_calls")

// read reads the object v, or nothing if that is 0. keepReasoning leaves the member "reasoning" to the copied ones.
func (s *speech) read(doc *jsonraw.Outline, v jsonraw.Node, keepReasoning bool) {
	s.content, s.reasoning, s.calls = 0, 0, 0
	s.extra = s.extra[:0]
	if v == 0 {
		return
	}
	reasoning := jsonraw.Root
	for key, end := doc.Members(v); key < end; key = doc.After(key + 1) {
		n := key + 1
		if doc.Absent(n) {
			continue
		}
		switch doc.Find(key, &speechKeys) {
		case speechRole:
		case speechContent:
			if k := doc.Kind(n); k == jsonraw.String || k == jsonraw.Array {
				s.content = n
			}
		case speechReasoningContent:
			if doc.Kind(n) == jsonraw.String {
				s.reasoning = n
			}
		case speechCalls:
			if first, end := doc.Elements(n); first < end {
				s.calls = n
			}
		case speechReasoning:
			if keepReasoning || doc.Kind(n) != jsonraw.String {
				s.extra.add(key)
			} else {
				reasoning = n
			}
		default:
			s.extra.add(key)
		}
	}
	if len(doc.Inner(s.reasoning)) == 0 {
		s.reasoning = reasoning
	}
}

// texts are texts that become one. They are joined as they come: there may be very many.
type texts struct {
	first  jsonraw.Node
	count  int
	joined jsonraw.Writer // the insides of all, once there are two
}

func (t *texts) reset() { t.first, t.count, t.joined.Buf = 0, 0, t.joined.Buf[:0] }

// add adds a string; what is none counts as empty, 0 too.
func (t *texts) add(doc *jsonraw.Outline, text jsonraw.Node) {
	switch t.count {
	case 0:
		t.first = text
	case 1:
		t.joined.Inner(value(doc, t.first))
		fallthrough
	default:
		t.joined.Inner(value(doc, text))
	}
	t.count++
}

// inner returns the inside of the joined string.
func (t *texts) inner(doc *jsonraw.Outline) []byte {
	if t.count == 1 {
		return doc.Inner(t.first)
	}
	return t.joined.Buf
}

func (t *texts) blank(doc *jsonraw.Outline) bool { return len(t.inner(doc)) == 0 }

func (t *texts) write(w *jsonraw.Writer, doc *jsonraw.Outline) { w.Around(`"`, t.inner(doc), `"`) }

// split takes content and reasoning apart into the texts that make them up: content may be an array of text and
// thinking parts. The results are valid until the next split.
func (p *plugin) split(s *speech) (content, reasoning *texts) {
	doc := &p.doc
	content, reasoning = &p.content, &p.reasoning
	content.reset()
	reasoning.reset()
	if s.reasoning != 0 {
		reasoning.add(doc, s.reasoning)
	}
	if s.content == 0 {
		return content, reasoning
	}
	if doc.Kind(s.content) == jsonraw.String {
		content.add(doc, s.content)
		return content, reasoning
	}
	for e, end := doc.Elements(s.content); e < end; e = doc.After(e) {
		if doc.Kind(e) == jsonraw.String {
			content.add(doc, e)
		} else {
			splitPart(doc, e, content, reasoning)
		}
	}
	return content, reasoning
}

const (
	partType = 1 + iota
	partText
	partThinking
)

var partKeys = jsonraw.NewKeys("type", "text", "thinking")

func splitPart(doc *jsonraw.Outline, part jsonraw.Node, content, reasoning *texts) {
	var kind, text, thinking jsonraw.Node
	for key, end := doc.Members(part); key < end; key = doc.After(key + 1) {
		switch doc.Find(key, &partKeys) {
		case partType:
			kind = key + 1
		case partText:
			text = key + 1
		case partThinking:
			thinking = key + 1
		}
	}
	if !value(doc, kind).TextIs("thinking") {
		if text != 0 && doc.Kind(text) == jsonraw.String {
			content.add(doc, text)
		}
		return
	}
	if thinking == 0 {
		return
	}
	if doc.Kind(thinking) == jsonraw.String {
		reasoning.add(doc, thinking)
	}
	for e, end := doc.Elements(thinking); e < end; e = doc.After(e) {
		text = 0
		for key, end := doc.Members(e); key < end; key = doc.After(key + 1) {
			if doc.Find(key, &partKeys) == partText {
				text = key + 1
			}
		}
		reasoning.add(doc, text)
	}
}
