package sdktest

import (
	"bytes"
	"context"
	_ "embed" // the requests
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/provider"
)

// Requests to measure with, each of 2 KB in the OpenAI dialect: a plain conversation; and one in the middle of a tool
// loop, with calls, results and four tools.
var (
	//go:embed testdata/chat.json
	ChatRequest []byte
	//go:embed testdata/tools.json
	ToolsRequest []byte
)

// Module is a provider plugin that can be measured: a module in the host, or Native. Calls append to buf, which the
// output aliases, and return it.
type Module interface {
	Request(ctx context.Context, in *abi.RequestInput, out *abi.RequestOutput, buf []byte) ([]byte, error)
	Stream(ctx context.Context, in *abi.StreamInput, out *abi.StreamOutput, buf []byte) ([]byte, error)
}

// Load is what a provider is measured with.
type Load struct {
	Model    string
	Withheld bool     // its requests are passed through: the host keeps the body
	Opening  []string // the first events of a stream
	Event    func(text string) string
}

// Benchmark measures m, a whole call each, the host's side included where there is one. In a guest the targets are, on
// an otherwise idle machine:
//
//	Request2KB        20 µs to translate a plain conversation
//	Request2KBTools   25 µs for one that is mostly structure
//	Event              2 µs for one stream event that comes alone
//	Event10            2 µs for each of ten that come together
//
// Reference is a fixed loop of 1000 steps, 1.55 µs on the machine for which the targets were set: on a busy or another
// one, compare figures by their ratio to it.
func Benchmark(b *testing.B, m Module, load *Load) {
	b.Run("Reference", reference)
	b.Run("Request2KB", func(b *testing.B) { load.request(b, m, ChatRequest) })
	b.Run("Request2KBTools", func(b *testing.B) { load.request(b, m, ToolsRequest) })
	b.Run("Event", func(b *testing.B) { load.stream(b, m, " sentence of") })
	b.Run("Event10", func(b *testing.B) {
		load.stream(b, m, "One", " two", ", three", " four\\n", " five", " six", " \\\"seven\\\"", " eight", " nine", " ten")
	})
}

func reference(b *testing.B) {
	x := uint64(88172645463325252)
	for b.Loop() {
		for range 1000 { // xorshift
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
		}
	}
	if x == 0 {
		b.Fatal("never")
	}
}

func (l *Load) request(b *testing.B, m Module, body []byte) {
	in := abi.RequestInput{
		Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Flags: abi.FlagStream, Now: 1_700_000_000,
		Model: []byte(l.Model), RequestID: []byte("req-0123456789abcdef"), Body: bytes.TrimSpace(body),
	}
	if l.Withheld {
		in.Flags |= abi.FlagBodyWithheld
		in.Body = nil
	}
	var out abi.RequestOutput
	var buf []byte
	var err error
	b.ReportAllocs()
	for b.Loop() {
		if buf, err = m.Request(b.Context(), &in, &out, buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

func (l *Load) stream(b *testing.B, m Module, texts ...string) {
	in := abi.StreamInput{
		Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Flags: abi.FlagStream, Now: 1_700_000_000,
		Model: []byte(l.Model), RequestID: []byte("req-0123456789abcdef"),
	}
	var out abi.StreamOutput
	var buf []byte
	var err error
	for _, event := range append(l.Opening[:len(l.Opening):len(l.Opening)], l.Event("Once"), l.Event(" upon")) {
		in.Events, in.Count = in.Events[:0].Append(nil, []byte(event)), 1
		if buf, err = m.Stream(b.Context(), &in, &out, buf[:0]); err != nil {
			b.Fatal(err)
		}
		in.State = bytes.Clone(out.State)
	}
	in.Events, in.Count = in.Events[:0], uint32(len(texts))
	for _, text := range texts {
		in.Events = in.Events.Append(nil, []byte(l.Event(text)))
	}
	b.ReportAllocs()
	for b.Loop() {
		if buf, err = m.Stream(b.Context(), &in, &out, buf[:0]); err != nil || out.Count != in.Count {
			b.Fatal(out.Count, err)
		}
	}
	if n := len(texts); n > 1 {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
	}
}

// Native returns p, configured with config (JSON, "" is {}), as a Module that runs without a host.
func Native(t testing.TB, p provider.Plugin, config string) Module {
	t.Helper()
	return &native{inst: NewProvider(t, p, config).inst}
}

type native struct {
	inst *provider.Instance
	in   []byte
}

func (n *native) Request(_ context.Context, in *abi.RequestInput, out *abi.RequestOutput, buf []byte) ([]byte, error) {
	n.in = in.Append(n.in[:0])
	buf = n.inst.Request(buf, n.in)
	return buf, out.Decode(buf)
}

func (n *native) Stream(_ context.Context, in *abi.StreamInput, out *abi.StreamOutput, buf []byte) ([]byte, error) {
	n.in = in.Append(n.in[:0])
	buf = n.inst.Stream(buf, n.in)
	return buf, out.Decode(buf)
}
