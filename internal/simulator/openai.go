package simulator

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/switchyard-gateway/switchyard/internal/simulator/answer"
)

// openai is the dialect of OpenAI, or with ollama set the same dialect as Ollama speaks it under /v1.
type openai struct{ ollama bool }

func (d openai) credential(h http.Header) (string, bool) {
	key, ok := strings.CutPrefix(h.Get("Authorization"), "Bearer ")
	if !ok {
		key = ""
	}
	return key, d.ollama
}

func (d openai) head(x *exchange, h http.Header) {
	if d.ollama {
		return
	}
	h["X-Request-Id"] = []string{"req_" + x.ids.Hex(32)}
	h["Openai-Processing-Ms"] = []string{strconv.FormatInt(x.latency.Milliseconds(), 10)}
	h["Openai-Version"] = []string{"2020-10-01"}
	h["Openai-Organization"] = []string{"org-simulated"}
	left := x.n % 10_000
	h["X-Ratelimit-Limit-Requests"] = []string{"10000"}
	h["X-Ratelimit-Limit-Tokens"] = []string{"2000000"}
	h["X-Ratelimit-Remaining-Requests"] = []string{strconv.FormatUint(10_000-left, 10)}
	h["X-Ratelimit-Remaining-Tokens"] = []string{strconv.FormatUint(2_000_000-left*100, 10)}
	h["X-Ratelimit-Reset-Requests"] = []string{"6ms"}
	h["X-Ratelimit-Reset-Tokens"] = []string{"120ms"}
}

func (d openai) serve(x *exchange, path string) error {
	var handler func(openai, *exchange, gjson.Result) error
	switch path {
	case "v1/chat/completions":
		handler = openai.chat
	case "v1/completions":
		handler = openai.complete
	case "v1/embeddings":
		handler = openai.embed
	}
	switch {
	case path == "v1/models" || strings.HasPrefix(path, "v1/models/"):
		if x.r.Method != http.MethodGet {
			return x.refuse(d.refusal(x, reasonMethod))
		}
		return d.models(x, strings.TrimPrefix(strings.TrimPrefix(path, "v1/models"), "/"))
	case handler == nil:
		return x.refuse(d.refusal(x, reasonPath))
	case x.r.Method != http.MethodPost:
		return x.refuse(d.refusal(x, reasonMethod))
	}
	root, ok := x.decode()
	if !ok {
		return x.refuse(d.refusal(x, reasonBadJSON))
	}
	x.model = root.Get("model").Str
	if x.model == "" {
		return x.refuse(invalid("you must provide a model parameter", "", ""))
	}
	if strings.HasPrefix(x.model, missingModel) {
		return x.refuse(d.refusal(x, reasonModel))
	}
	return handler(d, x, root)
}

// missingModel begins the names of models that no vendor knows.
const missingModel = "missing-"

func invalid(message, param, code string) refusal {
	return refusal{status: 400, kind: "invalid_request_error", message: message, param: param, code: code}
}

