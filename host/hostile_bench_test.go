//go:build !race

package host_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// BenchmarkHostilePauses collects garbage without a pause while each module that would run for ever does so until its
// fuel or its stack is used up, and reports how long stopping the program took at worst: a collection waits until the
// guest comes to a point at which Go can stop it.
func BenchmarkHostilePauses(b *testing.B) {
	h := pausing(b)
	quiet := stopsOf(func() {
		for range 2000 {
			runtime.GC()
		}
	})
	b.Logf("%-24s %5d collections, half of them stop within %v, all within %v", "no guest", quiet.total, quiet.median, quiet.most)
	worst := time.Duration(0)
	for b.Loop() {
		for _, e := range corpus(b) {
			if e.what == abi.ExportScore && (strings.HasPrefix(e.text, "it used up") || strings.HasPrefix(e.text, "its calls nested")) {
				s := pauses(b, h, e.name)
				b.Logf("%-24s %5d collections, half of them stop within %v, all within %v", e.name, s.total, s.median, s.most)
				worst = max(worst, s.most)
			}
		}
	}
	b.ReportMetric(float64(worst)/float64(time.Millisecond), "worst-stop-ms")
	b.ReportMetric(0, "ns/op")
}

// TestHostilePauses is the benchmark's check that bears a busy machine: half of the collections wait no longer than 10 ms,
// which a guest that can't be stopped would make all of them do. The longest wait says more of the machine.
func TestHostilePauses(t *testing.T) {
	h := pausing(t)
	for _, name := range []string{"spin-score", "spin-misses", "spin-calls", "memory-fill-storm", "memory-copy-storm", "import-random", "recurse-score"} {
		if s := pauses(t, h, name); s.median > 10*time.Millisecond {
			t.Errorf("%s: half of %d garbage collections waited for it for more than 10 ms, one for %v", name, s.total, s.most)
		}
	}
}

// pausing is a host for policies with a hundred times the usual fuel, so that they run longer than they ever would.
func pausing(t testing.TB) *host.Host {
	t.Helper()
	h, err := host.New(t.Context(), host.Options{
		Compiler: host.CompilerOfTests(), Policies: host.Limits{Fuel: host.Fuel{Score: 200_000_000}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// pauses returns the stops of collections that follow each other while a module of the corpus is called three times.
func pauses(t testing.TB, h *host.Host, name string) stops {
	t.Helper()
	module, err := os.ReadFile(hostile + name + ".wasm")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "hostile.wasm"), module, 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := h.Build(t.Context(), dir, []host.Spec{{Key: "hostile", Plugin: "hostile", Kind: abi.KindStrategy, Owner: "mallory"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Release()
	input := abi.AppendScore(nil, &abi.Header{}, candidates(300))
	return stopsOf(func() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 3 {
				if _, err := set.Probe(t.Context(), "hostile", abi.ExportScore, input); err == nil {
					t.Errorf("%s: it answered", name)
				}
			}
		}()
		for running := true; running; {
			runtime.GC()
			select {
			case <-done:
				running = false
			default:
			}
		}
	})
}

// stops is how long garbage collections waited for the program to stop. Durations are the upper bounds of what the
// runtime's histogram tells apart.
type stops struct {
	total        uint64
	median, most time.Duration
}

// stopsOf returns the stops during a function.
func stopsOf(during func()) stops {
	sample := []metrics.Sample{{Name: "/sched/pauses/stopping/gc:seconds"}}
	read := func() *metrics.Float64Histogram {
		metrics.Read(sample)
		return sample[0].Value.Float64Histogram()
	}
	before := slices.Clone(read().Counts)
	during()
	after := read()
	var s stops
	counts := slices.Clone(after.Counts)
	for n := range counts {
		counts[n] -= before[n]
		s.total += counts[n]
	}
	seen := uint64(0)
	for n, count := range counts {
		if count == 0 {
			continue
		}
		s.most = time.Duration(after.Buckets[n+1] * float64(time.Second))
		if seen < (s.total+1)/2 {
			s.median = s.most
		}
		seen += count
	}
	return s
}
