package main

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/chat/answer"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// counts are the vendor's usage members. They are cumulative in streams: each is overwritten by what comes
// later, and kept when a later event leaves it out.
type counts struct {
	present                             bool
	input, write, read, output, thought uint64
}

const (
	usageInput = 1 + iota
	usageWrite
	usageRead
	usageOutput
	usageDetails
)

var usageKeys = jsonraw.NewKeys("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens", "output_tokens_details")

// update takes over the members that are present in a usage object.
func (c *counts) update(doc *jsonraw.Outline, usage jsonraw.Node) {
	for key, end := doc.Members(usage); key < end; key = doc.After(key + 1) {
		field := &c.thought
		switch doc.Find(key, &usageKeys) {
		case 0:
			continue
		case usageInput:
			field = &c.input
		case usageWrite:
			field = &c.write
		case usageRead:
			field = &c.read
		case usageOutput:
			field = &c.output
		case usageDetails:
			c.set(field, doc.Value(key+1).Get("thinking_tokens"))
			continue
		}
		c.set(field, doc.Value(key+1))
	}
}

// set takes over a count. It is out of line because the loop that calls it has the fewer variables then.
//
//go:noinline
func (c *counts) set(field *uint64, v jsonraw.Value) {
	if n, ok := v.Int(); ok && n >= 0 {
		*field, c.present = uint64(n), true
	}
}

// usage converts to the contract's: there the prompt includes what the cache holds.
func (c *counts) usage() abi.Usage {
	return abi.Usage{
		Present: c.present,
		Prompt:  c.input + c.write + c.read, Completion: c.output,
		Cached: c.read, CacheWrite: c.write, Reasoning: c.thought,
	}
}

// finishReason converts a stop_reason. Without one, calls decide, the number of tool calls; jsonCall says that
// the tool of jsonTool was called, which is no call of the client's.
func finishReason(stop jsonraw.Value, calls int, jsonCall bool) string {
	switch string(stop.Inner()) {
	case "max_tokens", "model_context_window_exceeded":
		return answer.FinishLength
	case "refusal":
		return answer.FinishContentFilter
	case "tool_use":
		if !jsonCall {
			return answer.FinishToolCalls
		}
	case "":
		if calls > 0 {
			return answer.FinishToolCalls
		}
	}
	return answer.FinishStop
}
