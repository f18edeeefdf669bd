package chat

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// index finds strings of a request, of which a client may send any number: looking through all of them for each of as
// many others would take forever. It is sorted once it is long, and clients can't choose strings that make it slow.
type index struct {
	entries []mention
	sorted  bool
	room    [2][32]byte // for ids of function_calls
}

// mention is a place where a string stands.
type mention struct {
	hash uint64
	node int32 // the string, or ^i for the id of the function_call in message i
	at   int32 // its place, in the order of the request
}

func (x *index) reset() { x.entries, x.sorted = x.entries[:0], false }

// add notes a string. Its place lies behind those that were noted before.
func (x *index) add(doc *jsonraw.Outline, node, at int32) {
	x.entries = append(x.entries, mention{hash: hashOf(x.text(doc, node, 0)), node: node, at: at})
	x.sorted = false
}

// text returns what stands at a node, until it is called again with the same room.
func (x *index) text(doc *jsonraw.Outline, node int32, room int) jsonraw.Value {
	if node < 0 {
		return appendFunctionID(x.room[room][:0], int(^node))
	}
	return doc.Value(jsonraw.Node(node))
}

// last returns the last place before a limit where the string stands, -1 if there is none. Strings are compared as they
// are written.
func (x *index) last(doc *jsonraw.Outline, text jsonraw.Value, before int32) int {
	const few = 16
	hash := hashOf(text)
	if len(x.entries) <= few {
		for _, e := range slices.Backward(x.entries) {
			if e.hash == hash && e.at < before && bytes.Equal(x.text(doc, e.node, 0), text) {
				return int(e.at)
			}
		}
		return -1
	}
	if !x.sorted {
		slices.SortFunc(x.entries, func(a, b mention) int {
			if c := cmp.Compare(a.hash, b.hash); c != 0 {
				return c
			}
			return cmp.Or(bytes.Compare(x.text(doc, a.node, 0), x.text(doc, b.node, 1)), cmp.Compare(a.at, b.at))
		})
		x.sorted = true
	}
	from := x.search(doc, hash, text, before)
	if from == 0 {
		return -1
	}
	e := &x.entries[from-1]
	if e.hash != hash || !bytes.Equal(x.text(doc, e.node, 0), text) {
		return -1
	}
	return int(e.at)
}

// search returns how many entries come before (hash, text, before) in the order of their sorting.
func (x *index) search(doc *jsonraw.Outline, hash uint64, text jsonraw.Value, before int32) int {
	from, to := 0, len(x.entries)
	for from < to {
		middle := int(uint(from+to) / 2)
		less := x.entries[middle].hash < hash
		if x.entries[middle].hash == hash {
			less = x.precedes(doc, middle, text, before)
		}
		if less {
			from = middle + 1
		} else {
			to = middle
		}
	}
	return from
}

// precedes compares an entry of the same hash.
func (x *index) precedes(doc *jsonraw.Outline, i int, text jsonraw.Value, before int32) bool {
	e := &x.entries[i]
	return cmp.Or(bytes.Compare(x.text(doc, e.node, 0), text), cmp.Compare(e.at, before)) < 0
}

// hashOf is out of line so that its loop stands alone: a guest pays for the longest way through a turn, and around it
// that would be the rest of a function.
//
//go:noinline
func hashOf(text jsonraw.Value) uint64 { return abi.Hash(text) }

// position finds the last call with the id, -1 when there is none.
func (r *Request) position(id jsonraw.Value) int {
	if !r.indexed {
		r.indexed = true
		r.indexCalls()
	}
	return r.ids.last(&r.doc, id, math.MaxInt32)
}

// indexCalls collects the ids of all calls in the order of the conversation.
func (r *Request) indexCalls() {
	for i := range r.records {
		for c := r.Message(i).Calls(); c.Next(); {
			id := c.id
			if c.legacy {
				id = ^int32(i)
			}
			r.ids.add(&r.doc, id, int32(len(r.calls)))
			r.calls = append(r.calls, c.name)
		}
	}
}

// CallName returns the name of the function that the call with this id called, as a raw string; missing when
// no assistant message has such a call.
func (r *Request) CallName(id jsonraw.Value) jsonraw.Value {
	if i := r.position(id); i >= 0 {
		return value(&r.doc, r.calls[i])
	}
	return nil
}

// answerFunctions finds the calls that messages of the deprecated role function answer.
func (r *Request) answerFunctions() {
	doc := &r.doc
	r.names.reset()
	for i := range r.records {
		m := &r.records[i]
		if m.functionCall != 0 {
			if name := lastMember(doc, jsonraw.Node(m.functionCall), "name"); name != 0 {
				r.names.add(doc, int32(name), m.index)
			}
		}
	}
	for i := range r.records {
		if m := &r.records[i]; m.answered > 0 {
			call := r.names.last(doc, value(doc, m.name), m.index+1)
			if call < 0 {
				call = i + 1
			}
			m.answered = int32(call) + 1
		}
	}
}

// lastMember returns the last member of that name of an object, 0 if there is none. It finds nothing in the body itself,
// which stands for an object that is missing.
func lastMember(doc *jsonraw.Outline, object jsonraw.Node, name string) (found jsonraw.Node) {
	if object == jsonraw.Root {
		return 0
	}
	for key, end := doc.Members(object); key < end; key = doc.After(key + 1) {
		if string(doc.Name(key)) == name {
			found = key + 1
		}
	}
	return found
}
