package main

import (
	"strconv"
	"strings"

	"github.com/switchyard-gateway/switchyard/sdk/chat"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

var roles = [...]string{
	chat.RoleSystem: `"role":"system"`, chat.RoleUser: `"role":"user"`, chat.RoleAssistant: `"role":"assistant"`, chat.RoleTool: `"role":"tool"`,
}

// writeMessages writes the conversation message by message: Ollama does not ask for turns to alternate.
func (p *plugin) writeMessages(w *jsonraw.Writer) error {
	w.Key("messages")
	w.Array()
	empty := len(w.Buf)
	for i := range p.req.Messages {
		m := &p.req.Messages[i]
		if m.Empty() {
			continue
		}
		if err := p.writeMessage(w, m); err != nil {
			return err
		}
	}
	if len(w.Buf) == empty { // an empty list would only load the model
		return chat.Invalid("messages", "no message has any content")
	}
	w.End()
	return nil
}

func (p *plugin) writeMessage(w *jsonraw.Writer, m *chat.Message) error {
	if err := p.readParts(m); err != nil {
		return err
	}
	w.Object()
	w.Literal(roles[m.Role])
	w.Key("content")
	w.Joined("\n", p.texts...)
	if len(p.images) > 0 {
		w.Key("images")
		w.Array()
		for _, image := range p.images {
			w.Raw(image)
		}
		w.End()
	}
	switch m.Role {
	case chat.RoleAssistant:
		writeThinking(w, m)
		if err := p.writeCalls(w, m); err != nil {
			return err
		}
	case chat.RoleTool:
		name := p.req.CallName(m.ToolCallID)
		if name == nil {
			name = m.Name
		}
		w.Member("tool_name", name)
		w.Member("tool_call_id", m.ToolCallID)
	}
	w.End()
	return nil
}

// readParts collects the texts and images of m.
func (p *plugin) readParts(m *chat.Message) error {
	p.texts, p.images = p.texts[:0], p.images[:0]
	if text, ok := m.Text(); ok {
		if len(text.Inner()) > 0 {
			p.texts = append(p.texts, text)
		}
		if m.Refusal != nil && len(m.Refusal.Inner()) > 0 {
			p.texts = append(p.texts, m.Refusal)
		}
		return nil
	}
	for part := m.Parts(); part.Next(); {
		switch part.Kind {
		case chat.PartText, chat.PartRefusal:
			if len(part.Text.Inner()) > 0 {
				p.texts = append(p.texts, part.Text)
			}
		case chat.PartThinking, chat.PartRedacted: // thinking stands in a member of its own
		case chat.PartImage:
			image, err := readImage(m, &part.Part)
			if err != nil {
				return err
			}
			p.images = append(p.images, image)
		default:
			return m.RefusePart(&part.Part, name)
		}
	}
	if m.Refusal != nil && len(m.Refusal.Inner()) > 0 {
		p.texts = append(p.texts, m.Refusal)
	}
	return nil
}

// readImage returns the image's data as a raw string of base64.
func readImage(m *chat.Message, part *chat.Part) (jsonraw.Value, error) {
	path := m.PartPath(part, ".image_url.url")
	if !chat.IsDataURL(part.URL) {
		ref := chat.Unsupported(path, "ollama takes images as data URLs only; remote ones are not fetched")
		ref.Code = chat.CodeInvalidValue
		return nil, ref
	}
	d, ok := chat.ParseDataURL(part.URL)
	if !ok || len(d.Base64) == 0 {
		return nil, chat.Invalid(path, "the data URL holds no data")
	}
	if !strings.HasPrefix(d.MediaType, "image/") {
		return nil, chat.Invalid(path, "the data URL is of type "+d.MediaType+", not an image")
	}
	quoted := make([]byte, 0, len(d.Base64)+2)
	quoted = append(append(quoted, '"'), d.Base64...)
	return append(quoted, '"'), nil
}

// writeThinking writes what the model thought before: reasoning_content, or the thinking blocks that came with it.
func writeThinking(w *jsonraw.Writer, m *chat.Message) {
	if m.Reasoning != nil {
		if len(m.Reasoning.Inner()) > 0 {
			w.Member("thinking", m.Reasoning)
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
	if _, plain := m.Text(); plain && m.ThinkingBlocks == nil {
		return
	}
	for e := m.ThinkingBlocks.Elements(); e.Next(); {
		add(e.Value.Get("thinking"))
	}
	for part := m.Parts(); part.Next(); {
		if part.Kind == chat.PartThinking {
			add(part.Text)
		}
	}
	if open {
		w.CloseString()
	}
}

func (p *plugin) writeCalls(w *jsonraw.Writer, m *chat.Message) error {
	if !m.HasCalls() {
		return nil
	}
	w.Key("tool_calls")
	w.Array()
	calls := m.Calls()
	for calls.Next() {
		arguments, err := calls.AppendArguments(p.buf[:0])
		if err != nil {
			return err
		}
		p.buf = arguments
		w.Raw(jsonraw.Value(`{"id":`))
		w.Buf = append(append(w.Buf, calls.ID...), `,"function":{"index":`...)
		w.Buf = append(strconv.AppendInt(w.Buf, int64(calls.Index), 10), `,"name":`...)
		w.Buf = append(append(w.Buf, calls.Name...), `,"arguments":`...)
		w.Buf = append(append(w.Buf, arguments...), `}}`...)
	}
	w.End()
	return calls.Err
}
