// Package inspect reads bodies of the OpenAI dialect as far as a gateway needs it: import it for the
// facts of a client's request, and for what an answer or a stream event that passes through
// untouched means. It knows nothing of routing.
package inspect

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// Facts is what a client's body says, as far as routing needs to know. The body itself stays as it
// came.
type Facts struct {
	Endpoint abi.Endpoint
	Dialect  abi.Dialect
	Body     []byte
	Model    string

	Stream       bool
	IncludeUsage bool
	Features     uint32
	PromptTokens uint32 // estimate
	MaxOutput    uint32 // 0: the client set no limit
	Messages     uint32
	PrefixHash   uint64 // of the prompt's beginning
	Session      string // what the client named: user, or a header
	Tags         []string

	NumRetries    *int
	Timeout       time.Duration // 0: the group's
	StreamTimeout *time.Duration
	StrictParams  bool

	// Fallback lists of the client replace the configured ones; nil means not given.
	Fallbacks              []string
	ContextWindowFallbacks []string
	ContentPolicyFallbacks []string
	DisableFallbacks       bool

	own uint32       // which of the gateway's own members the body has: bits of field
	big jsonraw.Span // the longest member's value in the body, if it is at least bigValue
}

// bigValue is the length from which on it pays to remember where a value is.
const bigValue = 4 << 10

// outlines are what bodies are taken apart with.
var outlines = sync.Pool{New: func() any { return new(jsonraw.Outline) }}

// longBody is the length above which a body's outline, which may be several times as long, is not kept.
const longBody = 1 << 20

// forget puts an outline back, without the body.
func forget(o *jsonraw.Outline) {
	if len(o.Value(jsonraw.Root)) <= longBody && o.Read(nothing) == nil {
		outlines.Put(o)
	}
}

var nothing = []byte("null")

// Mistake is what a client has to mend in its body. Code is of the OpenAI error object.
type Mistake struct {
	Code    string
	Param   string // the member, empty: the whole body
	Message string
}

// Error returns the message.
func (m *Mistake) Error() string { return m.Message }

func mistake(code, param, format string, args ...any) *Mistake {
	return &Mistake{Code: code, Param: param, Message: fmt.Sprintf(format, args...)}
}

// field is a member of a body that is read. The order is that in which they are looked at, and
// so which of several mistakes is reported.
type field uint8

// The own fields are meant for the gateway and never reach a vendor (routing.md: names kept).
const (
	fieldNumRetries field = iota
	fieldTimeout
	fieldStreamTimeout
	fieldFallbacks
	fieldContextWindowFallbacks
	fieldContentPolicyFallbacks
	fieldDisableFallbacks
	fieldStrictParams
	fieldTenantID
	fieldTags
	fieldMetadataTags // beside what else metadata has
	ownFields

	fieldModel field = iota - 1
	fieldStream
	fieldStreamOptions
	fieldMessages
	fieldInput
	fieldPrompt
	fieldMaxTokens
	fieldMaxCompletionTokens
	fieldTools
	fieldFunctions
	fieldResponseFormat
	fieldReasoningEffort
	fieldLogprobs
	fieldChoices
	fieldUser
	fieldMetadata
	fieldCount
)

var fieldNames = [fieldCount]string{
	fieldNumRetries: "num_retries", fieldTimeout: "timeout", fieldStreamTimeout: "stream_timeout", fieldFallbacks: "fallbacks",
	fieldContextWindowFallbacks: "context_window_fallbacks", fieldContentPolicyFallbacks: "content_policy_fallbacks",
	fieldDisableFallbacks: "disable_fallbacks", fieldStrictParams: "strict_params", fieldTenantID: "tenant_id", fieldTags: "tags",
	fieldMetadataTags: "metadata.tags",
	fieldModel:        "model", fieldStream: "stream", fieldStreamOptions: "stream_options", fieldMessages: "messages", fieldInput: "input", fieldPrompt: "prompt",
	fieldMaxTokens: "max_tokens", fieldMaxCompletionTokens: "max_completion_tokens", fieldTools: "tools", fieldFunctions: "functions",
	fieldResponseFormat: "response_format", fieldReasoningEffort: "reasoning_effort", fieldLogprobs: "logprobs", fieldChoices: "n", fieldUser: "user", fieldMetadata: "metadata",
}

var fieldsByName = func() map[string]field {
	m := make(map[string]field, fieldCount)
	for f, name := range fieldNames {
		m[name] = field(f)
	}
	delete(m, fieldNames[fieldMetadataTags]) // a path, not a name
	return m
}()

