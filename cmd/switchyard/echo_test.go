package main

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// An echo vendor speaks the dialects of OpenAI, Anthropic and Ollama under /openai, /anthropic and /ollama, and says
// nothing but what it was sent: the request line and every header, in the answer, in errors, in stream events and in its
// own headers. The model's name is MODE.SPELLING, of echoModes and echoSpellings.
var (
	echoModes     = []string{"answer", "error", "html", "late-error", "cut", "redirect", "strange"}
	echoSpellings = map[string]func(string) string{
		"plain":   func(s string) string { return s },
		"escaped": func(s string) string { return spell(`\u%04x`, s) },
		"twice":   func(s string) string { return strings.ReplaceAll(spell(`\u%04x`, s), `\`, `\\`) },
		"url":     url.QueryEscape,
		"html":    func(s string) string { return html.EscapeString(spell("&#%d;", s)) },
	}
)

func spell(format, s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

func newEchoVendor(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(s.Close)
	return s
}

func echo(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Model  string
		Stream bool
	}
	body, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(body, &ask); err != nil {
		http.Error(w, err.Error(), http.StatusTeapot)
		return
	}
	mode, spelling, _ := strings.Cut(ask.Model, ".")
	text := r.RequestURI
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range r.Header {
			if !yield(name) {
				return
			}
		}
	}) {
		value := strings.Join(r.Header[name], ", ")
		text += "; " + name + ": " + value
		if mode != "strange" {
			w.Header().Set("X-Echo-"+name, value)
			w.Header().Set("X-Request-Id", value)
			if !strings.ContainsAny(value, " ,;/<>\"\\()@=:") { // it can be a name
				w.Header().Set("X-"+value, "1")
			}
		}
	}
	// What is a JSON text by then stays one: only spellings that need it are escaped.
	said := echoSpellings[spelling](text)
	if spelling != "escaped" && spelling != "twice" {
		quoted, _ := json.Marshal(said)
		said = string(quoted[1 : len(quoted)-1])
	}
	dialect, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	echoMode(w, mode, ask.Stream, dialect, path, said, text)
}

func echoMode(w http.ResponseWriter, mode string, stream bool, dialect, path, said, text string) {
	failure := `{"type":"error","error":{"type":"` + said + `","code":"` + said + `","param":"` + said + `","message":"` + said + `"}}`
	switch {
	case mode == "error":
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, failure)
	case mode == "html":
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "<html>"+html.EscapeString(text)+"</html>")
	case mode == "redirect":
		w.Header().Set("Location", "/elsewhere?"+url.QueryEscape(text))
		w.WriteHeader(http.StatusTemporaryRedirect)
	case mode == "strange":
		w.Header().Set("Content-Encoding", text)
		_, _ = io.WriteString(w, said)
	case stream:
		w.Header().Set("Content-Type", "text/event-stream")
		for event := range strings.SplitAfterSeq(echoStream(mode, dialect, said, failure), " ") { // no boundary is an event's
			_, _ = io.WriteString(w, event)
			_ = http.NewResponseController(w).Flush()
		}
	case mode == "late-error":
		_, _ = io.WriteString(w, failure)
	case mode == "cut":
		w.Header().Set("Content-Length", "100000")
		_, _ = io.WriteString(w, echoAnswer(dialect, path, said))
		panic(http.ErrAbortHandler)
	default:
		_, _ = io.WriteString(w, echoAnswer(dialect, path, said))
	}
}

func echoAnswer(dialect, path, said string) string {
	const usage = `"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}`
	switch {
	case strings.HasSuffix(path, "embeddings"):
		return `{"object":"list","model":"` + said + `","data":[{"object":"embedding","index":0,"embedding":[0.5]}],` + usage + `}`
	case strings.HasSuffix(path, "embed"):
		return `{"model":"` + said + `","embeddings":[[0.5]],"prompt_eval_count":1}`
	case dialect == "anthropic":
		return `{"id":"` + said + `","type":"message","role":"assistant","model":"` + said + `","content":[{"type":"text","text":"` + said +
			`"},{"type":"tool_use","id":"` + said + `","name":"f","input":{"a":"` + said + `"}}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`
	case dialect == "ollama":
		return `{"model":"` + said + `","message":{"role":"assistant","content":"` + said + `","tool_calls":[{"function":{"name":"f","arguments":{"a":"` + said +
			`"}}}]},"done":true,"done_reason":"stop","prompt_eval_count":1,"eval_count":1}`
	case strings.HasSuffix(path, "/completions") && !strings.HasSuffix(path, "chat/completions"):
		return `{"id":"` + said + `","choices":[{"index":0,"text":"` + said + `","finish_reason":"stop"}],` + usage + `}`
	default:
		return `{"id":"` + said + `","model":"` + said + `","choices":[{"index":0,"message":{"role":"assistant","content":"` + said + `"},"finish_reason":"stop"}],` + usage + `}`
	}
}

func echoStream(mode, dialect, said, failure string) string {
	var events []string
	frame := func(data string) string { return "data: " + data + "\n\n" }
	switch dialect {
	case "anthropic":
		frame = func(data string) string {
			var e struct{ Type string }
			_ = json.Unmarshal([]byte(data), &e)
			return "event: " + e.Type + "\nid: " + said + "\n: " + said + "\ndata: " + data + "\n\n"
		}
		events = []string{
			`{"type":"message_start","message":{"id":"` + said + `","model":"` + said + `","role":"assistant","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}`,
			`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"` + said + `"}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"` + said + `"}}`,
			`{"type":"content_block_stop","index":0}`,
			`{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":"` + said + `"},"usage":{"output_tokens":1}}`,
			`{"type":"message_stop"}`,
		}
	case "ollama":
		frame = func(data string) string { return data + "\n" }
		events = []string{
			`{"model":"` + said + `","message":{"role":"assistant","content":"` + said + `"},"done":false}`,
			`{"model":"` + said + `","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","eval_count":1}`,
		}
		failure = `{"error":"` + said + `"}`
	default:
		chunk := func(delta, reason string) string {
			return `{"id":"` + said + `","model":"` + said + `","choices":[{"index":0,"delta":{` + delta + `},"finish_reason":` + reason + `}]}`
		}
		events = []string{chunk(`"content":"`+said+`"`, "null"), chunk("", `"stop"`), "[DONE]"}
	}
	switch mode {
	case "late-error":
		events = append(events[:len(events)-1:len(events)-1], failure)
	case "cut":
		events = events[:len(events)-1]
	}
	var b strings.Builder
	for _, e := range events {
		b.WriteString(frame(e))
	}
	text := b.String()
	if mode == "cut" {
		text = text[:len(text)-9]
	}
	return text
}
