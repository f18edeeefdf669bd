package simulator

import (
	"github.com/tidwall/gjson"

	"github.com/switchyard-gateway/switchyard/internal/simulator/answer"
	"github.com/switchyard-gateway/switchyard/internal/simulator/prompt"
)

// openaiFrame holds the parts of an answer that repeat in each chunk, rendered once.
type openaiFrame struct {
	d        openai
	head     []byte // an event up to and with "choices":[
	usage    bool   // usage:null on every chunk but the last
	obfuscat bool
	legacy   bool
}

func (d openai) frame(x *exchange, object string, p *prompt.Prompt, root gjson.Result) openaiFrame {
	f := openaiFrame{d: d, usage: p.Usage && !d.ollama, legacy: object == "text_completion"}
	id := "chatcmpl-"
	if f.legacy {
		id = "cmpl-"
	}
	h := make([]byte, 0, 256)
	if p.Stream {
		f.obfuscat = !d.ollama && !f.legacy && root.Get("stream_options.include_obfuscation").Raw != "false"
		h = append(h, "data: "...)
	}
	if d.ollama {
		h = answer.AppendInt(append(h, `{"id":"`+id...), x.ids.Next()%1000)
		h = append(h, `","object":"`...)
	} else {
		h = append(append(h, `{"id":"`...), x.ids.ID(id, 29)...)
		h = append(h, `","object":"`...)
	}
	h = append(h, object...)
	h = answer.AppendInt(append(h, `","created":`...), x.created)
	h = answer.AppendQuoted(append(h, `,"model":`...), x.model)
	switch {
	case d.ollama:
		h = append(h, `,"system_fingerprint":"fp_ollama"`...)
	case f.legacy:
		h = append(h, `,"system_fingerprint":null`...)
	default:
		h = append(h, `,"service_tier":"default","system_fingerprint":"fp_51ac05b1d7"`...)
	}
	f.head = append(h, `,"choices":[`...)
	return f
}

// padding equalises the length of chunks, as the vendor does against traffic analysis.
const padding = "Zq3Lm8Xw2Rt6Yb1N"

// end closes a chunk whose content took size bytes.
func (f *openaiFrame) end(dst []byte, size int) []byte {
	dst = append(dst, ']')
	if f.usage {
		dst = append(dst, `,"usage":null`...)
	}
	if f.obfuscat {
		dst = append(append(dst, `,"obfuscation":"`...), padding[size&15:]...)
		dst = append(dst, '"')
	}
	return append(dst, "}\n\n"...)
}

// chunk appends a whole event with one choice. Delta is rendered JSON around an optional text.
func (f *openaiFrame) chunk(x *exchange, index int, before string, text []byte, after, finish string) {
	dst := answer.AppendInt(append(append(x.buf, f.head...), `{"index":`...), index)
	key := `,"delta":{`
	if f.legacy {
		key = `,`
	} else if f.d.ollama {
		key = `,"delta":{"role":"assistant",`
	}
	dst = answer.AppendEscaped(append(append(dst, key...), before...), text)
	dst = append(dst, after...)
	if !f.legacy {
		dst = append(dst, '}')
	}
	if !f.d.ollama {
		dst = append(dst, `,"logprobs":null`...)
	}
	dst = answer.AppendNullable(append(dst, `,"finish_reason":`...), finish)
	x.buf = f.end(append(dst, '}'), len(text))
}

func (f *openaiFrame) appendUsage(dst []byte, p *prompt.Prompt, out int) []byte {
	in := p.InputTokens()
	dst = answer.AppendInt(append(dst, `{"prompt_tokens":`...), in)
	dst = answer.AppendInt(append(dst, `,"completion_tokens":`...), out)
	dst = answer.AppendInt(append(dst, `,"total_tokens":`...), in+out)
	if !f.d.ollama {
		dst = append(dst, `,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}`...)
	}
	return append(dst, '}')
}

// finishReason names the end in this dialect.
func finishReason(a *answer.Answer) string {
	if a.Finish == "stop_sequence" {
		return "stop"
	}
	return a.Finish
}

