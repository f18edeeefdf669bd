package main

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/chat/answer"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

// Response implements provider.Plugin.
func (p *plugin) Response(in *abi.ResponseInput, out *abi.ResponseOutput) error {
	if in.Status >= 400 {
		return readError(in.Status, in.Body, refusal.RetryAfter(in.Headers, in.Now))
	}
	doc := &p.doc
	if err := doc.Read(in.Body); err != nil || in.Status < 200 || in.Status >= 300 || doc.Kind(jsonraw.Root) != jsonraw.Object {
		return refusal.FromText(0, in.Body, 0)
	}
	var a reply
	a.read(doc)
	// TextIs looks for escapes, too: the usual text is told without it.
	if a.kind != 0 && string(doc.Inner(a.kind)) != "message" && doc.Value(a.kind).TextIs("error") {
		return readError(0, in.Body, 0)
	}
	var used counts
	if a.usage != 0 {
		used.update(doc, a.usage)
	}
	out.Usage = used.usage()
	if in.Dialect == abi.DialectAnthropic {
		out.AsIs = true
		return nil
	}
	return p.complete(in, out, &a)
}

// reply is the members of a message that are looked at, 0 for those that it does not have.
type reply struct{ kind, id, model, content, stop, usage jsonraw.Node }

const (
	replyType = 1 + iota
	replyID
	replyModel
	replyContent
	replyStop
	replyUsage
)

var replyKeys = jsonraw.NewKeys("type", "id", "model", "content", "stop_reason", "usage")

func (r *reply) read(doc *jsonraw.Outline) {
	for key, end := doc.Members(jsonraw.Root); key < end; key = doc.After(key + 1) {
		switch n := key + 1; doc.Find(key, &replyKeys) {
		case replyType:
			r.kind = n
		case replyID:
			r.id = n
		case replyModel:
			r.model = n
		case replyContent:
			r.content = n
		case replyStop:
			r.stop = n
		case replyUsage:
			r.usage = n
		}
	}
}

// value returns the text of a node, nil for 0. It is out of line because it is asked for in many places.
//
//go:noinline
func (p *plugin) value(n jsonraw.Node) jsonraw.Value {
	if n == 0 {
		return nil
	}
	return p.doc.Value(n)
}

// complete writes the chat completion of a message.
func (p *plugin) complete(in *abi.ResponseInput, out *abi.ResponseOutput, a *reply) error {
	if err := p.state.decode(in.State); err != nil {
		return err
	}
	if a.content == 0 || p.doc.Kind(a.content) != jsonraw.Array {
		return refusal.FromText(0, in.Body, 0)
	}
	c := &p.completion
	c.Reset()
	c.Created = in.Now
	choice := c.Add()
	jsonCall, err := p.readContent(choice, a.content)
	if err != nil {
		return err
	}
	choice.Finish = finishReason(p.value(a.stop), choice.Calls(), jsonCall)
	c.ID, c.Model = p.value(a.id), p.value(a.model)
	p.fillHead(&c.ID, &c.Model, in.RequestID, in.Model)
	c.Usage = out.Usage
	out.Body = c.Append(out.Body)
	return nil
}

// contentBlock is the members of a content block that are looked at, 0 for those that it does not have.
type contentBlock struct{ kind, text, thinking, id, name, input jsonraw.Node }

const (
	blockType = 1 + iota
	blockText
	blockThinking
	blockID
	blockName
	blockInput
)

var blockKeys = jsonraw.NewKeys("type", "text", "thinking", "id", "name", "input")

func (b *contentBlock) read(doc *jsonraw.Outline, v jsonraw.Node) {
	for key, end := doc.Members(v); key < end; key = doc.After(key + 1) {
		switch n := key + 1; doc.Find(key, &blockKeys) {
		case blockType:
			b.kind = n
		case blockText:
			b.text = n
		case blockThinking:
			b.thinking = n
		case blockID:
			b.id = n
		case blockName:
			b.name = n
		case blockInput:
			b.input = n
		}
	}
}

// readContent sorts the blocks. jsonCall says that one of them was the tool of jsonTool.
func (p *plugin) readContent(choice *answer.Choice, content jsonraw.Node) (jsonCall bool, err error) {
	doc := &p.doc
	thoughts := append(p.scratch[:0], '[')
	for e, end := doc.Elements(content); e < end; e = doc.After(e) {
		var b contentBlock
		if b.read(doc, e); b.kind == 0 {
			continue
		}
		switch string(doc.Inner(b.kind)) {
		case "text":
			choice.Content(p.value(b.text))
		case "thinking":
			choice.Reasoning(p.value(b.thinking))
			thoughts = append(append(thoughts, doc.Value(e)...), ',')
		case "redacted_thinking":
			thoughts = append(append(thoughts, doc.Value(e)...), ',')
		case "tool_use":
			own, err := p.readCall(choice, &b)
			if err != nil {
				return false, err
			}
			jsonCall = jsonCall || own
		}
	}
	choice.HasContent = choice.HasContent || choice.Calls() == 0
	if n := len(thoughts); n > 1 {
		thoughts[n-1] = ']'
		choice.Extra = append(choice.Extra, answer.Extra{Name: "thinking_blocks", Value: thoughts})
	}
	p.scratch = thoughts
	return jsonCall, nil
}

// readCall reads a call, and reports whether it was one of the tool of jsonTool.
func (p *plugin) readCall(choice *answer.Choice, b *contentBlock) (jsonCall bool, err error) {
	doc := &p.doc
	if b.id == 0 || b.name == 0 || doc.Kind(b.id) != jsonraw.String || doc.Kind(b.name) != jsonraw.String {
		return false, refusal.BadResponse("the provider's answer has a tool call without id or name")
	}
	if p.state.jsonTool && doc.Value(b.name).TextIs(jsonToolName) {
		choice.Content(jsonraw.AppendQuoted(nil, p.value(b.input)))
		return true, nil
	}
	choice.Call(doc.Value(b.id), doc.Value(b.name), p.value(b.input))
	return false, nil
}

// maxName is how long an id or a model's name may be; a stream's state holds both.
const maxName = 1 << 10

// fillHead replaces an id or model that the vendor did not give.
func (p *plugin) fillHead(id, model *jsonraw.Value, requestID, asked []byte) {
	if id.Kind() != jsonraw.String || len(*id) > maxName {
		*id = answer.AppendID(nil, requestID[:min(len(requestID), maxName)])
	}
	if model.Kind() != jsonraw.String || len(*model) > maxName {
		*model = jsonraw.AppendString(nil, asked[:min(len(asked), maxName)])
	}
}
