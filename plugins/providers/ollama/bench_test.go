package main

import (
	"bytes"
	"testing"

	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/provider"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

var benchLoad = sdktest.Load{Model: "llama3.2", Event: func(text string) string {
	return `{"model":"llama3.2","created_at":"2025-01-01T00:00:00.123456789Z","message":{"role":"assistant","content":"` + text + `"},"done":false}`
}}

// BenchmarkGuest measures the module in the host; the targets stand at sdktest.Benchmark.
func BenchmarkGuest(b *testing.B) {
	sdktest.Benchmark(b, hosttest.LoadProvider(b, ".", `{"num_ctx":8192}`), &benchLoad)
}

// BenchmarkNative is the same without a module, for profiles.
func BenchmarkNative(b *testing.B) {
	sdktest.Benchmark(b, sdktest.Native(b, newPlugin(), `{"num_ctx":8192}`), &benchLoad)
}

func benchInstance(b *testing.B) *provider.Instance {
	b.Helper()
	inst := provider.New(newPlugin())
	if err := abi.DecodeReply(inst.Configure(nil, []byte(`{"num_ctx":8192}`))); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	return inst
}

func BenchmarkResponse2KB(b *testing.B) {
	inst := benchInstance(b)
	body := []byte(`{"model":"llama3.2","created_at":"2025-01-01T00:00:00Z","message":{"role":"assistant","content":"`)
	body = append(body, bytes.Repeat([]byte("word \\n "), 230)...)
	body = append(body, `"},"done":true,"done_reason":"stop","prompt_eval_count":26,"eval_count":282}`...)
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
