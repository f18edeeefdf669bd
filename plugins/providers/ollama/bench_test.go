package main

import (
	"bytes"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/provider"
)

func benchInstance(b *testing.B) *provider.Instance {
	b.Helper()
	inst := provider.New(&plugin{})
	if err := abi.DecodeReply(inst.Configure(nil, []byte(`{"num_ctx":8192}`))); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	return inst
}

// benchBody is a conversation of about 2 KB.
func benchBody() []byte {
	words := bytes.Repeat([]byte("some words and \\\"more\\\" "), 12)
	body := []byte(`{"model":"local","temperature":0.7,"max_tokens":256,"messages":[{"role":"system","content":"Be brief."}`)
	for range 3 {
		body = append(append(append(body, `,{"role":"user","content":"`...), words...), `"},{"role":"assistant","content":"`...)
		body = append(append(body, words...), `"}`...)
	}
	return append(body, `,{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Rome\"}"}}]},{"role":"tool","tool_call_id":"c1","content":"sunny"}],"stop":["END"]}`...)
}

func BenchmarkRequest2KB(b *testing.B) {
	inst := benchInstance(b)
	body := benchBody()
	input := requestInput(string(body)).Append(nil)
	b.SetBytes(int64(len(body)))
	var out []byte
	for b.Loop() {
		out = inst.Request(out[:0], input)
	}
}

func BenchmarkResponse2KB(b *testing.B) {
	inst := benchInstance(b)
	body := []byte(`{"model":"llama3.2","created_at":"2025-01-01T00:00:00Z","message":{"role":"assistant","content":"`)
	body = append(body, bytes.Repeat([]byte("word \\n "), 230)...)
	body = append(body, `"},"done":true,"done_reason":"stop","prompt_eval_count":26,"eval_count":282}`...)
	in := abi.ResponseInput{
		Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Status: 200, Now: testNow, Model: []byte(testModel),
		RequestID: []byte(testID), Body: body,
	}
	input := in.Append(nil)
	b.SetBytes(int64(len(body)))
	var out []byte
	for b.Loop() {
		out = inst.Response(out[:0], input)
	}
}

// BenchmarkStreamEvent is one line in the middle of a stream.
func BenchmarkStreamEvent(b *testing.B) {
	inst := benchInstance(b)
	var first abi.StreamOutput
	if err := first.Decode(inst.Stream(nil, streamInput(nil, textLine).Append(nil))); err != nil {
		b.Fatal(err)
	}
	input := streamInput(bytes.Clone(first.State), textLine).Append(nil)
	var out []byte
	for b.Loop() {
		out = inst.Stream(out[:0], input)
	}
}
