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

func (r *reply) read(doc jsonraw.Value) {
	*r = reply{}
	for m := doc.Members(); m.Next(); {
		switch string(m.Name()) {
		case "model":
			r.model = text(m.Value)
		case "message":
			r.message = m.Value.Kind() == jsonraw.Object
			r.readMessage(m.Value)
		case "done":
			r.done, _ = m.Value.Bool()
		case "done_reason":
			r.reason = m.Value
		case "logprobs":
			if m.Value.Kind() == jsonraw.Array {
				r.logprobs = m.Value
			}
		case "prompt_eval_count":
			r.usage.Prompt = count(m.Value)
		case "eval_count":
			r.usage.Completion = count(m.Value)
		case "error":
			if !m.Value.Absent() {
				r.failed = m.Value
			}
		}
	}
	r.usage.Present = r.done
}

func (r *reply) readMessage(v jsonraw.Value) {
	for m := v.Members(); m.Next(); {
		switch string(m.Name()) {
		case "content":
			r.content = text(m.Value)
		case "thinking":
			r.thinking = text(m.Value)
		case "tool_calls":
			r.calls = nil
			if e := m.Value.Elements(); e.Next() {
				r.calls = m.Value
			}
		}
	}
}

// text returns v if it is a string that is not empty.
func text(v jsonraw.Value) jsonraw.Value {
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
			c.ID = text(m.Value)
		case "function":
			for f := m.Value.Members(); f.Next(); {
				switch string(f.Name()) {
				case "name":
					c.Name = text(f.Value)
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
func (p *plugin) chatResponse(doc jsonraw.Value, in *abi.ResponseInput, out *abi.ResponseOutput) error {
	var r reply
	r.read(doc)
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
