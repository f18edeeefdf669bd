package main

import (
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/provider"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

var benchLoad = sdktest.Load{
	Model: "claude-sonnet-4-5",
	Opening: []string{
		`{"type":"message_start","message":{"id":"msg_01XFDUDYJgAACzvnptvVoYEL","model":"claude-sonnet-4-5-20250929","usage":{"input_tokens":10,"output_tokens":1}}}`,
		`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
	},
	Event: func(text string) string {
		return `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"` + text + `"}}`
	},
}

// BenchmarkGuest measures the module in the host; the targets stand at sdktest.Benchmark.
func BenchmarkGuest(b *testing.B) {
	sdktest.Benchmark(b, hosttest.LoadProvider(b, ".", "{}"), &benchLoad)
}

// BenchmarkNative is the same without a module, for profiles.
func BenchmarkNative(b *testing.B) {
	sdktest.Benchmark(b, sdktest.Native(b, &plugin{}, "{}"), &benchLoad)
}

func BenchmarkResponse(b *testing.B) {
	body := `{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"` + strings.Repeat("A sentence of the answer.\\n", 60) +
		`"},{"type":"tool_use","id":"toolu_1","name":"weather","input":{"city":"Rome"}}],"stop_reason":"tool_use","usage":{"input_tokens":10,"output_tokens":20}}`
	in := abi.ResponseInput{Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Status: 200, Model: []byte("m"), RequestID: []byte("r"), Body: []byte(body)}
	inst := provider.New(&plugin{})
	if err := abi.DecodeReply(inst.Configure(nil, []byte("{}"))); err != nil {
		b.Fatal(err)
	}
	input := in.Append(nil)
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		if out = inst.Response(out[:0], input); out[0] != abi.ReplyOK {
			b.Fatalf("refused: %q", out)
		}
	}
}
