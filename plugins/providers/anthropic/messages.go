package main

import (
	"strconv"

	"github.com/switchyard-gateway/switchyard/plugins/providers/anthropic/internal/media"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/chat"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// writeSystem writes the system blocks, one for each text part of the system and developer messages.
func (p *plugin) writeSystem(w *jsonraw.Writer, pl *plan) error {
	open := false
	for i := range p.req.Len() {
		m := p.req.Message(i)
		if m.Role() != chat.RoleSystem || m.Empty() {
			continue
		}
		if text, ok := m.Text(); ok {
			openSystem(w, &open)
			writeText(w, text, m.CacheControl())
		} else if err := writeSystemParts(w, m, &open); err != nil {
			return err
		}
	}
	if pl.jsonMode == jsonPrompt {
		openSystem(w, &open)
		p.writeJSONPrompt(w)
	}
	if open {
		w.Close(`]`)
	}
	return nil
}

// openSystem begins the list of system blocks unless it is open.
func openSystem(w *jsonraw.Writer, open *bool) {
	if !*open {
		w.Open(`"system":[`)
		*open = true
	}
}

// writeSystemParts writes the blocks of a system message that comes in parts.
func writeSystemParts(w *jsonraw.Writer, m chat.Message, open *bool) error {
	last := lastBlock(m)
	for part := m.Parts(); part.Next(); {
		if part.Kind != chat.PartText {
			return m.RefusePart(&part.Part, vendor)
		}
		if !chat.Blank(part.Text()) {
			openSystem(w, open)
			writeText(w, part.Text(), cacheControl(m, &part.Part, last))
		}
	}
	return nil
}

// writeTurn writes one message of the vendor's.
func (p *plugin) writeTurn(w *jsonraw.Writer, t *chat.Turn, final bool) error {
	if t.Assistant {
		w.Open(`{"role":"assistant","content":[`)
	} else {
		w.Open(`{"role":"user","content":[`)
	}
	indices := p.req.In(*t)
	for n, i := range indices {
		m := p.req.Message(i)
		if err := p.writeMessage(w, m, final && n == len(indices)-1); err != nil {
			return err
		}
	}
	w.Close(`]}`)
	return nil
}

// writeMessage writes the blocks of a message of a turn.
func (p *plugin) writeMessage(w *jsonraw.Writer, m chat.Message, final bool) error {
	switch m.Role() {
	case chat.RoleAssistant:
		return p.writeAssistant(w, m, final)
	case chat.RoleTool:
		return p.writeResult(w, m)
	}
	return p.writeBlocks(w, m)
}

// writeBlocks writes the content of a user or tool message as blocks.
func (p *plugin) writeBlocks(w *jsonraw.Writer, m chat.Message) error {
	text, ok := m.Text()
	if !ok {
		return p.writeMedia(w, m)
	}
	cache := m.CacheControl()
	if m.Role() == chat.RoleTool { // there the mark belongs to the result
		cache = nil
	}
	if !chat.Blank(text) {
		writeText(w, text, cache)
	}
	return nil
}

// writeMedia is writeBlocks for content that comes in parts.
func (p *plugin) writeMedia(w *jsonraw.Writer, m chat.Message) error {
	last, mark := -1, m.CacheControl()
	if m.Role() != chat.RoleTool {
		last = lastBlock(m)
	}
	for part := m.Parts(); part.Next(); {
		cache := part.CacheControl()
		if cache == nil && part.Index == last {
			cache = mark
		}
		switch part.Kind {
		case chat.PartText:
			if text := part.Text(); !chat.Blank(text) {
				writeText(w, text, cache)
			}
		case chat.PartImage:
			if err := media.WriteImage(w, m, &part.Part, cache); err != nil {
				return err
			}
		case chat.PartFile:
			if err := media.WriteDocument(w, m, &part.Part, cache); err != nil {
				return err
			}
		default:
			return m.RefusePart(&part.Part, vendor)
		}
	}
	return nil
}

// writeAssistant writes an assistant message's blocks: thinking, text, calls. In the message that ends the
// conversation white space at the end of the text is cut, because the API refuses it.
func (p *plugin) writeAssistant(w *jsonraw.Writer, m chat.Message, final bool) error {
	if m.HasThoughts() {
		writeThinkingBlocks(w, m)
	}
	calls := m.HasCalls()
	if text, ok := m.Text(); ok {
		if cache := m.CacheControl(); !chat.Blank(text) {
			if final && !calls {
				text = trimRight(text)
			}
			if calls {
				cache = nil
			}
			writeText(w, text, cache)
		}
	} else if err := p.writeParts(w, m, final, calls); err != nil {
		return err
	}
	if refusal := m.Refusal(); refusal != nil && !chat.Blank(refusal) {
		writeText(w, refusal, nil)
	}
	if !calls {
		return nil
	}
	return p.writeCalls(w, m)
}

// writeParts writes the content of an assistant message that comes in parts.
func (p *plugin) writeParts(w *jsonraw.Writer, m chat.Message, final, calls bool) error {
	last := lastBlock(m)
	if calls {
		last = -1 // a mark on the message belongs to its last call
	}
	for part := m.Parts(); part.Next(); {
		switch part.Kind {
		case chat.PartText, chat.PartRefusal:
			if !chat.Blank(part.Text()) {
				text := part.Text()
				if final && !calls {
					text = trimRight(text)
				}
				writeText(w, text, cacheControl(m, &part.Part, last))
			}
		case chat.PartThinking:
			w.Object()
			w.Key("type")
			w.String("thinking")
			w.Member("thinking", part.Text())
			w.Member("signature", part.Signature())
			w.End()
		case chat.PartRedacted:
			w.Object()
			w.Key("type")
			w.String("redacted_thinking")
			w.Member("data", part.Data())
			w.End()
		default:
			return m.RefusePart(&part.Part, vendor)
		}
	}
	return nil
}

func (p *plugin) writeCalls(w *jsonraw.Writer, m chat.Message) error {
	last := -1 // the call that a mark on the message belongs to
	if m.CacheControl() != nil {
		for call := m.Calls(); call.Next(); {
			last = call.Index
		}
	}
	calls := m.Calls()
	w.Raw(nil) // the comma, if one is due
	buf, scratch := w.Buf, p.scratch
	for calls.Next() {
		var err error
		if scratch, err = calls.AppendArguments(scratch[:0]); err != nil {
			return err
		}
		cache := calls.CacheControl()
		if cache == nil && calls.Index == last {
			cache = m.CacheControl()
		}
		if calls.Index > 0 {
			buf = append(buf, ',')
		}
		buf = appendID(append(buf, `{"type":"tool_use","id":`...), calls.ID())
		buf = append(append(buf, `,"name":`...), calls.Name()...)
		buf = append(append(buf, `,"input":`...), scratch...)
		if cache != nil {
			buf = append(append(buf, `,"cache_control":`...), cache...)
		}
		buf = append(buf, '}')
	}
	w.Buf, p.scratch = buf, scratch
	return calls.Err
}

// writeThinkingBlocks replays the extension thinking_blocks. A stream gives the text of a block as
// reasoning_content and its signature alone as a block; the two are put together again here.
func writeThinkingBlocks(w *jsonraw.Writer, m chat.Message) {
	count, said := 0, m.Reasoning()
	for t := m.Thoughts(); t.Next(); {
		count++
	}
	for t := m.Thoughts(); t.Next(); {
		switch {
		case t.Kind == chat.PartOther:
		case t.Kind == chat.PartRedacted || count > 1 || said == nil || len(t.Thinking().Inner()) > 0:
			w.Raw(t.Value())
		default:
			w.Object()
			w.Key("type")
			w.String("thinking")
			w.Member("thinking", said)
			w.Member("signature", t.Signature())
			w.End()
		}
	}
}

// writeResult writes a tool message as a tool_result block.
func (p *plugin) writeResult(w *jsonraw.Writer, m chat.Message) error {
	w.Object()
	w.Literal(`"type":"tool_result","tool_use_id":`)
	w.Buf = appendID(w.Buf, m.ToolCallID())
	cache := m.CacheControl()
	filled := false
	if text, ok := m.Text(); ok {
		filled = !chat.Blank(text)
	} else {
		for part := m.Parts(); part.Next(); {
			if own := part.CacheControl(); own != nil {
				cache = own
			}
			filled = filled || part.Kind != chat.PartText || !chat.Blank(part.Text())
		}
	}
	if filled { // an empty result has no content at all
		w.Key("content")
		w.Array()
		if err := p.writeBlocks(w, m); err != nil {
			return err
		}
		w.End()
	}
	w.Member("cache_control", cache)
	w.End()
	return nil
}

func writeText(w *jsonraw.Writer, text, cache jsonraw.Value) {
	if cache == nil {
		w.Around(`{"type":"text","text":`, text, `}`)
		return
	}
	w.Object()
	w.Literal(`"type":"text"`)
	w.Member("text", text)
	w.Member("cache_control", cache)
	w.End()
}

// appendID appends the id of a call. Ids of other vendors with characters that the API refuses are replaced by a
// hash, the same in a call and its result.
func appendID(dst []byte, id jsonraw.Value) []byte {
	inner := id.Inner()
	if isID(inner) {
		return append(dst, id...)
	}
	dst = strconv.AppendUint(append(dst, `"call_`...), abi.Hash(inner), 36)
	return append(dst, '"')
}

// isID reports whether the API takes an id. A guest pays for the longest way through a loop's turn, which would lead through
// all that is around it.
//
//go:noinline
func isID(inner []byte) bool {
	for _, c := range inner {
		if !idByte[c] {
			return false
		}
	}
	return len(inner) > 0
}

// idByte marks the characters that the API takes in ids.
var idByte = func() (set [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") {
		set[c] = true
	}
	return set
}()

// lastBlock is the index of the last part that becomes a block.
func lastBlock(m chat.Message) int {
	last := -1
	if m.CacheControl() != nil {
		for part := m.Parts(); part.Next(); {
			if part.Kind != chat.PartText || !chat.Blank(part.Text()) {
				last = part.Index
			}
		}
	}
	return last
}

// cacheControl is the part's own mark, or the message's, which belongs to its last block.
func cacheControl(m chat.Message, part *chat.Part, last int) jsonraw.Value {
	if part.CacheControl() == nil && part.Index == last {
		return m.CacheControl()
	}
	return part.CacheControl()
}

// trimRight cuts white space off the end of the string v. The result shares v's memory unless something is cut.
func trimRight(v jsonraw.Value) jsonraw.Value {
	inner := v.Inner()
	end := 0
	for i := 0; i < len(inner); i++ {
		switch c := inner[i]; {
		case c == ' ':
			continue
		case c == '\\' && i+1 < len(inner):
			i++
			if next := inner[i]; next == 'n' || next == 'r' || next == 't' {
				continue
			}
		}
		end = i + 1
	}
	if end == len(inner) {
		return v
	}
	out := append(make(jsonraw.Value, 0, end+2), '"')
	return append(append(out, inner[:end]...), '"')
}
