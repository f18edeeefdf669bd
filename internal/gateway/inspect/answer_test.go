package inspect

import (
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

func TestAnswer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		body  string
		usage abi.Usage
		ok    bool
	}{
		{`{"choices":[]}`, abi.Usage{}, true},
		{`{"error":null,"data":[]}`, abi.Usage{}, true},
		{`{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":8,"prompt_tokens_details":{"cached_tokens":7,"cache_write_tokens":6},"completion_tokens_details":{"reasoning_tokens":5}}}`,
			abi.Usage{Present: true, Prompt: 9, Completion: 8, Cached: 7, CacheWrite: 6, Reasoning: 5}, true},
		{`{"choices":[],"usage":{"prompt_tokens":-1}}`, abi.Usage{Present: true}, true},
		{`{"choices":[],"usage":null}`, abi.Usage{}, true},
		{`{"choices":[],"error":{}}`, abi.Usage{}, false},
		{`{"choices":{}}`, abi.Usage{}, false}, {`{}`, abi.Usage{}, false}, {`[]`, abi.Usage{}, false}, {`{"choices":[]`, abi.Usage{}, false}, {``, abi.Usage{}, false},
	} {
		if usage, ok := Answer([]byte(tc.body)); usage != tc.usage || ok != tc.ok {
			t.Errorf("%s: %+v, %t", tc.body, usage, ok)
		}
	}
}

func TestReadEvent(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		event string
		want  Event
	}{
		{`{}`, Event{}},
		{`{"error":{}}`, Event{Failed: true}}, {`{"error":null}`, Event{}},
		{`{"choices":[],"usage":{"completion_tokens":2}}`, Event{Usage: abi.Usage{Present: true, Completion: 2}}},
		{`{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`, Event{Choice: true, Speaking: 1}},
		{`{"choices":[{"index":1,"delta":{"content":"x"}}]}`, Event{Choice: true, Content: true, Speaking: 2}},
		{`{"choices":[{"delta":{"tool_calls":[{}]}}]}`, Event{Choice: true, Content: true, Speaking: 1}},
		{`{"choices":[{"text":"x"},{"text":"","index":2}]}`, Event{Choice: true, Content: true, Speaking: 5}},
		{`{"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}`, Event{Choice: true, Content: true, Finished: 2}},
		{`{"choices":[{"index":900,"finish_reason":"stop"}]}`, Event{Choice: true, Content: true, Finished: 1 << 63}},
	} {
		if got := ReadEvent(jsonraw.Value(tc.event)); got != tc.want {
			t.Errorf("%s:\n got %+v\nwant %+v", tc.event, got, tc.want)
		}
	}
}
