package main

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/chat"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// The state that an embeddings request hands to its response: one byte.
const (
	wantFloats = 0
	wantBase64 = 1
)

// embedRequest writes the body of /api/embed.
func (p *plugin) embedRequest(in *abi.RequestInput, out *abi.RequestOutput) error {
	body, err := jsonraw.Parse(in.Body)
	if err != nil {
		return chat.Invalid("", "the body is not valid JSON: "+err.Error())
	}
	if body.Kind() != jsonraw.Object {
		return chat.Invalid("", "the body must be a JSON object, not "+body.Kind().String())
	}
	var input, format, dimensions jsonraw.Value
	for m := body.Members(); m.Next(); {
		switch string(m.Name()) {
		case "input":
			input = m.Value
		case "encoding_format":
			format = m.Value
		case "dimensions":
			dimensions = m.Value
		case "user":
			if !m.Value.Absent() {
				out.Dropped = out.Dropped.Append("user")
			}
		}
	}
	if err := checkInput(input); err != nil {
		return err
	}
	want := byte(wantFloats)
	switch {
	case format.Absent(), format.TextIs("float"):
	case format.TextIs("base64"):
		want = wantBase64
	default:
		return chat.Invalid("encoding_format", "encoding_format must be float or base64")
	}
	out.Path = append(out.Path, "/api/embed"...)
	out.State = append(out.State, want)
	w := jsonraw.Writer{Buf: out.Body}
	w.Object()
	w.Key("model")
	w.Bytes(in.Model)
	w.Member("input", input)
	if !dimensions.Absent() {
		if n, ok := dimensions.Int(); !ok || n < 1 {
			return chat.Invalid("dimensions", "dimensions must be an integer of at least 1")
		}
		w.Member("dimensions", dimensions)
	}
	p.options = p.options[:0]
	if p.numCtx != nil || p.config.options != nil {
		w.Key("options")
		w.Object()
		p.writeDefaults(&w, false, false)
		w.End()
	}
	w.Member("keep_alive", p.keepAlive)
	w.Member("truncate", p.truncate)
	w.End()
	out.Body = w.Buf
	return nil
}

// checkInput accepts a text or a list of texts.
func checkInput(input jsonraw.Value) error {
	switch input.Kind() {
	case jsonraw.String:
		return nil
	case jsonraw.Missing, jsonraw.Null:
		return chat.Invalid("input", "input is required")
	case jsonraw.Array:
		n := 0
		for e := input.Elements(); e.Next(); n++ {
			switch e.Value.Kind() {
			case jsonraw.String:
			case jsonraw.Number, jsonraw.Array:
				ref := chat.Unsupported("input", "ollama takes texts, not tokens")
				ref.Code = chat.CodeInvalidValue
				return ref
			default:
				return chat.Invalid(itemPath("input", n), "each input must be a string")
			}
		}
		if n == 0 {
			return chat.Invalid("input", "input must not be empty")
		}
		return nil
	default:
		return chat.Invalid("input", "input must be a string or a list of strings")
	}
}

// embedResponse writes the list of embeddings.
func (p *plugin) embedResponse(doc jsonraw.Value, in *abi.ResponseInput, out *abi.ResponseOutput) error {
	var model, embeddings jsonraw.Value
	for m := doc.Members(); m.Next(); {
		switch string(m.Name()) {
		case "model":
			model = filled(m.Value)
		case "embeddings":
			embeddings = m.Value
		case "prompt_eval_count":
			out.Usage.Prompt = count(m.Value)
		}
	}
	if embeddings.Kind() != jsonraw.Array {
		return chat.BadResponse("the provider's answer has no embeddings")
	}
	out.Usage.Present = true
	w := jsonraw.Writer{Buf: out.Body}
	w.Object()
	w.Key("object")
	w.String("list")
	w.Key("data")
	w.Array()
	n := int64(0)
	for e := embeddings.Elements(); e.Next(); n++ {
		w.Object()
		w.Key("object")
		w.String("embedding")
		w.Key("index")
		w.Int(n)
		w.Key("embedding")
		if len(in.State) > 0 && in.State[0] == wantBase64 {
			if !p.readFloats(e.Value) {
				return chat.BadResponse("the provider's answer has an embedding that is not a list of numbers")
			}
			w.OpenString()
			w.Buf = base64.StdEncoding.AppendEncode(w.Buf, p.floats)
			w.CloseString()
		} else {
			w.Raw(e.Value)
		}
		w.End()
	}
	w.End()
	w.Member("model", modelName(model, in.Model))
	w.Key("usage")
	w.Object()
	w.Key("prompt_tokens")
	w.Int(int64(out.Usage.Prompt))
	w.Key("total_tokens")
	w.Int(int64(out.Usage.Prompt))
	w.End()
	w.End()
	out.Body = w.Buf
	return nil
}

// readFloats puts the numbers of v into p.floats, as little-endian 32-bit floats.
func (p *plugin) readFloats(v jsonraw.Value) bool {
	p.floats = p.floats[:0]
	for e := v.Elements(); e.Next(); {
		f, err := strconv.ParseFloat(string(e.Value), 32)
		if err != nil {
			return false
		}
		p.floats = binary.LittleEndian.AppendUint32(p.floats, math.Float32bits(float32(f)))
	}
	return v.Kind() == jsonraw.Array
}
