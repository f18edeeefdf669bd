package main

import (
	"bytes"
	"encoding/binary"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/chat/answer"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

// state is what a stream remembers between two calls. Layout: u8 version | u8 flags | u16 calls, little-endian |
// the head of all chunks, empty before the first.
type state struct {
	done  bool
	calls int
	head  []byte
}

const (
	stateVersion = 1
	flagDone     = 1
	maxCalls     = 1 << 10
	maxHead      = 8 << 10
)

func (s *state) load(b []byte) bool {
	*s = state{}
	if len(b) == 0 {
		return true
	}
	if len(b) < 4 || b[0] != stateVersion || b[1]&^flagDone != 0 || len(b) > maxHead {
		return false
	}
	s.done = b[1] == flagDone
	s.calls = int(binary.LittleEndian.Uint16(b[2:]))
	s.head = b[4:]
	return true
}

func (s *state) save(dst []byte) []byte {
	flags := byte(0)
	if s.done {
		flags = flagDone
	}
	dst = binary.LittleEndian.AppendUint16(append(dst, stateVersion, flags), uint16(s.calls))
	return append(dst, s.head...)
}

// Stream turns lines of /api/chat into chunks.
func (p *plugin) Stream(in *abi.StreamInput, out *abi.StreamOutput) error {
	var s state
	if !s.load(in.State) {
		return refusal.BadResponse("the state of the stream is damaged")
	}
	p.chunks.Begin(out, s.head, in.Flags)
	for _, data, rest, ok := in.Events.Cut(); ok && !s.done; _, data, rest, ok = rest.Cut() {
		if !p.quick(&s, data) {
			p.line(&s, in, data)
		}
	}
	if !s.done && in.End != abi.EndNot {
		p.fail(&s, refusal.BadResponse("stream ended early"))
	}
	out.Done = s.done
	out.State = s.save(out.State)
	return nil
}

func (p *plugin) fail(s *state, ref *abi.Refusal) {
	p.chunks.Fail(ref)
	s.done = true
}

// quick handles a line that is a piece of text, in the very form in which Ollama writes it, for half the price of line.
// It reports whether data was one.
func (p *plugin) quick(s *state, data []byte) bool {
	const model, created, content, end = `{"model":`, `,"created_at":`, `,"message":{"role":"assistant","content":`, `},"done":false}`
	if len(s.head) == 0 {
		return false
	}
	var n int
	for _, start := range [...]string{model, created, content} {
		data = data[n:]
		if len(data) < len(start) || string(data[:len(start)]) != start {
			return false
		}
		data = data[len(start):]
		if n = jsonraw.ScanString(data); n == 0 {
			return false
		}
	}
	if string(data[n:]) != end {
		return false
	}
	if n > 2 {
		p.chunks.Content(data[:n])
	}
	return true
}

func (p *plugin) line(s *state, in *abi.StreamInput, data []byte) {
	if err := p.doc.Read(data); err != nil || p.doc.Kind(jsonraw.Root) != jsonraw.Object {
		if data = bytes.TrimSpace(data); len(data) > 0 {
			p.fail(s, refusal.FromText(200, data, 0))
		}
		return
	}
	r := &p.reply
	if r.read(&p.doc); r.failed != 0 {
		p.fail(s, failure(200, p.doc.Value(jsonraw.Root), data, 0))
		return
	}
	p.begin(s, in, r)
	if r.thinking != 0 {
		p.chunks.Reasoning(p.value(r.thinking))
	}
	content := p.value(r.content)
	if r.logprobs != 0 && (content != nil || r.calls == 0 && r.thinking == 0) {
		logprobs := appendLogprobs(p.buf[:0], p.value(r.logprobs))
		if p.chunks.Logprobs = logprobs; cap(logprobs) > cap(p.buf) {
			p.buf = logprobs
		}
		if content == nil && !r.done {
			content = emptyString
		}
	}
	if content != nil {
		p.chunks.Content(content)
	}
	if r.calls != 0 && !p.toolCalls(s, in, r.calls) {
		return
	}
	if r.done {
		p.chunks.Finish(finish(p.value(r.reason), s.calls > 0))
		p.chunks.Usage(r.usage, true)
		s.done = true
	}
}

// toolCalls writes the calls of an event. It reports whether the stream goes on.
func (p *plugin) toolCalls(s *state, in *abi.StreamInput, calls jsonraw.Node) bool {
	for e, end := p.doc.Elements(calls); e < end; e = p.doc.After(e) {
		if s.calls == maxCalls {
			p.fail(s, refusal.BadResponse("the provider's stream has too many tool calls"))
			return false
		}
		c := p.readCall(e, in.RequestID, s.calls)
		if c.arguments.Kind() != jsonraw.String {
			c.arguments = jsonraw.AppendQuoted(p.buf[:0], c.arguments)
			if cap(c.arguments) > cap(p.buf) {
				p.buf = c.arguments
			}
		}
		p.chunks.Call(s.calls, c.id, c.name, c.arguments)
		s.calls++
	}
	return true
}

// begin writes the first chunk, once.
func (p *plugin) begin(s *state, in *abi.StreamInput, r *reply) {
	if len(s.head) > 0 {
		return
	}
	id := answer.AppendID(nil, in.RequestID[:min(len(in.RequestID), 256)])
	s.head = answer.AppendHead(nil, id, modelName(p.value(r.model), in.Model), in.Now)
	p.chunks.SetHead(s.head)
	p.chunks.Role()
}
