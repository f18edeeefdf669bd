package main

import (
	"bytes"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

// TestQuick changes every byte of the events that are handled without being parsed: each must give what the same event
// gives behind a space, which sends it the long way.
func TestQuick(t *testing.T) {
	host := sdktest.NewProvider(t, &plugin{}, "")
	play := func(state []byte, events ...string) (state2, chunks []byte, done bool) {
		in := abi.StreamInput{Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Model: []byte("m"), RequestID: []byte("r"), State: state}
		for _, e := range events {
			in.Events = in.Events.Append(nil, []byte(e))
			in.Count++
		}
		out, err := host.Stream(&in)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Clone(out.State), bytes.Clone(out.Chunks), out.Done
	}
	state, _, _ := play(nil, append(benchLoad.Opening,
		`{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"i","name":"f"}}`)...)
	for _, event := range []string{
		benchLoad.Event("a b"),
		benchLoad.Event(""),
		`{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a\""} }`,
		`{"type":"content_block_delta","index":2,"delta":{"type":"thinking_delta","thinking":"\u00e9"}}`,
		benchLoad.Event("x") + " ",
	} {
		for i := range len(event) + 1 {
			for _, c := range []string{"", "\"", "\\", "1", "}", " ", "\n"} {
				changed := event
				if i < len(event) {
					changed = event[:i] + c + event[i+1:]
				}
				s1, c1, d1 := play(state, changed)
				s2, c2, d2 := play(state, " "+changed)
				if !bytes.Equal(s1, s2) || !bytes.Equal(c1, c2) || d1 != d2 {
					t.Fatalf("%s\ngives        %q\nthe long way %q", changed, c1, c2)
				}
			}
		}
	}
}
