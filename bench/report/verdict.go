package report

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"
)

// Verdict is one thing that the router must be able to do.
type Verdict struct {
	Measure string  `json:"measure"`
	Unit    string  `json:"unit"`
	Value   float64 `json:"value"`
	Least   float64 `json:"least"` // of the rounds
	Most    float64 `json:"most"`
	Must    float64 `json:"must"`
	Aim     float64 `json:"aim"`
	AtLeast bool    `json:"at_least,omitempty"` // the value must reach Must; otherwise it must not exceed it
	Says    string  `json:"says"`               // "aim", "must", "misses", or "unclear"
	Why     string  `json:"why,omitempty"`      // it is unclear
}

// Judge compares what was measured with what must be shown. What was not measured has no verdict.
func (r *Report) Judge() {
	closed := func(shape, who, metric string) Series { return r.Get(Of{"closed", shape, who, metric}) }
	cpu := func(who string) Series { return closed("32x0.5KB", who, "cpu_us") }
	rps := func(who string) Series { return closed("32x0.5KB", who, "rps") }
	stream := func(shape, who, metric string) Series { return r.Get(Of{"streams", shape, who, metric}) }
	added := func(who string) Series {
		return closed("1x0.5KB", who, "p50_us").Less(closed("1x0.5KB", "direct", "p50_us"))
	}
	paced := func(who string) Series {
		p99 := func(who string) Series { return r.Get(Of{"paced", "3000 req/s", who, "p99_us"}) }
		return p99(who).Less(p99("direct")).scale(1e-3)
	}
	r.Verdicts = nil
	r.atMost("CPU a request, passthrough against echo + net/http", "×", cpu("switchyard").Over(cpu("echo")), 0.85, 0.6)
	r.atMost("CPU a request, without a log line each, against echo + net/http", "×", cpu("quiet").Over(cpu("echo")), 0.85, 0.6)
	r.atMost("CPU a request, passthrough against nginx", "×", cpu("switchyard").Over(cpu("nginx")), 4, 2)
	r.atMost("CPU a request, without a log line each, against nginx", "×", cpu("quiet").Over(cpu("nginx")), 4, 2)
	r.atLeast("requests a second against Portkey", "×", rps("switchyard").Over(rps("portkey")), 10, 20).
		doubt(r.disturbed("closed", "32x0.5KB", "switchyard", "portkey"))
	r.atLeast("requests a second against LiteLLM", "×", rps("switchyard").Over(rps("litellm")), 30, 60).
		doubt(r.disturbed("closed", "32x0.5KB", "switchyard", "litellm"))
	r.atMost("sequential added latency (p50) against Portkey", "×", added("switchyard").Over(added("portkey")), 0.15, 0.08).
		doubt(r.disturbed("closed", "1x0.5KB", "direct", "switchyard", "portkey"))
	r.atMost("CPU a request, translated against passthrough", "×", cpu("translated").Over(cpu("switchyard")), 1.6, 1.25)
	for _, shape := range r.Shapes("streams") {
		nginx := stream(shape, "nginx", "cpu_us").Median()
		r.atMost("CPU a chunk, passthrough, "+shape, "µs", stream(shape, "switchyard", "cpu_us"), 8, 4).bound(nginx)
		r.atMost("CPU a chunk, translated, "+shape, "µs", stream(shape, "translated", "cpu_us"), 14, 8).bound(nginx)
	}
	for _, who := range []string{"switchyard", "translated"} {
		const most = "5000 open"
		name := map[string]string{"switchyard": "passthrough", "translated": "translated"}[who]
		r.atMost("5,000 streams, "+name+": broken", "", stream(most, who, "broken"), 0, 0)
		r.atLeast("5,000 streams, "+name+": tokens a second against direct", "×", stream(most, who, "tokens_per_s").Over(stream(most, "direct", "tokens_per_s")), 0.98, 0.99).
			doubt(r.disturbed("streams", most, "direct", who))
		r.atMost("5,000 streams, "+name+": memory", "MB", stream(most, who, "memory_mb"), 1000, 400)
	}
	r.atMost("3,000 requests a second, strategy in Go: p99 added", "ms", paced("switchyard"), 5, 1).
		doubt(r.disturbed("paced", "3000 req/s", "direct", "switchyard"))
	r.atMost("3,000 requests a second, policy in Go: p99 added", "ms", paced("policy"), 5, 1).
		doubt(r.disturbed("paced", "3000 req/s", "direct", "policy"))
	slow := func(metric string) Series { return r.Get(Of{"slow", "500 req/s", "switchyard", metric}) }
	r.atMost("vendor of 1.5 s, 750 in flight: p99 less the vendor's time", "ms", slow("p99_us").scale(1e-3), 10, 2).
		doubt(r.disturbed("slow", "500 req/s", "direct", "switchyard"))
	r.atMost("vendor of 1.5 s, 750 in flight: memory", "MB", slow("memory_mb"), 250, 120)
	r.atMost("p99 during a swap against quiet", "×", r.swapped("p99_us"), 2, 1.2).
		doubt(r.disturbed("swap", "1000 req/s", "quiet"))
	r.atMost("start with a warm cache, five plugins", "s", r.Get(Of{"start", "warm cache", "five plugins", "ready_ms"}).scale(1e-3), 1, 0.3)
}

