package simulator

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/simulator/answer"
	"github.com/switchyard-gateway/switchyard/internal/simulator/prompt"
	"github.com/switchyard-gateway/switchyard/internal/simulator/seed"
)

// ollama is Ollama's native dialect under /api.
type ollama struct{}

var ollamaModels = [...]string{"llama3.2:latest", "qwen3:8b", "gemma3:4b"}

func (ollama) credential(h http.Header) (string, bool) { return openai{ollama: true}.credential(h) }

func (ollama) head(*exchange, http.Header) {}

func (d ollama) serve(x *exchange, path string) error {
	switch path {
	case "api/tags":
		if x.r.Method != http.MethodGet {
			return x.refuse(d.refusal(x, reasonMethod))
		}
		return d.tags(x)
	case "api/chat":
		if x.r.Method != http.MethodPost {
			return x.refuse(d.refusal(x, reasonMethod))
		}
		return d.chat(x)
	}
	return x.refuse(d.refusal(x, reasonPath))
}

func (ollama) refusal(x *exchange, reason int) refusal {
	switch reason {
	case reasonNoKey, 401:
		return refusal{status: 401, message: "unauthorized"}
	case 404, reasonModel:
		return refusal{status: 404, message: fmt.Sprintf("model '%s' not found", x.model)}
	case reasonPath:
		return refusal{status: 404, message: "404 page not found"}
	case reasonMethod:
		return refusal{status: 405, message: "405 method not allowed"}
	case 500:
		return refusal{status: 500, message: "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error"}
	case 503:
		return refusal{status: 503, message: "server busy, please try again.  maximum pending requests exceeded"}
	case reasonContextLength:
		return refusal{status: 400, message: "the input length exceeds the context length"}
	case reasonContentPolicy:
		return refusal{status: 400, message: "the request was refused for its content"}
	case reasonBadJSON:
		return refusal{status: 400, message: "invalid character in the request body"}
	}
	return refusal{status: reason, message: strings.ToLower(http.StatusText(reason))}
}

func (ollama) appendError(dst []byte, _ *exchange, e refusal) []byte {
	return append(answer.AppendQuoted(append(dst, `{"error":`...), e.message), '}')
}

func (d ollama) appendEventError(dst []byte, x *exchange, e refusal) []byte {
	return append(d.appendError(dst, x, e), '\n')
}

func (ollama) brokenEvent() string { return "{\"model\":\"oops\",\"message\":{]}\n" }
func (ollama) cutEvent() string    { return `{"model":"cut","created_at":"2025-06-15T15:06:40Z","mess` }

func (ollama) tags(x *exchange) error {
	x.buf = append(x.buf, `{"models":[`...)
	for i, name := range ollamaModels {
		if i > 0 {
			x.buf = append(x.buf, ',')
		}
		family, _, _ := strings.Cut(name, ":")
		digest := seed.New(0, name, 0)
		x.buf = answer.AppendQuoted(append(x.buf, `{"name":`...), name)
		x.buf = answer.AppendQuoted(append(x.buf, `,"model":`...), name)
		x.buf = append(x.buf, `,"modified_at":"2025-06-15T12:00:00Z","size":2019393189,"digest":"`...)
		x.buf = append(append(x.buf, digest.Hex(64)...), `","details":{"parent_model":"","format":"gguf","family":`...)
		x.buf = answer.AppendQuoted(x.buf, family)
		x.buf = answer.AppendQuoted(append(x.buf, `,"families":[`...), family)
		x.buf = append(x.buf, `],"parameter_size":"4B","quantization_level":"Q4_K_M"}}`...)
	}
	x.buf = append(x.buf, "]}"...)
	return x.reply(0)
}

func (d ollama) chat(x *exchange) error {
	root, ok := x.decode()
	if !ok {
		return x.refuse(d.refusal(x, reasonBadJSON))
	}
	if x.model = root.Get("model").Str; x.model == "" {
		return x.refuse(refusal{status: 400, message: "model is required"})
	}
	if strings.HasPrefix(x.model, missingModel) {
		return x.refuse(d.refusal(x, reasonModel))
	}
	p, err := prompt.Ollama(root)
	if err != nil {
		return x.refuse(refusal{status: 400, message: err.Error()})
	}
	if !root.Get("messages.0").Exists() { // a request to load the model
		x.buf = append(d.appendHead(x.buf, x, 0), `,"message":{"role":"assistant","content":""},"done":true,"done_reason":"load"}`...)
		return x.reply(0)
	}
	a := x.compose(&p, 0)
	if p.Stream {
		return d.stream(x, &p, &a)
	}
	b := d.appendHead(x.buf, x, a.OutputTokens())
	b = answer.AppendQuoted(append(b, `,"message":{"role":"assistant","content":`...), a.Text.Bytes)
	if a.Think.Len() > 0 {
		b = answer.AppendQuoted(append(b, `,"thinking":`...), a.Think.Bytes)
	}
	if len(a.Calls) > 0 {
		b = append(b, `,"tool_calls":[`...)
		for i, c := range a.Calls {
			if i > 0 {
				b = append(b, ',')
			}
			b = d.appendCall(b, x, i, c)
		}
		b = append(b, ']')
	}
	x.buf = d.appendCounts(append(b, '}'), x, &p, &a)
	return x.reply(a.OutputTokens())
}

