package main

import (
	"github.com/switchyard-gateway/switchyard/sdk/chat/answer"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// call is one element of tool_calls, or of a delta's.
type call struct {
	index int64 // -1 when absent
	id    jsonraw.Node
	name  jsonraw.Node
	args  jsonraw.Node
	empty bool // its arguments are those of a call without any
}

const (
	callIndex = 1 + iota
	callID
	callFunction
	callName
	callArguments
)

var callKeys = jsonraw.NewKeys("index", "id", "function", "name", "arguments")

// read reads v. An id that is empty or the text "null" counts as absent.
func (c *call) read(doc *jsonraw.Outline, v jsonraw.Node) {
	*c = call{index: -1}
	for key, end := doc.Members(v); key < end; key = doc.After(key + 1) {
		switch n := key + 1; doc.Find(key, &callKeys) {
		case callIndex:
			c.index = readIndex(doc, n, c.index)
		case callID:
			if inner := doc.Inner(n); len(inner) > 0 && string(inner) != "null" {
				c.id = n
			}
		case callFunction:
			c.readFunction(doc, n)
		}
	}
}

func (c *call) readFunction(doc *jsonraw.Outline, v jsonraw.Node) {
	for key, end := doc.Members(v); key < end; key = doc.After(key + 1) {
		switch n := key + 1; doc.Find(key, &callKeys) {
		case callName:
			if len(doc.Inner(n)) > 0 {
				c.name = n
			}
		case callArguments:
			if !doc.Absent(n) {
				c.args = n
			}
		}
	}
}

// hasArgs reports whether there is a piece of arguments.
func (c *call) hasArgs(doc *jsonraw.Outline) bool {
	return c.empty || c.args != 0 && (doc.Kind(c.args) != jsonraw.String || len(doc.Inner(c.args)) > 0)
}

// writeID writes the call's id, or one of ours.
func (c *call) writeID(w *jsonraw.Writer, doc *jsonraw.Outline, requestID []byte, choice, tool int) {
	w.Key("id")
	if c.id != 0 {
		w.Raw(doc.Value(c.id))
		return
	}
	w.Raw(nil)
	w.Buf = answer.AppendCallID(w.Buf, requestID, choice, tool)
}

// writeFunction writes the member "function", its arguments as a string whatever they came as. missing stands in for
// arguments that are absent.
func (c *call) writeFunction(w *jsonraw.Writer, doc *jsonraw.Outline, missing string) {
	w.Key("function")
	w.Object()
	w.Member("name", value(doc, c.name))
	w.Key("arguments")
	switch {
	case c.empty:
		w.String("{}")
	case !c.hasArgs(doc):
		w.String(missing)
	case doc.Kind(c.args) == jsonraw.String:
		w.Raw(doc.Value(c.args))
	default:
		w.Quoted(doc.Value(c.args))
	}
	w.End()
}

// hash is FNV-1a. It is out of line so that its loop stands alone: a guest pays for the longest way through a turn.
//
//go:noinline
func hash(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}