// Decode reads a request's body into r, which it overwrites. Of members that occur twice the last counts.
func (r *Facts) Decode(endpoint abi.Endpoint, body []byte) *Mistake {
	doc := outlines.Get().(*jsonraw.Outline)
	doc.Limit = len(body) // no more values than that fit in
	if err := doc.Read(body); err != nil {
		return mistake("invalid_json", "", "The request body is not valid JSON: %v.", err)
	}
	defer forget(doc)
	root := doc.Value(jsonraw.Root)
	if root.Kind() != jsonraw.Object {
		return mistake("invalid_json", "", "The request body must be a JSON object, not %s.", root.Kind())
	}
	*r = Facts{Endpoint: endpoint, Dialect: abi.DialectOpenAI, Body: root}
	if endpoint == abi.EndpointEmbeddings {
		r.Features |= abi.FeatureEmbeddings
	}
	var values [fieldCount]jsonraw.Value
	var messages jsonraw.Node
	start := doc.Offset(jsonraw.Root)
	for key, end := doc.Members(jsonraw.Root); key < end; key = doc.After(key + 1) {
		v := doc.Value(key + 1)
		if f, ok := fieldsByName[string(doc.Name(key))]; ok {
			values[f] = v
			if f == fieldMessages {
				messages = key + 1
			}
		}
		if len(v) >= max(bigValue, r.big.End-r.big.Start) {
			at := doc.Offset(key+1) - start
			r.big = jsonraw.Span{Start: at, End: at + len(v)}
		}
	}
	values[fieldMetadataTags] = values[fieldMetadata].Get("tags")
	for f, v := range values {
		if len(v) == 0 {
			continue
		}
		if field(f) < ownFields {
			r.own |= 1 << f
		}
		if v.Absent() && field(f) != fieldModel {
			continue
		}
		var e *Mistake
		switch field(f) {
		case fieldMessages:
			e = r.readMessages(doc, messages)
		case fieldInput, fieldPrompt:
			r.measure(v, len(v), doc.Wide())
		default:
			e = r.read(field(f), v)
		}
		if e != nil {
			return e
		}
	}
	if r.Model == "" {
		return mistake("missing_required_parameter", "model", "You must provide a model parameter: the name of a model group.")
	}
	return nil
}

// read takes over one member, which is not null.
func (r *Facts) read(f field, v jsonraw.Value) (e *Mistake) {
	name := fieldNames[f]
	switch f {
	case fieldNumRetries:
		n, ok := v.Int()
		if !ok || n < 0 || n > 100 {
			return wrongType(name, "an integer from 0 to 100", v)
		}
		retries := int(n)
		r.NumRetries = &retries
	case fieldTimeout:
		r.Timeout, e = seconds(name, v)
	case fieldStreamTimeout:
		var d time.Duration
		d, e = seconds(name, v)
		r.StreamTimeout = &d
	case fieldFallbacks:
		r.Fallbacks, e = groupNames(name, v)
	case fieldContextWindowFallbacks:
		r.ContextWindowFallbacks, e = groupNames(name, v)
	case fieldContentPolicyFallbacks:
		r.ContentPolicyFallbacks, e = groupNames(name, v)
	case fieldDisableFallbacks:
		r.DisableFallbacks, e = boolean(name, v)
	case fieldStrictParams:
		r.StrictParams, e = boolean(name, v)
	case fieldTags, fieldMetadataTags:
		e = r.addTags(name, v)
	case fieldModel:
		if v.Kind() != jsonraw.String {
			return wrongType(name, "a string", v)
		}
		r.Model = v.Text()
	case fieldStream:
		if r.Stream, e = boolean(name, v); r.Stream {
			r.Features |= abi.FeatureStream
		}
	case fieldStreamOptions:
		r.IncludeUsage, _ = v.Get("include_usage").Bool()
	case fieldMaxTokens, fieldMaxCompletionTokens:
		if n := tokens(v); n > 0 { // the newer name is read later and wins
			r.MaxOutput = n
		}
	default:
		r.Features |= featureOf(f, v)
		if f == fieldUser {
			r.Session = v.Text()
		}
	}
	return e
}

// featureOf is what a member asks of a deployment, if anything.
func featureOf(f field, v jsonraw.Value) uint32 {
	switch f {
	case fieldTools, fieldFunctions:
		if e := v.Elements(); e.Next() {
			return abi.FeatureTools
		}
	case fieldResponseFormat:
		switch t := v.Get("type"); {
		case t.TextIs("json_schema"):
			return abi.FeatureJSONSchema
		case t.TextIs("json_object"):
			return abi.FeatureJSONMode
		}
	case fieldReasoningEffort:
		if !v.TextIs("none") {
			return abi.FeatureReasoning
		}
	case fieldLogprobs: // a boolean, or a number in the older endpoint
		if on, _ := v.Bool(); on || v.Kind() == jsonraw.Number {
			return abi.FeatureLogprobs
		}
	case fieldChoices:
		if n, _ := v.Int(); n > 1 {
			return abi.FeatureMultiChoice
		}
	}
	return 0
}

// Stripped is the body without the members that are meant for the gateway: the body itself if it
// has none. big is where the longest of its members' values is, if it is long.
func (r *Facts) Stripped() (body []byte, big jsonraw.Span, err error) {
	if r.own == 0 {
		return r.Body, r.big, nil
	}
	var room [ownFields]jsonraw.Edit
	edits := room[:0]
	for f, name := range fieldNames[:ownFields] {
		if r.own&(1<<f) != 0 {
			edits = append(edits, jsonraw.Edit{Op: jsonraw.Delete, Path: []byte(name)})
		}
	}
	body, cut, err := jsonraw.SpliceAround(make([]byte, 0, len(r.Body)), r.Body, edits, r.big)
	if err != nil || cut < 0 {
		return body, big, err
	}
	value := r.Body[r.big.Start:r.big.End]
	return slices.Insert(body, cut, value...), jsonraw.Span{Start: cut, End: cut + len(value)}, nil
}
