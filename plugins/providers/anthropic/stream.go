package main

import (
	"bytes"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/chat/answer"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

// Stream implements provider.Plugin.
func (p *plugin) Stream(in *abi.StreamInput, out *abi.StreamOutput) error {
	if in.Dialect != abi.DialectOpenAI {
		return refusal.UnsupportedDialect(vendor, in.Dialect)
	}
	s := &p.state
	if err := s.decode(in.State); err != nil {
		return err
	}
	p.stream.Begin(out, s.head, in.Flags)
	for name, data, rest, ok := in.Events.Cut(); ok && !out.Done; name, data, rest, ok = rest.Cut() {
		if !p.quick(data) {
			p.event(in, out, name, data)
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
	p.stream.Fail(refusal.BadResponse("the provider's stream ended early"))
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
	doc := &p.doc
	if err := doc.Read(data); err != nil || doc.Kind(jsonraw.Root) != jsonraw.Object {
		if len(bytes.TrimSpace(data)) > 0 {
			p.stream.Fail(refusal.FromText(0, data, 0))
		}
		return
	}
	var e event
	for key, end := doc.Members(jsonraw.Root); key < end; key = doc.After(key + 1) {
		switch n := key + 1; string(doc.Name(key)) {
		case "type":
			name = doc.Inner(n)
		case "index":
			if n, ok := doc.Value(n).Int(); ok && n >= 0 {
				e.index = uint64(n)
			}
		case "delta":
			e.delta = n
		case "content_block":
			e.block = n
		case "message":
			e.message = n
		case "usage":
			e.usage = n
		}
	}
	switch string(name) {
	case "error":
		p.stream.Fail(readError(0, data, 0))
	case "message_start":
		p.begin(in, e.message)
	case "content_block_start":
		p.begin(in, 0)
		p.blockStart(&e)
	case "content_block_delta":
		p.begin(in, 0)
		p.blockDelta(&e)
	case "content_block_stop":
		p.blockStop(e.index)
	case "message_delta":
		p.begin(in, 0)
		if e.usage != 0 {
			p.state.used.update(doc, e.usage)
		}
		if e.delta != 0 {
			p.setStop(doc.Value(e.delta).Get("stop_reason"))
		}
	case "message_stop":
		p.begin(in, 0)
		p.finish(out)
	}
}

// deltas are the events that make up nearly all of a stream, as the vendor writes them.
var deltas = [...]struct{ start, kind string }{
	{`text_delta","text":`, "text_delta"},
	{`input_json_delta","partial_json":`, "input_json_delta"},
	{`thinking_delta","thinking":`, "thinking_delta"},
}

// quick handles a delta in the very form in which the vendor writes it, for half the price of event. It reports whether
// data was one.
func (p *plugin) quick(data []byte) bool {
	const start, middle = `{"type":"content_block_delta","index":`, `,"delta":{"type":"`
	if !p.state.started || len(data) < len(start)+len(middle)+1 || string(data[:len(start)]) != start {
		return false
	}
	index := uint64(data[len(start)] - '0') // a block's number is hardly ever above 9
	data = data[len(start)+1:]
	if index > 9 || string(data[:len(middle)]) != middle {
		return false
	}
	data = data[len(middle):]
	for i := range deltas {
		d := &deltas[i]
		if len(data) < len(d.start) || string(data[:len(d.start)]) != d.start {
			continue
		}
		data = data[len(d.start):]
		n := jsonraw.ScanString(data)
		if rest := data[n:]; n == 0 || len(rest) < 2 || rest[0] != '}' || string(bytes.TrimLeft(rest[1:], " ")) != "}" {
			return false
		}
		if n > 2 && !p.state.stopped {
			p.delta(index, d.kind, data[:n])
		}
		return true
	}
	return false
}

// event is the members of an event that are looked at, 0 for those that it does not have.
type event struct {
	index                        uint64
	delta, block, message, usage jsonraw.Node
}

// members is the range of an event's member, empty if the member is not there or no object.
func (p *plugin) members(n jsonraw.Node) (key, end jsonraw.Node) {
	if n == 0 {
		return 0, 0
	}
	return p.doc.Members(n)
}

// begin writes the role chunk, once.
func (p *plugin) begin(in *abi.StreamInput, message jsonraw.Node) {
	s := &p.state
	if s.started && message == 0 {
		return
	}
	var id, model jsonraw.Value
	for key, end := p.members(message); key < end; key = p.doc.After(key + 1) {
		switch n := key + 1; string(p.doc.Name(key)) {
		case "id":
			id = p.doc.Value(n)
		case "model":
			model = p.doc.Value(n)
		case "usage":
			s.used.update(&p.doc, n)
		}
	}
	if s.started {
		return
	}
	s.started = true
	p.fillHead(&id, &model, in.RequestID, in.Model)
	p.head = answer.AppendHead(p.head[:0], id, model, in.Now)
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
	doc := &p.doc
	for key, end := p.members(e.block); key < end; key = doc.After(key + 1) {
		switch v := doc.Value(key + 1); string(doc.Name(key)) {
		case "type":
			kind = v
		case "text":
			text = v
		case "thinking":
			text = v
		case "id":
			id = v
		case "name":
			name = v
		case "input":
			input = v
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
		p.thought(`[`, doc.Value(e.block), `]`)
		return
	case "tool_use":
		if id.Kind() != jsonraw.String || name.Kind() != jsonraw.String {
			p.stream.Fail(refusal.BadResponse("the provider's stream has a tool call without id or name"))
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
		p.stream.Fail(refusal.BadResponse("the provider's stream has too many or too large blocks"))
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
	doc := &p.doc
	var kind, said jsonraw.Node
	for key, end := p.members(e.delta); key < end; key = doc.After(key + 1) {
		switch string(doc.Name(key)) {
		case "type":
			kind = key + 1
		case "text", "partial_json", "thinking", "signature":
			said = key + 1
		}
	}
	if kind == 0 || said == 0 || len(doc.Inner(said)) == 0 {
		return
	}
	p.delta(e.index, string(doc.Inner(kind)), doc.Value(said))
}

// delta handles a piece of block index that is not empty.
func (p *plugin) delta(index uint64, kind string, value jsonraw.Value) {
	b := p.state.find(index)
	if b != nil && b.kind == blockOther {
		return
	}
	switch kind {
	case "text_delta":
		p.stream.Content(value)
	case "thinking_delta":
		p.stream.Reasoning(value)
	case "signature_delta":
		p.thought(`[{"type":"thinking","thinking":"","signature":`, value, `}]`)
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

// thought writes thinking_blocks.
func (p *plugin) thought(before string, value jsonraw.Value, after string) {
	w := jsonraw.Writer{Buf: p.scratch[:0]}
	w.Around(before, value, after)
	p.stream.Delta("thinking_blocks", w.Buf)
	if cap(w.Buf) > cap(p.scratch) {
		p.scratch = w.Buf
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
