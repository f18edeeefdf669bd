package chat

import (
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

// Request is a client's chat request, read. Fields hold what the client gave; absent and null are the zero
// value. One Request serves one call after another; it is not safe for concurrent use.
type Request struct {
	// Params lists the top-level members in order, apart from model, messages, stream, stream_options, what
	// concerns the router alone, and members that are null.
	Params []Param

	MaxTokens   int64 // max_completion_tokens, else max_tokens; 0 when neither is given, never negative
	N           int64 // how many choices; 1 when not given
	Temperature jsonraw.Value
	TopP        jsonraw.Value
	Seed        jsonraw.Value
	User        jsonraw.Value // user, else safety_identifier
	ServiceTier jsonraw.Value
	Choice      ToolChoice
	Parallel    jsonraw.Value // parallel_tool_calls, true or false
	Format      Format
	Effort      Effort
	Thinking    jsonraw.Value // the extension "thinking", an object

	doc     jsonraw.Outline
	stop    jsonraw.Node // a string or an array of strings; 0 when there are none
	records []record
	tools   []toolRecord
	calls   []int32 // the names of all calls; once indexed, like the next
	ids     index   // their ids
	indexed bool
	names   index // of what function_calls called
	order   []int // the messages of all turns
	turns   []Turn
	keys    []uint64
}

// maxParams is how many members the body may have: several times as many as there are parameters.
const maxParams = 512

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

// Format is a response_format. All but Kind is set for FormatSchema only.
type Format struct {
	Kind        FormatKind
	Name        jsonraw.Value
	Description jsonraw.Value
	Schema      Schema
	Strict      bool
}

const (
	keyMessages = 1 + iota
	keyModel
	keyStream
	keyStreamOptions
	keyTools
	keyToolChoice
	keyStop
	keyResponseFormat
	keyReasoningEffort
	keyMaxTokens
	keyMaxCompletionTokens
	keyN
	keyTemperature
	keyTopP
	keySeed
	keyUser
	keySafetyIdentifier
	keyServiceTier
	keyParallelToolCalls
	keyThinking
	keyRouters // the first of those that are the router's
)

var requestKeys = jsonraw.NewKeys("messages", "model", "stream", "stream_options", "tools", "tool_choice", "stop", "response_format",
	"reasoning_effort", "max_tokens", "max_completion_tokens", "n", "temperature", "top_p", "seed", "user", "safety_identifier",
	"service_tier", "parallel_tool_calls", "thinking",
	"num_retries", "timeout", "stream_timeout", "fallbacks", "context_window_fallbacks", "content_policy_fallbacks",
	"disable_fallbacks", "tags", "tenant_id", "strict_params")

// Read reads body, in place of what r held before. The error is a *abi.Refusal that names the parameter: the
// body is no JSON object, a member has the wrong type or an impossible value.
//
// Members that no vendor but OpenAI can honour are the adapter's affair; see Dropped.
func (r *Request) Read(body []byte) error {
	r.reset()
	doc := &r.doc
	if err := doc.Read(body); err != nil {
		return refusal.Invalid("", "the body is not valid JSON: "+err.Error())
	}
	if kind := doc.Kind(jsonraw.Root); kind != jsonraw.Object {
		return refusal.Invalid("", "the body must be a JSON object, not "+kind.String())
	}
	var at [keyRouters]jsonraw.Node // the last of each name, 0 if it is null
	members := 0
	for key, end := doc.Members(jsonraw.Root); key < end; key = doc.After(key + 1) {
		if members++; members > maxParams {
			return refusal.Invalid("", "the body has more than "+strconv.Itoa(maxParams)+" members")
		}
		k := doc.Find(key, &requestKeys)
		if k >= keyRouters {
			continue
		}
		node := key + 1
		if doc.Absent(node) {
			at[k] = 0
			continue
		}
		if at[k] = node; k == 0 || k > keyStreamOptions {
			r.Params = append(r.Params, Param{Name: doc.Name(key), Value: doc.Value(node)})
		}
	}
	r.stop = at[keyStop]
	if err := r.readScalars(&at); err != nil {
		return err
	}
	if err := r.readStop(); err != nil {
		return err
	}
	if err := r.readFormat(at[keyResponseFormat]); err != nil {
		return err
	}
	if n := at[keyReasoningEffort]; n != 0 {
		if err := r.readEffort(doc.Value(n)); err != nil {
			return err
		}
	}
	if err := r.readTools(at[keyTools]); err != nil {
		return err
	}
	if err := r.readChoice(at[keyToolChoice]); err != nil {
		return err
	}
	return r.readMessages(at[keyMessages])
}

// reset forgets all but the memory, and the scalars that readScalars replaces. In a guest it matters how much code that is:
// assigning a whole new struct is kilobytes.
func (r *Request) reset() {
	r.Params, r.records, r.tools, r.calls = r.Params[:0], r.records[:0], r.tools[:0], r.calls[:0]
	r.order, r.turns, r.keys = r.order[:0], r.turns[:0], r.keys[:0]
	r.MaxTokens, r.N, r.Effort, r.stop, r.indexed = 0, 1, EffortUnset, 0, false
	if r.Choice.Mode != ChoiceUnset {
		r.Choice = ToolChoice{}
	}
	if r.Format.Kind != FormatText {
		r.Format = Format{}
	}
	r.ids.reset()
}

// scalars are the parameters that are taken over as they are if they are of the right kind.
var scalars = [...]struct {
	key        int
	kind       jsonraw.Kind
	name, want string
}{
	{keyTemperature, jsonraw.Number, "temperature", "number"},
	{keyTopP, jsonraw.Number, "top_p", "number"},
	{keySeed, jsonraw.Number, "seed", "number"},
	{keyUser, jsonraw.String, "user", "string"},
	{keySafetyIdentifier, jsonraw.String, "safety_identifier", "string"},
	{keyServiceTier, jsonraw.String, "service_tier", "string"},
	{keyParallelToolCalls, jsonraw.Bool, "parallel_tool_calls", "boolean"},
	{keyThinking, jsonraw.Object, "thinking", "object"},
}

// readScalars reads what is one value, given the members by their keys.
func (r *Request) readScalars(at *[keyRouters]jsonraw.Node) error {
	doc := &r.doc
	var safety jsonraw.Value
	fields := [len(scalars)]*jsonraw.Value{
		&r.Temperature, &r.TopP, &r.Seed, &r.User, &safety, &r.ServiceTier, &r.Parallel, &r.Thinking,
	}
	for i := range scalars {
		s, field := &scalars[i], fields[i]
		n := at[s.key]
		if n == 0 {
			if *field != nil { // a pointer that need not be written is not: see jsonraw.Writer
				*field = nil
			}
			continue
		}
		if kind := doc.Kind(n); kind != s.kind {
			return wrongType(s.name, s.want, kind)
		}
		*field = doc.Value(n)
	}
	if r.User == nil && safety != nil {
		r.User = safety
	}
	if n := at[keyN]; n != 0 {
		var ok bool
		if r.N, ok = doc.Value(n).Int(); !ok || r.N < 1 {
			return refusal.Invalid("n", "n must be an integer of at least 1")
		}
	}
	if n := at[keyMaxTokens]; n != 0 {
		if err := r.readLimit("max_tokens", doc.Value(n)); err != nil {
			return err
		}
	}
	if n := at[keyMaxCompletionTokens]; n != 0 { // wins over the other
		return r.readLimit("max_completion_tokens", doc.Value(n))
	}
	return nil
}

func (r *Request) readLimit(name string, v jsonraw.Value) error {
	n, ok := v.Int()
	if !ok || n < 1 {
		return refusal.Invalid(name, name+" must be an integer of at least 1")
	}
	r.MaxTokens = n
	return nil
}

func (r *Request) readStop() error {
	if r.stop == 0 {
		return nil
	}
	doc := &r.doc
	switch kind := doc.Kind(r.stop); kind {
	case jsonraw.String:
	case jsonraw.Array:
		e, end := doc.Elements(r.stop)
		if e == end {
			r.stop = 0
		}
		for n := 0; e < end; n++ {
			if kind := doc.Kind(e); kind != jsonraw.String {
				return wrongType("stop["+strconv.Itoa(n)+"]", "string", kind)
			}
			e = doc.After(e)
		}
	default:
		return wrongType("stop", "string or array of strings", kind)
	}
	return nil
}

// HasStop reports whether there are stop sequences.
func (r *Request) HasStop() bool { return r.stop != 0 }

// Stop yields the stop sequences, which are strings.
func (r *Request) Stop(yield func(text jsonraw.Value) bool) {
	if r.stop == 0 {
		return
	}
	if r.doc.Kind(r.stop) == jsonraw.String {
		yield(r.doc.Value(r.stop))
		return
	}
	for e, end := r.doc.Elements(r.stop); e < end && yield(r.doc.Value(e)); {
		e = r.doc.After(e)
	}
}

func (r *Request) readFormat(n jsonraw.Node) error {
	if n == 0 {
		return nil
	}
	doc := &r.doc
	if kind := doc.Kind(n); kind != jsonraw.Object {
		return wrongType("response_format", "object", kind)
	}
	switch kind := r.member(n, "type"); {
	case kind.TextIs("text"):
	case kind.TextIs("json_object"):
		r.Format.Kind = FormatJSON
	case kind.TextIs("json_schema"):
		spec := lastMember(doc, n, "json_schema")
		f := Format{Kind: FormatSchema, Name: r.member(spec, "name"), Schema: Schema{doc: doc, node: lastMember(doc, spec, "schema")}}
		if d := r.member(spec, "description"); d.Kind() == jsonraw.String {
			f.Description = d
		}
		f.Strict, _ = r.member(spec, "strict").Bool()
		if f.Name.Kind() != jsonraw.String {
			return refusal.Invalid("response_format.json_schema.name", "a name is required, as a string")
		}
		if f.Schema.node != 0 && doc.Absent(f.Schema.node) {
			f.Schema.node = 0
		}
		if kind := doc.Kind(f.Schema.node); kind != jsonraw.Object { // that of the body if there is none
			return wrongType("response_format.json_schema.schema", "object", kind)
		}
		r.Format = f
	default:
		return refusal.Invalid("response_format.type", "response_format.type must be text, json_object or json_schema")
	}
	return nil
}

// member returns the last member of that name of an object, nil if there is none.
func (r *Request) member(object jsonraw.Node, name string) jsonraw.Value {
	return value(&r.doc, int32(lastMember(&r.doc, object, name)))
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
	return refusal.Invalid("reasoning_effort", "reasoning_effort must be none, minimal, low, medium, high, xhigh or max")
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
		m := p.Value.Members()
		return p.Value.Kind() == jsonraw.Object && (!m.Next() || m.Is("tags") && !m.Next())
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
