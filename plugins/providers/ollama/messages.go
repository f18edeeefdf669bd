package main

import (
	"strconv"
	"strings"

	"github.com/switchyard-gateway/switchyard/sdk/chat"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

// openings is how messages of the roles begin, up to the value of content.
var openings = [...]string{
	chat.RoleSystem: `{"role":"system","content":`, chat.RoleUser: `{"role":"user","content":`,
	chat.RoleAssistant: `{"role":"assistant","content":`, chat.RoleTool: `{"role":"tool","content":`,
}

// writeMessages writes the conversation message by message: Ollama does not ask for turns to alternate.
func (p *plugin) writeMessages(w *jsonraw.Writer) error {
	w.Key("messages")
	w.Array()
	empty := len(w.Buf)
	for i := range p.req.Len() {
		m := p.req.Message(i)
		if m.Empty() {
			continue
		}
		if err := p.writeMessage(w, m); err != nil {
			return err
		}
	}
	if len(w.Buf) == empty { // an empty list would only load the model
		return refusal.Invalid("messages", "no message has any content")
	}
	w.End()
	return nil
}

func (p *plugin) writeMessage(w *jsonraw.Writer, m chat.Message) error {
	opening, role := openings[m.Role()], m.Role()
	if text, ok := m.Text(); ok && role <= chat.RoleUser && m.Refusal() == nil {
		w.Around(opening, text, `}`)
		return nil
	}
	return p.writeOdd(w, m, opening)
}

// writeOdd is writeMessage for messages that say more than a text.
func (p *plugin) writeOdd(w *jsonraw.Writer, m chat.Message, opening string) error {
	const content = `,"content":`
	w.Object()
	w.Literal(opening[1 : len(opening)-len(content)])
	w.Key("content")
	if err := writeContent(w, m); err != nil {
		return err
	}
	switch m.Role() {
	case chat.RoleAssistant:
		writeThinking(w, m)
		if err := p.writeCalls(w, m); err != nil {
			return err
		}
	case chat.RoleTool:
		id := m.ToolCallID()
		name := p.req.CallName(id)
		if name == nil {
			name = m.Name()
		}
		w.Member("tool_name", name)
		w.Member("tool_call_id", id)
	}
	w.End()
	return nil
}

// writeContent writes the value of content, the texts of m a line each, and the member images if there are any.
func writeContent(w *jsonraw.Writer, m chat.Message) error {
	refusal := m.Refusal()
	if text, ok := m.Text(); ok && refusal == nil {
		w.Raw(text)
		return nil
	}
	w.OpenString()
	buf, images := w.Buf, 0
	for part := m.Parts(); part.Next(); {
		switch part.Kind {
		case chat.PartText, chat.PartRefusal:
			buf = appendLine(buf, part.Text(), len(w.Buf))
		case chat.PartThinking, chat.PartRedacted: // thinking stands in a member of its own
		case chat.PartImage:
			images++
		default:
			return m.RefusePart(&part.Part, name)
		}
	}
	w.Buf = appendLine(buf, refusal, len(w.Buf))
	w.CloseString()
	if images == 0 {
		return nil
	}
	w.Key("images")
	w.Array()
	for part := m.Parts(); part.Next(); {
		if part.Kind == chat.PartImage {
			if err := writeImage(w, m, &part.Part); err != nil {
				return err
			}
		}
	}
	w.End()
	return nil
}

// appendLine appends the inside of the string text, if there is any, behind the end of the line that began at start.
func appendLine(buf []byte, text jsonraw.Value, start int) []byte {
	if len(text) <= len(`""`) {
		return buf
	}
	if len(buf) > start {
		buf = append(buf, `\n`...)
	}
	return append(buf, text[1:len(text)-1]...)
}

// writeImage writes the image's data as a string of base64.
func writeImage(w *jsonraw.Writer, m chat.Message, part *chat.Part) error {
	const at = ".image_url.url"
	if !chat.IsDataURL(part.URL()) {
		ref := refusal.Unsupported(m.PartPath(part, at), "ollama takes images as data URLs only; remote ones are not fetched")
		ref.Code = refusal.CodeInvalidValue
		return ref
	}
	d, ok := chat.ParseDataURL(part.URL())
	if !ok || len(d.Base64) == 0 {
		return refusal.Invalid(m.PartPath(part, at), "the data URL holds no data")
	}
	if !strings.HasPrefix(d.MediaType, "image/") {
		return refusal.Invalid(m.PartPath(part, at), "the data URL is of type "+d.MediaType+", not an image")
	}
	w.OpenString()
	w.Buf = append(w.Buf, d.Base64...)
	w.CloseString()
	return nil
}

// writeThinking writes what the model thought before: reasoning_content, or the thinking blocks that came with it.
func writeThinking(w *jsonraw.Writer, m chat.Message) {
	if said := m.Reasoning(); said != nil {
		if len(said.Inner()) > 0 {
			w.Member("thinking", said)
		}
		return
	}
	open := false
	add := func(text jsonraw.Value) {
		if len(text.Inner()) == 0 {
			return
		}
		if !open {
			open = true
			w.Key("thinking")
			w.OpenString()
		}
		w.Inner(text)
	}
	if _, plain := m.Text(); plain && !m.HasThoughts() {
		return
	}
	for t := m.Thoughts(); t.Next(); {
		add(t.Thinking())
	}
	for part := m.Parts(); part.Next(); {
		if part.Kind == chat.PartThinking {
			add(part.Text())
		}
	}
	if open {
		w.CloseString()
	}
}

func (p *plugin) writeCalls(w *jsonraw.Writer, m chat.Message) error {
	if !m.HasCalls() {
		return nil
	}
	w.Key("tool_calls")
	w.Array()
	buf, scratch := w.Buf, p.buf
	calls := m.Calls()
	for calls.Next() {
		var err error
		if scratch, err = calls.AppendArguments(scratch[:0]); err != nil {
			return err
		}
		if calls.Index > 0 {
			buf = append(buf, ',')
		}
		buf = append(append(buf, `{"id":`...), calls.ID()...)
		buf = strconv.AppendInt(append(buf, `,"function":{"index":`...), int64(calls.Index), 10)
		buf = append(append(buf, `,"name":`...), calls.Name()...)
		buf = append(append(buf, `,"arguments":`...), scratch...)
		buf = append(buf, `}}`...)
	}
	w.Buf, p.buf = buf, scratch
	w.End()
	return calls.Err
}
