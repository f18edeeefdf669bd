package main

import "github.com/switchyard-gateway/switchyard/sdk/jsonraw"

// choice is one element of choices, of an answer or of a stream's chunk.
type choice struct {
	index    int64 // -1 when absent
	message  jsonraw.Value
	delta    jsonraw.Value
	logprobs jsonraw.Value // null when absent
	reason   jsonraw.Value // the finish_reason
	finish   finish        // what it means
	failed   jsonraw.Value // the member error
	extra    []member
}

var null = jsonraw.Value("null")

func (c *choice) read(v jsonraw.Value) {
	*c = choice{index: -1, logprobs: null, extra: c.extra[:0]}
	for m := v.Members(); m.Next(); {
		switch string(m.Name()) {
		case "index":
			if n, ok := m.Value.Int(); ok && n >= 0 && n < 1<<31 {
				c.index = n
			}
		case "message":
			c.message = m.Value
		case "delta":
			c.delta = m.Value
		case "logprobs":
			c.logprobs = m.Value
		case "finish_reason":
			c.reason = m.Value
		case "error":
			c.failed = m.Value
		default:
			c.extra = appendMember(c.extra, m.Key, m.Value)
		}
	}
	c.finish = readFinish(c.reason)
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
