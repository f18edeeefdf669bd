package chat

import (
	"slices"
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// EmptySchema is the JSON Schema of a function without arguments.
const EmptySchema = `{"type":"object","properties":{}}`

// Tool is a function that the model may call.
type Tool struct {
	Name         jsonraw.Value // a string
	Description  jsonraw.Value // a string, or nil when absent or empty
	Parameters   jsonraw.Value // a JSON Schema object, or nil
	Typed        bool          // Parameters has a type
	Strict       bool
	CacheControl jsonraw.Value // the extension cache_control, an object
}

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
			return Unsupported(string(name), string(name)+" is deprecated and can't be translated: use tools and tool_choice")
		}
	}
	if v == 0 {
		return nil
	}
	doc := &r.doc
	if kind := doc.Kind(v); kind != jsonraw.Array {
		return wrongType("tools", "array", kind)
	}
	for e, end := doc.Elements(v); e < end; e = doc.After(e) {
		n := len(r.Tools)
		r.Tools = append(r.Tools, Tool{})
		if err := r.Tools[n].read(doc, e, n); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tool) read(doc *jsonraw.Outline, v jsonraw.Node, index int) error {
	var kind, function jsonraw.Node
	for key, end := doc.Members(v); key < end; key = doc.After(key + 1) {
		switch string(doc.Name(key)) {
		case "type":
			kind = key + 1
		case "function":
			function = key + 1
		case "cache_control":
			t.CacheControl = ofKind(doc, key+1, jsonraw.Object)
		}
	}
	if kind != 0 && !doc.Absent(kind) && !doc.Value(kind).TextIs("function") {
		return Unsupported(toolPath(index, ".type"), "only tools of type function can be translated")
	}
	var key, end jsonraw.Node
	if function != 0 {
		key, end = doc.Members(function)
	}
	var parameters jsonraw.Node
	for ; key < end; key = doc.After(key + 1) {
		n := key + 1
		switch string(doc.Name(key)) {
		case "name":
			t.Name = doc.Value(n)
		case "description":
			t.Description = ofKind(doc, n, jsonraw.String)
		case "parameters":
			parameters = n
		case "strict":
			t.Strict, _ = doc.Value(n).Bool()
		case "cache_control":
			t.CacheControl = ofKind(doc, n, jsonraw.Object)
		}
	}
	if len(t.Name.Inner()) == 0 {
		return Invalid(toolPath(index, ".function.name"), "a tool needs a name")
	}
	if len(t.Description.Inner()) == 0 {
		t.Description = nil
	}
	if parameters != 0 && !doc.Absent(parameters) {
		if kind := doc.Kind(parameters); kind != jsonraw.Object {
			return wrongType(toolPath(index, ".function.parameters"), "object", kind)
		}
		t.Parameters = doc.Value(parameters)
		for key, end := doc.Members(parameters); key < end; key = doc.After(key + 1) {
			if string(doc.Name(key)) == "type" {
				t.Typed = !doc.Absent(key + 1)
			}
		}
	}
	return nil
}

func toolPath(index int, rest string) string { return "tools[" + strconv.Itoa(index) + "]" + rest }

func (r *Request) readChoice(v jsonraw.Value) error {
	switch v.Kind() {
	case jsonraw.Missing, jsonraw.Null:
		return nil
	case jsonraw.String:
		mode, ok := choiceMode(v)
		if !ok {
			return Invalid("tool_choice", "tool_choice must be none, auto, required or an object")
		}
		r.Choice.Mode = mode
	case jsonraw.Object:
		switch kind := v.Get("type"); {
		case kind.TextIs("function"):
			name := v.Get("function", "name")
			if name.Kind() != jsonraw.String {
				return Invalid("tool_choice.function.name", "a name is required")
			}
			r.Choice = ToolChoice{Mode: ChoiceNamed, Name: name}
		case kind.TextIs("allowed_tools"):
			mode, ok := choiceMode(v.Get("allowed_tools", "mode"))
			if !ok {
				return Invalid("tool_choice.allowed_tools.mode", "the mode must be auto or required")
			}
			r.Choice.Mode = mode
			r.keepAllowed(v.Get("allowed_tools", "tools"))
		case kind.TextIs("auto"), kind.TextIs("none"), kind.TextIs("required"):
			r.Choice.Mode, _ = choiceMode(kind)
		default:
			return Unsupported("tool_choice.type", "only function and allowed_tools choices can be translated")
		}
	default:
		return wrongType("tool_choice", "string or object", v.Kind())
	}
	if len(r.Tools) == 0 && (r.Choice.Mode == ChoiceRequired || r.Choice.Mode == ChoiceNamed) {
		return Invalid("tool_choice", "tool_choice needs tools to choose from")
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

func (r *Request) keepAllowed(allowed jsonraw.Value) {
	r.Tools = slices.DeleteFunc(r.Tools, func(t Tool) bool {
		for e := allowed.Elements(); e.Next(); {
			if string(e.Value.Get("function", "name")) == string(t.Name) {
				return false
			}
		}
		return true
	})
}
