package main

import (
	"bytes"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/chat"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// Stream implements provider.Plugin.
func (p *plugin) Stream(in *abi.StreamInput, out *abi.StreamOutput) error {
	if in.Dialect != abi.DialectOpenAI {
		return chat.UnsupportedDialect(vendor, in.Dialect)
	}
	s := &p.state
	if err := s.decode(in.State); err != nil {
		return err
	}
	p.stream.Begin(out, s.head, in.Flags)
	for name, data := range in.Events.All {
		if p.event(in, out, name, data); out.Done {
			break
		}
	}
	if !out.Done && in.End != abi.EndNot {
		p.end(out)
	}
	if s.used.present {
		out.Usage = s.used.usage()
	}
	if !out.Done {
		out.State = s.append(out.State)
	}
	return nil
}

// end closes a stream that had no message_stop: it is whole if the model said why it stopped.
func (p *plugin) end(out *abi.StreamOutput) {
	if p.state.stopped {
		p.finish(out)
		return
	}
	p.stream.Fail(chat.BadResponse("the provider's stream ended early"))
}

func (p *plugin) finish(out *abi.StreamOutput) {
	p.closeBlocks()
	if !p.state.stopped {
		p.state.finish = finishReason(nil, p.state.calls, p.state.jsonCall)
	}
	p.stream.Finish(p.state.finish)
	p.stream.Usage(p.state.used.usage(), true)
	out.Done = true
}

// event handles one event. The type inside the data counts; the event's name stands in for it.
func (p *plugin) event(in *abi.StreamInput, out *abi.StreamOutput, name, data []byte) {
	if len(bytes.TrimSpace(data)) == 0 {
		return
	}
	root, err := jsonraw.Parse(data)
	if err != nil || root.Kind() != jsonraw.Object {
		p.stream.Fail(chat.FromText(0, data, 0))
		return
	}
	var e event
	for m := root.Members(); m.Next(); {
		switch string(m.Name()) {
		case "type":
			name = m.Value.Inner()
		case "index":
			if n, ok := m.Value.Int(); ok && n >= 0 {
				e.index = uint64(n)
			}
		case "delta":
			e.delta = m.Value
		case "content_block":
			e.block = m.Value
		case "message":
			e.message = m.Value
		case "usage":
			e.usage = m.Value
		}
	}
	switch string(name) {
	case "error":
		p.stream.Fail(refusal(0, data, 0))
	case "message_start":
		p.begin(in, e.message)
	case "content_block_start":
		p.begin(in, nil)
		p.blockStart(&e)
	case "content_block_delta":
		p.begin(in, nil)
		p.blockDelta(&e)
	case "content_block_stop":
		p.blockStop(e.index)
	case "message_delta":
		p.begin(in, nil)
		p.state.used.update(e.usage)
		p.setStop(e.delta.Get("stop_reason"))
	case "message_stop":
		p.begin(in, nil)
		p.finish(out)
	}
}

// event is the members of an event that are looked at.
type event struct {
	index                        uint64
	delta, block, message, usage jsonraw.Value
}

// begin writes the role chunk, once.
func (p *plugin) begin(in *abi.StreamInput, message jsonraw.Value) {
	s := &p.state
	var id, model jsonraw.Value
	for m := message.Members(); m.Next(); {
		switch string(m.Name()) {
		case "id":
			id = m.Value
		case "model":
			model = m.Value
		case "usage":
			s.used.update(m.Value)
		}
	}
	if s.started {
		return
	}
	s.started = true
	p.fillHead(&id, &model, in.RequestID, in.Model)
	p.head = chat.AppendHead(p.head[:0], id, model, in.Now)
	s.head = p.head
	p.stream.SetHead(s.head)
	p.stream.Role()
}

// setStop notes why the model stopped; only the first reason counts. What comes after it is dropped.
func (p *plugin) setStop(reason jsonraw.Value) {
	s := &p.state
	if s.stopped || reason.Kind() != jsonraw.String {
		return
	}
	p.closeBlocks()
	s.stopped = true
	s.finish = finishReason(reason, s.calls, s.jsonCall)
}

func (p *plugin) blockStart(e *event) {
	s := &p.state
	if s.stopped {
		return
	}
	var kind, text, id, name, input jsonraw.Value
	for m := e.block.Members(); m.Next(); {
		switch string(m.Name()) {
		case "type":
			kind = m.Value
		case "text":
			text = m.Value
		case "thinking":
			text = m.Value
		case "id":
			id = m.Value
		case "name":
			name = m.Value
		case "input":
			input = m.Value
		}
	}
	b := block{index: e.index}
	switch string(kind.Inner()) {
	case "text":
		if len(text.Inner()) > 0 {
			p.stream.Content(text)
		}
		return
	case "thinking":
		if len(text.Inner()) > 0 {
			p.stream.Reasoning(text)
		}
		return
	case "redacted_thinking":
		p.scratch = append(append(append(p.scratch[:0], '['), e.block...), ']')
		p.stream.Delta("thinking_blocks", p.scratch)
		return
	case "tool_use":
		if id.Kind() != jsonraw.String || name.Kind() != jsonraw.String {
			p.stream.Fail(chat.BadResponse("the provider's stream has a tool call without id or name"))
			return
		}
		if first := input.Members(); first.Next() {
			b.input = input
		}
		if s.jsonTool && name.TextIs(jsonToolName) {
			s.jsonCall = true
			b.kind = blockJSON
		} else {
			b.kind, b.call = blockCall, s.calls
			s.calls++
			p.stream.Call(b.call, id, name, nil)
		}
	default:
		b.kind = blockOther
	}
	if len(s.blocks) == maxBlocks || len(b.input) > maxInput || s.calls >= maxCalls {
		p.stream.Fail(chat.BadResponse("the provider's stream has too many or too large blocks"))
		return
	}
	if old := s.find(e.index); old != nil {
		*old = b
	} else {
		s.blocks = append(s.blocks, b)
	}
}

func (p *plugin) blockDelta(e *event) {
	s := &p.state
	if s.stopped {
		return
	}
	var kind, value jsonraw.Value
	for m := e.delta.Members(); m.Next(); {
		switch string(m.Name()) {
		case "type":
			kind = m.Value
		case "text", "partial_json", "thinking", "signature":
			value = m.Value
		}
	}
	if len(value.Inner()) == 0 {
		return
	}
	b := s.find(e.index)
	if b != nil && b.kind == blockOther {
		return
	}
	switch string(kind.Inner()) {
	case "text_delta":
		p.stream.Content(value)
	case "thinking_delta":
		p.stream.Reasoning(value)
	case "signature_delta":
		p.scratch = append(p.scratch[:0], `[{"type":"thinking","thinking":"","signature":`...)
		p.scratch = append(append(p.scratch, value...), '}', ']')
		p.stream.Delta("thinking_blocks", p.scratch)
	case "input_json_delta":
		if b == nil {
			return
		}
		switch b.kind {
		case blockCall, blockReady:
			b.kind = blockReady
			p.stream.Arguments(b.call, value)
		case blockJSON, blockJSONReady:
			b.kind = blockJSONReady
			p.stream.Content(value)
		}
		b.input = nil
	}
}

// blockStop ends a block. A call without any arguments so far gets those that came with its start, or {}.
func (p *plugin) blockStop(index uint64) {
	s := &p.state
	b := s.find(index)
	if b == nil {
		return
	}
	input := b.input
	if len(input) == 0 {
		input = emptyInput
	}
	switch b.kind {
	case blockCall:
		p.stream.QuotedArguments(b.call, input)
	case blockJSON:
		p.scratch = jsonraw.AppendQuoted(p.scratch[:0], input)
		p.stream.Content(p.scratch)
	}
	last := len(s.blocks) - 1
	*b = s.blocks[last]
	s.blocks = s.blocks[:last]
}

// closeBlocks ends the blocks that the vendor did not end.
func (p *plugin) closeBlocks() {
	for len(p.state.blocks) > 0 {
		p.blockStop(p.state.blocks[0].index)
	}
}

var emptyInput = []byte("{}")
