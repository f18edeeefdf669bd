package main

import (
	"bytes"

	"github.com/switchyard-gateway/switchyard/sdk/chat"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// jsonMode is how a response_format is had from the model.
type jsonMode uint8

const (
	jsonOff    jsonMode = iota
	jsonNative          // output_config.format
	jsonTool            // one tool that the model is forced to call; the answer is unwrapped
	jsonPrompt          // a sentence in the system prompt
)

// jsonToolName is the name of the tool of jsonTool.
const jsonToolName = "json_response"

// chooseJSONMode prefers the vendor's own format, for strict schemas that it supports; then the forced tool,
// which neither the client's tools nor thinking go together with; then asking for it.
func (p *plugin) chooseJSONMode(pl *plan, thinks bool) jsonMode {
	r := &p.req
	switch {
	case r.Format.Kind == chat.FormatText:
		return jsonOff
	case r.Format.Kind == chat.FormatSchema && r.Format.Strict && pl.schema && strictSchema(r.Format.Schema):
		return jsonNative
	case len(r.Tools) == 0 && !thinks && !pl.noForce && pl.off != offNever:
		return jsonTool
	default:
		return jsonPrompt
	}
}

// writeTools writes tools and tool_choice.
func (p *plugin) writeTools(w *jsonraw.Writer, pl *plan) {
	r := &p.req
	if pl.jsonMode == jsonTool {
		p.writeJSONTool(w)
		return
	}
	if len(r.Tools) == 0 {
		return
	}
	w.Key("tools")
	w.Array()
	for i := range r.Tools {
		t := &r.Tools[i]
		w.Raw(jsonraw.Value(`{"name":`))
		w.Buf = append(w.Buf, t.Name...)
		if t.Description != nil {
			w.Buf = append(append(w.Buf, `,"description":`...), t.Description...)
		}
		w.Buf = append(w.Buf, `,"input_schema":`...)
		writeInputSchema(w, t.Parameters, t.Typed)
		if t.Strict && pl.schema && t.Typed && strictSchema(t.Parameters) {
			w.Buf = append(w.Buf, `,"strict":true`...)
		}
		closeBlock(w, t.CacheControl)
	}
	w.End()

	serial := false
	if on, ok := r.Parallel.Bool(); ok {
		serial = !on
	}
	if r.Choice.Mode == chat.ChoiceUnset && !serial {
		return
	}
	w.Key("tool_choice")
	w.Object()
	w.Key("type")
	switch r.Choice.Mode {
	case chat.ChoiceNone:
		w.String("none")
		serial = false // not a member of this choice
	case chat.ChoiceRequired:
		w.String("any")
	case chat.ChoiceNamed:
		w.String("tool")
		w.Member("name", r.Choice.Name)
	default:
		w.String("auto")
	}
	if serial {
		w.Key("disable_parallel_tool_use")
		w.Bool(true)
	}
	w.End()
}

// writeInputSchema appends the schema, with the type that the API insists on.
func writeInputSchema(w *jsonraw.Writer, schema jsonraw.Value, typed bool) {
	switch {
	case schema == nil:
		w.Buf = append(w.Buf, chat.EmptySchema...)
	case typed:
		w.Buf = append(w.Buf, schema...)
	default:
		inner := jsonraw.Writer{Buf: w.Buf}
		inner.Object()
		inner.Literal(`"type":"object"`)
		for m := schema.Members(); m.Next(); {
			if !m.Is("type") {
				inner.RawKey(m.Key)
				inner.Raw(m.Value)
			}
		}
		inner.End()
		w.Buf = inner.Buf
	}
}

func (p *plugin) writeJSONTool(w *jsonraw.Writer) {
	f := &p.req.Format
	w.Key("tools")
	w.Array()
	w.Object()
	w.Key("name")
	w.String(jsonToolName)
	w.Key("description")
	if f.Description != nil {
		w.Raw(f.Description)
	} else {
		w.String("Gives the answer. The whole answer goes into the arguments.")
	}
	w.Key("input_schema")
	if f.Kind == chat.FormatSchema {
		w.Raw(nil)
		writeInputSchema(w, f.Schema, !f.Schema.Get("type").Absent())
	} else {
		w.Raw(jsonraw.Value(`{"type":"object","properties":{},"additionalProperties":true}`))
	}
	w.End()
	w.End()
	w.Key("tool_choice")
	w.Object()
	w.Key("type")
	w.String("tool")
	w.Key("name")
	w.String(jsonToolName)
	w.Key("disable_parallel_tool_use")
	w.Bool(true)
	w.End()
}

// writeJSONPrompt writes the system block of jsonPrompt.
func (p *plugin) writeJSONPrompt(w *jsonraw.Writer) {
	w.Object()
	w.Key("type")
	w.String("text")
	w.Key("text")
	w.OpenString()
	w.Escape("Answer with one JSON object and nothing else: no text before or after it, no code fence.")
	if f := &p.req.Format; f.Kind == chat.FormatSchema {
		w.Escape(" It must conform to this JSON Schema: ")
		p.scratch = jsonraw.AppendQuoted(p.scratch[:0], f.Schema)
		w.Inner(p.scratch)
	}
	w.CloseString()
	w.End()
}

// strictSchema reports whether the vendor's strict modes take the schema: every object closed, and none of
// the constraints that they reject. A property with the name of a constraint is mistaken for it, to the safe side.
func strictSchema(v jsonraw.Value) bool {
	closed, object := false, false
	for m := v.Members(); m.Next(); {
		switch string(m.Name()) {
		case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
			"minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
			"patternProperties", "oneOf", "not", "if":
			return false
		case "type":
			object = object || bytes.Contains(m.Value, []byte(`"object"`))
		case "properties":
			object = true
		case "additionalProperties":
			on, ok := m.Value.Bool()
			closed = ok && !on
		case "enum", "const", "default", "examples":
			continue
		}
		if m.Value.Kind() == jsonraw.Object && !strictSchema(m.Value) {
			return false
		}
		for e := m.Value.Elements(); e.Next(); {
			if e.Value.Kind() == jsonraw.Object && !strictSchema(e.Value) {
				return false
			}
		}
	}
	return closed || !object
}
