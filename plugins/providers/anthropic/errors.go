package main

import (
	"bytes"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

// readError says what an error answer means. status is 0 for an error that came without one, in a stream or with
// status 200. The error's type counts for more than the status, which proxies and overload change.
func readError(status int, body []byte, retryAfterMS uint32) *abi.Refusal {
	root, err := jsonraw.Parse(body)
	e := root.Get("error")
	message := e.Get("message")
	if e.Kind() == jsonraw.String {
		message = e
	}
	if message.Kind() != jsonraw.String && root.Get("message").Kind() == jsonraw.String {
		message = root.Get("message")
	}
	if err != nil || message.Kind() != jsonraw.String {
		return refusal.FromText(status, body, retryAfterMS)
	}
	text := refusal.Mask(message.Text())

	switch string(e.Get("type").Inner()) {
	case "invalid_request_error":
		if status < 400 || status >= 500 {
			status = 400
		}
		return invalidRequest(status, text, retryAfterMS)
	case "authentication_error", "permission_error":
		return refusal.UpstreamAuth(text)
	case "billing_error":
		return refusal.Quota(text)
	case "not_found_error":
		return refusal.ModelNotFound(text)
	case "request_too_large":
		return refusal.FromStatus(413, text, 0)
	case "rate_limit_error":
		return refusal.RateLimit(text, retryAfterMS)
	case "overloaded_error":
		return refusal.Overloaded(text, retryAfterMS)
	case "timeout_error":
		return refusal.FromStatus(504, text, retryAfterMS)
	case "api_error":
		if status < 500 {
			status = 500
		}
	}
	if status < 400 {
		status = 502
	}
	return invalidRequest(status, text, retryAfterMS)
}

// invalidRequest tells apart what the vendor reports as one kind of error; other statuses go by their number.
func invalidRequest(status int, text string, retryAfterMS uint32) *abi.Refusal {
	if status != 400 && status != 413 {
		return refusal.FromStatus(status, text, retryAfterMS)
	}
	lower := bytes.ToLower([]byte(text))
	for _, hint := range [...]string{"prompt is too long", "exceed context limit", "context window"} {
		if bytes.Contains(lower, []byte(hint)) {
			return refusal.ContextLength(text)
		}
	}
	switch {
	case bytes.Contains(lower, []byte("credit balance is too low")):
		return refusal.Quota(text)
	case bytes.Contains(lower, []byte("content filtering policy")):
		return refusal.ContentPolicy(text)
	}
	return refusal.FromStatus(status, text, retryAfterMS)
}
