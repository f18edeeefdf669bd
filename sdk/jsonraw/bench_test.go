package jsonraw_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw/testdata/workload"
)

const (
	eventText = `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" the engine leaves at \"13:30\"\n"}}`
	chunkText = `{"id":"chatcmpl-9f8e7d6c5b4a","object":"chat.completion.chunk","created":1730000000,"model":"example-large",` +
		`"system_fingerprint":"fp_44709d6fcb","choices":[{"index":0,"delta":{"content":" the engine"},"logprobs":null,` +
		`"finish_reason":null}],"usage":{"prompt_tokens":512,"completion_tokens":17,"total_tokens":529}}`
)

var hostEdits = []jsonraw.Edit{
	{Op: jsonraw.Set, Path: []byte("model"), Value: []byte(`"other"`)},
	{Op: jsonraw.Set, Path: []byte("stream_options.include_usage"), Value: []byte("true")},
}

// work is one benchmark.
type work struct {
	name   string
	export string // of the guest
	input  []byte
	native func(dst, input []byte) ([]byte, error)
}

func works(tb testing.TB) []work {
	tb.Helper()
	chat, err := os.ReadFile("../sdktest/testdata/chat.json")
	if err != nil {
		tb.Fatal(err)
	}
	tools, err := os.ReadFile("../sdktest/testdata/tools.json")
	if err != nil {
		tb.Fatal(err)
	}
	return []work{
		{"request-chat", "request", chat, workload.Request},
		{"request-tools", "request", tools, workload.Request},
		{"event", "event", []byte(eventText), workload.Event},
		{"usage", "usage", []byte(chunkText), func(dst, input []byte) ([]byte, error) {
			_, _, err := workload.ChunkUsage(input)
			return dst, err
		}},
		{"valid-chat", "valid", chat, valid},
		{"valid-tools", "valid", tools, valid},
		{"outline-chat", "outline", chat, outline},
		{"outline-tools", "outline", tools, outline},
		{"compact-tools", "compact", tools, func(dst, input []byte) ([]byte, error) { return jsonraw.Compact(dst, input), nil }},
		{"quoted-tools", "quoted", tools, func(dst, input []byte) ([]byte, error) { return jsonraw.AppendQuoted(dst, input), nil }},
		{"splice-chat", "splice", chat, splice},
		{"splice-tools", "splice", tools, splice},
	}
}

func valid(dst, input []byte) ([]byte, error) { return dst, jsonraw.Valid(input) }

var doc jsonraw.Outline

func outline(dst, input []byte) ([]byte, error) { return dst, doc.Read(input) }

func splice(dst, input []byte) ([]byte, error) { return jsonraw.Splice(dst, input, hostEdits) }

func BenchmarkNative(b *testing.B) {
	for _, w := range works(b) {
		b.Run(w.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(w.input)))
			dst := make([]byte, 0, 64<<10)
			for b.Loop() {
				if _, err := w.native(dst, w.input); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkGuest runs the same work in a WASM guest, one call from the host each.
func BenchmarkGuest(b *testing.B) {
	guest := startGuest(b)
	for _, w := range works(b) {
		b.Run(w.name, func(b *testing.B) {
			guest.write(b, w.input)
			export := guest.module.ExportedFunction(w.export)
			stack := []uint64{0}
			b.ReportAllocs()
			b.SetBytes(int64(len(w.input)))
			for b.Loop() {
				stack[0] = uint64(len(w.input))
				if err := export.CallWithStack(b.Context(), stack); err != nil || int32(stack[0]) < 0 {
					b.Fatal(err, int32(stack[0]))
				}
			}
			b.ReportMetric(float64(guest.size)/(1<<20), "MiB-module")
		})
	}
}

// TestGuestAgrees runs every work natively and in the guest, where the word-wise scanning is compiled for
// another machine, and compares what comes out.
func TestGuestAgrees(t *testing.T) {
	guest := startGuest(t)
	for _, w := range works(t) {
		if w.name == "usage" {
			continue // has no output text
		}
		want, err := w.native(nil, w.input)
		if err != nil {
			t.Fatalf("%s: %v", w.name, err)
		}
		guest.write(t, w.input)
		n := guest.call(t, w.export, uint64(len(w.input)))
		address := guest.call(t, "result")
		got, ok := guest.module.Memory().Read(uint32(address), uint32(n))
		if !ok {
			t.Fatalf("%s: output %d+%d is outside memory", w.name, address, n)
		}
		if string(got) != string(want) {
			t.Errorf("%s: guest and native differ\nguest  %s\nnative %s", w.name, got, want)
		}
	}
}

type guest struct {
	module api.Module
	size   int64
}

// startGuest builds testdata/guest with the go tool and instantiates it.
func startGuest(tb testing.TB) *guest {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "guest.wasm")
	build := exec.CommandContext(tb.Context(), "go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", file, "./testdata/guest")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("building the guest: %v\n%s", err, out)
	}
	code, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	ctx := tb.Context()
	runtime := wazero.NewRuntime(ctx)
	tb.Cleanup(func() { _ = runtime.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, runtime)
	module, err := runtime.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithStartFunctions("_initialize"))
	if err != nil {
		tb.Fatal(err)
	}
	return &guest{module: module, size: int64(len(code))}
}

func (g *guest) call(tb testing.TB, export string, args ...uint64) int32 {
	tb.Helper()
	results, err := g.module.ExportedFunction(export).Call(tb.Context(), args...)
	if err != nil {
		tb.Fatalf("%s: %v", export, err)
	}
	return int32(results[0])
}

func (g *guest) write(tb testing.TB, input []byte) {
	tb.Helper()
	if !g.module.Memory().Write(uint32(g.call(tb, "buffer")), input) {
		tb.Fatal("the input is outside the guest's memory")
	}
}
