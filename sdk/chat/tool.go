package chat

import (
	"math"
	"slices"
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

// Tool is a function that the model may call, valid until the request is read anew. It is a handle, to be passed by
// value.
type Tool struct {
	*toolRecord
	doc *jsonraw.Outline
}

// toolRecord is what is kept of a tool: see record.
type toolRecord struct {
	name, description, parameters, cache int32
	strict                               bool
}

// Tools returns how many tools there are.
func (r *Request) Tools() int { return len(r.tools) }

// Tool returns tool i.
func (r *Request) Tool(i int) Tool { return Tool{&r.tools[i], &r.doc} }

// Name is what the function is called, a string.
func (t Tool) Name() jsonraw.Value { return value(t.doc, t.name) }

// Description is a string, or nil when absent or empty.
func (t Tool) Description() jsonraw.Value { return value(t.doc, t.description) }

// Parameters is the schema of the function's arguments.
func (t Tool) Parameters() Schema { return Schema{t.doc, jsonraw.Node(t.parameters)} }

// Strict reports whether the arguments must keep to the schema.
func (t Tool) Strict() bool { return t.strict }

// CacheControl is the extension cache_control: an object, or nil.
func (t Tool) CacheControl() jsonraw.Value { return value(t.doc, t.cache) }

// ChoiceMode says how a tool_choice binds the model.
type ChoiceMode uint8

// Modes of a tool_choice.
const (
	ChoiceUnset ChoiceMode = iota
	ChoiceAuto
	ChoiceNone
	ChoiceRequired
	ChoiceNamed // the function called Name
)

// ToolChoice is a tool_choice. An allowed_tools choice is given as its mode, and the tools that it leaves out
// are removed from the request's Tools.
type ToolChoice struct {
	Mode ChoiceMode
	Name jsonraw.Value // a string
}

func (r *Request) readTools(v jsonraw.Node) error {
	for i := range r.Params {
		switch name := r.Params[i].Name; string(name) {
		case "functions", "function_call":
			return refusal.Unsupported(string(name), string(name)+" is deprecated and can't be translated: use tools and tool_choice")
		}
	}
	if v == 0 {
		return nil
	}
	doc := &r.doc
	if kind := doc.Kind(v); kind != jsonraw.Array {
		return wrongType("tools", "array", kind)
	}
	first, end := doc.Elements(v)
	r.tools = reserve(r.tools, count(doc, first, end))
	for e := first; e < end; e = doc.After(e) {
		n := len(r.tools)
		r.tools = append(r.tools, toolRecord{})
		if err := r.tools[n].read(doc, e, n); err != nil {
			return err
		}
	}
	return nil
}

const (
	keyToolType = 1 + iota
	keyToolFunction
	keyToolName
	keyToolDescription
	keyToolParameters
	keyToolStrict
	keyToolCache
)

var toolKeys = jsonraw.NewKeys("type", "function", "name", "description", "parameters", "strict", "cache_control")

func (t *toolRecord) read(doc *jsonraw.Outline, v jsonraw.Node, index int) error {
	var kind, function jsonraw.Node
	for key, end := doc.Members(v); key < end; key = doc.After(key + 1) {
		switch doc.Find(key, &toolKeys) {
		case keyToolType:
			kind = key + 1
		case keyToolFunction:
			function = key + 1
		case keyToolCache:
			t.cache = ofKind(doc, key+1, jsonraw.Object)
		}
	}
	if kind != 0 && !doc.Absent(kind) && !doc.Value(kind).TextIs("function") {
		return refusal.Unsupported(toolPath(index, ".type"), "only tools of type function can be translated")
	}
	if function != 0 {
		t.function(doc, function)
	}
	if t.name == 0 || len(doc.Inner(jsonraw.Node(t.name))) == 0 {
		return refusal.Invalid(toolPath(index, ".function.name"), "a tool needs a name")
	}
	if kind := doc.Kind(jsonraw.Node(t.parameters)); kind != jsonraw.Object { // that of the body if there are none
		return wrongType(toolPath(index, ".function.parameters"), "object", kind)
	}
	return nil
}

// function reads the member function.
func (t *toolRecord) function(doc *jsonraw.Outline, v jsonraw.Node) {
	for key, end := doc.Members(v); key < end; key = doc.After(key + 1) {
		n := key + 1
		switch doc.Find(key, &toolKeys) {
		case keyToolName:
			t.name = int32(n)
		case keyToolDescription:
			if t.description = ofKind(doc, n, jsonraw.String); len(doc.Inner(n)) == 0 {
				t.description = 0
			}
		case keyToolParameters:
			if t.parameters = int32(n); doc.Absent(n) {
				t.parameters = 0
			}
		case keyToolStrict:
			t.strict, _ = doc.Value(n).Bool()
		case keyToolCache:
			t.cache = ofKind(doc, n, jsonraw.Object)
		}
	}
}

func toolPath(index int, rest string) string { return "tools[" + strconv.Itoa(index) + "]" + rest }

func (r *Request) readChoice(n jsonraw.Node) error {
	if n == 0 {
		return nil
	}
	doc := &r.doc
	switch kind := doc.Kind(n); kind {
	case jsonraw.String:
		mode, ok := choiceMode(doc.Value(n))
		if !ok {
			return refusal.Invalid("tool_choice", "tool_choice must be none, auto, required or an object")
		}
		r.Choice.Mode = mode
	case jsonraw.Object:
		switch kind := r.member(n, "type"); {
		case kind.TextIs("function"):
			name := r.member(lastMember(doc, n, "function"), "name")
			if name.Kind() != jsonraw.String {
				return refusal.Invalid("tool_choice.function.name", "a name is required")
			}
			r.Choice = ToolChoice{Mode: ChoiceNamed, Name: name}
		case kind.TextIs("allowed_tools"):
			allowed := lastMember(doc, n, "allowed_tools")
			mode, ok := choiceMode(r.member(allowed, "mode"))
			if !ok {
				return refusal.Invalid("tool_choice.allowed_tools.mode", "the mode must be auto or required")
			}
			r.Choice.Mode = mode
			r.keepAllowed(lastMember(doc, allowed, "tools"))
		case kind.TextIs("auto"), kind.TextIs("none"), kind.TextIs("required"):
			r.Choice.Mode, _ = choiceMode(kind)
		default:
			return refusal.Unsupported("tool_choice.type", "only function and allowed_tools choices can be translated")
		}
	default:
		return wrongType("tool_choice", "string or object", kind)
	}
	if len(r.tools) == 0 && (r.Choice.Mode == ChoiceRequired || r.Choice.Mode == ChoiceNamed) {
		return refusal.Invalid("tool_choice", "tool_choice needs tools to choose from")
	}
	return nil
}

func choiceMode(v jsonraw.Value) (ChoiceMode, bool) {
	switch string(v.Inner()) {
	case "auto":
		return ChoiceAuto, true
	case "none":
		return ChoiceNone, true
	case "required":
		return ChoiceRequired, true
	}
	return ChoiceUnset, false
}

// keepAllowed removes the tools that are not in a list of allowed ones.
func (r *Request) keepAllowed(list jsonraw.Node) {
	doc := &r.doc
	r.names.reset()
	e, end := doc.Elements(list)
	for n := int32(0); e < end; n++ {
		if name := lastMember(doc, lastMember(doc, e, "function"), "name"); name != 0 {
			r.names.add(doc, int32(name), n)
		}
		e = doc.After(e)
	}
	r.tools = slices.DeleteFunc(r.tools, func(t toolRecord) bool {
		return r.names.last(doc, value(doc, t.name), math.MaxInt32) < 0
	})
}
