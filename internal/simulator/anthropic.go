package simulator

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/simulator/answer"
	"github.com/switchyard-gateway/switchyard/internal/simulator/prompt"
)

// anthropic is the dialect of the Messages API.
type anthropic struct{}

func (anthropic) credential(h http.Header) (string, bool) {
	if key := h.Get("X-Api-Key"); key != "" {
		return key, false
	}
	key, ok := strings.CutPrefix(h.Get("Authorization"), "Bearer ")
	if !ok {
		key = ""
	}
	return key, false
}

func (anthropic) head(x *exchange, h http.Header) {
	h["Request-Id"] = []string{"req_" + x.ids.ID("011C", 20)}
	h["Anthropic-Organization-Id"] = []string{"00000000-0000-4000-8000-000000000001"}
	left, reset := x.n%4000, time.Now().Add(time.Second).UTC().Format(time.RFC3339)
	for _, limit := range []struct {
		kind        string
		total, used uint64
	}{
		{"Requests", 4000, left}, {"Tokens", 480_000, left * 100}, {"Input-Tokens", 400_000, left * 80}, {"Output-Tokens", 80_000, left * 20},
	} {
		h["Anthropic-Ratelimit-"+limit.kind+"-Limit"] = []string{strconv.FormatUint(limit.total, 10)}
		h["Anthropic-Ratelimit-"+limit.kind+"-Remaining"] = []string{strconv.FormatUint(limit.total-limit.used, 10)}
		h["Anthropic-Ratelimit-"+limit.kind+"-Reset"] = []string{reset}
	}
}

func (d anthropic) serve(x *exchange, path string) error {
	switch {
	case path != "v1/messages":
		return x.refuse(d.refusal(x, reasonPath))
	case x.r.Method != http.MethodPost:
		return x.refuse(d.refusal(x, reasonMethod))
	case x.r.Header.Get("Anthropic-Version") == "":
		return x.refuse(badRequest("anthropic-version: header is required"))
	case x.r.Header.Get("Anthropic-Version") != "2023-06-01":
		return x.refuse(badRequest(fmt.Sprintf("anthropic-version: %q is not a valid version", x.r.Header.Get("Anthropic-Version"))))
	}
	root, ok := x.decode()
	if !ok {
		return x.refuse(d.refusal(x, reasonBadJSON))
	}
	x.model = root.Get("model").Str
	p, err := prompt.Anthropic(root)
	if err != nil {
		return x.refuse(badRequest(err.Error()))
	}
	if strings.HasPrefix(x.model, missingModel) {
		return x.refuse(d.refusal(x, reasonModel))
	}
	a := x.compose(&p, 0)
	if p.Stream {
		return d.stream(x, &p, &a)
	}
	return d.message(x, &p, &a)
}

func badRequest(message string) refusal {
	return refusal{status: 400, kind: "invalid_request_error", message: message}
}

func (anthropic) refusal(x *exchange, reason int) refusal {
	switch reason {
	case reasonNoKey:
		return refusal{status: 401, kind: "authentication_error", message: "x-api-key header is required"}
	case 401:
		return refusal{status: 401, kind: "authentication_error", message: "invalid x-api-key"}
	case 402:
		return refusal{status: 402, kind: "billing_error", message: "Your credit balance is too low to access the API."}
	case 403:
		return refusal{status: 403, kind: "permission_error", message: "Your API key does not have permission to use the specified resource."}
	case 404, reasonModel:
		return refusal{status: 404, kind: "not_found_error", message: "model: " + x.model}
	case reasonPath:
		return refusal{status: 404, kind: "not_found_error", message: "Not found"}
	case reasonMethod:
		return refusal{status: 405, kind: "invalid_request_error", message: "Method Not Allowed"}
	case 408, 504:
		return refusal{status: reason, kind: "timeout_error", message: "Request timed out"}
	case 413:
		return refusal{status: 413, kind: "request_too_large", message: "Request exceeds the maximum size"}
	case 429:
		return refusal{status: 429, kind: "rate_limit_error", message: "This request would exceed your organization's rate limit of 4,000 requests per minute."}
	case 503, 529:
		return refusal{status: reason, kind: "overloaded_error", message: "Overloaded"}
	case reasonContextLength:
		return badRequest("prompt is too long: 210432 tokens > 200000 maximum")
	case reasonContentPolicy:
		return badRequest("Output blocked by content filtering policy")
	case reasonBadJSON:
		return badRequest("The request body is not valid JSON")
	case 500:
		return refusal{status: 500, kind: "api_error", message: "Internal server error"}
	}
	if reason < 500 {
		return refusal{status: reason, kind: "invalid_request_error", message: http.StatusText(reason)}
	}
	return refusal{status: reason, kind: "api_error", message: http.StatusText(reason)}
}

func (anthropic) appendError(dst []byte, x *exchange, e refusal) []byte {
	dst = answer.AppendQuoted(append(dst, `{"type":"error","error":{"type":`...), e.kind)
	dst = answer.AppendQuoted(append(dst, `,"message":`...), e.message)
	dst = append(dst, `},"request_id":`...)
	if id := x.w.Header()["Request-Id"]; len(id) > 0 {
		return append(answer.AppendQuoted(dst, id[0]), '}')
	}
	return append(dst, "null}"...)
}

// appendEventError renders the overload error, which is the one that this vendor sends in streams.
func (d anthropic) appendEventError(dst []byte, x *exchange, _ refusal) []byte {
	dst = append(dst, "event: error\ndata: "...)
	dst = d.appendError(dst, x, d.refusal(x, 529))
	return append(dst, "\n\n"...)
}

func (anthropic) brokenEvent() string {
	return "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{]}\n\n"
}

func (anthropic) cutEvent() string {
	return "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"del"
}
