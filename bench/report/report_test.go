package report

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestSeries(t *testing.T) {
	a, b := Series{2, 9, 4}, Series{1, 3}
	if got := a.Over(b); !slices.Equal(got, Series{2, 3}) {
		t.Errorf("over: %v", got)
	}
	if got := a.Less(b); !slices.Equal(got, Series{1, 6}) {
		t.Errorf("less: %v", got)
	}
	for _, c := range []struct {
		s    Series
		want float64
	}{{nil, 0}, {Series{3}, 3}, {a, 4}, {Series{4, 1, 3, 2}, 2.5}} {
		if got := c.s.Median(); got != c.want {
			t.Errorf("median of %v: %v, want %v", c.s, got, c.want)
		}
	}
	if !slices.Equal(a, Series{2, 9, 4}) {
		t.Errorf("the median sorts the series itself: %v", a)
	}
}

func closed(r *Report, who string, cpu ...float64) {
	for _, v := range cpu {
		r.Add(Of{"closed", "32x0.5KB", who, "cpu_us"}, v)
	}
}

func says(r *Report, measure string) string {
	for _, v := range r.Verdicts {
		if v.Measure == measure {
			return v.Says
		}
	}
	return "nothing"
}

// TestBound holds that a miss counts only where nginx does not miss as well.
func TestBound(t *testing.T) {
	const measure = "CPU a chunk, passthrough, 100 open"
	for _, c := range []struct {
		nginx, ours float64
		want        string
	}{{7, 9, "misses"}, {9, 10, "unclear"}, {9, 8, "must"}, {0, 9, "misses"}} {
		var r Report
		if c.nginx > 0 {
			r.Add(Of{"streams", "100 open", "nginx", "cpu_us"}, c.nginx)
		}
		r.Add(Of{"streams", "100 open", "switchyard", "cpu_us"}, c.ours)
		if r.Judge(); says(&r, measure) != c.want {
			t.Errorf("%v beside %v of nginx: %s, want %s", c.ours, c.nginx, says(&r, measure), c.want)
		}
	}
}

func TestJudge(t *testing.T) {
	const measure = "CPU a request, passthrough against echo + net/http"
	for _, c := range []struct {
		cpu  float64
		want string
	}{{60, "aim"}, {60.1, "must"}, {85, "must"}, {85.1, "misses"}} {
		var r Report
		closed(&r, "echo", 100, 100, 100)
		closed(&r, "switchyard", 1000, c.cpu, 1) // the median counts
		if r.Judge(); says(&r, measure) != c.want {
			t.Errorf("%v of 100: %s, want %s", c.cpu, says(&r, measure), c.want)
		}
	}
	var r Report
	if r.Judge(); len(r.Verdicts) != 0 {
		t.Errorf("verdicts on nothing: %v", r.Verdicts)
	}
}

func TestJudgeAtLeast(t *testing.T) {
	var r Report
	for who, rps := range map[string]float64{"switchyard": 1500, "portkey": 100, "litellm": 60} {
		r.Add(Of{"closed", "32x0.5KB", who, "rps"}, rps)
	}
	r.Judge()
	if got := says(&r, "requests a second against Portkey"); got != "must" {
		t.Errorf("15 times: %s, want must", got)
	}
	if got := says(&r, "requests a second against LiteLLM"); got != "misses" {
		t.Errorf("25 times: %s, want misses", got)
	}
}

// TestDoubt: latencies that a late generator measured have no verdict.
func TestDoubt(t *testing.T) {
	for late, want := range map[float64]string{100: "aim", 600: "unclear"} {
		var r Report
		for who, p99 := range map[string]float64{"direct": 300, "policy": 900} {
			r.Add(Of{"paced", "3000 req/s", who, "p99_us"}, p99)
			r.Add(Of{"paced", "3000 req/s", who, "late_p99_us"}, late)
		}
		r.Judge()
		if got := says(&r, "3,000 requests a second, policy in Go: p99 added"); got != want {
			t.Errorf("late by %v µs: %s, want %s", late, got, want)
		}
	}
}

// TestDoubtIsOfOneVerdict: what was not measured takes no other verdict back.
func TestDoubtIsOfOneVerdict(t *testing.T) {
	var r Report
	closed(&r, "echo", 100)
	closed(&r, "nginx", 20)
	closed(&r, "switchyard", 50)
	r.Add(Of{"closed", "32x0.5KB", "switchyard", "other_cpus"}, 1.5)
	r.Judge()
	for _, v := range r.Verdicts {
		if v.Says == "unclear" {
			t.Errorf("%s: %s", v.Measure, v.Why)
		}
	}
}

func TestSwapAgainstQuiet(t *testing.T) {
	var r Report
	for _, v := range []float64{90, 110, 50, 50} {
		r.Add(Of{"swap", "1000 req/s", "quiet", "p99_us"}, v)
	}
	for _, v := range []float64{200, 50} {
		r.Add(Of{"swap", "1000 req/s", "swapping", "p99_us"}, v)
	}
	if got := r.swapped("p99_us"); !slices.Equal(got, Series{2, 1}) {
		t.Errorf("%v, want [2 1]", got)
	}
}

func TestTableAndJSON(t *testing.T) {
	r := Report{Order: []string{"direct", "echo", "switchyard"}}
	closed(&r, "switchyard", 50, 70)
	closed(&r, "echo", 100, 100)
	r.Add(Of{"closed", "32x0.5KB", "direct", "rps"}, 60000)
	r.Note("said %s", "once")
	r.Note("said once")
	r.Judge()
	var table bytes.Buffer
	r.Table(&table)
	for _, want := range []string{"closed loop, 32x0.5KB", " 60.0 (50.0–70.0)", "0.60 (0.50–0.70)", "reaches the aim", "Note: said once\n"} {
		if strings.Count(table.String(), want) != 1 {
			t.Errorf("%q is not there once in\n%s", want, &table)
		}
	}
	if direct, echo := strings.Index(table.String(), "  direct"), strings.Index(table.String(), "  echo"); direct < 0 || direct > echo {
		t.Errorf("contenders are not in order:\n%s", &table)
	}
	var text bytes.Buffer
	if err := r.JSON(&text); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(text.Bytes(), &back); err != nil || len(back.Figures) != 3 || back.Figures[0].Median != 60 || len(back.Verdicts) == 0 {
		t.Errorf("%v: %s", err, &text)
	}
}
