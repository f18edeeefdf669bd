package main

import (
	"github.com/switchyard-gateway/switchyard/plugins/providers/anthropic/internal/models"
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
	case r.Format.Kind == chat.FormatSchema && r.Format.Strict && pl.can.Schema && strictSchema(r.Format.Schema):
		return jsonNative
	case r.Tools() == 0 && !thinks && !pl.can.NoForce && pl.can.Off != models.OffNever:
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
	if r.Tools() == 0 {
		return
	}
	w.Key("tools")
	w.Array()
	buf := w.Buf
	for i := range r.Tools() {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = appendTool(buf, r.Tool(i), pl.can.Schema)
	}
	w.Buf = buf
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

// appendTool appends a tool. strict says that the model has strict ones.
func appendTool(buf []byte, t chat.Tool, strict bool) []byte {
	schema := t.Parameters()
	buf = append(append(buf, `{"name":`...), t.Name()...)
	if about := t.Description(); about != nil {
		buf = append(append(buf, `,"description":`...), about...)
	}
	buf = appendInputSchema(append(buf, `,"input_schema":`...), schema)
	if t.Strict() && strict && schema.Typed() && strictSchema(schema) {
		buf = append(buf, `,"strict":true`...)
	}
	if cache := t.CacheControl(); cache != nil {
		buf = append(append(buf, `,"cache_control":`...), cache...)
	}
	return append(buf, '}')
}

// appendInputSchema appends the schema, with the type that the API insists on.
func appendInputSchema(buf []byte, schema chat.Schema) []byte {
	if schema.Typed() {
		return append(buf, schema.Value()...)
	}
	buf = append(buf, `{"type":"object"`...)
	doc, n := schema.Outline()
	for key, end := doc.Members(n); key < end; key = doc.After(key + 1) {
		if string(doc.Name(key)) != "type" {
			buf = append(append(buf, ','), doc.Value(key)...)
			buf = append(append(buf, ':'), doc.Value(key+1)...)
		}
	}
	return append(buf, '}')
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
		w.Raw(appendInputSchema(nil, f.Schema))
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
		p.scratch = jsonraw.AppendQuoted(p.scratch[:0], f.Schema.Value())
		w.Inner(p.scratch)
	}
	w.CloseString()
	w.End()
}

// strictSchema reports whether the vendor's strict modes take the schema: every object closed, and none of
// the constraints that they reject. A property with the name of a constraint is mistaken for it, to the safe side.
func strictSchema(schema chat.Schema) bool {
	doc, n := schema.Outline()
	return !schema.Missing() && isStrict(doc, n)
}

const (
	keyType = 1 + iota
	keyProperties
	keyAdditional
	keyEnum
	keyConst
	keyDefault
	keyExamples
	keyConstraints // the first of those that are rejected
)

var schemaKeys = jsonraw.NewKeys("type", "properties", "additionalProperties", "enum", "const", "default", "examples",
	"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
	"minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
	"patternProperties", "oneOf", "not", "if")

func isStrict(doc *jsonraw.Outline, n jsonraw.Node) bool {
	closed, object := false, false
	for key, end := doc.Members(n); key < end; key = doc.After(key + 1) {
		v := key + 1
		switch k := doc.Find(key, &schemaKeys); k {
		case keyType:
			object = object || string(doc.Inner(v)) == "object"
			for e, last := doc.Elements(v); e < last; e = doc.After(e) {
				object = object || string(doc.Inner(e)) == "object"
			}
		case keyProperties:
			object = true
		case keyAdditional:
			on, ok := doc.Value(v).Bool()
			closed = ok && !on
		case keyEnum, keyConst, keyDefault, keyExamples:
			continue
		default:
			if k >= keyConstraints {
				return false
			}
		}
		if doc.Kind(v) == jsonraw.Object && !isStrict(doc, v) {
			return false
		}
		for e, last := doc.Elements(v); e < last; e = doc.After(e) {
			if doc.Kind(e) == jsonraw.Object && !isStrict(doc, e) {
				return false
			}
		}
	}
	return closed || !object
}
