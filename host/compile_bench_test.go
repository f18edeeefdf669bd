package host_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// BenchmarkAdmission takes an adapter in Go, of some 3 MB, through all of admission: metering, compiling it in another
// process, loading, starting and configuring it. What that adds to compiling it plainly is measured against it in the
// same run.
func BenchmarkAdmission(b *testing.B) {
	path := hosttest.Build(b, "../plugins/providers/anthropic")
	module, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	var plain, cold, warm, plainCPU, coldCPU time.Duration
	for b.Loop() {
		began, used := time.Now(), processorTime(b)
		r := wazero.NewRuntimeWithConfig(b.Context(), wazero.NewRuntimeConfigCompiler().WithDebugInfoEnabled(false))
		if _, err := r.CompileModule(b.Context(), module); err != nil {
			b.Fatal(err)
		}
		plain += time.Since(began)
		plainCPU += processorTime(b) - used
		if err := r.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
		cache := b.TempDir()
		used = processorTime(b)
		cold += admission(b, cache, path)
		coldCPU += processorTime(b) - used
		warm += admission(b, cache, path)
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(b.N) / float64(time.Millisecond) }
	b.ReportMetric(ms(plain), "plain-ms")
	b.ReportMetric(ms(cold), "admission-ms")
	b.ReportMetric(ms(cold-plain), "added-ms")
	b.ReportMetric(ms(coldCPU-plainCPU), "added-cpu-ms") // steadier when others use the machine too
	b.ReportMetric(ms(warm), "cached-ms")
	b.ReportMetric(0, "ns/op")
}

// processorTime is what this process and its children have used.
func processorTime(b *testing.B) (sum time.Duration) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum
}

// admission builds a set of one provider in a new host and returns how long that took.
func admission(b *testing.B, cache, path string) time.Duration {
	h, err := host.New(b.Context(), host.Options{CacheDir: cache, Compiler: host.CompilerOfTests()})
	if err != nil {
		b.Fatal(err)
	}
	name := filepath.Base(path)
	began := time.Now()
	set, err := h.Build(b.Context(), filepath.Dir(path), []host.Spec{{Key: "k", Plugin: name[:len(name)-len(".wasm")], Kind: abi.KindProvider}}, nil)
	took := time.Since(began)
	if err != nil {
		b.Fatal(err)
	}
	set.Release()
	if err := h.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	return took
}

// BenchmarkStart opens a host on a cache that knows all plugins, as a restart does.
func BenchmarkStart(b *testing.B) {
	cache, dir := b.TempDir(), b.TempDir()
	var specs []host.Spec
	for plugin, kind := range map[string]string{
		"providers/openai": abi.KindProvider, "providers/anthropic": abi.KindProvider,
		"strategies/latency": abi.KindStrategy, "strategies/cost": abi.KindStrategy, "strategies/weighted": abi.KindStrategy,
	} {
		name := filepath.Base(plugin)
		module, err := os.ReadFile(hosttest.Build(b, "../plugins/"+plugin))
		if err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".wasm"), module, 0o600); err != nil {
			b.Fatal(err)
		}
		specs = append(specs, host.Spec{Key: name, Plugin: name, Kind: kind})
	}
	start := func() {
		h, err := host.New(b.Context(), host.Options{CacheDir: cache, Compiler: host.CompilerOfTests()})
		if err != nil {
			b.Fatal(err)
		}
		set, err := h.Build(b.Context(), dir, specs, nil)
		if err != nil {
			b.Fatal(err)
		}
		set.Release()
		if err := h.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	start()
	for b.Loop() {
		start()
	}
}
