package main

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
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
		return refusal.Invalid("", "the body is not valid JSON: "+err.Error())
	}
	if body.Kind() != jsonraw.Object {
		return refusal.Invalid("", "the body must be a JSON object, not "+body.Kind().String())
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
		return refusal.Invalid("encoding_format", "encoding_format must be float or base64")
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
			return refusal.Invalid("dimensions", "dimensions must be an integer of at least 1")
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
		return refusal.Invalid("input", "input is required")
	case jsonraw.Array:
		n := 0
		for e := input.Elements(); e.Next(); n++ {
			switch e.Value.Kind() {
			case jsonraw.String:
			case jsonraw.Number, jsonraw.Array:
				ref := refusal.Unsupported("input", "ollama takes texts, not tokens")
				ref.Code = refusal.CodeInvalidValue
				return ref
			default:
				return refusal.Invalid(itemPath("input", n), "each input must be a string")
			}
		}
		if n == 0 {
			return refusal.Invalid("input", "input must not be empty")
		}
		return nil
	default:
		return refusal.Invalid("input", "input must be a string or a list of strings")
	}
}

// embedResponse writes the list of embeddings.
func (p *plugin) embedResponse(in *abi.ResponseInput, out *abi.ResponseOutput) error {
	doc := &p.doc
	var model jsonraw.Value
	var embeddings jsonraw.Node
	failed := false
	for key, end := doc.Members(jsonraw.Root); key < end; key = doc.After(key + 1) {
		switch n := key + 1; string(doc.Name(key)) {
		case "model":
			model = p.value(filled(doc, n))
		case "embeddings":
			embeddings = n
		case "prompt_eval_count":
			out.Usage.Prompt = count(doc.Value(n))
		case "error":
			failed = !doc.Absent(n)
		}
	}
	if failed {
		return failure(in.Status, doc.Value(jsonraw.Root), in.Body, 0)
	}
	if embeddings == 0 || doc.Kind(embeddings) != jsonraw.Array {
		return refusal.BadResponse("the provider's answer has no embeddings")
	}
	out.Usage.Present = true
	w := jsonraw.Writer{Buf: out.Body}
	w.Object()
	w.Key("object")
	w.String("list")
	w.Key("data")
	w.Array()
	buf := w.Buf
	e, end := doc.Elements(embeddings)
	for n := int64(0); e < end; n++ {
		if n > 0 {
			buf = append(buf, ',')
		}
		var ok bool
		if buf, ok = p.appendVector(buf, e, n, len(in.State) > 0 && in.State[0] == wantBase64); !ok {
			return refusal.BadResponse("the provider's answer has an embedding that is not a list of numbers")
		}
		e = doc.After(e)
	}
	w.Buf = buf
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

// appendVector appends the element for one embedding. ok is false if it has to be encoded and is no list of numbers.
func (p *plugin) appendVector(buf []byte, vector jsonraw.Node, index int64, encoded bool) (_ []byte, ok bool) {
	buf = strconv.AppendInt(append(buf, `{"object":"embedding","index":`...), index, 10)
	buf = append(buf, `,"embedding":`...)
	if !encoded {
		return append(append(buf, p.doc.Value(vector)...), '}'), true
	}
	if !p.readFloats(vector) {
		return buf, false
	}
	buf = append(buf, '"')
	if len(p.floats) > 0 {
		buf = base64.StdEncoding.AppendEncode(buf, p.floats)
	}
	return append(buf, '"', '}'), true
}

// readFloats puts the numbers of a list into p.floats, as little-endian 32-bit floats.
func (p *plugin) readFloats(list jsonraw.Node) bool {
	doc, floats := &p.doc, p.floats[:0]
	for e, end := doc.Elements(list); e < end; e = doc.After(e) {
		f, ok := doc.Value(e).Float32()
		if !ok {
			return false
		}
		floats = binary.LittleEndian.AppendUint32(floats, math.Float32bits(f))
	}
	p.floats = floats
	return doc.Kind(list) == jsonraw.Array
}
