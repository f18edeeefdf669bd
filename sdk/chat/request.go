package chat

import (
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// Request is a client's chat request, read. Fields hold what the client gave; absent and null are the zero
// value. One Request serves one call after another; it is not safe for concurrent use.
type Request struct {
	// Params lists the top-level members in order, apart from model, messages, stream, stream_options, what
	// concerns the router alone, and members that are null.
	Params []Param

	Messages []Message // never empty; see Turns for the normalised form

	MaxTokens   int64 // max_completion_tokens, else max_tokens; 0 when neither is given, never negative
	N           int64 // how many choices; 1 when not given
	Temperature jsonraw.Value
	TopP        jsonraw.Value
	Seed        jsonraw.Value
	User        jsonraw.Value // user, else safety_identifier
	ServiceTier jsonraw.Value
	Stop        []jsonraw.Value // strings
	Tools       []Tool
	Choice      ToolChoice
	Parallel    jsonraw.Value // parallel_tool_calls, true or false
	Format      Format
	Effort      Effort
	Thinking    jsonraw.Value // the extension "thinking", an object

	doc     jsonraw.Outline
	calls   []knownCall
	indexed bool
	order   []int
	turns   []Turn
}

// Param is a top-level member of the request. Name aliases the body unless it contained escapes.
type Param struct {
	Name  []byte
	Value jsonraw.Value
}

// Effort is a reasoning_effort.
type Effort uint8

// The efforts, from least to most.
const (
	EffortUnset Effort = iota
	EffortNone
	EffortMinimal
	EffortLow
	EffortMedium
	EffortHigh
	EffortXHigh
	EffortMax
)

var effortNames = [...]string{"", "none", "minimal", "low", "medium", "high", "xhigh", "max"}

// String returns the effort as clients write it, "" when unset.
func (e Effort) String() string { return effortNames[min(int(e), len(effortNames)-1)] }

// FormatKind says what a response_format asks for.
type FormatKind uint8

// Kinds of response formats.
const (
	FormatText   FormatKind = iota
	FormatJSON              // json_object: any JSON object
	FormatSchema            // json_schema
)

// Format is a response_format. The values are set for FormatSchema only; Schema is an object, never missing.
type Format struct {
	Kind        FormatKind
	Name        jsonraw.Value
	Description jsonraw.Value
	Schema      jsonraw.Value
	Strict      bool
}

// Read reads body, in place of what r held before. The error is a *abi.Refusal that names the parameter: the
// body is no JSON object, a member has the wrong type or an impossible value.
//
// Members that no vendor but OpenAI can honour are the adapter's affair; see Dropped.
func (r *Request) Read(body []byte) error {
	*r = Request{
		Params: r.Params[:0], Messages: r.Messages[:0], Stop: r.Stop[:0], Tools: r.Tools[:0], doc: r.doc,
		calls: r.calls[:0], order: r.order[:0], turns: r.turns[:0], N: 1,
	}
	doc := &r.doc
	if err := doc.Read(body); err != nil {
		return Invalid("", "the body is not valid JSON: "+err.Error())
	}
	if kind := doc.Kind(jsonraw.Root); kind != jsonraw.Object {
		return Invalid("", "the body must be a JSON object, not "+kind.String())
	}
	var messages, tools jsonraw.Node
	var toolChoice, stop, format, effort, maxTokens, maxCompletion, n, safety jsonraw.Value
	for key, end := doc.Members(jsonraw.Root); key < end; key = doc.After(key + 1) {
		name, node, v := doc.Name(key), key+1, jsonraw.Value(nil)
		if doc.Absent(node) {
			node = 0 // also where it takes the place of an earlier member of that name
		} else {
			v = doc.Value(node)
		}
		switch string(name) {
		case "messages":
			messages = node
			continue
		case "model", "stream", "stream_options":
			continue
		case "tools":
			tools = node
		case "tool_choice":
			toolChoice = v
		case "stop":
			stop = v
		case "response_format":
			format = v
		case "reasoning_effort":
			effort = v
		case "max_tokens":
			maxTokens = v
		case "max_completion_tokens":
			maxCompletion = v
		case "n":
			n = v
		case "temperature":
			r.Temperature = v
		case "top_p":
			r.TopP = v
		case "seed":
			r.Seed = v
		case "user":
			r.User = v
		case "safety_identifier":
			safety = v
		case "service_tier":
			r.ServiceTier = v
		case "parallel_tool_calls":
			r.Parallel = v
		case "thinking":
			r.Thinking = v
		case "num_retries", "timeout", "stream_timeout", "fallbacks", "context_window_fallbacks",
			"content_policy_fallbacks", "disable_fallbacks", "tags", "tenant_id", "strict_params":
			continue // the router's
		}
		if v != nil {
			r.Params = append(r.Params, Param{Name: name, Value: v})
		}
	}
	if err := r.readScalars(maxTokens, maxCompletion, n, safety); err != nil {
		return err
	}
	if err := r.readStop(stop); err != nil {
		return err
	}
	if err := r.readFormat(format); err != nil {
		return err
	}
	if err := r.readEffort(effort); err != nil {
		return err
	}
	if err := r.readTools(tools); err != nil {
		return err
	}
	if err := r.readChoice(toolChoice); err != nil {
		return err
	}
	return r.readMessages(messages)
}

func (r *Request) readScalars(maxTokens, maxCompletion, n, safety jsonraw.Value) error {
	switch {
	case mistyped(r.Temperature, jsonraw.Number):
		return wrongType("temperature", "number", r.Temperature.Kind())
	case mistyped(r.TopP, jsonraw.Number):
		return wrongType("top_p", "number", r.TopP.Kind())
	case mistyped(r.Seed, jsonraw.Number):
		return wrongType("seed", "number", r.Seed.Kind())
	case mistyped(r.User, jsonraw.String):
		return wrongType("user", "string", r.User.Kind())
	case mistyped(safety, jsonraw.String):
		return wrongType("safety_identifier", "string", safety.Kind())
	case mistyped(r.ServiceTier, jsonraw.String):
		return wrongType("service_tier", "string", r.ServiceTier.Kind())
	case mistyped(r.Parallel, jsonraw.Bool):
		return wrongType("parallel_tool_calls", "boolean", r.Parallel.Kind())
	case mistyped(r.Thinking, jsonraw.Object):
		return wrongType("thinking", "object", r.Thinking.Kind())
	}
	if r.User == nil {
		r.User = safety
	}
	if !n.Absent() {
		var ok bool
		if r.N, ok = n.Int(); !ok || r.N < 1 {
			return Invalid("n", "n must be an integer of at least 1")
		}
	}
	if err := r.readLimit("max_tokens", maxTokens); err != nil {
		return err
	}
	return r.readLimit("max_completion_tokens", maxCompletion) // wins over the other
}

func mistyped(v jsonraw.Value, kind jsonraw.Kind) bool { return v != nil && v.Kind() != kind }

func (r *Request) readLimit(name string, v jsonraw.Value) error {
	if v == nil {
		return nil
	}
	n, ok := v.Int()
	if !ok || n < 1 {
		return Invalid(name, name+" must be an integer of at least 1")
	}
	r.MaxTokens = n
	return nil
}

func (r *Request) readStop(v jsonraw.Value) error {
	switch v.Kind() {
	case jsonraw.Missing, jsonraw.Null:
	case jsonraw.String:
		r.Stop = append(r.Stop, v)
	case jsonraw.Array:
		for e := v.Elements(); e.Next(); {
			if e.Value.Kind() != jsonraw.String {
				return wrongType("stop["+strconv.Itoa(len(r.Stop))+"]", "string", e.Value.Kind())
			}
			r.Stop = append(r.Stop, e.Value)
		}
	default:
		return wrongType("stop", "string or array of strings", v.Kind())
	}
	return nil
}

func (r *Request) readFormat(v jsonraw.Value) error {
	if v.Absent() {
		return nil
	}
	if v.Kind() != jsonraw.Object {
		return wrongType("response_format", "object", v.Kind())
	}
	switch kind := v.Get("type"); {
	case kind.TextIs("text"):
	case kind.TextIs("json_object"):
		r.Format.Kind = FormatJSON
	case kind.TextIs("json_schema"):
		spec := v.Get("json_schema")
		f := Format{Kind: FormatSchema, Name: spec.Get("name"), Schema: spec.Get("schema")}
		if d := spec.Get("description"); d.Kind() == jsonraw.String {
			f.Description = d
		}
		f.Strict, _ = spec.Get("strict").Bool()
		if f.Name.Kind() != jsonraw.String {
			return Invalid("response_format.json_schema.name", "a name is required, as a string")
		}
		if f.Schema.Absent() {
			f.Schema = jsonraw.Value(EmptySchema)
		}
		if f.Schema.Kind() != jsonraw.Object {
			return wrongType("response_format.json_schema.schema", "object", f.Schema.Kind())
		}
		r.Format = f
	default:
		return Invalid("response_format.type", "response_format.type must be text, json_object or json_schema")
	}
	return nil
}

func (r *Request) readEffort(v jsonraw.Value) error {
	if v.Absent() {
		return nil
	}
	for e := EffortNone; e <= EffortMax; e++ {
		if v.TextIs(effortNames[e]) {
			r.Effort = e
			return nil
		}
	}
	return Invalid("reasoning_effort", "reasoning_effort must be none, minimal, low, medium, high, xhigh or max")
}

// Dropped appends the names of the parameters that the vendor won't see: those that takes does not accept.
// A parameter whose value asks for nothing beyond the default (n: 1, a penalty of 0) is not mentioned.
func (r *Request) Dropped(names abi.Names, takes func(name []byte) bool) abi.Names {
	for i := range r.Params {
		if p := &r.Params[i]; !takes(p.Name) && !p.isDefault() {
			names = names.Append(string(p.Name))
		}
	}
	return names
}

func (p *Param) isDefault() bool {
	switch string(p.Name) {
	case "n":
		n, _ := p.Value.Int()
		return n == 1
	case "frequency_penalty", "presence_penalty", "top_logprobs":
		f, ok := p.Value.Float()
		return ok && f == 0
	case "logprobs", "store":
		on, ok := p.Value.Bool()
		return ok && !on
	case "logit_bias":
		m := p.Value.Members()
		return p.Value.Kind() == jsonraw.Object && !m.Next()
	case "metadata": // its tags are the router's
		for m := p.Value.Members(); m.Next(); {
			if !m.Is("tags") {
				return false
			}
		}
		return p.Value.Kind() == jsonraw.Object
	case "modalities":
		e := p.Value.Elements()
		return e.Next() && e.Value.TextIs("text") && !e.Next()
	case "response_format":
		return p.Value.Get("type").TextIs("text")
	case "tool_choice", "service_tier":
		return p.Value.TextIs("auto")
	case "parallel_tool_calls":
		on, _ := p.Value.Bool()
		return on
	case "tools", "stop":
		e := p.Value.Elements()
		return p.Value.Kind() == jsonraw.Array && !e.Next()
	}
	return false
}