func answers(x *exchange, p *prompt.Prompt) (all []answer.Answer, tokens int) {
	all = make([]answer.Answer, p.N)
	for i := range all {
		all[i] = x.compose(p, i)
		tokens += all[i].OutputTokens()
	}
	return all, tokens
}

func (d openai) chat(x *exchange, root gjson.Result) error {
	p, e := prompt.OpenAI(root, d.ollama)
	if e != nil {
		return x.refuse(invalid(e.Message, e.Param, e.Code))
	}
	all, out := answers(x, &p)
	if p.Stream {
		return d.streamChat(x, &p, root, all, out)
	}
	f := d.frame(x, "chat.completion", &p, root)
	x.buf = append(x.buf, f.head...)
	for i := range all {
		a := &all[i]
		if i > 0 {
			x.buf = append(x.buf, ',')
		}
		x.buf = answer.AppendInt(append(x.buf, `{"index":`...), i)
		x.buf = append(x.buf, `,"message":{"role":"assistant","content":`...)
		switch {
		case len(a.Calls) > 0 && d.ollama:
			x.buf = append(x.buf, `""`...)
		case len(a.Calls) > 0:
			x.buf = append(x.buf, "null"...)
		default:
			x.buf = answer.AppendQuoted(x.buf, a.Text.Bytes)
		}
		if len(a.Calls) > 0 {
			x.buf = append(x.buf, `,"tool_calls":[`...)
			for j, c := range a.Calls {
				if j > 0 {
					x.buf = append(x.buf, ',')
				}
				x.buf = append(x.buf, '{')
				x.buf = d.appendCall(x.buf, x, j, c)
				x.buf = append(x.buf, '}')
			}
			x.buf = append(x.buf, ']')
		}
		if !d.ollama {
			x.buf = append(x.buf, `,"refusal":null,"annotations":[]},"logprobs":null,"finish_reason":`...)
		} else {
			x.buf = append(x.buf, `},"finish_reason":`...)
		}
		x.buf = append(answer.AppendQuoted(x.buf, finishReason(a)), '}')
	}
	x.buf = f.appendUsage(append(x.buf, `],"usage":`...), &p, out)
	x.buf = append(x.buf, '}')
	return x.reply(out)
}

// appendCall appends the members of a whole tool call.
func (d openai) appendCall(dst []byte, x *exchange, index int, c answer.Call) []byte {
	if d.ollama {
		dst = append(append(dst, `"id":"`...), x.ids.ID("call_", 8)...)
		dst = answer.AppendInt(append(dst, `","index":`...), index)
		dst = append(dst, `,"type":"function","function":{"name":`...)
	} else {
		dst = append(append(dst, `"id":"`...), x.ids.ID("call_", 24)...)
		dst = append(dst, `","type":"function","function":{"name":`...)
	}
	dst = answer.AppendQuoted(dst, c.Name)
	dst = answer.AppendQuoted(append(dst, `,"arguments":`...), c.Args)
	return append(dst, '}')
}

const eventStream = "text/event-stream; charset=utf-8"

