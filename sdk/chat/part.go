package chat

import (
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
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

// Part is one part of a message's content. What it has stands at the kinds; all are raw strings, nil when missing.
type Part struct {
	Kind  PartKind
	Index int

	doc *jsonraw.Outline
	partNodes
}

type partNodes struct{ text, url, detail, data, format, fileID, fileName, signature, cache int32 }

// Text is what the part says.
func (p *Part) Text() jsonraw.Value { return value(p.doc, p.text) }

// URL is where the part's content is, or the content itself.
func (p *Part) URL() jsonraw.Value { return value(p.doc, p.url) }

// Detail is how closely to look at an image.
func (p *Part) Detail() jsonraw.Value { return value(p.doc, p.detail) }

// Data is base64, or what a vendor made unreadable.
func (p *Part) Data() jsonraw.Value { return value(p.doc, p.data) }

// Format is that of audio.
func (p *Part) Format() jsonraw.Value { return value(p.doc, p.format) }

// FileID names a file that the vendor has.
func (p *Part) FileID() jsonraw.Value { return value(p.doc, p.fileID) }

// FileName is what the client calls the file.
func (p *Part) FileName() jsonraw.Value { return value(p.doc, p.fileName) }

// Signature is the vendor's on what its model thought.
func (p *Part) Signature() jsonraw.Value { return value(p.doc, p.signature) }

// CacheControl is the extension cache_control: an object, or nil.
func (p *Part) CacheControl() jsonraw.Value { return value(p.doc, p.cache) }

// Parts iterates over a message's content: string content is one text part.
type Parts struct {
	Part

	next, end jsonraw.Node
	n         int
}

// Text returns m's content if that is one string, as in most messages. An adapter on the fast path asks for it before
// it goes through the parts.
func (m Message) Text() (text jsonraw.Value, ok bool) {
	if m.parts || m.content == 0 {
		return nil, false
	}
	return m.doc.Value(jsonraw.Node(m.content)), true
}

// Parts returns an iterator over m's content.
func (m Message) Parts() Parts {
	p := Parts{Part: Part{doc: m.doc}}
	switch {
	case m.parts:
		p.next, p.end = m.doc.Elements(jsonraw.Node(m.content))
	case m.content != 0:
		p.next, p.end = jsonraw.Node(m.content), jsonraw.Node(m.content)+1
	}
	return p
}

// Next moves to the next part and reports whether there is one.
func (p *Parts) Next() bool {
	if p.next >= p.end {
		return false
	}
	p.Index, p.partNodes = p.n, partNodes{}
	p.n++
	if p.doc.Kind(p.next) == jsonraw.String { // the whole content, or one of a list of plain strings, as some clients send
		p.Kind, p.text = PartText, int32(p.next)
		p.next++
		return true
	}
	p.read(p.next)
	p.next = p.doc.After(p.next)
	return true
}

const (
	keyPartType = 1 + iota
	keyPartText
	keyPartRefusal
	keyPartThinking
	keyPartImage
	keyPartAudio
	keyPartFile
	keyPartSignature
	keyPartData
	keyPartRedacted
	keyPartCache
)

var partKeys = jsonraw.NewKeys("type", "text", "refusal", "thinking", "image_url", "input_audio", "file", "signature", "data",
	"redactedContent", "cache_control")

const (
	typeText = 1 + iota
	typeRefusal
	typeThinking
	typeRedacted
	typeImage
	typeAudio
	typeFile
)

var partTypes = jsonraw.NewKeys("text", "refusal", "thinking", "redacted_thinking", "image_url", "input_audio", "file")

func (p *Part) read(v jsonraw.Node) {
	doc := p.doc
	var kind, body, thinking jsonraw.Node
	for key, end := doc.Members(v); key < end; key = doc.After(key + 1) {
		n := key + 1
		switch doc.Find(key, &partKeys) {
		case keyPartType:
			kind = n
		case keyPartText, keyPartRefusal:
			p.text = int32(n)
		case keyPartThinking:
			thinking = n
		case keyPartImage, keyPartAudio, keyPartFile:
			body = n
		case keyPartSignature:
			p.signature = int32(n)
		case keyPartData, keyPartRedacted:
			p.data = int32(n)
		case keyPartCache:
			if doc.Kind(n) == jsonraw.Object {
				p.cache = int32(n)
			}
		}
	}
	which := 0
	if kind != 0 && doc.Kind(kind) == jsonraw.String {
		which = doc.Find(kind, &partTypes)
	}
	need := p.text
	switch which {
	case typeText:
		p.Kind = PartText
	case typeRefusal:
		p.Kind = PartRefusal
	case typeThinking:
		if p.Kind = PartThinking; thinking != 0 {
			p.text, need = int32(thinking), int32(thinking)
		}
	case typeRedacted:
		p.Kind, need = PartRedacted, p.data
	case 0:
		need = 0
	default:
		need = p.readBody(which, body)
	}
	if need == 0 || doc.Kind(jsonraw.Node(need)) != jsonraw.String {
		p.Kind = PartOther
	}
}

const (
	keyBodyURL = 1 + iota
	keyBodyDetail
	keyBodyData
	keyBodyFormat
	keyBodyFile
	keyBodyID
	keyBodyName
)

var bodyKeys = jsonraw.NewKeys("url", "detail", "data", "format", "file_data", "file_id", "filename")

// readBody reads the member that a part of media is about. It returns what the part can't do without.
func (p *Part) readBody(which int, v jsonraw.Node) (need int32) {
	doc, file := p.doc, int32(0)
	p.data = 0
	if v != 0 {
		for key, end := doc.Members(v); key < end; key = doc.After(key + 1) {
			n := int32(key + 1)
			switch doc.Find(key, &bodyKeys) {
			case keyBodyURL:
				p.url = n
			case keyBodyDetail:
				p.detail = n
			case keyBodyData:
				p.data = n
			case keyBodyFormat:
				p.format = n
			case keyBodyFile:
				file = n
			case keyBodyID:
				p.fileID = n
			case keyBodyName:
				p.fileName = n
			}
		}
	}
	switch which {
	case typeImage:
		if p.Kind = PartImage; v != 0 && doc.Kind(v) != jsonraw.Object {
			p.url = int32(v)
		}
		return p.url
	case typeAudio:
		p.Kind = PartAudio
		return p.data
	}
	p.Kind, p.url = PartFile, file
	if p.url == 0 || doc.Absent(jsonraw.Node(p.url)) {
		return p.fileID
	}
	return p.url
}

// PartPath returns the param path of something in part p of m.
func (m Message) PartPath(p *Part, rest string) string {
	if !m.parts {
		return m.Path(".content")
	}
	return m.Path(".content[" + strconv.Itoa(p.Index) + "]" + rest)
}

// RefusePart says that the vendor can't take such a part in such a message; another vendor may.
func (m Message) RefusePart(p *Part, vendor string) *abi.Refusal {
	what := "this content part"
	switch p.Kind {
	case PartOther:
		return refusal.Invalid(m.PartPath(p, ""), "a content part needs a known type and its value")
	case PartImage:
		what = "images here"
	case PartAudio:
		what = "audio"
	case PartFile:
		what = "files here"
	}
	ref := refusal.Unsupported(m.PartPath(p, ""), vendor+" does not take "+what)
	ref.Code = refusal.CodeInvalidValue
	return ref
}

// Blank reports whether the text of the string v is empty or nothing but ASCII white space.
func Blank(v jsonraw.Value) bool {
	if len(v) > 1 && v[0] == '"' && v[1] > '"' && v[1] != '\\' {
		return false // as most are, at first sight
	}
	return blank(v)
}

func blank(v jsonraw.Value) bool {
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
