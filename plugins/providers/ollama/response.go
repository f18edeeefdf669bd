package main

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/chat"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// reply is one object that /api/chat answers: the whole answer, or one line of a stream. Strings that are empty are
// missing.
type reply struct {
	model    jsonraw.Value
	content  jsonraw.Value
	thinking jsonraw.Value
	calls    jsonraw.Value // an array
	logprobs jsonraw.Value // an array
	failed   jsonraw.Value // the member error, missing when null
	reason   jsonraw.Value
	message  bool
	done     bool
	usage    abi.Usage
}

func (r *reply) read(doc *jsonraw.Outline) {
	// Field by field: a guest clears a struct of this size many times more slowly.
	r.model, r.content, r.thinking, r.calls, r.logprobs, r.failed, r.reason = nil, nil, nil, nil, nil, nil, nil
	r.message, r.done, r.usage.Prompt, r.usage.Completion = false, false, 0, 0
	for key, end := doc.Members(jsonraw.Root); key < end; key = doc.After(key + 1) {
		n := key + 1
		switch string(doc.Name(key)) {
		case "model":
			r.model = text(doc, n)
		case "message":
			r.message = doc.Kind(n) == jsonraw.Object
			r.readMessage(doc, n)
		case "done":
			r.done, _ = doc.Value(n).Bool()
		case "done_reason":
			r.reason = doc.Value(n)
		case "logprobs":
			if doc.Kind(n) == jsonraw.Array {
				r.logprobs = doc.Value(n)
			}
		case "prompt_eval_count":
			r.usage.Prompt = count(doc.Value(n))
		case "eval_count":
			r.usage.Completion = count(doc.Value(n))
		case "error":
			if !doc.Absent(n) {
				r.failed = doc.Value(n)
			}
		}
	}
	r.usage.Present = r.done
}

func (r *reply) readMessage(doc *jsonraw.Outline, v jsonraw.Node) {
	for key, end := doc.Members(v); key < end; key = doc.After(key + 1) {
		n := key + 1
		switch string(doc.Name(key)) {
		case "content":
			r.content = text(doc, n)
		case "thinking":
			r.thinking = text(doc, n)
		case "tool_calls":
			r.calls = nil
			if first, end := doc.Elements(n); first < end {
				r.calls = doc.Value(n)
			}
		}
	}
}

// text returns a value if it is a string that is not empty.
func text(doc *jsonraw.Outline, n jsonraw.Node) jsonraw.Value {
	if len(doc.Inner(n)) == 0 {
		return nil
	}
	return doc.Value(n)
}

// filled returns v if it is a string that is not empty.
func filled(v jsonraw.Value) jsonraw.Value {
	if len(v.Inner()) == 0 {
		return nil
	}
	return v
}

func count(v jsonraw.Value) uint64 {
	if n, ok := v.Int(); ok && n > 0 {
		return uint64(n)
	}
	return 0
}

// finish maps done_reason. A model that only loads or unloads has stopped.
func finish(reason jsonraw.Value, called bool) string {
	switch {
	case reason.TextIs("length"):
		return chat.FinishLength
	case called:
		return chat.FinishToolCalls
	default:
		return chat.FinishStop
	}
}

// readCall reads one element of tool_calls; what is missing gets a stand-in. n is its place in the answer.
func (p *plugin) readCall(v jsonraw.Value, requestID []byte, n int) (c chat.OutCall) {
	for m := v.Members(); m.Next(); {
		switch string(m.Name()) {
		case "id":
			c.ID = filled(m.Value)
		case "function":
			for f := m.Value.Members(); f.Next(); {
				switch string(f.Name()) {
				case "name":
					c.Name = filled(f.Value)
				case "arguments":
					c.Arguments = f.Value
				}
			}
		}
	}
	if c.ID == nil {
		c.ID = chat.AppendCallID(nil, requestID, 0, n)
	}
	if c.Name == nil {
		c.Name = emptyString
	}
	if c.Arguments.Absent() || c.Arguments.Kind() == jsonraw.String && chat.Blank(c.Arguments) {
		c.Arguments = emptyObject
	}
	return c
}

var (
	emptyString = jsonraw.Value(`""`)
	emptyObject = jsonraw.Value(`{}`)
)

// appendLogprobs wraps Ollama's list, whose elements have OpenAI's shape.
func appendLogprobs(dst []byte, list jsonraw.Value) []byte {
	dst = append(append(dst, `{"content":`...), list...)
	return append(dst, `,"refusal":null}`...)
}

// modelName returns the model that the answer names, or the deployment's.
func modelName(answer jsonraw.Value, deployment []byte) jsonraw.Value {
	if answer != nil && len(answer) <= 1<<10 {
		return answer
	}
	return jsonraw.AppendString(nil, deployment[:min(len(deployment), 1<<10)])
}

// chatResponse writes a whole answer.
func (p *plugin) chatResponse(in *abi.ResponseInput, out *abi.ResponseOutput) error {
	r := &p.reply
	r.read(&p.doc)
	if !r.message {
		ref := chat.FromText(200, in.Body, 0)
		ref.Message = "the provider's answer has no message"
		return ref
	}
	c := &p.completion
	c.Reset()
	p.buf = chat.AppendID(p.buf[:0], in.RequestID)
	c.ID, c.Model, c.Created = p.buf, modelName(r.model, in.Model), in.Now
	choice := c.Add()
	choice.HasContent = r.calls == nil
	if r.content != nil {
		choice.Content = append(choice.Content, r.content)
	}
	if r.thinking != nil {
		choice.Reasoning = append(choice.Reasoning, r.thinking)
	}
	for e := r.calls.Elements(); e.Next(); {
		choice.Calls = append(choice.Calls, p.readCall(e.Value, in.RequestID, len(choice.Calls)))
	}
	if r.logprobs != nil {
		choice.Logprobs = appendLogprobs(nil, r.logprobs)
	}
	choice.Finish = finish(r.reason, r.calls != nil)
	r.usage.Present = true
	c.Usage, out.Usage = r.usage, r.usage
	out.Body = c.Append(out.Body)
	return nil
}
