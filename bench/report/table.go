package report

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// Table writes the tables of all sections that were run.
func (r *Report) Table(w io.Writer) {
	fmt.Fprintf(w, "%s, commit %s, %d processors (%s), Linux %s, %s\n", r.Started.Format("2006-01-02 15:04 MST"), r.Commit, r.Machine.Processors, r.Machine.Model, r.Machine.Kernel, r.Machine.Go)
	fmt.Fprintln(w, "Median of the rounds, and in brackets the least and the most. Gateway, vendor and load generator share the processors: CPU time is of")
	fmt.Fprintln(w, "the gateway's process alone and hardly depends on that, requests a second and latency do. Added latency is above direct in the same round.")
	fmt.Fprintln(w, "CPUs of vendor and load generator show what they have left; others is what programs that have nothing to do with this took: near 0, or the figures are rough.")
	for _, s := range tables {
		for _, shape := range r.Shapes(s.section) {
			r.table(w, s, shape)
		}
	}
	r.verdicts(w)
	for _, n := range r.Notes {
		fmt.Fprintf(w, "\nNote: %s\n", n)
	}
}

// column is a metric as people read it.
type column struct {
	title  string
	digits int
	values func(r *Report, of Of) Series
}

type layout struct {
	section, title string
	columns        []column
}

func plain(title, metric string, digits int) column {
	return column{title, digits, func(r *Report, of Of) Series { of.Metric = metric; return r.Get(of) }}
}

// against subtracts direct's value of the same round.
func against(title, metric string) column {
	return column{title, 0, func(r *Report, of Of) Series {
		if of.Contender == "direct" {
			return nil
		}
		of.Metric = metric
		own := r.Get(of)
		of.Contender = "direct"
		return own.Less(r.Get(of))
	}}
}

// times divides processor time by another contender's in the same round.
func times(other string) column {
	return column{"× " + other, 2, func(r *Report, of Of) Series {
		if of.Contender == "direct" {
			return nil
		}
		of.Metric = "cpu_us"
		own := r.Get(of)
		of.Contender = other
		return own.Over(r.Get(of))
	}}
}

var tables = []layout{
	{"closed", "closed loop", []column{
		plain("req/s", "rps", 0), plain("CPU µs/req", "cpu_us", 1), times("echo"), times("nginx"),
		plain("p50 µs", "p50_us", 0), against("added p50", "p50_us"), against("p99", "p99_us"), against("p99.9", "p999_us"),
		plain("memory MB", "memory_mb", 0), plain("vendor CPUs", "vendor_cpus", 2), plain("load CPUs", "load_cpus", 2), plain("others", "other_cpus", 2),
	}},
	{"streams", "streams", []column{
		plain("tokens/s", "tokens_per_s", 0), plain("broken", "broken", 0), plain("CPU µs/chunk", "cpu_us", 1), times("echo"), times("nginx"),
		plain("first token p50 µs", "first_p50_us", 0), against("added p50", "first_p50_us"), against("p99", "first_p99_us"),
		against("added between tokens p50", "transit_p50_us"), against("p99", "transit_p99_us"),
		plain("memory MB", "memory_mb", 0), plain("vendor CPUs", "vendor_cpus", 2), plain("load CPUs", "load_cpus", 2), plain("others", "other_cpus", 2),
	}},
	{"paced", "open loop", openColumns},
	{"slow", "open loop, vendor takes 1.5 s, which is taken off the latency", openColumns},
	{"swap", "open loop while an adapter of 2.5 MB is replaced", []column{
		plain("req/s", "rps", 0), plain("broken", "broken", 0), plain("CPU µs/req", "cpu_us", 1), plain("p50 µs", "p50_us", 0), plain("p99 µs", "p99_us", 0),
		plain("p99.9 µs", "p999_us", 0), plain("most µs", "max_us", 0), plain("ms a swap", "swap_ms", 0), plain("sent late p99 µs", "late_p99_us", 0), plain("others", "other_cpus", 2),
	}},
	{"start", "start until the first answer", []column{plain("ms", "ready_ms", 0)}},
	{"memory", "memory", []column{plain("idle MB", "idle_mb", 0), plain("with 1,000 streams", "streams_mb", 0), plain("for 1,000 streams", "per_1000_streams_mb", 0)}},
}

var openColumns = []column{
	plain("req/s", "rps", 0), plain("broken", "broken", 0), plain("CPU µs/req", "cpu_us", 1), times("echo"),
	plain("p50 µs", "p50_us", 0), plain("p99 µs", "p99_us", 0), plain("p99.9 µs", "p999_us", 0),
	against("added p50", "p50_us"), against("p99", "p99_us"), against("p99.9", "p999_us"),
	plain("sent late p99 µs", "late_p99_us", 0), plain("memory MB", "memory_mb", 0), plain("others", "other_cpus", 2),
}

func (r *Report) table(w io.Writer, l layout, shape string) {
	fmt.Fprintf(w, "\n%s, %s\n", l.title, shape)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "contender\t")
	for _, c := range l.columns {
		fmt.Fprintf(t, "%s\t", c.title)
	}
	fmt.Fprintln(t)
	names := r.Contenders(l.section, shape)
	slices.SortStableFunc(names, func(a, b string) int { return slices.Index(r.Order, a) - slices.Index(r.Order, b) })
	for _, name := range names {
		fmt.Fprintf(t, "%s\t", name)
		for _, c := range l.columns {
			fmt.Fprintf(t, "%s\t", cell(c.values(r, Of{Section: l.section, Shape: shape, Contender: name}), c.digits))
		}
		fmt.Fprintln(t)
	}
	_ = t.Flush() // who reads it may be gone
}

func cell(s Series, digits int) string {
	if len(s) == 0 {
		return "–"
	}
	if len(s) == 1 {
		return number(s[0], digits)
	}
	return fmt.Sprintf("%s (%s–%s)", number(s.Median(), digits), number(slices.Min(s), digits), number(slices.Max(s), digits))
}
