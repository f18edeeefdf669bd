package main

import (
	"github.com/switchyard-gateway/switchyard/sdk/chat/answer"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// members are the members of an object that are copied as they are: the nodes of their keys.
type members []jsonraw.Node

// maxMembers is how many members of one object are copied: several times as many as any vendor has of its own.
const maxMembers = 256

func (m *members) add(key jsonraw.Node) {
	if len(*m) < maxMembers {
		*m = append(*m, key)
	}
}

func (m members) write(w *jsonraw.Writer, doc *jsonraw.Outline) {
	for _, key := range m {
		w.RawKey(doc.Value(key))
		w.Raw(doc.Value(key + 1))
	}
}

// head is the top level of an answer or of a stream's chunk. Like all that is read of one it holds nodes of the plugin's
// doc, 0 for what is missing: in a guest whose collector is at work a pointer costs many times as much to write.
type head struct {
	id, model jsonraw.Node // strings
	created   int64
	choices   jsonraw.Node
	usage     jsonraw.Node // an object
	data      jsonraw.Node
	failed    bool // it is an error: some vendors find out only after status 200
	extra     members
}

const (
	headID = 1 + iota
	headModel
	headCreated
	headChoices
	headUsage
	headError
	headObject
	headObfuscation
	headData
)

var headKeys = jsonraw.NewKeys("id", "model", "created", "choices", "usage", "error", "object", "obfuscation", "data")

// maxName is how long an id or a model's name may be; longer ones are treated as absent, because a stream's state
// has to hold them.
const maxName = 512

func (h *head) read(doc *jsonraw.Outline) {
	h.id, h.model, h.created, h.choices, h.usage, h.data, h.failed = 0, 0, 0, 0, 0, 0, false
	h.extra = h.extra[:0]
	for key, end := doc.Members(jsonraw.Root); key < end; key = doc.After(key + 1) {
		switch n := key + 1; doc.Find(key, &headKeys) {
		case headID:
			h.id = shortString(doc, n)
		case headModel:
			h.model = shortString(doc, n)
		case headCreated:
			if n, ok := doc.Value(n).Int(); ok && n > 0 {
				h.created = n
			}
		case headChoices:
			h.choices = n
		case headUsage:
			h.usage = 0
			if doc.Kind(n) == jsonraw.Object {
				h.usage = n
			}
		case headError:
			h.failed = h.failed || isFault(doc.Value(n))
		case headObject:
			h.failed = h.failed || doc.Value(n).TextIs("error")
		case headObfuscation:
		case headData:
			h.data = n
			h.extra.add(key)
		default:
			h.extra.add(key)
		}
	}
}

func shortString(doc *jsonraw.Outline, n jsonraw.Node) jsonraw.Node {
	if size := len(doc.Inner(n)); size > 0 && size <= maxName {
		return n
	}
	return 0
}

// hasChoices reports whether there is at least one.
func (h *head) hasChoices(doc *jsonraw.Outline) bool {
	first, end := doc.Elements(h.choices)
	return h.choices != 0 && first < end
}

// title is what answers and chunks begin with.
type title struct {
	id, model jsonraw.Value
	created   int64
}

// title returns that of an answer. What the vendor left out is filled in.
func (h *head) title(doc *jsonraw.Outline, requestID, model []byte, now uint64) (t title) {
	if h.id != 0 {
		t.id = doc.Value(h.id)
	} else {
		t.id = answer.AppendID(nil, requestID[:min(len(requestID), maxName/8)])
	}
	if h.model != 0 {
		t.model = doc.Value(h.model)
	} else {
		t.model = jsonraw.AppendString(nil, model[:min(len(model), maxName/8)])
	}
	if t.created = h.created; t.created == 0 {
		t.created = int64(now)
	}
	return t
}

// write begins an object and writes its first members. object is the second one, from its comma on.
func (t *title) write(w *jsonraw.Writer, object string) {
	w.Object()
	w.Around(`"id":`, t.id, object)
	w.RawKey(jsonraw.Value(`"created"`))
	w.Int(t.created)
	w.Around(`"model":`, t.model, "")
}
