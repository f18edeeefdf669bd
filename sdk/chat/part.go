package chat

import (
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// PartKind is what a content part holds.
type PartKind uint8

// Kinds of parts. PartThinking and PartRedacted are extensions, in which clients send back what a reasoning
// model said before.
const (
	PartOther    PartKind = iota // not one of these; refuse it with Message.RefusePart
	PartText                     // Text
	PartRefusal                  // Text
	PartImage                    // URL, Detail
	PartAudio                    // Data (base64), Format
	PartFile                     // URL (a data URL) or FileID, FileName
	PartThinking                 // Text, Signature
	PartRedacted                 // Data
)

// Part is one part of a message's content. Which fields are set stands at the kinds; all are raw strings.
type Part struct {
	Kind         PartKind
	Index        int
	Text         jsonraw.Value
	URL          jsonraw.Value
	Detail       jsonraw.Value
	Data         jsonraw.Value
	Format       jsonraw.Value
	FileID       jsonraw.Value
	FileName     jsonraw.Value
	Signature    jsonraw.Value
	CacheControl jsonraw.Value // the extension cache_control, an object
}

// Parts iterates over a message's content: string content is one text part.
type Parts struct {
	Part

	doc       *jsonraw.Outline
	whole     jsonraw.Value
	next, end jsonraw.Node
	n         int
}

// Text returns m's content if that is one string, as in most messages. An adapter on the fast path asks for it before
// it goes through the parts.
func (m *Message) Text() (text jsonraw.Value, ok bool) {
	return m.Content, m.content == 0 && m.Content != nil
}

// Parts returns an iterator over m's content.
func (m *Message) Parts() Parts {
	p := Parts{doc: m.doc}
	if m.content == 0 {
		p.whole = m.Content
	} else {
		p.next, p.end = m.doc.Elements(m.content)
	}
	return p
}

// Next moves to the next part and reports whether there is one.
func (p *Parts) Next() bool {
	if p.whole != nil {
		p.Kind, p.Text, p.whole = PartText, p.whole, nil // nothing else was set before
		return true
	}
	if p.next >= p.end {
		return false
	}
	p.Part = Part{Index: p.n}
	p.Part.read(p.doc, p.next)
	p.next = p.doc.After(p.next)
	p.n++
	return true
}

func (p *Part) read(doc *jsonraw.Outline, v jsonraw.Node) {
	if doc.Kind(v) == jsonraw.String { // a list of plain strings, as some clients send
		p.Kind, p.Text = PartText, doc.Value(v)
		return
	}
	var kind, body, thinking, redacted jsonraw.Value
	for key, end := doc.Members(v); key < end; key = doc.After(key + 1) {
		n := key + 1
		switch string(doc.Name(key)) {
		case "type":
			kind = doc.Value(n)
		case "text", "refusal":
			p.Text = doc.Value(n)
		case "thinking":
			thinking = doc.Value(n)
		case "image_url", "input_audio", "file":
			body = doc.Value(n)
		case "signature":
			p.Signature = doc.Value(n)
		case "data", "redactedContent":
			redacted = doc.Value(n)
		case "cache_control":
			if doc.Kind(n) == jsonraw.Object {
				p.CacheControl = doc.Value(n)
			}
		}
	}
	need := jsonraw.Value(nil)
	switch string(kind.Inner()) {
	case "text":
		p.Kind, need = PartText, p.Text
	case "refusal":
		p.Kind, need = PartRefusal, p.Text
	case "thinking":
		if thinking != nil {
			p.Text = thinking
		}
		p.Kind, need = PartThinking, p.Text
	case "redacted_thinking":
		p.Kind, p.Data, need = PartRedacted, redacted, redacted
	case "image_url":
		if p.URL = body; body.Kind() == jsonraw.Object {
			p.URL, p.Detail = body.Get("url"), body.Get("detail")
		}
		p.Kind, need = PartImage, p.URL
	case "input_audio":
		p.Data, p.Format = body.Get("data"), body.Get("format")
		p.Kind, need = PartAudio, p.Data
	case "file":
		p.URL, p.FileID, p.FileName = body.Get("file_data"), body.Get("file_id"), body.Get("filename")
		if p.Kind, need = PartFile, p.URL; need.Absent() {
			need = p.FileID
		}
	}
	if need.Kind() != jsonraw.String {
		p.Kind = PartOther
	}
}

// PartPath returns the param path of something in part p of m.
func (m *Message) PartPath(p *Part, rest string) string {
	if m.content == 0 {
		return m.Path(".content")
	}
	return m.Path(".content[" + strconv.Itoa(p.Index) + "]" + rest)
}

// RefusePart says that the vendor can't take such a part in such a message; another vendor may.
func (m *Message) RefusePart(p *Part, vendor string) *abi.Refusal {
	what := "this content part"
	switch p.Kind {
	case PartOther:
		return Invalid(m.PartPath(p, ""), "a content part needs a known type and its value")
	case PartImage:
		what = "images here"
	case PartAudio:
		what = "audio"
	case PartFile:
		what = "files here"
	}
	ref := Unsupported(m.PartPath(p, ""), vendor+" does not take "+what)
	ref.Code = CodeInvalidValue
	return ref
}

// Empty reports whether there is nothing to send in m: no calls, no thinking, and only blank text.
func (m *Message) Empty() bool {
	if m.Role == RoleTool || m.ThinkingBlocks != nil || m.HasCalls() || m.Refusal != nil && !Blank(m.Refusal) {
		return false
	}
	if m.content == 0 {
		return Blank(m.Content)
	}
	for p := m.Parts(); p.Next(); {
		if (p.Kind != PartText && p.Kind != PartRefusal) || !Blank(p.Text) {
			return false
		}
	}
	return true
}

// Blank reports whether the text of the string v is empty or nothing but ASCII white space.
func Blank(v jsonraw.Value) bool {
	inner := v.Inner()
	for i := 0; i < len(inner); i++ {
		switch inner[i] {
		case ' ':
		case '\\':
			i++
			if i >= len(inner) || inner[i] != 'n' && inner[i] != 'r' && inner[i] != 't' {
				return false
			}
		default:
			return false
		}
	}
	return true
}
