package main

import (
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/provider"
)

// benchRequest is a client request of 2 KB with a system prompt, a tool loop and a tool.
var benchRequest = []byte(`{"model":"quality","temperature":0.7,"max_tokens":512,"stream":true,"messages":[{"role":"system","content":"` +
	strings.Repeat("Be brief and friendly. ", 20) + `"},` +
	strings.Repeat(`{"role":"user","content":"What is the weather like in Rome today?"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Rome\"}"}}]},{"role":"tool","tool_call_id":"call_1","content":"sunny"},`, 4) +
	`{"role":"user","content":"And tomorrow?"}],"tools":[{"type":"function","function":{"name":"weather","description":"Weather of a city","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}}]}`)

func benchInstance(b *testing.B) *provider.Instance {
	b.Helper()
	inst := provider.New(&plugin{})
	if err := abi.DecodeReply(inst.Configure(nil, []byte("{}"))); err != nil {
		b.Fatal(err)
	}
	return inst
}

func run(b *testing.B, call func(dst, input []byte) []byte, input []byte) {
	b.Helper()
	out := call(nil, input)
	if out[0] != abi.ReplyOK {
		b.Fatalf("refused: %q", out)
	}
	b.ReportAllocs()
	for b.Loop() {
		out = call(out[:0], input)
	}
}

func BenchmarkRequest(b *testing.B) {
	in := abi.RequestInput{Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Flags: abi.FlagStream, Model: []byte("claude-sonnet-4-5"), Body: benchRequest}
	run(b, benchInstance(b).Request, in.Append(nil))
}

func BenchmarkResponse(b *testing.B) {
	body := `{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"` + strings.Repeat("A sentence of the answer.\\n", 60) +
		`"},{"type":"tool_use","id":"toolu_1","name":"weather","input":{"city":"Rome"}}],"stop_reason":"tool_use","usage":{"input_tokens":10,"output_tokens":20}}`
	in := abi.ResponseInput{Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Status: 200, Model: []byte("m"), RequestID: []byte("r"), Body: []byte(body)}
	run(b, benchInstance(b).Response, in.Append(nil))
}

func BenchmarkStreamEvent(b *testing.B) {
	inst := benchInstance(b)
	in := abi.StreamInput{Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Model: []byte("m"), RequestID: []byte("r"), Count: 1}
	in.Events = in.Events.Append(nil, []byte(`{"type":"message_start","message":{"id":"msg_01XFDUDYJgAACzvnptvVoYEL","model":"claude-sonnet-4-5-20250929","usage":{"input_tokens":10,"output_tokens":1}}}`))
	var out abi.StreamOutput
	if err := out.Decode(inst.Stream(nil, in.Append(nil))); err != nil {
		b.Fatal(err)
	}
	in.State = append([]byte(nil), out.State...)
	in.Events = in.Events[:0].Append([]byte("content_block_delta"), []byte(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" sentence of"}}`))
	run(b, inst.Stream, in.Append(nil))
}
