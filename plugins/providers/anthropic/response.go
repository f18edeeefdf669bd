package main

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/chat"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// Response implements provider.Plugin.
func (p *plugin) Response(in *abi.ResponseInput, out *abi.ResponseOutput) error {
	if in.Status >= 400 {
		return refusal(in.Status, in.Body, chat.RetryAfter(in.Headers, in.Now))
	}
	root, err := jsonraw.Parse(in.Body)
	if err != nil || in.Status < 200 || in.Status >= 300 || root.Kind() != jsonraw.Object {
		return chat.FromText(0, in.Body, 0)
	}
	if root.Get("type").TextIs("error") {
		return refusal(0, in.Body, 0)
	}
	if in.Dialect == abi.DialectAnthropic {
		var c counts
		c.update(root.Get("usage"))
		out.AsIs, out.Usage = true, c.usage()
		return nil
	}
	return p.complete(in, out, root)
}

// complete writes the chat completion of a message.
func (p *plugin) complete(in *abi.ResponseInput, out *abi.ResponseOutput, root jsonraw.Value) error {
	if err := p.state.decode(in.State); err != nil {
		return err
	}
	c := &p.completion
	c.Reset()
	c.Created = in.Now
	choice := c.Add()
	var content, stop jsonraw.Value
	var used counts
	for m := root.Members(); m.Next(); {
		switch string(m.Name()) {
		case "id":
			c.ID = m.Value
		case "model":
			c.Model = m.Value
		case "content":
			content = m.Value
		case "stop_reason":
			stop = m.Value
		case "usage":
			used = counts{}
			used.update(m.Value)
		}
	}
	if content.Kind() != jsonraw.Array {
		return chat.FromText(0, in.Body, 0)
	}
	jsonCall, err := p.readContent(choice, content)
	if err != nil {
		return err
	}
	choice.Finish = finishReason(stop, len(choice.Calls), jsonCall)
	p.fillHead(&c.ID, &c.Model, in.RequestID, in.Model)
	c.Usage = used.usage()
	out.Usage = c.Usage
	out.Body = c.Append(out.Body)
	return nil
}

// readContent sorts the blocks. jsonCall says that one of them was the tool of jsonTool.
func (p *plugin) readContent(choice *chat.Choice, content jsonraw.Value) (jsonCall bool, err error) {
	p.scratch = append(p.scratch[:0], '[')
	for e := content.Elements(); e.Next(); {
		var kind, text, thinking, id, name, input jsonraw.Value
		for m := e.Value.Members(); m.Next(); {
			switch string(m.Name()) {
			case "type":
				kind = m.Value
			case "text":
				text = m.Value
			case "thinking":
				thinking = m.Value
			case "id":
				id = m.Value
			case "name":
				name = m.Value
			case "input":
				input = m.Value
			}
		}
		switch string(kind.Inner()) {
		case "text":
			choice.Content = append(choice.Content, text)
		case "thinking":
			choice.Reasoning = append(choice.Reasoning, thinking)
			p.appendBlock(e.Value)
		case "redacted_thinking":
			p.appendBlock(e.Value)
		case "tool_use":
			if id.Kind() != jsonraw.String || name.Kind() != jsonraw.String {
				return false, chat.BadResponse("the provider's answer has a tool call without id or name")
			}
			if p.state.jsonTool && name.TextIs(jsonToolName) {
				jsonCall = true
				choice.Content = append(choice.Content, jsonraw.AppendQuoted(nil, input))
				continue
			}
			choice.Calls = append(choice.Calls, chat.OutCall{ID: id, Name: name, Arguments: input})
		}
	}
	choice.HasContent = len(choice.Calls) == 0
	if len(p.scratch) > 1 {
		p.scratch = append(p.scratch, ']')
		choice.Extra = append(choice.Extra, chat.Extra{Name: "thinking_blocks", Value: p.scratch})
	}
	return jsonCall, nil
}

func (p *plugin) appendBlock(block jsonraw.Value) {
	if len(p.scratch) > 1 {
		p.scratch = append(p.scratch, ',')
	}
	p.scratch = append(p.scratch, block...)
}

// maxName is how long an id or a model's name may be; a stream's state holds both.
const maxName = 1 << 10

// fillHead replaces an id or model that the vendor did not give.
func (p *plugin) fillHead(id, model *jsonraw.Value, requestID, asked []byte) {
	if id.Kind() != jsonraw.String || len(*id) > maxName {
		*id = chat.AppendID(nil, requestID[:min(len(requestID), maxName)])
	}
	if model.Kind() != jsonraw.String || len(*model) > maxName {
		*model = jsonraw.AppendString(nil, asked[:min(len(asked), maxName)])
	}
}
