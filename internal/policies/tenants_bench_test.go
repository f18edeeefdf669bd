package policies

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/host"
)

// collected returns the resident memory of the process in MB, after a collection.
func collected(b *testing.B) float64 {
	b.Helper()
	for range 3 { // finalizers give back what was mapped
		runtime.GC()
	}
	debug.FreeOSMemory()
	return rss(b)
}

// rss returns the resident memory of the process in MB.
func rss(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("the resident memory is read from /proc")
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		b.Fatal(err)
	}
	return float64(kb) / 1024
}

// processor returns the time that the process has computed for. Unlike time on the clock it says little of what else runs.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkTenants serves tenants with a policy in Go each, within the default budget: one module with a configuration
// for each tenant, and a module for each. It reports resident memory in MB and times of requests in ms.
func BenchmarkTenants(b *testing.B) {
	for _, bc := range []struct {
		name     string
		tenants  int
		distinct bool
		memory   int64
	}{{"shared/1000", 1000, false, 0}, {"distinct/50", 50, true, 0}, {"distinct/50/tight", 50, true, 256 << 20}} {
		b.Run(bc.name, func(b *testing.B) {
			module := built(b, "../../plugins/strategies/latency")
			w := newWorldOn(b, newHost(b), bc.memory)
			before := collected(b)
			names := make([]string, bc.tenants)
			for i := range names {
				names[i] = fmt.Sprintf("t%d", i)
				mine := module
				if bc.distinct {
					mine = renamed(b, module, i)
				}
				w.upload(names[i], "p", mine, fmt.Sprintf(`{"buffer": %g}`, float64(i)/2000))
				w.activate(names[i], "p", 1)
			}
			w.open(bc.memory) // as after a restart
			var first, later, back []time.Duration
			ask := func(name string, times *[]time.Duration) {
				began := time.Now()
				if _, err := w.score(name, "", 0); err != nil {
					b.Fatal(err)
				}
				*times = append(*times, time.Since(began))
			}
			computed, loads := processor(b), w.Stats().Loads
			for b.Loop() {
				for _, name := range names {
					ask(name, &first)
					for range 10 {
						ask(name, &later)
					}
				}
				for _, name := range names { // those that were unloaded
					if !w.Figures(name, "p", 1).Loaded {
						ask(name, &back)
					}
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(processor(b)-computed)/1e6/float64(w.Stats().Loads-loads), "cpu-ms/load")
			for name, times := range map[string][]time.Duration{"first": first, "later": later, "back": back} {
				if len(times) == 0 {
					continue
				}
				slices.Sort(times)
				b.ReportMetric(float64(times[len(times)/2])/1e6, name+"-p50-ms")
				b.ReportMetric(float64(times[len(times)*99/100])/1e6, name+"-p99-ms")
			}
			s := w.Stats()
			b.ReportMetric(float64(s.Memory)/(1<<20), "counted-MB")
			b.ReportMetric(rss(b)-before, "uncollected-MB")
			b.ReportMetric(collected(b)-before, "resident-MB")
			b.ReportMetric(float64(s.Versions), "loaded")
			b.ReportMetric(float64(s.Memory)/(1<<20)/float64(s.Versions), "counted-MB/version")
		})
	}
}

// newHost is a host with a cache of its own: the one of other tests has no room for so many modules.
func newHost(b *testing.B) *host.Host {
	b.Helper()
	h, err := host.New(b.Context(), host.Options{CacheDir: b.TempDir(), Policies: host.Limits{Compile: host.Compile{Timeout: time.Hour}}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return h
}

// renamed is a module that says another text about itself, so that it is another one in what is executed too.
func renamed(b *testing.B, module []byte, n int) []byte {
	b.Helper()
	const text = "expected time of the request, shortest first"
	if !bytes.Contains(module, []byte(text)) {
		b.Fatal("the module does not say what it is")
	}
	other := fmt.Sprintf("expected time, number %04d", n)
	return bytes.Replace(module, []byte(text), []byte(other+strings.Repeat(".", len(text)-len(other))), 1)
}
