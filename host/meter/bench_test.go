package meter_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/switchyard-gateway/switchyard/host/meter"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

// buildPlugin compiles a plugin of this repository with the Go toolchain that runs the test.
func buildPlugin(tb testing.TB, dir string) []byte {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "plugin.wasm")
	cmd := exec.CommandContext(tb.Context(), "go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", file, ".")
	cmd.Dir = filepath.Join("..", "..", "plugins", dir)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("building %s: %v\n%s", dir, err, out)
	}
	module, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return module
}

// newRuntime returns a runtime in which Go plugins start.
func newRuntime(tb testing.TB) wazero.Runtime {
	tb.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler())
	tb.Cleanup(func() { _ = r.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	_, err := r.NewHostModuleBuilder(abi.HostModule).NewFunctionBuilder().WithFunc(func(_, _, _ uint32) {}).Export(abi.HostLog).Instantiate(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// guest is a plugin, metered or not, called as the host calls it.
type guest struct {
	*instance
	input api.Function
	room  uint32 // where the input goes
	size  int
	buf   [1]uint64
}

const plenty = 1 << 40

func newGuest(tb testing.TB, module []byte) *guest {
	tb.Helper()
	in, err := instantiate(tb.Context(), newRuntime(tb), module, "guest")
	if err != nil {
		tb.Fatal(err)
	}
	g := &guest{instance: in, input: in.ExportedFunction(abi.ExportInput)}
	g.give(plenty, 8<<20)
	if f := in.ExportedFunction(abi.ExportInit); f != nil {
		if _, err := f.Call(tb.Context()); err != nil {
			tb.Fatal(err)
		}
	}
	return g
}

// call hands a message to an export and returns the answer.
func (g *guest) call(tb testing.TB, ctx context.Context, f api.Function, message []byte) []byte {
	if len(message) > g.size {
		g.give(plenty, 8<<20)
		g.buf[0] = uint64(len(message))
		if err := g.input.CallWithStack(ctx, g.buf[:]); err != nil {
			tb.Fatal(err)
		}
		g.room, g.size = uint32(g.buf[0]), len(message)
	}
	g.Memory().Write(g.room, message)
	if g.metered() {
		g.fuel.Set(meter.Slice)
		g.reserve.Set(plenty - meter.Slice)
		g.stack.Set(8 << 20)
		g.given = plenty
	}
	g.buf[0] = uint64(len(message))
	if err := f.CallWithStack(ctx, g.buf[:]); err != nil {
		tb.Fatal(err)
	}
	answer, ok := g.Memory().Read(abi.Unpack(g.buf[0]))
	if !ok {
		tb.Fatal("the answer is outside the memory")
	}
	return answer
}

func rewrite(tb testing.TB, module []byte) []byte {
	tb.Helper()
	out, err := meter.Rewrite(module, &meter.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// compare runs the same work unmetered and metered, in turns, and reports how their quick turns compare: the tenth
// percentiles, which other load on the machine disturbs least.
func compare(b *testing.B, plain, metered func()) {
	const turn = 100 * time.Microsecond
	n := 1
	for n < 1<<20 {
		start := time.Now()
		for range n {
			plain()
			metered()
		}
		if time.Since(start) > 2*turn {
			break
		}
		n *= 2
	}
	var plains, meters []float64
	for b.Loop() {
		start := time.Now()
		for range n {
			plain()
		}
		half := time.Now()
		for range n {
			metered()
		}
		end := time.Now()
		plains = append(plains, float64(half.Sub(start))/float64(n))
		meters = append(meters, float64(end.Sub(half))/float64(n))
	}
	slices.Sort(plains)
	slices.Sort(meters)
	at := len(plains) / 10
	b.ReportMetric(meters[at]/plains[at], "x-unmetered")
	b.ReportMetric(plains[at], "ns/unmetered")
}

// BenchmarkGuest compares the calls that a router makes: metered against unmetered.
func BenchmarkGuest(b *testing.B) {
	request := func(body []byte, flags uint16) []byte {
		in := abi.RequestInput{
			Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Flags: abi.FlagStream | flags, Now: 1_700_000_000,
			Model: []byte("model"), RequestID: []byte("req-0123456789abcdef"), Body: bytes.TrimSpace(body),
		}
		return in.Append(nil)
	}
	event := func(texts ...string) []byte {
		in := abi.StreamInput{
			Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI, Flags: abi.FlagStream, Now: 1_700_000_000, Count: uint32(len(texts)),
			Model: []byte("model"), RequestID: []byte("req-0123456789abcdef"),
		}
		for _, t := range texts {
			in.Events = in.Events.Append(nil, []byte(t))
		}
		return in.Append(nil)
	}
	candidates := make([]abi.Candidate, 8)
	for i := range candidates {
		candidates[i] = abi.Candidate{ID: fmt.Sprintf("vendor/model-%d", i), Provider: "vendor", Model: "model", Total: float64(i), Tags: "eu"}
	}
	type call struct {
		name, export string
		message      []byte
	}
	score := []call{{"score8", abi.ExportScore, abi.AppendScore(nil, &abi.Header{Tenant: "acme", Group: "quality"}, candidates)}}
	for _, plugin := range []struct {
		dir, config string
		calls       []call
	}{
		{"providers/anthropic", "{}", []call{
			{"chat2KB", abi.ExportRequest, request(sdktest.ChatRequest, 0)},
			{"tools2KB", abi.ExportRequest, request(sdktest.ToolsRequest, 0)},
			{"event", abi.ExportStream, event(
				`{"type":"message_start","message":{"id":"msg_01","model":"claude","usage":{"input_tokens":10,"output_tokens":1}}}`,
				`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
				`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" sentence of"}}`)},
		}},
		{"providers/openai", "{}", []call{
			{"passthrough", abi.ExportRequest, request(nil, abi.FlagBodyWithheld)},
			{"event", abi.ExportStream, event(
				`{"id":"chatcmpl-abc","object":"chat.completion.chunk","created":1700000000,"model":"some-model","system_fingerprint":"fp",` +
					`"choices":[{"index":0,"delta":{"content":" sentence of"},"logprobs":null,"finish_reason":null}],"usage":null}`)},
		}},
		{"strategies/cost", "{}", score},
		{"strategies/latency", "{}", score},
	} {
		b.Run(plugin.dir, func(b *testing.B) {
			module := buildPlugin(b, plugin.dir)
			plain, metered := newGuest(b, module), newGuest(b, rewrite(b, module))
			for _, g := range []*guest{plain, metered} {
				g.call(b, b.Context(), g.ExportedFunction(abi.ExportConfigure), []byte(plugin.config))
			}
			for _, c := range plugin.calls {
				b.Run(c.name, func(b *testing.B) {
					ctx := context.Background()
					f, mf := plain.ExportedFunction(c.export), metered.ExportedFunction(c.export)
					want := bytes.Clone(plain.call(b, ctx, f, c.message))
					if got := metered.call(b, ctx, mf, c.message); !bytes.Equal(got, want) {
						b.Fatalf("metered %q, unmetered %q", got, want)
					}
					compare(b, func() { plain.call(b, ctx, f, c.message) }, func() { metered.call(b, ctx, mf, c.message) })
					b.ReportMetric(float64(metered.used()), "fuel")
				})
			}
		})
	}
}

// BenchmarkRewrite is the time that admission spends here.
func BenchmarkRewrite(b *testing.B) {
	module := buildPlugin(b, "providers/anthropic")
	b.SetBytes(int64(len(module)))
	b.ReportAllocs()
	for b.Loop() {
		rewrite(b, module)
	}
}

// BenchmarkLoop compares the smallest loops and calls that a compiler makes of C: the worst case.
func BenchmarkLoop(b *testing.B) {
	const turns = "\x41\x90\xce\x00" // i32.const 10000
	for _, c := range []struct{ name, params, locals, code string }{
		{"count", "\x00", "\x01\x01\x7f", turns + "\x21\x00\x03\x40\x20\x00\x41\x01\x6b\x22\x00\x0d\x00\x0b"},
		{"sum", "\x00", "\x02\x01\x7f\x01\x7e", turns + // of 64-bit words
			"\x21\x00\x03\x40\x20\x01\x20\x00\x41\x03\x74\x29\x03\x00\x7c\x21\x01\x20\x00\x41\x01\x6b\x22\x00\x0d\x00\x0b"},
		{"copy", "\x00", "\x01\x01\x7f", turns + // of bytes
			"\x21\x00\x03\x40\x20\x00\x20\x00\x2d\x00\x80\xc0\x00\x3a\x00\x00\x20\x00\x41\x01\x6b\x22\x00\x0d\x00\x0b"},
		{"float", "\x00", "\x02\x01\x7f\x01\x7c", turns +
			"\x21\x00\x03\x40\x20\x01\x44\x00\x00\x00\x00\x00\x00\xf0\x3f\xa0\x21\x01\x20\x00\x41\x01\x6b\x22\x00\x0d\x00\x0b"},
		{"fibonacci", "\x01\x7f\x01\x7f", "\x00", "\x20\x00\x41\x02\x48\x04\x7f\x20\x00\x05\x20\x00\x41\x01\x6b\x10\x00\x20\x00\x41\x02\x6b\x10\x00\x6a\x0b"},
	} {
		b.Run(c.name, func(b *testing.B) {
			params := c.params
			if params == "\x00" {
				params = "\x00\x00"
			}
			sec := func(id byte, content string) string {
				return string(append([]byte{id, byte(len(content))}, content...))
			}
			body := c.locals + c.code + "\x0b"
			module := []byte("\x00asm\x01\x00\x00\x00" + sec(1, "\x01\x60"+params) + sec(3, "\x01\x00") + sec(5, "\x01\x00\x04") +
				sec(7, "\x01\x01f\x00\x00") + sec(10, "\x01"+string(byte(len(body)))+body))
			plain, metered := newGuest(b, module), newGuest(b, rewrite(b, module))
			run := func(g *guest) func() {
				f := g.ExportedFunction("f")
				return func() {
					g.give(plenty, 8<<20)
					g.buf[0] = 18
					if err := f.CallWithStack(context.Background(), g.buf[:]); err != nil {
						b.Fatal(err)
					}
				}
			}
			compare(b, run(plain), run(metered))
			b.ReportMetric(float64(metered.used()), "fuel")
		})
	}
}
