package main

import (
	"slices"
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/chat"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

// chatRequest writes the body of /api/chat.
func (p *plugin) chatRequest(in *abi.RequestInput, out *abi.RequestOutput) error {
	r := &p.req
	if err := r.Read(in.Body); err != nil {
		return err
	}
	if r.N > 1 {
		return refusal.Unsupported("n", "ollama gives one choice only")
	}
	stream := in.Flags&abi.FlagStream != 0
	if stream {
		out.Framing = abi.FramingNDJSON
	}
	out.Path = append(out.Path, "/api/chat"...)
	out.Dropped = r.Dropped(out.Dropped, p.takes)

	w := jsonraw.Writer{Buf: slices.Grow(out.Body, len(in.Body))}
	w.Object()
	w.Key("model")
	w.Bytes(in.Model)
	w.Key("stream") // true when absent
	w.Bool(stream)
	if err := p.writeMessages(&w); err != nil {
		return err
	}
	if r.Tools() > 0 && r.Choice.Mode != chat.ChoiceNone {
		writeTools(&w, r)
	}
	switch r.Format.Kind {
	case chat.FormatJSON:
		w.Key("format")
		w.String("json")
	case chat.FormatSchema:
		w.Member("format", r.Format.Schema.Value())
	}
	p.writeThink(&w)
	if err := p.writeLogprobs(&w); err != nil {
		return err
	}
	if err := p.writeOptions(&w); err != nil {
		return err
	}
	w.Member("keep_alive", p.keepAlive)
	w.Member("truncate", p.truncate)
	w.End()
	out.Body = w.Buf
	return nil
}

// takes names the parameters that reach the model in one way or another.
func (p *plugin) takes(name []byte) bool {
	switch string(name) {
	case "temperature", "top_p", "top_k", "min_p", "seed", "stop", "max_tokens", "max_completion_tokens",
		"frequency_penalty", "presence_penalty", "response_format", "reasoning_effort", "thinking", "logprobs",
		"top_logprobs", "tools", "n":
		return true
	case "tool_choice": // it can't be forced
		return p.req.Choice.Mode == chat.ChoiceNone || p.req.Choice.Mode == chat.ChoiceAuto
	}
	return false
}

func writeTools(w *jsonraw.Writer, r *chat.Request) {
	w.Key("tools")
	w.Array()
	buf := w.Buf
	for i := range r.Tools() {
		t := r.Tool(i)
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = append(append(buf, `{"type":"function","function":{"name":`...), t.Name()...)
		if about := t.Description(); about != nil {
			buf = append(append(buf, `,"description":`...), about...)
		}
		buf = append(append(buf, `,"parameters":`...), t.Parameters().Value()...)
		buf = append(buf, `}}`...)
	}
	w.Buf = buf
	w.End()
}

// writeThink maps the reasoning effort to Ollama's levels. Models without levels take any of them for true.
func (p *plugin) writeThink(w *jsonraw.Writer) {
	switch r := &p.req; r.Effort {
	case chat.EffortUnset:
		switch kind := r.Thinking.Get("type"); {
		case kind.TextIs("enabled"), kind.TextIs("adaptive"):
			w.Key("think")
			w.Bool(true)
		case kind.TextIs("disabled"):
			w.Key("think")
			w.Bool(false)
		}
	case chat.EffortNone:
		w.Key("think")
		w.Bool(false)
	case chat.EffortMinimal, chat.EffortLow:
		w.Key("think")
		w.String("low")
	case chat.EffortMedium:
		w.Key("think")
		w.String("medium")
	case chat.EffortHigh:
		w.Key("think")
		w.String("high")
	default:
		w.Key("think")
		w.String("max")
	}
}

func (p *plugin) writeLogprobs(w *jsonraw.Writer) error {
	for i := range p.req.Params {
		m := &p.req.Params[i]
		switch string(m.Name) {
		case "logprobs":
			if m.Value.Kind() != jsonraw.Bool {
				return refusal.Invalid("logprobs", "logprobs must be true or false")
			}
			w.Member("logprobs", m.Value)
		case "top_logprobs":
			if n, ok := m.Value.Int(); !ok || n < 0 || n > 20 {
				return refusal.Invalid("top_logprobs", "top_logprobs must be an integer from 0 to 20")
			}
			w.Member("top_logprobs", m.Value)
		}
	}
	return nil
}

var numCtxName = []byte("num_ctx")

// option is one member of options; the first of a name counts.
type option struct {
	name  []byte
	value jsonraw.Value
}

func (p *plugin) addOption(name []byte, value jsonraw.Value) {
	for i := range p.options {
		if string(p.options[i].name) == string(name) {
			return
		}
	}
	p.options = append(p.options, option{name, value})
}

// writeOptions writes what the request asks for, then what the operator set for all.
func (p *plugin) writeOptions(w *jsonraw.Writer) error {
	r := &p.req
	p.options = p.options[:0]
	for i := range r.Params {
		switch m := &r.Params[i]; string(m.Name) {
		case "temperature", "top_p", "top_k", "min_p", "seed", "frequency_penalty", "presence_penalty":
			if m.Value.Kind() != jsonraw.Number {
				return refusal.Invalid(string(m.Name), string(m.Name)+" must be a number")
			}
			p.addOption(m.Name, m.Value)
		}
	}
	if !r.HasStop() && r.MaxTokens == 0 && len(p.options) == 0 && p.numCtx == nil && p.config.options == nil {
		return nil
	}
	w.Key("options")
	w.Object()
	if r.MaxTokens > 0 {
		w.Key("num_predict")
		w.Int(r.MaxTokens)
	}
	if r.HasStop() {
		w.Key("stop")
		w.Array()
		for s := range r.Stop {
			w.Raw(s)
		}
		w.End()
	}
	p.writeDefaults(w, r.MaxTokens > 0, r.HasStop())
	w.End()
	return nil
}

// writeDefaults writes the collected options and those of the config that the request leaves open.
func (p *plugin) writeDefaults(w *jsonraw.Writer, limited, stops bool) {
	if p.numCtx != nil {
		p.addOption(numCtxName, p.numCtx)
	}
	for m := p.config.options.Members(); m.Next(); {
		n := m.Name()
		if limited && string(n) == "num_predict" || stops && string(n) == "stop" {
			continue
		}
		p.addOption(n, m.Value)
	}
	for i := range p.options {
		w.Key(string(p.options[i].name))
		w.Raw(p.options[i].value)
	}
}

// itemPath gives "input[3]".
func itemPath(param string, i int) string { return param + "[" + strconv.Itoa(i) + "]" }