// swapped divides what was measured during swaps by the mean of the quiet runs before and after.
func (r *Report) swapped(metric string) (out Series) {
	quiet := r.Get(Of{"swap", "1000 req/s", "quiet", metric})
	for i, v := range r.Get(Of{"swap", "1000 req/s", "swapping", metric}) {
		if 2*i+1 < len(quiet) {
			out = append(out, v/((quiet[2*i]+quiet[2*i+1])/2))
		}
	}
	return out
}

func (s Series) scale(f float64) (out Series) {
	for _, v := range s {
		out = append(out, v*f)
	}
	return out
}

func (r *Report) atMost(measure, unit string, s Series, must, aim float64) *Verdict {
	return r.judge(Verdict{Measure: measure, Unit: unit, Must: must, Aim: aim}, s)
}

func (r *Report) atLeast(measure, unit string, s Series, must, aim float64) *Verdict {
	return r.judge(Verdict{Measure: measure, Unit: unit, Must: must, Aim: aim, AtLeast: true}, s)
}

// Beyond these, latency and throughput are no longer the contender's: by how much the load generator may be late, in
// microseconds, and how much of the processors programs that have nothing to do with the benchmark may take.
const (
	lateness = 500
	foreign  = 0.25
)

// disturbed says why a shape's latencies and throughput mean nothing, if they do not.
func (r *Report) disturbed(section, shape string, names ...string) string {
	for _, name := range names {
		if l := r.Get(Of{section, shape, name, "late_p99_us"}).Median(); l > lateness {
			return fmt.Sprintf("the load generator was late by %.1f ms (p99)", l/1000)
		}
		if o := r.Get(Of{section, shape, name, "other_cpus"}).Median(); o > foreign {
			return fmt.Sprintf("programs that have nothing to do with this took %.2f processors", o)
		}
	}
	return ""
}

// doubt takes back a verdict, unless there is no verdict or no reason to.
func (v *Verdict) doubt(why string) {
	if v != nil && why != "" {
		v.Says, v.Why = "unclear", why
	}
}

// bound takes a verdict back that no gateway could pass, because what copies and does nothing else needs more.
func (v *Verdict) bound(nginx float64) {
	if v != nil && v.Says == "misses" && nginx > v.Must {
		v.doubt(fmt.Sprintf("nginx alone takes %.1f %s here", nginx, v.Unit))
	}
}

// judge adds a verdict on a series and returns it; nil if there was nothing to judge.
func (r *Report) judge(v Verdict, s Series) *Verdict {
	if len(s) == 0 {
		return nil
	}
	v.Value, v.Least, v.Most = s.Median(), s[0], s[0]
	for _, x := range s {
		v.Least, v.Most = math.Min(v.Least, x), math.Max(v.Most, x)
	}
	reaches := func(limit float64) bool {
		if v.AtLeast {
			return v.Value >= limit
		}
		return v.Value <= limit
	}
	switch {
	case reaches(v.Aim):
		v.Says = "aim"
	case reaches(v.Must):
		v.Says = "must"
	default:
		v.Says = "misses"
	}
	r.Verdicts = append(r.Verdicts, v)
	return &r.Verdicts[len(r.Verdicts)-1]
}

// verdicts writes what was judged, worst news included.
func (r *Report) verdicts(w io.Writer) {
	if len(r.Verdicts) == 0 {
		return
	}
	fmt.Fprintln(w, "\nWhat must be shown (median of the rounds, least–most)")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "measure\tvalue\tmust\taim\tverdict")
	for _, v := range r.Verdicts {
		sign := "≤"
		if v.AtLeast {
			sign = "≥"
		}
		says := map[string]string{"aim": "reaches the aim", "must": "holds", "misses": "MISSES by " + number(math.Abs(v.Value-v.Must), 2) + " " + v.Unit, "unclear": "unclear: " + v.Why}[v.Says]
		fmt.Fprintf(t, "%s\t%s %s (%s–%s)\t%s %s\t%s %s\t%s\n", v.Measure, number(v.Value, 2), v.Unit, number(v.Least, 2), number(v.Most, 2),
			sign, trim(v.Must), sign, trim(v.Aim), says)
	}
	_ = t.Flush() // who reads it may be gone
}

func number(v float64, digits int) string { return strconv.FormatFloat(v, 'f', digits, 64) }
func trim(v float64) string               { return strconv.FormatFloat(v, 'f', -1, 64) }
