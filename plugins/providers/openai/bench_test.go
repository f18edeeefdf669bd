package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/provider"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

var benchLoad = sdktest.Load{Model: "some-model", Withheld: true, Event: func(text string) string {
	return `{"id":"chatcmpl-abc","object":"chat.completion.chunk","created":1700000000,"model":"some-model","system_fingerprint":"fp",` +
		`"choices":[{"index":0,"delta":{"content":"` + text + `"},"logprobs":null,"finish_reason":null}],"usage":null}`
}}

var benchEvent = benchLoad.Event(" word")

// BenchmarkGuest measures the module in the host; the targets stand at sdktest.Benchmark.
func BenchmarkGuest(b *testing.B) {
	sdktest.Benchmark(b, hosttest.LoadProvider(b, ".", genericConfig), &benchLoad)
}

// BenchmarkNative is the same without a module, for profiles.
func BenchmarkNative(b *testing.B) {
	sdktest.Benchmark(b, sdktest.Native(b, newPlugin(), genericConfig), &benchLoad)
}

func benchInstance(b *testing.B, config string) *provider.Instance {
	b.Helper()
	inst := provider.New(newPlugin())
	if err := abi.DecodeReply(inst.Configure(nil, []byte(config))); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	return inst
}

func BenchmarkResponse2KB(b *testing.B) {
	inst := benchInstance(b, genericConfig)
	body := []byte(`{"id":"c1","object":"chat.completion","created":5,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"`)
	body = append(body, bytes.Repeat([]byte("word \\n "), 220)...)
	body = append(body, `"},"finish_reason":"eos","logprobs":null}],"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30}}`...)
	in := abi.ResponseInput{
		Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Status: 200, Now: sdktest.Now, Model: []byte(sdktest.Model),
		RequestID: []byte(sdktest.RequestID), Body: body,
	}
	input := in.Append(nil)
	b.SetBytes(int64(len(body)))
	var out []byte
	for b.Loop() {
		out = inst.Response(out[:0], input)
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
