package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"
)

// BenchmarkHostile is what others notice of the corpus: 200 requests a second, by turns alone and while its modules come
// into the plugin folder one after the other and are called. It reports the median and the 99th percentile of both, and
// how long the router's garbage collector stopped everything at worst, which is the longest time that it had to wait for
// a guest.
func BenchmarkHostile(b *testing.B) {
	const turns, quietly, warm = 4, 6 * time.Second, 3 * time.Second
	b.Setenv("GODEBUG", "gctrace=1")
	for b.Loop() {
		s := besiege(b, 200)
		s.steady.begin(b)
		<-time.After(warm)
		s.steady.lap()
		memory, seen := s.memory(), len(s.collections())
		var quiet, during, gcQuiet, gcDuring []time.Duration
		var worst time.Duration
		var beside string
		next := func(took, gc *[]time.Duration) {
			*took = append(*took, s.steady.lap()...)
			all := s.collections()
			*gc = append(*gc, all[seen:]...)
			seen = len(all)
		}
		for turn := range turns {
			<-time.After(quietly)
			next(&quiet, &gcQuiet)
			s.storm(s.names[turn*len(s.names)/turns:(turn+1)*len(s.names)/turns], func(name string) {
				from := len(during)
				next(&during, &gcDuring)
				if slowest := longest(during[from:]); slowest > worst {
					worst, beside = slowest, name
				}
			})
			next(&during, &gcDuring)
		}
		s.drained()
		s.steady.end(b)
		slices.Sort(quiet)
		slices.Sort(during)

		ratio := float64(percentile(during, 99)) / float64(percentile(quiet, 99))
		b.ReportMetric(ms(percentile(quiet, 99)), "quiet-p99-ms")
		b.ReportMetric(ms(percentile(during, 99)), "during-p99-ms")
		b.ReportMetric(ratio, "p99-ratio")
		b.ReportMetric(ms(longest(gcDuring)), "gc-stop-max-ms")
		b.Logf(`
%-22s %10s %10s
%-22s %10d %10d
%-22s %8.2fms %8.2fms
%-22s %8.2fms %8.2fms  ratio %.2f
%-22s %8.2fms %8.2fms  beside %s
%-22s %10d %10d
%-22s %8.3fms %8.3fms
%-22s %8d MB %8d MB`,
			fmt.Sprintf("%d modules", len(s.names)), "quiet", "during",
			"requests", len(quiet), len(during),
			"median", ms(percentile(quiet, 50)), ms(percentile(during, 50)),
			"99th percentile", ms(percentile(quiet, 99)), ms(percentile(during, 99)), ratio,
			"longest", ms(percentile(quiet, 100)), ms(percentile(during, 100)), beside,
			"garbage collections", len(gcQuiet), len(gcDuring),
			"longest stop for them", ms(longest(gcQuiet)), ms(longest(gcDuring)),
			"resident memory", memory>>20, s.memory()>>20)
	}
}

// storm has modules of the corpus dropped into the folder and called, then after, and puts good ones back in the end.
func (s *siege) storm(names []string, after func(name string)) {
	for i, name := range names {
		plugins := []string{"hostile-policy"}
		switch {
		case s.who[name] == "provider":
			plugins[0] = "hostile-adapter"
		case i%3 == 0:
			plugins = append(plugins, "hostile-strategy")
		}
		for _, plugin := range plugins {
			s.drop(name, plugin, s.module(s.t, name))
			s.ask(name, plugin)
		}
		after(name)
	}
	for _, plugin := range []string{"hostile-policy", "hostile-strategy"} {
		if !s.drop("good", plugin, s.module(s.t, "good")) {
			s.t.Errorf("the good module is refused as %s", plugin)
		}
	}
}

// trace is what the runtime says of a garbage collection, which stops everything in the first and in the last of its three
// phases.
var trace = regexp.MustCompile(`gc \d+ @[\d.]+s +\d+%: ([\d.]+)\+[\d.]+\+([\d.]+) ms clock`)

// collections returns for each garbage collection of the router so far how long it stopped everything, the longer of the
// two times. One whose trace has a line of the log in its middle is left out.
func (s *siege) collections() (stops []time.Duration) {
	s.t.Helper()
	for _, match := range trace.FindAllStringSubmatch(s.stderr.String(), -1) {
		var stop time.Duration
		for _, text := range match[1:] {
			d, err := time.ParseDuration(text + "ms")
			if err != nil {
				s.t.Fatal(err)
			}
			stop = max(stop, d)
		}
		stops = append(stops, stop)
	}
	return stops
}

func longest(list []time.Duration) (most time.Duration) {
	for _, d := range list {
		most = max(most, d)
	}
	return most
}

// percentile of a sorted list.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
