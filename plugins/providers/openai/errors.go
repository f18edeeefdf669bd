package main

import (
	"strconv"
	"strings"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

// isFault reports whether the value of a member "error" says that there was one. Answers without one may have null.
func isFault(v jsonraw.Value) bool {
	switch v.Kind() {
	case jsonraw.Missing, jsonraw.Null, jsonraw.Bool:
		return false
	case jsonraw.String:
		return len(v.Inner()) > 0
	default:
		return true
	}
}

func unreadable(what string, body []byte) *abi.Refusal {
	ref := refusal.FromText(200, body, 0)
	ref.Message = what + strings.TrimPrefix(ref.Message, "the provider's answer can't be read")
	return ref
}

func endedEarly() *abi.Refusal { return refusal.BadResponse("stream ended early") }

// fault is an error as a vendor describes it.
type fault struct {
	message, kind, code, param string
	inner                      string // a second code, nested in the first
	raw                        string // what the vendor behind a broker said
	status                     int    // an HTTP status among the members, 0 when there is none
}

// failure makes a refusal of an answer with this status; doc is its body, or missing if that is not JSON. An error
// that came with a status below 400 is judged by what it says.
func (p *plugin) failure(status int, doc jsonraw.Value, body []byte, headers abi.Pairs, now uint64) *abi.Refusal {
	wait := refusal.RetryAfter(headers, now)
	var f fault
	f.read(doc, 0)
	if f.message == "" {
		if f.code == "" && f.kind == "" {
			return refusal.FromText(max(status, f.status), body, wait)
		}
		f.message = strings.TrimSpace(f.kind + " " + f.code)
	} else if f.raw != "" {
		f.message += ": " + f.raw
	}
	if status < 400 {
		status = f.status
	}
	if status < 400 {
		status = 502
	}
	return f.refusal(status, wait)
}

// read collects what the many shapes of errors have in common: {"error":{…}}, {"error":"text"}, a list of one, a flat
// object, {"detail":…}.
func (f *fault) read(v jsonraw.Value, depth int) {
	switch v.Kind() {
	case jsonraw.String:
		f.message = v.Text()
	case jsonraw.Array:
		if e := v.Elements(); depth < 4 && e.Next() {
			f.read(e.Value, depth+1)
		}
	case jsonraw.Object:
		for m := v.Members(); m.Next(); {
			if !m.Value.Absent() {
				f.member(string(m.Name()), m.Value, depth)
			}
		}
	}
}

func (f *fault) member(name string, v jsonraw.Value, depth int) {
	switch name {
	case "message", "Message", "msg", "detail", "error":
		if v.Kind() == jsonraw.String {
			if f.message == "" || name == "message" {
				f.message = v.Text()
			}
		} else if depth < 4 {
			f.read(v, depth+1)
		}
	case "type", "error_type":
		if v.Kind() == jsonraw.String && !v.TextIs("error") {
			f.kind = v.Text()
		}
	case "code", "status", "statusCode":
		f.readCode(name, v)
	case "param":
		f.param = v.Text()
	case "innererror":
		f.inner = v.Get("code").Text()
	case "metadata": // the error of the vendor behind a broker
		if raw := v.Get("raw"); raw.Kind() == jsonraw.String {
			f.raw = raw.Text()
		}
		if v.Get("reasons").Kind() == jsonraw.Array {
			f.inner = "moderation"
		}
	}
}

func (f *fault) readCode(name string, v jsonraw.Value) {
	text := v.Text()
	n, number := v.Int()
	if v.Kind() == jsonraw.String {
		parsed, err := strconv.Atoi(text)
		n, number = int64(parsed), err == nil
	}
	switch {
	case number && n >= 400 && n < 600:
		f.status = int(n)
	case !number && name == "code":
		f.code = text
	}
}

// refusal judges the fault: by its codes first, since they are more exact than the status, then by its text where
// vendors give no code, then by the status.
func (f *fault) refusal(status int, wait uint32) *abi.Refusal {
	message := refusal.Mask(f.message)
	is := func(names ...string) bool {
		for _, n := range names {
			if f.code == n || f.kind == n || f.inner == n {
				return true
			}
		}
		return false
	}
	lower := strings.ToLower(message)
	says := func(phrases ...string) bool {
		for _, s := range phrases {
			if strings.Contains(lower, s) {
				return true
			}
		}
		return false
	}
	badRequest := status == 400 || status == 413 || status == 422 || status == 502 && f.status == 0
	switch {
	case is("context_length_exceeded", "exceed_context_size_error"),
		badRequest && says("maximum context length", "context length exceeded", "context window", "available context size",
			"context size has been exceeded", "prompt is too long", "input is too long", "maximum prompt length",
			"reduce the length of the messages", "`inputs` tokens", "context the overflows"):
		return refusal.ContextLength(message)
	case is("content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation", "moderation"):
		return refusal.ContentPolicy(message)
	case is("insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_balance"),
		status == 429 && says("exceeded your current quota"), status == 402:
		return refusal.Quota(message)
	case is("invalid_api_key", "authentication_error"),
		status == 400 && says("incorrect api key", "invalid api key", "api key not valid"):
		return refusal.UpstreamAuth(message)
	case is("model_not_found", "DeploymentNotFound", "model_not_available"),
		status == 400 && says("is not a valid model", "model not found", "unknown model"):
		return refusal.ModelNotFound(message)
	case is("rate_limit_exceeded", "rate_limit_error", "too_many_requests"):
		ref := refusal.RateLimit(message, wait)
		if status == 413 { // larger than a whole minute's allowance
			ref.Class = abi.ClassOther
		}
		return ref
	case status == 498: // flex capacity exceeded
		ref := refusal.Overloaded(message, wait)
		ref.Class = abi.ClassOther
		return ref
	case is("overloaded_error", "overloaded", "unavailable_error", "slow_down", "server_is_overloaded", "engine_overloaded"):
		return refusal.Overloaded(message, wait)
	}
	ref := refusal.FromStatus(status, message, wait)
	if ref.Kind == abi.ErrorInvalidRequest {
		ref.Param = f.param
		if ref.Code = f.code; !isSlug(f.code) {
			ref.Code = refusal.CodeInvalidValue
		}
		switch {
		case f.code == "tool_use_failed": // the model wrote a broken call: it may not the next time
			ref.Class = abi.ClassRetry
		case status == 413:
			ref.Class = abi.ClassOther
		}
	}
	return ref
}

// isSlug reports whether a code is a name that programs compare, rather than a sentence or a number.
func isSlug(code string) bool {
	for i := range len(code) {
		c := code[i]
		if c != '_' && c != '-' && c != '.' && c-'0' > 9 && (c|0x20)-'a' > 25 {
			return false
		}
	}
	return code != "" && len(code) <= 64
}

// broken makes a refusal of a choice that carries an error, or whose finish_reason says that there was one.
func (p *plugin) broken(c *choice, headers abi.Pairs, now uint64) *abi.Refusal {
	failed, reason := value(&p.doc, c.failed), value(&p.doc, c.reason)
	switch {
	case isFault(failed):
		return p.failure(200, failed, failed, headers, now)
	case reason.TextIs("insufficient_system_resource"):
		return refusal.Overloaded("the provider ran out of resources in the middle of the answer", refusal.RetryAfter(headers, now))
	default:
		return refusal.UpstreamError(502, "the provider broke off its answer with the finish_reason "+refusal.Mask(reason.Text()))
	}
}
