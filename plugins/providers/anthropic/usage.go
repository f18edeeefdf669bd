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

// update takes over the members that are present in v, a usage object.
func (c *counts) update(v jsonraw.Value) {
	for m := v.Members(); m.Next(); {
		switch string(m.Name()) {
		case "input_tokens":
			c.set(&c.input, m.Value)
		case "cache_creation_input_tokens":
			c.set(&c.write, m.Value)
		case "cache_read_input_tokens":
			c.set(&c.read, m.Value)
		case "output_tokens":
			c.set(&c.output, m.Value)
		case "output_tokens_details":
			c.set(&c.thought, m.Value.Get("thinking_tokens"))
		}
	}
}

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