func (d openai) refusal(x *exchange, reason int) refusal {
	const kind = "invalid_request_error"
	switch reason {
	case reasonNoKey:
		return refusal{status: 401, kind: kind, message: "You didn't provide an API key. Send it as a bearer token in the Authorization header."}
	case 401:
		return refusal{status: 401, kind: kind, code: "invalid_api_key", message: "Incorrect API key provided."}
	case 403:
		return refusal{status: 403, kind: "request_forbidden", code: "unsupported_country_region_territory", message: "Country, region, or territory not supported"}
	case 404, reasonModel:
		return refusal{status: 404, kind: kind, code: "model_not_found", message: fmt.Sprintf("The model `%s` does not exist or you do not have access to it.", x.model)}
	case 408:
		return refusal{status: 408, kind: "server_error", code: "timeout", message: "Request timed out."}
	case 413:
		return refusal{status: 413, kind: kind, message: "Maximum content size limit exceeded."}
	case 429:
		return refusal{status: 429, kind: "requests", code: "rate_limit_exceeded", message: "Rate limit reached for requests per min (RPM): Limit 10000, Used 10000, Requested 1."}
	case 500:
		return refusal{status: 500, kind: "server_error", message: "The server had an error while processing your request."}
	case 502, 504:
		return refusal{status: reason, kind: "server_error", message: http.StatusText(reason)}
	case 503, 529:
		return refusal{status: reason, kind: "server_error", code: "overloaded", message: "The engine is currently overloaded, please try again later."}
	case reasonContextLength:
		return invalid("This model's maximum context length is 128000 tokens. However, your messages resulted in 131072 tokens. Please reduce the length of the messages.", "messages", "context_length_exceeded")
	case reasonContentPolicy:
		return invalid("Your request was rejected as a result of our safety system.", "", "content_policy_violation")
	case reasonBadJSON:
		return invalid("We could not parse the JSON body of your request. The API expects a JSON payload, but what was sent was not valid JSON.", "", "")
	case reasonPath:
		return refusal{status: 404, kind: kind, message: fmt.Sprintf("Invalid URL (%s %s)", x.r.Method, x.vendorPath())}
	case reasonMethod:
		return refusal{status: 405, kind: kind, code: "method_not_supported", message: fmt.Sprintf("Not allowed to %s on %s.", x.r.Method, x.vendorPath())}
	}
	return refusal{status: reason, kind: "server_error", message: http.StatusText(reason)}
}

// vendorPath is the path as the vendor would see it, without the prefix that chooses vendor and profile.
func (x *exchange) vendorPath() string {
	_, path, _ := strings.Cut(strings.TrimPrefix(x.r.URL.Path, "/"), "/")
	return "/" + path
}

func (d openai) appendError(dst []byte, _ *exchange, e refusal) []byte {
	if d.ollama { // its own three types, and never a code
		switch e.status {
		case 400:
			e.kind = "invalid_request_error"
		case 404:
			e.kind = "not_found_error"
		default:
			e.kind = "api_error"
		}
		e.param, e.code = "", ""
	}
	dst = answer.AppendQuoted(append(dst, `{"error":{"message":`...), e.message)
	dst = answer.AppendQuoted(append(dst, `,"type":`...), e.kind)
	dst = answer.AppendNullable(append(dst, `,"param":`...), e.param)
	dst = answer.AppendNullable(append(dst, `,"code":`...), e.code)
	return append(dst, "}}\n"...)
}

func (d openai) appendEventError(dst []byte, x *exchange, e refusal) []byte {
	dst = d.appendError(append(dst, "data: "...), x, e)
	return append(dst, '\n') // appendError ends in a line feed already
}

func (openai) brokenEvent() string { return "data: {\"id\":\"chatcmpl-oops\",\"choices\":[{]}\n\n" }
func (openai) cutEvent() string {
	return `data: {"id":"chatcmpl-cut","object":"chat.completion.chunk","cho`
}

func (d openai) models(x *exchange, id string) error {
	names := []string{"gpt-4o", "gpt-4o-mini", "gpt-5-mini", "text-embedding-3-small"}
	owner := "system"
	if d.ollama {
		names, owner = ollamaModels[:], "library"
	}
	one := func(name string) {
		x.buf = answer.AppendQuoted(append(x.buf, `{"id":`...), name)
		x.buf = answer.AppendQuoted(append(x.buf, `,"object":"model","created":1715367049,"owned_by":`...), owner)
		x.buf = append(x.buf, '}')
	}
	if id != "" {
		if x.model = id; strings.HasPrefix(id, missingModel) {
			return x.refuse(d.refusal(x, reasonModel))
		}
		one(id)
		return x.reply(0)
	}
	x.buf = append(x.buf, `{"object":"list","data":[`...)
	for i, name := range names {
		if i > 0 {
			x.buf = append(x.buf, ',')
		}
		one(name)
	}
	x.buf = append(x.buf, "]}"...)
	return x.reply(0)
}
