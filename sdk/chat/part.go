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

	whole jsonraw.Value
	elems jsonraw.Elements
	next  int
}

// Parts returns an iterator over m's content.
func (m *Message) Parts() Parts {
	if m.Content.Kind() == jsonraw.String {
		return Parts{whole: m.Content}
	}
	return Parts{elems: m.Content.Elements()}
}

// Next moves to the next part and reports whether there is one.
func (p *Parts) Next() bool {
	if p.whole != nil {
		p.Part = Part{Kind: PartText, Text: p.whole}
		p.whole = nil
		return true
	}
	if !p.elems.Next() {
		return false
	}
	p.Part = Part{}
	p.Part.read(p.elems.Value)
	p.Index = p.next
	p.next++
	return true
}

func (p *Part) read(v jsonraw.Value) {
	if v.Kind() == jsonraw.String { // a list of plain strings, as some clients send
		p.Kind, p.Text = PartText, v
		return
	}
	var kind, body, thinking, redacted jsonraw.Value
	for m := v.Members(); m.Next(); {
		switch string(m.Name()) {
		case "type":
			kind = m.Value
		case "text", "refusal":
			p.Text = m.Value
		case "thinking":
			thinking = m.Value
		case "image_url", "input_audio", "file":
			body = m.Value
		case "signature":
			p.Signature = m.Value
		case "data", "redactedContent":
			redacted = m.Value
		case "cache_control":
			if m.Value.Kind() == jsonraw.Object {
				p.CacheControl = m.Value
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
	if m.Content.Kind() != jsonraw.Array {
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
	if m.Content.Kind() == jsonraw.String {
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
