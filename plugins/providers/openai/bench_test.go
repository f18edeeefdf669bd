package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/provider"
)

func benchInstance(b *testing.B, config string) *provider.Instance {
	b.Helper()
	inst := provider.New(newPlugin())
	if err := abi.DecodeReply(inst.Configure(nil, []byte(config))); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	return inst
}

func BenchmarkRequest(b *testing.B) {
	inst := benchInstance(b, `{}`)
	in := requestInput(``)
	in.Flags |= abi.FlagStream | abi.FlagBodyWithheld
	input := in.Append(nil)
	var out []byte
	for b.Loop() {
		out = inst.Request(out[:0], input)
	}
}

func BenchmarkResponse2KB(b *testing.B) {
	inst := benchInstance(b, genericConfig)
	body := []byte(`{"id":"c1","object":"chat.completion","created":5,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"`)
	body = append(body, bytes.Repeat([]byte("word \\n "), 220)...)
	body = append(body, `"},"finish_reason":"eos","logprobs":null}],"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30}}`...)
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

const benchEvent = `{"id":"chatcmpl-abc","object":"chat.completion.chunk","created":1700000000,"model":"some-model","system_fingerprint":"fp","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null}`

// BenchmarkStreamEvent is one content event in the middle of a stream.
func BenchmarkStreamEvent(b *testing.B) {
	inst := benchInstance(b, genericConfig)
	var first abi.StreamOutput
	if err := first.Decode(inst.Stream(nil, streamInput(nil, benchEvent, benchEvent).Append(nil))); err != nil {
		b.Fatal(err)
	}
	input := streamInput(bytes.Clone(first.State), benchEvent).Append(nil)
	var out []byte
	for b.Loop() {
		out = inst.Stream(out[:0], input)
	}
}

// BenchmarkStreamEventUnlike is an event that differs from the one before in more than its text.
func BenchmarkStreamEventUnlike(b *testing.B) {
	inst := benchInstance(b, genericConfig)
	var first abi.StreamOutput
	if err := first.Decode(inst.Stream(nil, streamInput(nil, benchEvent, benchEvent).Append(nil))); err != nil {
		b.Fatal(err)
	}
	input := streamInput(bytes.Clone(first.State), strings.Replace(benchEvent, `"fp"`, `"fq"`, 1)).Append(nil)
	var out []byte
	for b.Loop() {
		out = inst.Stream(out[:0], input)
	}
}
