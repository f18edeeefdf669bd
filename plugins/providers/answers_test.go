package providers_test

import (
	"strconv"
	"strings"
)

// stream is a stream whose last batch is a shape: one event, or as many as fit.
type stream struct {
	shape
	opening string // an event in a batch of its own, if not empty
}

// events makes a stream of repeated events, and event one of a single large event.
func events(name, opening, event string) stream {
	return stream{shape{name, func(size int) string { return strings.Repeat(event+"\n", size/len(event)) }}, opening}
}

func event(s shape, opening string) stream { return stream{s, opening} }

// What Anthropic may answer.
const (
	message      = `{"id":"m","type":"message","role":"assistant","model":"c","stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1},"content":[`
	messageStart = `{"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":1}}}`
	toolUse      = `{"type":"tool_use","id":"i","name":"f","input":`
	overloaded   = `{"type":"error","error":{"type":"overloaded_error","message":`
)

var anthropicAnswers = []shape{
	many("text blocks", message, `{"type":"text","text":"a"}`, `]}`),
	many("calls", message, toolUse+`{}}`, `]}`),
	many("thinking", message, `{"type":"thinking","thinking":"a","signature":"b"}`, `]}`),
	many("redacted thinking", message, `{"type":"redacted_thinking","data":"b"}`, `]}`),
	many("unknown blocks", message, `{}`, `]}`),
	many("an input of numbers", message+toolUse+`{"a":[`, `1`, `]}}]}`),
	many("an input of strings", message+toolUse+`{"a":[`, `""`, `]}}]}`),
	run("an input of escapes", message+toolUse+`{"a":"`, `\n`, `"}}]}`),
	run("an input of control characters", message+toolUse+`{"a":"`, "\u007f", `"}}]}`),
	run("an input of blanks", message+toolUse+`{"a":[1`, ` ,1`, `]}}]}`),
	many("usage", message+`],"usage":{`, `"input_tokens":1`, `}}`),
	many("members", message+`],`, `"id":"m"`, `}`),
	deep("deep input", message+toolUse+`{"a":`, `{"a":`, `[`, `1,`, `1]`, `}`, `}}]}`),
	run("a long error", overloaded+`"`, `sk-abcdefgh `, `"}}`),
	many("errors", `{"type":"error",`, `"error":{"message":"m"}`, `}`),
	run("a page", `<html>`, `<p>x</p>`, `</html>`),
}