// appendHead appends the members that begin each line. The time is the request's own, a millisecond later for each token.
func (ollama) appendHead(dst []byte, x *exchange, token int) []byte {
	dst = answer.AppendQuoted(append(dst, `{"model":`...), x.model)
	at := time.Unix(x.created, int64(token)*int64(time.Millisecond)+123_456).UTC()
	dst = at.AppendFormat(append(dst, `,"created_at":"`...), time.RFC3339Nano)
	return append(dst, '"')
}

func (ollama) appendCall(dst []byte, x *exchange, index int, c answer.Call) []byte {
	dst = append(append(dst, `{"id":"`...), x.ids.ID("call_", 8)...)
	dst = answer.AppendInt(append(dst, `","function":{"index":`...), index)
	dst = answer.AppendQuoted(append(dst, `,"name":`...), c.Name)
	dst = append(append(dst, `,"arguments":`...), c.Args...)
	return append(dst, "}}"...)
}

// appendCounts ends the last line. Durations are nominal: they follow from the counts and the drawn latency.
func (ollama) appendCounts(dst []byte, x *exchange, p *prompt.Prompt, a *answer.Answer) []byte {
	reason := finishReason(a)
	if len(a.Calls) > 0 {
		reason = "stop"
	}
	const load, perToken = 12_000_000, 1_000_000
	in, out := p.InputTokens(), a.OutputTokens()
	dst = answer.AppendQuoted(append(dst, `,"done":true,"done_reason":`...), reason)
	dst = answer.AppendInt(append(dst, `,"total_duration":`...), load+int64(x.latency)+int64(out)*perToken)
	dst = answer.AppendInt(append(dst, `,"load_duration":`...), load)
	dst = answer.AppendInt(append(dst, `,"prompt_eval_count":`...), in)
	dst = answer.AppendInt(append(dst, `,"prompt_eval_duration":`...), int64(x.latency))
	dst = answer.AppendInt(append(dst, `,"eval_count":`...), out)
	dst = answer.AppendInt(append(dst, `,"eval_duration":`...), int64(out)*perToken)
	return append(dst, '}')
}

func (d ollama) stream(x *exchange, p *prompt.Prompt, a *answer.Answer) error {
	if err := x.open("application/x-ndjson"); err != nil {
		return err
	}
	for i := range a.Think.Len() {
		if err := x.step(); err != nil {
			return err
		}
		b := append(d.appendHead(x.buf, x, x.sent), `,"message":{"role":"assistant","content":"","thinking":`...)
		x.buf = append(answer.AppendQuoted(b, a.Think.At(i)), "},\"done\":false}\n"...)
		if err := x.push(); err != nil {
			return err
		}
	}
	for i := range a.Text.Len() {
		if err := x.step(); err != nil {
			return err
		}
		b := append(d.appendHead(x.buf, x, x.sent), `,"message":{"role":"assistant","content":`...)
		x.buf = append(answer.AppendQuoted(b, a.Text.At(i)), "},\"done\":false}\n"...)
		if err := x.push(); err != nil {
			return err
		}
	}
	for i, c := range a.Calls {
		if err := x.step(); err != nil {
			return err
		}
		b := append(d.appendHead(x.buf, x, x.sent), `,"message":{"role":"assistant","content":"","tool_calls":[`...)
		x.buf = append(d.appendCall(b, x, i, c), "]},\"done\":false}\n"...)
		if err := x.push(); err != nil {
			return err
		}
	}
	if err := x.last(); err != nil {
		return err
	}
	b := append(d.appendHead(x.buf, x, x.sent+1), `,"message":{"role":"assistant","content":""}`...)
	x.buf = append(d.appendCounts(b, x, p, a), '\n')
	return x.flush()
}
