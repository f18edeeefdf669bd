package chat

import "github.com/switchyard-gateway/switchyard/sdk/jsonraw"

// Thoughts iterates over the extension thinking_blocks of an assistant message, in which clients send back what a
// reasoning model said before.
type Thoughts struct {
	Kind PartKind // PartThinking, PartRedacted, or PartOther for what is neither

	doc                        *jsonraw.Outline
	block, thinking, signature int32
	next, end                  jsonraw.Node
}

// Thoughts returns an iterator over m's thinking blocks.
func (m Message) Thoughts() Thoughts {
	t := Thoughts{doc: m.doc}
	if m.thinking != 0 {
		t.next, t.end = m.doc.Elements(jsonraw.Node(m.thinking))
	}
	return t
}

// HasThoughts reports whether m has thinking blocks, of whatever kind.
func (m Message) HasThoughts() bool { return m.thinking != 0 }

// Next moves to the next block and reports whether there is one.
func (t *Thoughts) Next() bool {
	if t.next >= t.end {
		return false
	}
	doc := t.doc
	t.Kind, t.block, t.thinking, t.signature = PartOther, int32(t.next), 0, 0
	for key, end := doc.Members(t.next); key < end; key = doc.After(key + 1) {
		switch n := key + 1; doc.Find(key, &partKeys) {
		case keyPartType:
			t.Kind = PartOther
			if doc.Kind(n) == jsonraw.String {
				t.Kind = thoughtKinds[doc.Find(n, &partTypes)]
			}
		case keyPartThinking:
			t.thinking = int32(n)
		case keyPartSignature:
			t.signature = int32(n)
		}
	}
	t.next = doc.After(t.next)
	return true
}

var thoughtKinds = [...]PartKind{typeThinking: PartThinking, typeRedacted: PartRedacted, typeFile: PartOther}

// Value is the whole block.
func (t *Thoughts) Value() jsonraw.Value { return value(t.doc, t.block) }

// Thinking is what the model thought, of any kind; nil when missing.
func (t *Thoughts) Thinking() jsonraw.Value { return value(t.doc, t.thinking) }

// Signature is the vendor's, of any kind; nil when missing.
func (t *Thoughts) Signature() jsonraw.Value { return value(t.doc, t.signature) }
