package main

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/chat"
	"github.com/switchyard-gateway/switchyard/sdk/chat/answer"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

// reply is one object that /api/chat answers: the whole answer, or one line of a stream. Its members are nodes of the
// plugin's doc, 0 where they are missing; strings that are empty are.
type reply struct {
	model, content, thinking jsonraw.Node // strings
	calls                    jsonraw.Node // an array that is not empty
	logprobs                 jsonraw.Node // an array
	failed                   jsonraw.Node // the member error, missing when null
	reason                   jsonraw.Node
	message                  bool
	done                     bool
	usage                    abi.Usage
}

const (
	keyModel = 1 + iota
	keyMessage
	keyContent
	keyThinking
	keyCalls
	keyDone
	keyReason
	keyLogprobs
	keyPrompt
	keyCompletion
	keyError
)

var replyKeys = jsonraw.NewKeys("model", "message", "content", "thinking", "tool_calls", "done", "done_reason", "logprobs",
	"prompt_eval_count", "eval_count", "error")

func (r *reply) read(doc *jsonraw.Outline) {
	*r = reply{}
	for key, end := doc.Members(jsonraw.Root); key < end; key = doc.After(key + 1) {
		switch n := key + 1; doc.Find(key, &replyKeys) {
		case keyModel:
			r.model = filled(doc, n)
		case keyMessage:
			r.message = doc.Kind(n) == jsonraw.Object
			r.readMessage(doc, n)
		case keyDone:
			r.done, _ = doc.Value(n).Bool()
		case keyReason:
			r.reason = n
		case keyLogprobs:
			if doc.Kind(n) == jsonraw.Array {
				r.logprobs = n
			}
		case keyPrompt:
			r.usage.Prompt = count(doc.Value(n))
		case keyCompletion:
			r.usage.Completion = count(doc.Value(n))
		case keyError:
			if !doc.Absent(n) {
				r.failed = n
			}
		}
	}
	r.usage.Present = r.done
}

func (r *reply) readMessage(doc *jsonraw.Outline, v jsonraw.Node) {
	for key, end := doc.Members(v); key < end; key = doc.After(key + 1) {
		switch n := key + 1; doc.Find(key, &replyKeys) {
		case keyContent:
			r.content = filled(doc, n)
		case keyThinking:
			r.thinking = filled(doc, n)
		case keyCalls:
			r.calls = 0
			if first, end := doc.Elements(n); first < end {
				r.calls = n
			}
		}
	}
}

// filled returns the node n if it is a string that is not empty, else 0.
func filled(doc *jsonraw.Outline, n jsonraw.Node) jsonraw.Node {
	if len(doc.Inner(n)) == 0 {
		return 0
	}
	return n
}

// value returns the text of a node of the plugin's doc, nil for 0.
func (p *plugin) value(n jsonraw.Node) jsonraw.Value {
	if n == 0 {
		return nil
	}
	return p.doc.Value(n)
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
		return answer.FinishLength
	case called:
		return answer.FinishToolCalls
	default:
		return answer.FinishStop
	}
}

// call is one element of tool_calls.
type call struct{ id, name, arguments jsonraw.Value }

const (
	callID = 1 + iota
	callFunction
	callName
	callArguments
)

var callKeys = jsonraw.NewKeys("id", "function", "name", "arguments")

// readCall reads an element of tool_calls; what is missing gets a stand-in. n is its place in the answer.
func (p *plugin) readCall(e jsonraw.Node, requestID []byte, n int) (c call) {
	doc := &p.doc
	for key, end := doc.Members(e); key < end; key = doc.After(key + 1) {
		switch doc.Find(key, &callKeys) {
		case callID:
			c.id = p.value(filled(doc, key+1))
		case callFunction:
			for f, end := doc.Members(key + 1); f < end; f = doc.After(f + 1) {
				switch doc.Find(f, &callKeys) {
				case callName:
					c.name = p.value(filled(doc, f+1))
				case callArguments:
					c.arguments = doc.Value(f + 1)
				}
			}
		}
	}
	if c.id == nil {
		c.id = p.callID(requestID, n)
	}
	if c.name == nil {
		c.name = emptyString
	}
	if c.arguments.Absent() || c.arguments.Kind() == jsonraw.String && chat.Blank(c.arguments) {
		c.arguments = emptyObject
	}
	return c
}

// callID makes an id, which is valid until the next one.
func (p *plugin) callID(requestID []byte, n int) jsonraw.Value {
	id := answer.AppendCallID(p.id[:0], requestID, 0, n)
	if cap(id) > cap(p.id) {
		p.id = id
	}
	return id
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
	if r.read(&p.doc); r.failed != 0 {
		return failure(in.Status, p.doc.Value(jsonraw.Root), in.Body, 0)
	}
	if !r.message {
		ref := refusal.FromText(200, in.Body, 0)
		ref.Message = "the provider's answer has no message"
		return ref
	}
	c := &p.completion
	c.Reset()
	p.buf = answer.AppendID(p.buf[:0], in.RequestID)
	c.ID, c.Model, c.Created = p.buf, modelName(p.value(r.model), in.Model), in.Now
	choice := c.Add()
	choice.HasContent = r.calls == 0
	if r.content != 0 {
		choice.Content(p.value(r.content))
	}
	if r.thinking != 0 {
		choice.Reasoning(p.value(r.thinking))
	}
	if r.calls != 0 {
		for e, end := p.doc.Elements(r.calls); e < end; e = p.doc.After(e) {
			if choice.Calls() == maxCalls {
				return refusal.BadResponse("the provider's answer has too many tool calls")
			}
			c := p.readCall(e, in.RequestID, choice.Calls())
			choice.Call(c.id, c.name, c.arguments)
		}
	}
	if r.logprobs != 0 {
		choice.Logprobs = appendLogprobs(nil, p.value(r.logprobs))
	}
	choice.Finish = finish(p.value(r.reason), r.calls != 0)
	r.usage.Present = true
	c.Usage, out.Usage = r.usage, r.usage
	out.Body = c.Append(out.Body)
	return nil
}
