package simulator

import (
	"strings"

	"github.com/switchyard-gateway/switchyard/internal/simulator/answer"
	"github.com/switchyard-gateway/switchyard/internal/simulator/prompt"
)

// stopReason names the end in this dialect.
func (anthropic) stopReason(a *answer.Answer) string {
	switch a.Finish {
	case "tool_calls":
		return "tool_use"
	case "length":
		return "max_tokens"
	case "stop_sequence":
		return "stop_sequence"
	}
	return "end_turn"
}

// appendUsage renders the counts, without the closing brace, and returns what was written to the cache. A prompt with cache
// breakpoints writes the cache on its first turn and reads it on the later ones; half of the prompt counts as cached.
func (anthropic) appendUsage(dst []byte, p *prompt.Prompt, out int) (_ []byte, written int) {
	input, read := p.InputTokens(), 0
	if p.Cache {
		if cached := input / 2; p.FollowUp {
			read, input = cached, input-cached
		} else {
			written, input = cached, input-cached
		}
	}
	dst = answer.AppendInt(append(dst, `{"input_tokens":`...), input)
	dst = answer.AppendInt(append(dst, `,"cache_creation_input_tokens":`...), written)
	dst = answer.AppendInt(append(dst, `,"cache_read_input_tokens":`...), read)
	return answer.AppendInt(append(dst, `,"output_tokens":`...), out), written
}

// appendWholeUsage renders usage as it is in a message; the last event of a stream has only the counts.
func (d anthropic) appendWholeUsage(dst []byte, p *prompt.Prompt, out int) []byte {
	dst, written := d.appendUsage(dst, p, out)
	dst = answer.AppendInt(append(dst, `,"cache_creation":{"ephemeral_5m_input_tokens":`...), written)
	return append(dst, `,"ephemeral_1h_input_tokens":0},"service_tier":"standard"}`...)
}

// signature stands for the vendor's seal on a thinking block.
func signature(a *answer.Answer) string { return "EqQBCkYIB" + strings.Repeat(a.Digest, 6) + "==" }

func (d anthropic) message(x *exchange, p *prompt.Prompt, a *answer.Answer) error {
	b := answer.AppendQuoted(append(x.buf, `{"model":`...), x.model)
	b = append(append(b, `,"id":"`...), x.ids.ID("msg_01", 22)...)
	b = append(b, `","type":"message","role":"assistant","content":[`...)
	sep := ""
	if a.Think.Len() > 0 {
		b = answer.AppendQuoted(append(b, `{"type":"thinking","thinking":`...), a.Think.Bytes)
		b = append(answer.AppendQuoted(append(b, `,"signature":`...), signature(a)), '}')
		sep = ","
	}
	if a.Text.Len() > 0 {
		b = answer.AppendQuoted(append(append(b, sep...), `{"type":"text","text":`...), a.Text.Bytes)
		b = append(b, '}')
		sep = ","
	}
	for _, c := range a.Calls {
		b = append(append(append(b, sep...), `{"type":"tool_use","id":"`...), x.ids.ID("toolu_01", 22)...)
		b = answer.AppendQuoted(append(b, `","name":`...), c.Name)
		b = append(append(append(b, `,"input":`...), c.Args...), '}')
		sep = ","
	}
	b = answer.AppendQuoted(append(b, `],"stop_reason":`...), d.stopReason(a))
	b = answer.AppendNullable(append(b, `,"stop_sequence":`...), a.Stop)
	x.buf = append(d.appendWholeUsage(append(b, `,"usage":`...), p, a.OutputTokens()), '}')
	return x.reply(a.OutputTokens())
}

// blockStream sends the content blocks of one stream.
type blockStream struct {
	x      *exchange
	index  int
	pinged bool
}

