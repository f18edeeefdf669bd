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

func (r *Request) readTools(v jsonraw.Value) error {
	for i := range r.Params {
		switch name := r.Params[i].Name; string(name) {
		case "functions", "function_call":
			return Unsupported(string(name), string(name)+" is deprecated and can't be translated: use tools and tool_choice")
		}
	}
	if v.Absent() {
		return nil
	}
	if v.Kind() != jsonraw.Array {
		return wrongType("tools", "array", v)
	}
	for e := v.Elements(); e.Next(); {
		path := "tools[" + strconv.Itoa(len(r.Tools)) + "]"
		t, err := readTool(e.Value, path)
		if err != nil {
			return err
		}
		r.Tools = append(r.Tools, t)
	}
	return nil
}

func readTool(v jsonraw.Value, path string) (t Tool, err error) {
	var kind, function jsonraw.Value
	for m := v.Members(); m.Next(); {
		switch string(m.Name()) {
		case "type":
			kind = m.Value
		case "function":
			function = m.Value
		case "cache_control":
			t.CacheControl = m.Value
		}
	}
	if !kind.Absent() && !kind.TextIs("function") {
		return t, Unsupported(path+".type", "only tools of type function can be translated")
	}
	for m := function.Members(); m.Next(); {
		switch string(m.Name()) {
		case "name":
			t.Name = m.Value
		case "description":
			t.Description = m.Value
		case "parameters":
			t.Parameters = m.Value
		case "strict":
			t.Strict, _ = m.Value.Bool()
		case "cache_control":
			t.CacheControl = m.Value
		}
	}
	if t.Name.Kind() != jsonraw.String || len(t.Name.Inner()) == 0 {
		return t, Invalid(path+".function.name", "a tool needs a name")
	}
	if t.Description.Kind() != jsonraw.String || len(t.Description.Inner()) == 0 {
		t.Description = nil
	}
	if t.Parameters.Absent() {
		t.Parameters = nil
	} else if t.Parameters.Kind() != jsonraw.Object {
		return t, wrongType(path+".function.parameters", "object", t.Parameters)
	}
	if t.CacheControl.Kind() != jsonraw.Object {
		t.CacheControl = nil
	}
	return t, nil
}

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
		return wrongType("tool_choice", "string or object", v)
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
