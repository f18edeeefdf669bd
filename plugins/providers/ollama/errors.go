package main

import (
	"strings"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

// failure makes a refusal of an answer with this status; doc is its body, or missing if that is not JSON. Ollama says
// {"error":"text"}, without any code, so that the text decides where the status is too coarse.
func failure(status int, doc jsonraw.Value, body []byte, wait uint32) *abi.Refusal {
	text := doc.Get("error")
	if text.Kind() == jsonraw.Object { // the OpenAI-compatible surface, and proxies
		text = text.Get("message")
	}
	if len(text.Inner()) == 0 {
		if status < 400 {
			return refusal.UpstreamError(502, "the provider reported an error without a text")
		}
		return refusal.FromText(status, body, wait)
	}
	message := refusal.Mask(text.Text())
	lower := strings.ToLower(message)
	says := func(phrases ...string) bool {
		for _, s := range phrases {
			if strings.Contains(lower, s) {
				return true
			}
		}
		return false
	}
	switch {
	case says("context length", "context window", "context size", "prompt is too long", "exceeds the available context"):
		return refusal.ContextLength(message)
	case says("does not support tools"):
		return refusal.Unsupported("tools", message)
	case says("does not support thinking", "does not support think"):
		return refusal.Unsupported("reasoning_effort", message)
	case says("does not support images", "does not support vision", "missing data required for image input"):
		return refusal.Unsupported("messages", message)
	case says("does not support"):
		return refusal.Unsupported("", message)
	case says("more system memory"): // it will not fit a moment later either
		ref := refusal.Overloaded(message, wait)
		ref.Class = abi.ClassOther
		return ref
	case says("server busy", "maximum pending requests"):
		return refusal.Overloaded(message, wait)
	case status < 400 && says("not found, try pulling it"):
		return refusal.ModelNotFound(message)
	case status < 400:
		return refusal.UpstreamError(502, message)
	}
	ref := refusal.FromStatus(status, message, wait)
	if ref.Kind == abi.ErrorInvalidRequest {
		ref.Code = refusal.CodeInvalidValue
	}
	return ref
}
