// Package surfaces describes the routes that the API does not serve itself: import it so that the description of the
// server is whole.
package surfaces

import (
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/switchyard-gateway/switchyard/server/api/internal/endpoint"
)

// Tags of the description.
const (
	tagCompletions = "Completions"
	Policies       = "Policies"
	Decisions      = "Decisions"
	Usage          = "Usage"
	Tenants        = "Tenants and keys"
	Operators      = "Operators"
)

// Tags are the tags with what they are about.
func Tags() []*huma.Tag {
	return []*huma.Tag{
		{Name: tagCompletions, Description: "What clients call, with a key that has the scope complete."},
		{Name: Policies, Description: "A tenant's own routing code, with a key that has the scope policy."},
		{Name: Decisions, Description: "Why requests went where they did, with a key that has the scope usage."},
		{Name: Usage, Description: "What was used, with a key that has the scope usage."},
		{Name: Tenants, Description: "With the admin token."},
		{Name: Operators, Description: "With the admin token, but for those that probes and scrapers read."},
	}
}

// Describe adds the routes of completions, and those of operators that the server serves itself, to the description.
func Describe(t *endpoint.Table) {
	completions(t)
	operations(t)
}

// message is one message of a conversation.
type message struct {
	_       struct{} `additionalProperties:"true"`
	Role    string   `json:"role" enum:"system,developer,user,assistant,tool,function"`
	Content content  `json:"content,omitzero" doc:"Text, or parts."`
}

// content is text, or a list of parts of which each has a type.
type content struct{}

// Schema describes both.
func (content) Schema(huma.Registry) *huma.Schema {
	part := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Required: []string{"type"}, Properties: map[string]*huma.Schema{"type": {Type: huma.TypeString}}}
	return &huma.Schema{AnyOf: []*huma.Schema{{Type: huma.TypeString}, {Type: huma.TypeArray, Items: part}, {Type: "null"}}}
}

// chatRequest is a request of the OpenAI dialect. What is not listed here is passed on to the vendor.
type chatRequest struct {
	_             struct{}  `additionalProperties:"true"`
	Model         string    `json:"model" minLength:"1" doc:"A model group."`
	Messages      []message `json:"messages" nullable:"false" minItems:"1"`
	Stream        bool      `json:"stream,omitempty"`
	StreamOptions *struct {
		_            struct{} `additionalProperties:"true"`
		IncludeUsage bool     `json:"include_usage,omitempty"`
	} `json:"stream_options,omitempty"`
	MaxTokens   *int             `json:"max_tokens,omitempty" minimum:"1"`
	Temperature *float64         `json:"temperature,omitempty" minimum:"0" maximum:"2"`
	Tools       []map[string]any `json:"tools,omitempty"`
}

type completionRequest struct {
	_         struct{} `additionalProperties:"true"`
	Model     string   `json:"model" minLength:"1" doc:"A model group."`
	Prompt    any      `json:"prompt" doc:"Text, or a list of texts or tokens."`
	Stream    bool     `json:"stream,omitempty"`
	MaxTokens *int     `json:"max_tokens,omitempty" minimum:"1"`
}

type embeddingsRequest struct {
	_     struct{} `additionalProperties:"true"`
	Model string   `json:"model" minLength:"1" doc:"A model group."`
	Input any      `json:"input" doc:"Text, or a list of texts or tokens."`
}

type simpleRequest struct {
	_        struct{}         `additionalProperties:"true"`
	Model    string           `json:"model" minLength:"1" doc:"A model group."`
	Messages []message        `json:"messages" nullable:"false" minItems:"1"`
	TenantID string           `json:"tenant_id,omitempty" doc:"The tenant that the key acts for."`
	Tools    []map[string]any `json:"tools,omitempty"`
}

// openAnswer is an answer of the OpenAI dialect: the vendor's, with at least this.
type openAnswer struct {
	_      struct{} `additionalProperties:"true"`
	Object string   `json:"object,omitempty"`
	Model  string   `json:"model,omitempty"`
	Usage  any      `json:"usage,omitempty"`
}

type simpleAnswer struct {
	Content   string           `json:"content" doc:"Empty if there are tool calls."`
	ToolCalls []map[string]any `json:"tool_calls" nullable:"false"`
	Model     string           `json:"model" doc:"The vendor's."`
	Usage     maybeUsage       `json:"usage" doc:"null: the vendor did not tell."`
}

// stream is a streamed answer: its media type, and the schema of each event, or of the whole where there is none.
type stream struct {
	media  string
	schema *huma.Schema
}

// event is one event of a stream in the OpenAI dialect.
type event struct {
	_    struct{} `additionalProperties:"true"`
	Data string   `json:"data" doc:"A chunk, or an error, in JSON; in the end [DONE]."`
}