// start opens a block whose content_block members are given as JSON. The first block is followed by a ping.
func (s *blockStream) start(block []byte) error {
	b := answer.AppendInt(append(s.x.buf, "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":"...), s.index)
	b = append(append(append(b, `,"content_block":{`...), block...), "}}\n\n"...)
	if !s.pinged {
		s.pinged = true
		b = append(b, "event: ping\ndata: {\"type\": \"ping\"}\n\n"...)
	}
	s.x.buf = b
	return s.x.push()
}

// delta sends one delta whose JSON before the text is given.
func (s *blockStream) delta(before string, text []byte) error {
	b := answer.AppendInt(append(s.x.buf, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":"...), s.index)
	b = append(append(b, `,"delta":{"type":`...), before...)
	s.x.buf = append(answer.AppendEscaped(b, text), "\"}}\n\n"...)
	return s.x.push()
}

func (s *blockStream) tokens(before string, t *answer.Tokens) error {
	for i := range t.Len() {
		if err := s.x.step(); err != nil {
			return err
		}
		if err := s.delta(before, t.At(i)); err != nil {
			return err
		}
	}
	return nil
}

func (s *blockStream) stop() error {
	b := answer.AppendInt(append(s.x.buf, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":"...), s.index)
	s.x.buf = append(b, "}\n\n"...)
	s.index++
	return s.x.push()
}

func (d anthropic) stream(x *exchange, p *prompt.Prompt, a *answer.Answer) error {
	if err := x.open(eventStream); err != nil {
		return err
	}
	b := answer.AppendQuoted(append(x.buf, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":"...), x.model)
	b = append(append(b, `,"id":"`...), x.ids.ID("msg_01", 22)...)
	b = append(b, `","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":`...)
	x.buf = append(d.appendWholeUsage(b, p, 1), "}}\n\n"...)
	if err := x.push(); err != nil {
		return err
	}
	if err := d.streamBlocks(x, a); err != nil {
		return err
	}
	if err := x.last(); err != nil {
		return err
	}
	b = answer.AppendQuoted(append(x.buf, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"...), d.stopReason(a))
	b = answer.AppendNullable(append(b, `,"stop_sequence":`...), a.Stop)
	b, _ = d.appendUsage(append(b, `},"usage":`...), p, a.OutputTokens())
	x.buf = append(b, "}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"...)
	return x.flush()
}

func (anthropic) streamBlocks(x *exchange, a *answer.Answer) error {
	s := blockStream{x: x}
	if a.Think.Len() > 0 {
		if err := s.start([]byte(`"type":"thinking","thinking":"","signature":""`)); err != nil {
			return err
		}
		if err := s.tokens(`"thinking_delta","thinking":"`, &a.Think); err != nil {
			return err
		}
		if err := s.delta(`"signature_delta","signature":"`, []byte(signature(a))); err != nil {
			return err
		}
		if err := s.stop(); err != nil {
			return err
		}
	}
	if a.Text.Len() > 0 {
		if err := s.start([]byte(`"type":"text","text":""`)); err != nil {
			return err
		}
		if err := s.tokens(`"text_delta","text":"`, &a.Text); err != nil {
			return err
		}
		if err := s.stop(); err != nil {
			return err
		}
	}
	for _, c := range a.Calls {
		if err := s.call(c); err != nil {
			return err
		}
	}
	return nil
}

// call sends a tool_use block. A call without arguments gets one empty delta and nothing more, as the vendor does.
func (s *blockStream) call(c answer.Call) error {
	if err := s.x.step(); err != nil {
		return err
	}
	block := append([]byte(`"type":"tool_use","id":"`), s.x.ids.ID("toolu_01", 22)...)
	block = append(answer.AppendQuoted(append(block, `","name":`...), c.Name), `,"input":{}`...)
	if err := s.start(block); err != nil {
		return err
	}
	const before = `"input_json_delta","partial_json":"`
	if err := s.delta(before, nil); err != nil {
		return err
	}
	if string(c.Args) != "{}" {
		for piece := range answer.Fragments(c.Args, answer.ArgSize) {
			if err := s.x.step(); err != nil {
				return err
			}
			if err := s.delta(before, piece); err != nil {
				return err
			}
		}
	}
	return s.stop()
}
