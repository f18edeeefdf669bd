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
// process, loading, starting and configuring it, at a start and beside what serves. What that adds to compiling it plainly
// is measured against it in the same run.
func BenchmarkAdmission(b *testing.B) {
	dir := b.TempDir()
	module := put(b, dir, "providers/anthropic")
	put(b, dir, "providers/openai")
	var plain, first, beside, cached cost
	for b.Loop() {
		r := wazero.NewRuntimeWithConfig(b.Context(), wazero.NewRuntimeConfigCompiler().WithDebugInfoEnabled(false))
		plain.add(b, func() {
			if _, err := r.CompileModule(b.Context(), module); err != nil {
				b.Fatal(err)
			}
		})
		if err := r.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
		cache := b.TempDir()
		first.admission(b, cache, dir, "anthropic")
		cached.admission(b, cache, dir, "anthropic")
		beside.admission(b, b.TempDir(), dir, "anthropic", "openai")
	}
	b.ReportMetric(plain.ms(b), "plain-ms")
	b.ReportMetric(first.ms(b)-plain.ms(b), "added-at-start-ms")
	b.ReportMetric(beside.ms(b)-plain.ms(b), "added-serving-ms")
	b.ReportMetric(beside.processorMS(b)-plain.processorMS(b), "added-serving-cpu-ms") // steadier when others use the machine too
	b.ReportMetric(cached.ms(b), "cached-ms")
	b.ReportMetric(0, "ns/op")
}

// cost is what something took, on the clock and of the processors, the children's part included.
type cost struct{ clock, processor time.Duration }

func (c *cost) add(b *testing.B, do func()) {
	began, used := time.Now(), processorTime(b)
	do()
	c.clock += time.Since(began)
	c.processor += processorTime(b) - used
}

func (c *cost) ms(b *testing.B) float64          { return milliseconds(b, c.clock) }
func (c *cost) processorMS(b *testing.B) float64 { return milliseconds(b, c.processor) }

func milliseconds(b *testing.B, all time.Duration) float64 {
	return all.Seconds() * 1000 / float64(b.N)
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

// admission adds what building a set with an adapter takes in a new host, which serves with others, or with none.
func (c *cost) admission(b *testing.B, cache, dir, plugin string, serving ...string) {
	h, err := host.New(b.Context(), host.Options{CacheDir: cache, Compiler: host.CompilerOfTests()})
	if err != nil {
		b.Fatal(err)
	}
	var specs []host.Spec
	build := func(prev *host.Set, plugins ...string) *host.Set {
		for _, p := range plugins {
			specs = append(specs, host.Spec{Key: p, Plugin: p, Kind: abi.KindProvider})
		}
		set, err := h.Build(b.Context(), dir, specs, prev)
		if err != nil {
			b.Fatal(err)
		}
		return set
	}
	var prev *host.Set
	if len(serving) > 0 {
		prev = build(nil, serving...)
	}
	c.add(b, func() { build(prev, plugin).Release() })
	if prev != nil {
		prev.Release()
	}
	if err := h.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// put builds a plugin into a folder, and returns the module.
func put(b *testing.B, dir, plugin string) []byte {
	module, err := os.ReadFile(hosttest.Build(b, "../plugins/"+plugin))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(plugin)+".wasm"), module, 0o600); err != nil {
		b.Fatal(err)
	}
	return module
}

// BenchmarkStart opens a host on a cache that knows all plugins, as a restart does.
func BenchmarkStart(b *testing.B) {
	cache, dir := b.TempDir(), b.TempDir()
	var specs []host.Spec
	for plugin, kind := range map[string]string{
		"providers/openai": abi.KindProvider, "providers/anthropic": abi.KindProvider,
		"strategies/latency": abi.KindStrategy, "strategies/cost": abi.KindStrategy, "strategies/weighted": abi.KindStrategy,
	} {
		put(b, dir, plugin)
		name := filepath.Base(plugin)
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