const lines = `Lines of JSON: {"type":"chunk","text":…}, then one {"type":"done","model":…,"usage":…} or {"type":"error","error":…}.`

// maybeUsage is simpleUsage or null.
type maybeUsage struct{}

// Schema describes both.
func (maybeUsage) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{r.Schema(reflect.TypeFor[simpleUsage](), true, ""), {Type: "null"}}}
}

type simpleUsage struct {
	Prompt     int64 `json:"prompt_tokens"`
	Completion int64 `json:"completion_tokens"`
	Total      int64 `json:"total_tokens"`
}

type model struct {
	ID      string `json:"id"`
	Object  string `json:"object" enum:"model"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

type models struct {
	Object string  `json:"object" enum:"list"`
	Data   []model `json:"data" nullable:"false"`
}

// routingHeaders are what every completion route reads.
func routingHeaders() []*huma.Param {
	text := func(name, about string) *huma.Param {
		return &huma.Param{Name: name, In: "header", Description: about, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	return []*huma.Param{
		text("x-switchyard-tenant", "The tenant that the key acts for."), text("x-switchyard-tags", "Tags, with commas between them."),
		text("x-switchyard-session", "The session, which stays with its deployment."), text("x-switchyard-timeout", "Of the whole request, in seconds or as 1m30s."),
		text("x-switchyard-stream-timeout", "Until the first token, in seconds or as 1m30s."), text("x-switchyard-num-retries", "How often to try elsewhere."),
		text("x-request-id", "Taken over into the answer and the log."),
	}
}

// answerHeaders are what every completion route answers with.
func answerHeaders() map[string]*huma.Header {
	headers := map[string]*huma.Header{}
	for name, about := range map[string]string{
		"x-request-id": "Of this request.", "x-switchyard-deployment": "That answered.", "x-switchyard-provider": "That answered.", "x-switchyard-strategy": "That decided.",
		"x-switchyard-policy": "NAME@VERSION of the tenant's policy, if it decided.", "x-switchyard-attempts": "How many vendors were called.",
		"x-switchyard-fallbacks": "How many model groups were left.", "x-switchyard-overhead-us": "Microseconds that the router took.",
		"x-switchyard-cost-usd": "Not of a stream.", "x-ratelimit-limit-requests": "A minute.", "x-ratelimit-remaining-requests": "Of the minute.",
		"x-ratelimit-reset-requests": "As 6m0s.", "x-ratelimit-limit-tokens": "A minute.", "x-ratelimit-remaining-tokens": "Of the minute.", "x-ratelimit-reset-tokens": "As 6m0s.",
	} {
		headers[name] = &huma.Header{Description: about, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	return headers
}

// completions describes what clients call.
func completions(t *endpoint.Table) {
	open := endpoint.Schema[openAnswer](t)
	sse := stream{"text/event-stream", endpoint.Schema[event](t)}
	ndjson := stream{"application/x-ndjson", &huma.Schema{Type: huma.TypeString, Description: lines}}
	post := func(id, path, summary string, in, out *huma.Schema, stream *stream) {
		content := map[string]*huma.MediaType{}
		if out != nil {
			content["application/json"] = &huma.MediaType{Schema: out}
		}
		if stream != nil {
			content[stream.media] = &huma.MediaType{Schema: stream.schema}
		}
		op := &huma.Operation{
			OperationID: id, Method: http.MethodPost, Path: path, Tags: []string{tagCompletions}, Summary: summary, Parameters: routingHeaders(), Security: keySecurity(),
			RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: in}}},
			Responses:   ok(&huma.Response{Description: "The answer. A stream that breaks off ends with an error event.", Headers: answerHeaders(), Content: content}),
		}
		op.Responses["default"] = jsonAnswer("What a vendor refuses, or a policy rejects, with another status: the error has its code.", endpoint.Schema[endpoint.Failure](t))
		t.Describe(op, failures...)
	}
	get := func(id, path, summary string, answer *huma.Response, params []*huma.Param, kinds ...endpoint.Kind) {
		t.Describe(&huma.Operation{
			OperationID: id, Method: http.MethodGet, Path: path, Tags: []string{tagCompletions}, Summary: summary, Parameters: params, Security: keySecurity(), Responses: ok(answer),
		}, append(kinds, endpoint.NoKey, endpoint.Internal, notReady)...)
	}
	for _, v := range []struct{ prefix, suffix, note string }{{"/v1", "", ""}, {"", "-unversioned", " (for SDKs with a base URL that lacks the version)"}} {
		post("create-chat-completion"+v.suffix, v.prefix+"/chat/completions", "Complete a conversation"+v.note, endpoint.Schema[chatRequest](t), open, &sse)
		post("create-completion"+v.suffix, v.prefix+"/completions", "Complete a text"+v.note, endpoint.Schema[completionRequest](t), open, &sse)
		post("create-embeddings"+v.suffix, v.prefix+"/embeddings", "Embed texts"+v.note, endpoint.Schema[embeddingsRequest](t), open, nil)
		get("list-models"+v.suffix, v.prefix+"/models", "List the model groups that the caller may use"+v.note, jsonAnswer("The model groups.", endpoint.Schema[models](t)), nil)
		get("get-model"+v.suffix, v.prefix+"/models/{model}", "Show a model group"+v.note, jsonAnswer("The model group.", endpoint.Schema[model](t)), []*huma.Param{
			{Name: "model", In: "path", Required: true, Description: "It may contain slashes, escaped or not.", Schema: &huma.Schema{Type: huma.TypeString}},
		}, noModel)
	}
	post("complete", "/complete", "Complete a conversation, simply", endpoint.Schema[simpleRequest](t), endpoint.Schema[simpleAnswer](t), nil)
	post("complete-stream", "/complete/stream", "Complete a conversation, simply, as a stream of lines", endpoint.Schema[simpleRequest](t), nil, &ndjson)
}

func keySecurity() []map[string][]string {
	return []map[string][]string{{endpoint.SchemeKey: {}}, {endpoint.SchemeHeader: {}}, {}} // none: a gateway without keys
}

// health is what /healthz answers, readiness what /readyz does.
type health struct {
	Status  string `json:"status"`
	Version string `json:"version"`
}

type readiness struct {
	Status string `json:"status"`
}

type pluginsReport struct {
	Snapshot uint64 `json:"snapshot"`
	Plugins  any    `json:"plugins" doc:"What is loaded, with versions, states and faults."`
	Limits   any    `json:"limits"`
	Reload   any    `json:"reload" doc:"What became of the last change of files."`
}

type deploymentsReport struct {
	Snapshot    uint64           `json:"snapshot"`
	Deployments []map[string]any `json:"deployments" nullable:"false" doc:"In the order of the configuration, with health and figures."`
}

// operations describes what operators, probes and scrapers call.
func operations(t *endpoint.Table) {
	text := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	get := func(id, path, summary string, answer *huma.Response, security []map[string][]string, kinds ...endpoint.Kind) {
		t.Describe(&huma.Operation{
			OperationID: id, Method: http.MethodGet, Path: path, Tags: []string{Operators}, Summary: summary, Responses: ok(answer), Security: security,
		}, append(kinds, endpoint.Internal)...)
	}
	probe := func(id, path, summary string, answer *huma.Response, kinds ...endpoint.Kind) {
		get(id, path, summary, answer, nil, kinds...)
		head := &huma.Operation{
			OperationID: id + "-head", Method: http.MethodHead, Path: path, Tags: []string{Operators}, Summary: summary, Responses: ok(&huma.Response{Description: answer.Description}),
		}
		for _, k := range append(kinds, endpoint.Internal) {
			head.Responses[strconv.Itoa(k.Status)] = &huma.Response{Description: k.About}
		}
		t.Describe(head)
	}
	probe("get-health", "/healthz", "Whether the process answers", jsonAnswer("It does.", endpoint.Schema[health](t)))
	probe("get-readiness", "/readyz", "Whether requests should be sent here", jsonAnswer("They should.", endpoint.Schema[readiness](t)),
		notReady)
	get("get-metrics", "/metrics", "Metrics for Prometheus", &huma.Response{
		Description: "In the format that Accept asks for.", Content: map[string]*huma.MediaType{"text/plain": text, "application/openmetrics-text": text},
	}, nil)
	get("get-description", "/openapi.json", "This description", jsonAnswer("The description.", &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}), nil)
	admin := []map[string][]string{{endpoint.SchemeAdmin: {}}}
	get("list-plugins", "/admin/plugins", "Show plugins", jsonAnswer("The plugins.", endpoint.Schema[pluginsReport](t)), admin, endpoint.AdminDisabled, endpoint.NoAdminToken)
	get("list-deployments", "/admin/deployments", "Show deployments and their health", jsonAnswer("The deployments.", endpoint.Schema[deploymentsReport](t)), admin,
		endpoint.AdminDisabled, endpoint.NoAdminToken)
}

func ok(r *huma.Response) map[string]*huma.Response {
	return map[string]*huma.Response{strconv.Itoa(http.StatusOK): r}
}

// jsonAnswer is an answer in JSON.
func jsonAnswer(about string, s *huma.Schema) *huma.Response {
	return &huma.Response{Description: about, Content: map[string]*huma.MediaType{"application/json": {Schema: s}}}
}
