package answer

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

func TestCompletion(t *testing.T) {
	c := Completion{ID: AppendID(nil, `a"b`), Model: jsonraw.Value(`"m"`), Created: 7}
	c.Usage = abi.Usage{Present: true, Prompt: 10, Completion: 5, Cached: 3, CacheWrite: 2, Reasoning: 1}
	first := c.Add()
	first.Content(jsonraw.Value(`"a\n"`))
	first.Content(jsonraw.Value(`"é"`))
	first.Reasoning(jsonraw.Value(`"r"`))
	first.Extra = append(first.Extra, Extra{"thinking_blocks", jsonraw.Value(`[1]`)})
	first.Finish = FinishStop
	second := c.Add()
	second.Call(jsonraw.Value(`"i"`), jsonraw.Value(`"f"`), jsonraw.Value(`{"a": "b\"c"}`))
	second.Call(jsonraw.Value(`"j"`), jsonraw.Value(`"g"`), nil)
	second.Finish = FinishToolCalls
	const want = `{"id":"chatcmpl-a\"b","object":"chat.completion","created":7,"model":"m","choices":[` +
		`{"index":0,"message":{"role":"assistant","content":"a\né","refusal":null,"reasoning_content":"r","thinking_blocks":[1]},"logprobs":null,"finish_reason":"stop"},` +
		`{"index":1,"message":{"role":"assistant","content":null,"refusal":null,"tool_calls":[` +
		`{"id":"i","type":"function","function":{"name":"f","arguments":"{\"a\":\"b\\\"c\"}"}},` +
		`{"id":"j","type":"function","function":{"name":"g","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"}],` +
		`"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":3,"cache_write_tokens":2},"completion_tokens_details":{"reasoning_tokens":1}}}`
	if got := string(c.Append(nil)); got != want || !json.Valid([]byte(got)) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	c.Reset()
	if again := c.Add(); again.Calls() > 0 {
		t.Errorf("%d calls after Reset", again.Calls())
	} else {
		again.HasContent = true
	}
	if got := string(c.Append(nil)); !strings.Contains(got, `"content":""`) || strings.Contains(got, "tool_calls") {
		t.Errorf("after Reset: %s", got)
	}
}

// TestPlainCompletion: what is written in a short way has the same form.
func TestPlainCompletion(t *testing.T) {
	for _, rare := range []bool{false, true} {
		c := Completion{ID: AppendID(nil, "a"), Model: jsonraw.Value(`"m"`), Created: 7}
		c.Usage = abi.Usage{Present: true, Prompt: 10, Completion: 5}
		choice := c.Add()
		choice.Content(jsonraw.Value(`"a\n"`))
		choice.Finish = FinishStop
		extra := ""
		if rare {
			choice.Extra = append(choice.Extra, Extra{"x", jsonraw.Value(`1`)})
			extra = `,"x":1`
		}
		want := `{"id":"chatcmpl-a","object":"chat.completion","created":7,"model":"m","choices":[` +
			`{"index":0,"message":{"role":"assistant","content":"a\n","refusal":null` + extra + `},"logprobs":null,"finish_reason":"stop"}],` +
			`"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}`
		if got := string(c.Append(nil)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestCompletionLeavesNothing checks that an answer says nothing of the one before it.
func TestCompletionLeavesNothing(t *testing.T) {
	text := jsonraw.Value(`"text"`)
	plain := func(c *Completion) string {
		c.Reset()
		c.Add().Call(text, text, nil)
		c.Add()
		return string(c.Append(nil))
	}
	want := plain(&Completion{})
	c := Completion{ID: text, Model: text, Created: 7, Usage: abi.Usage{Present: true, Prompt: 1}}
	for range 2 {
		ch := c.Add()
		ch.Content(text)
		ch.Reasoning(text)
		ch.Call(text, text, nil)
		ch.Refusal, ch.Logprobs, ch.Finish, ch.Extra = text, jsonraw.Value("{}"), FinishStop, []Extra{{"extra", text}}
	}
	if got := plain(&c); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if c.Usage != (abi.Usage{}) {
		t.Errorf("usage %+v", c.Usage)
	}
}

func TestStream(t *testing.T) {
	for _, flags := range []uint16{0, abi.FlagIncludeUsage} {
		var out abi.StreamOutput
		var s Stream
		s.Begin(&out, AppendHead(nil, jsonraw.Value(`"i"`), jsonraw.Value(`"m"`), 7), flags)
		s.Role()
		s.Content(jsonraw.Value(`"a\n"`))
		s.Reasoning(jsonraw.Value(`"r"`))
		s.Choice = 1
		s.Call(0, jsonraw.Value(`"c"`), jsonraw.Value(`"f"`), nil)
		s.Arguments(0, jsonraw.Value(`"{}"`))
		s.QuotedArguments(2, jsonraw.Value(`{"a": 1}`))
		s.Finish(FinishStop)
		s.Usage(abi.Usage{Present: true, Prompt: 1, Completion: 2}, true)
		s.Fail(refusal.UpstreamError(500, "x"))
		want := []struct {
			kind abi.ChunkKind
			tail string
		}{
			{abi.ChunkMeta, `"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]`},
			{abi.ChunkContent, `"choices":[{"index":0,"delta":{"content":"a\n"},"logprobs":null,"finish_reason":null}]`},
			{abi.ChunkContent, `"choices":[{"index":0,"delta":{"reasoning_content":"r"},"logprobs":null,"finish_reason":null}]`},
			{abi.ChunkContent, `"choices":[{"index":1,"delta":{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":""}}]},"logprobs":null,"finish_reason":null}]`},
			{abi.ChunkContent, `"choices":[{"index":1,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]},"logprobs":null,"finish_reason":null}]`},
			{abi.ChunkContent, `"choices":[{"index":1,"delta":{"tool_calls":[{"index":2,"function":{"arguments":"{\"a\":1}"}}]},"logprobs":null,"finish_reason":null}]`},
			{abi.ChunkFinish, `"choices":[{"index":1,"delta":{},"logprobs":null,"finish_reason":"stop"}]`},
			{abi.ChunkUsage, `"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}`},
			{abi.ChunkError, ``},
		}
		if flags == 0 {
			want = append(want[:7], want[8])
		}
		i := 0
		for kind, data := range out.Chunks.All {
			if i >= len(want) || kind != want[i].kind {
				t.Fatalf("flags %d: chunk %d: %d %s", flags, i, kind, data)
			}
			text := `{"id":"i","object":"chat.completion.chunk","created":7,"model":"m",` + want[i].tail
			if kind != abi.ChunkUsage && flags != 0 {
				text += `,"usage":null`
			}
			if kind != abi.ChunkError && string(data) != text+"}" {
				t.Errorf("flags %d: chunk %d:\ngot  %s\nwant %s}", flags, i, data, text)
			}
			i++
		}
		if i != len(want) || !out.Done || out.Usage.Prompt != 1 {
			t.Errorf("flags %d: %d chunks, done %v, usage %+v", flags, i, out.Done, out.Usage)
		}
	}
}

func BenchmarkStreamContent(b *testing.B) {
	var out abi.StreamOutput
	var s Stream
	head := AppendHead(nil, jsonraw.Value(`"chatcmpl-1"`), jsonraw.Value(`"model"`), 7)
	b.ReportAllocs()
	for b.Loop() {
		out.Chunks = out.Chunks[:0]
		s.Begin(&out, head, 0)
		s.Content(jsonraw.Value(`" hello there"`))
	}
}
