package main

import "github.com/switchyard-gateway/switchyard/sdk/jsonraw"

// choice is one element of choices, of an answer or of a stream's chunk.
type choice struct {
	index    int64 // -1 when absent
	message  jsonraw.Node
	delta    jsonraw.Node
	logprobs jsonraw.Node
	reason   jsonraw.Node // the finish_reason
	finish   finish       // what it means
	failed   jsonraw.Node // the member error
	extra    members
}

const (
	choiceIndex = 1 + iota
	choiceMessage
	choiceDelta
	choiceLogprobs
	choiceReason
	choiceError
)

var choiceKeys = jsonraw.NewKeys("index", "message", "delta", "logprobs", "finish_reason", "error")

func (c *choice) read(doc *jsonraw.Outline, v jsonraw.Node) {
	c.index, c.message, c.delta, c.logprobs, c.reason, c.failed = -1, 0, 0, 0, 0, 0
	c.extra = c.extra[:0]
	for key, end := doc.Members(v); key < end; key = doc.After(key + 1) {
		switch n := key + 1; doc.Find(key, &choiceKeys) {
		case choiceIndex:
			c.index = readIndex(doc, n, c.index)
		case choiceMessage:
			c.message = n
		case choiceDelta:
			c.delta = n
		case choiceLogprobs:
			c.logprobs = n
		case choiceReason:
			c.reason = n
		case choiceError:
			c.failed = n
		default:
			c.extra.add(key)
		}
	}
	c.finish = readFinish(value(doc, c.reason))
}

// readIndex returns the number of a choice or call, or otherwise if it is none.
func readIndex(doc *jsonraw.Outline, v jsonraw.Node, otherwise int64) int64 {
	if n, ok := doc.Value(v).Int(); ok && n >= 0 && n < 1<<31 {
		return n
	}
	return otherwise
}

// value returns the text of a node, nil for 0.
func value(doc *jsonraw.Outline, n jsonraw.Node) jsonraw.Value {
	if n == 0 {
		return nil
	}
	return doc.Value(n)
}

// absent reports whether a value is missing or null.
func absent(doc *jsonraw.Outline, n jsonraw.Node) bool { return n == 0 || doc.Absent(n) }

// writeLogprobs writes the member logprobs.
func (c *choice) writeLogprobs(w *jsonraw.Writer, doc *jsonraw.Outline) {
	w.RawKey(jsonraw.Value(`"logprobs"`))
	if c.logprobs == 0 {
		w.Null()
	} else {
		w.Raw(doc.Value(c.logprobs))
	}
}

// finish is what a finish_reason means.
type finish uint8

const (
	finishNone finish = iota
	finishStop
	finishLength
	finishToolCalls
	finishFilter
	finishFunction
	finishError // no answer: the vendor broke off
)

var finishNames = [...]string{"", "stop", "length", "tool_calls", "content_filter", "function_call", ""}

func (f finish) String() string { return finishNames[f] }

// readFinish reads a finish_reason in the spellings that vendors use. An unknown one is a stop.
func readFinish(v jsonraw.Value) finish {
	if v.Absent() {
		return finishNone
	}
	switch string(v.Inner()) {
	case "":
		return finishNone
	case "length", "model_length", "max_tokens":
		return finishLength
	case "tool_calls", "tool_call", "tool_use":
		return finishToolCalls
	case "content_filter", "safety":
		return finishFilter
	case "function_call":
		return finishFunction
	case "error", "abort", "insufficient_system_resource":
		return finishError
	default: // stop, eos, eos_token, stop_sequence, end_turn …
		return finishStop
	}
}