func (d openai) streamChat(x *exchange, p *prompt.Prompt, root gjson.Result, all []answer.Answer, out int) error {
	f := d.frame(x, "chat.completion.chunk", p, root)
	if err := x.open(eventStream); err != nil {
		return err
	}
	longest := 0
	for i := range all {
		if a := &all[i]; d.ollama {
			continue // it names the role in every chunk instead
		} else if len(a.Calls) > 0 {
			f.chunk(x, i, `"role":"assistant","content":null,"refusal":null`, nil, "", "")
		} else {
			f.chunk(x, i, `"role":"assistant","content":"`, nil, `","refusal":null`, "")
		}
		longest = max(longest, all[i].Text.Len())
	}
	if err := x.push(); err != nil {
		return err
	}
	for t := range max(longest, all[0].Text.Len()) {
		for i := range all {
			if t >= all[i].Text.Len() {
				continue
			}
			if err := x.step(); err != nil {
				return err
			}
			f.chunk(x, i, `"content":"`, all[i].Text.At(t), `"`, "")
			if err := x.push(); err != nil {
				return err
			}
		}
	}
	for i := range all {
		for j, c := range all[i].Calls {
			if err := d.streamCall(x, &f, i, j, c); err != nil {
				return err
			}
		}
	}
	if err := x.last(); err != nil {
		return err
	}
	for i := range all {
		if d.ollama {
			f.chunk(x, i, `"content":"`, nil, `"`, finishReason(&all[i]))
		} else {
			f.chunk(x, i, "", nil, "", finishReason(&all[i]))
		}
	}
	if p.Usage {
		x.buf = f.appendUsage(append(append(x.buf, f.head...), `],"usage":`...), p, out)
		x.buf = append(x.buf, "}\n\n"...)
	}
	x.buf = append(x.buf, "data: [DONE]\n\n"...)
	return x.flush()
}

func (d openai) streamCall(x *exchange, f *openaiFrame, choice, index int, c answer.Call) error {
	if err := x.step(); err != nil {
		return err
	}
	at := string(answer.AppendInt([]byte(`"tool_calls":[{"index":`), index))
	if d.ollama { // the whole call at once
		call := d.appendCall([]byte(`"content":"","tool_calls":[{`), x, index, c)
		f.chunk(x, choice, string(call)+"}]", nil, "", "")
		return x.push()
	}
	start := append([]byte(at), `,"id":"`+x.ids.ID("call_", 24)+`","type":"function","function":{"name":`...)
	f.chunk(x, choice, string(answer.AppendQuoted(start, c.Name))+`,"arguments":""}}]`, nil, "", "")
	if err := x.push(); err != nil {
		return err
	}
	for piece := range answer.Fragments(c.Args, answer.ArgSize) {
		if err := x.step(); err != nil {
			return err
		}
		f.chunk(x, choice, at+`,"function":{"arguments":"`, piece, `"}}]`, "")
		if err := x.push(); err != nil {
			return err
		}
	}
	return nil
}

// complete answers the legacy text completion.
func (d openai) complete(x *exchange, root gjson.Result) error {
	p, e := prompt.OpenAICompletion(root, d.ollama)
	if e != nil {
		return x.refuse(invalid(e.Message, e.Param, e.Code))
	}
	all, out := answers(x, &p)
	f := d.frame(x, "text_completion", &p, root)
	if !p.Stream {
		x.buf = append(x.buf, f.head...)
		for i := range all {
			if i > 0 {
				x.buf = append(x.buf, ',')
			}
			x.buf = answer.AppendQuoted(append(x.buf, `{"text":`...), all[i].Text.Bytes)
			x.buf = answer.AppendInt(append(x.buf, `,"index":`...), i)
			x.buf = answer.AppendQuoted(append(x.buf, `,"logprobs":null,"finish_reason":`...), finishReason(&all[i]))
			x.buf = append(x.buf, '}')
		}
		x.buf = f.appendUsage(append(x.buf, `],"usage":`...), &p, out)
		x.buf = append(x.buf, '}')
		return x.reply(out)
	}
	if err := x.open(eventStream); err != nil {
		return err
	}
	for i := range all {
		for t := range all[i].Text.Len() {
			if err := x.step(); err != nil {
				return err
			}
			f.chunk(x, i, `"text":"`, all[i].Text.At(t), `"`, "")
			if err := x.push(); err != nil {
				return err
			}
		}
	}
	if err := x.last(); err != nil {
		return err
	}
	for i := range all {
		f.chunk(x, i, `"text":"`, nil, `"`, finishReason(&all[i]))
	}
	if p.Usage {
		x.buf = f.appendUsage(append(append(x.buf, f.head...), `],"usage":`...), &p, out)
		x.buf = append(x.buf, "}\n\n"...)
	}
	x.buf = append(x.buf, "data: [DONE]\n\n"...)
	return x.flush()
}