var anthropicStreams = []stream{
	events("deltas", messageStart, `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}`),
	events("other deltas", messageStart, `{"type":"content_block_delta", "index":0,"delta":{"type":"text_delta","text":"a"}}`),
	events("signatures", messageStart, `{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"a"}}`),
	events("starts", messageStart, `{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"i","name":"f","input":{"a":1}}}`),
	events("openings", ``, messageStart),
	events("usage", messageStart, `{"type":"message_delta","usage":{"output_tokens":1}}`),
	events("pings", messageStart, `{"type":"ping"}`),
	events("nothing", messageStart, `{}`),
	event(run("a long delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"`, `\n`, `"}}`), messageStart),
	event(many("a delta of numbers", `{"type":"content_block_delta","index":0,"delta":{"x":[`, `1`, `]}}`), messageStart),
	event(many("members", `{`, `"type":"ping"`, `}`), messageStart),
	event(many("usage of many members", `{"type":"message_delta","usage":{`, `"output_tokens":1`, `}}`), messageStart),
	event(many("input at the start", `{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"i","name":"f","input":{`, `"a":1`, `}}}`), messageStart),
	event(run("a long error", overloaded+`"`, `sk-abcdefgh `, `"}}`), messageStart),
}

// What Ollama may answer.
const ollamaLine = `{"model":"m","created_at":"t","message":{"role":"assistant","content":"a"},"done":false}`

var ollamaAnswers = []shape{
	many("calls", `{"model":"m","done":true,"message":{"content":"","tool_calls":[`, `{"function":{"name":"f","arguments":{}}}`, `]}}`),
	many("empty calls", `{"model":"m","done":true,"message":{"content":"","tool_calls":[`, `{}`, `]}}`),
	many("arguments of numbers", `{"message":{"tool_calls":[{"function":{"name":"f","arguments":{"a":[`, `1`, `]}}}]}}`),
	run("arguments of escapes", `{"message":{"tool_calls":[{"function":{"name":"f","arguments":{"a":"`, `\n`, `"}}}]}}`),
	many("logprobs", `{"message":{"content":"a"},"logprobs":[`, `{}`, `]}`),
	many("members", `{"message":{"content":"a"},`, `"done":true`, `}`),
	many("messages", `{`, `"message":{"content":"a"}`, `}`),
	run("a long text", `{"message":{"content":"`, `\n`, `"}}`),
	run("a long error", `{"error":"`, `sk-abcdefgh `, `"}`),
	run("a page", `<html>`, `<p>x</p>`, `</html>`),
}

var ollamaEmbeddings = []shape{
	many("numbers", `{"model":"m","embeddings":[[`, `0.5`, `]]}`),
	many("short numbers", `{"model":"m","embeddings":[[`, `1`, `]]}`),
	many("numbers with exponents", `{"model":"m","embeddings":[[`, `1e9`, `]]}`),
	run("a long number", `{"model":"m","embeddings":[[0.`, `1`, `]]}`),
	many("long numbers", `{"model":"m","embeddings":[[`, `0.1234567890123456789012345678901234567890`, `]]}`),
	many("vectors", `{"model":"m","embeddings":[`, `[1]`, `]}`),
	many("empty vectors", `{"model":"m","embeddings":[`, `[]`, `]}`),
}

var inputs = []shape{
	many("inputs", `{"input":[`, `"a"`, `]}`),
	many("parameters", `{`, `"user":"a"`, `,"input":"x"}`),
}

var ollamaStreams = []stream{
	events("lines", ollamaLine, ollamaLine),
	events("other lines", ollamaLine, ` `+ollamaLine),
	events("calls", ollamaLine, `{"message":{"tool_calls":[{"function":{"name":"f","arguments":{}}}]}}`),
	events("logprobs", ollamaLine, `{"message":{},"logprobs":[]}`),
	events("nothing", ollamaLine, `{}`),
	event(many("many calls", `{"message":{"tool_calls":[`, `{"function":{"name":"f"}}`, `]}}`), ollamaLine),
	event(many("members", `{`, `"done":false`, `}`), ollamaLine),
	event(run("a long line", `{"model":"m","created_at":"t","message":{"role":"assistant","content":"`, `\n`, `"},"done":false}`), ollamaLine),
}

// What a vendor may answer that is taken for OpenAI and has to be repaired.
const (
	choice  = `{"message":{"content":"a"},"finish_reason":"stop"}`
	delta   = `{"choices":[{"index":0,"delta":{"content":"a"}}]}`
	deltaOf = `{"choices":[{"index":0,"delta":{`
)

// choices opens so many choices, and calls so many tool calls.
func choices(n int) string {
	return `{"choices":[` + numbered(n, `{"index":#,"delta":{"content":"a"}}`) + `]}`
}

func calls(n int) string {
	return deltaOf + `"tool_calls":[` + numbered(n, `{"index":#,"id":"a#","function":{"name":"f#"}}`) + `]}}]}`
}

// numbered repeats item with commas between, and its number for each # in it.
func numbered(n int, item string) string {
	items := make([]string, n)
	for i := range items {
		items[i] = strings.ReplaceAll(item, "#", strconv.Itoa(i))
	}
	return strings.Join(items, ",")
}

var openaiAnswers = []shape{
	many("choices", `{"choices":[`, choice, `]}`),
	many("empty choices", `{"choices":[`, `{}`, `]}`),
	many("calls", `{"choices":[{"message":{"tool_calls":[`, `{"id":"a","function":{"name":"f","arguments":"{}"}}`, `]}}]}`),
	many("empty calls", `{"choices":[{"message":{"tool_calls":[`, `{}`, `]}}]}`),
	many("parts", `{"choices":[{"message":{"content":[`, `{"type":"text","text":"a"}`, `]}}]}`),
	many("strings for parts", `{"choices":[{"message":{"content":[`, `"a"`, `]}}]}`),
	many("thinking", `{"choices":[{"message":{"content":[{"type":"thinking","thinking":[`, `{"text":"a"}`, `]}]}}]}`),
	many("unknown members of a message", `{"choices":[{"message":{`, `"a":1`, `}}]}`),
	many("unknown members of a choice", `{"choices":[{`, `"a":1`, `}]}`),
	many("unknown members", `{`, `"a":1`, `,"choices":[`+choice+`]}`),
	many("usage", `{"choices":[`+choice+`],"usage":{`, `"prompt_tokens":1`, `}}`),
	many("details of usage", `{"choices":[`+choice+`],"usage":{`, `"prompt_tokens_details":{}`, `}}`),
	many("arguments of numbers", `{"choices":[{"message":{"tool_calls":[{"function":{"arguments":{"a":[`, `1`, `]}}}]}}]}`),
	run("arguments of escapes", `{"choices":[{"message":{"tool_calls":[{"function":{"arguments":{"a":"`, `\n`, `"}}}]}}]}`),
	deep("deep arguments", `{"choices":[{"message":{"tool_calls":[{"function":{"arguments":`, `{"a":`, `[`, `1,`, `1]`, `}`, `}}]}}]}`),
	many("logprobs", `{"choices":[{"message":{"content":"a"},"logprobs":{"content":[`, `{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[]}`, `]}}]}`),
	many("empty logprobs", `{"choices":[{"message":{"content":"a"},"logprobs":{"content":[`, `{}`, `]}}]}`),
	many("errors", `{"error":{`, `"message":"m"`, `}}`),
	many("details of errors", `{"detail":[{`, `"msg":{"msg":{"msg":"m"}}`, `}]}`),
	many("metadata of errors", `{"error":{"message":"m",`, `"metadata":{"raw":"x"}`, `}}`),
	run("a long error", `{"error":{"message":"`, `sk-abcdefgh `, `"}}`),
	run("a page", `<html>`, `<p>x</p>`, `</html>`),
}

var openaiStreams = []stream{
	events("deltas", delta, delta),
	events("other deltas", delta, `{"choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"prompt_tokens":1}}`),
	events("calls", delta, deltaOf+`"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}}]}`),
	events("pieces", delta, deltaOf+`"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]}`),
	events("nothing", delta, `{}`),
	events("logprobs", delta, `{"choices":[{"index":0,"delta":{"content":"a"},"logprobs":{"content":[{}]}}]}`),
	events("logprobs alone", delta, `{"choices":[{"logprobs":{}}]}`),
	events("the oldest of many choices", choices(128), `{"choices":[{"index":0,"delta":{"content":"a"},"logprobs":1}]}`),
	events("the oldest of many calls", calls(1000), deltaOf+`"tool_calls":[{"index":0,"function":{"arguments":1}}]}}]}`),
	events("finishes", delta, `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`),
	events("usage", delta, `{"choices":[],"usage":{"prompt_tokens":1}}`),
	event(many("many logprobs", `{"choices":[{"index":0,"delta":{"content":"a"},"logprobs":{"content":[`, `{"token":"a","logprob":-0.5,"bytes":[97]}`, `]}}]}`), delta),
	event(many("numbers for logprobs", `{"choices":[{"index":0,"delta":{"content":"a"},"logprobs":[`, `1`, `]}]}`), delta),
	event(many("many choices", `{"choices":[`, `{"index":1,"delta":{"content":"a"}}`, `]}`), delta),
	event(many("parts", deltaOf+`"content":[`, `{"type":"text","text":"a"}`, `]}}]}`), delta),
	event(many("unknown members of a delta", deltaOf, `"a":1`, `}}]}`), delta),
	event(many("members", `{`, `"a":1`, `,"choices":[]}`), delta),
	event(many("pieces of a call", deltaOf+`"tool_calls":[`, `{"index":0,"function":{"arguments":"1"}}`, `]}}]}`), delta),
	event(many("empty pieces", deltaOf+`"tool_calls":[`, `{}`, `]}}]}`), delta),
	event(run("a long delta", deltaOf+`"content":"`, `\n`, `"}}]}`), delta),
	event(many("arguments", deltaOf+`"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":[`, `1`, `]}}]}}]}`), delta),
}
