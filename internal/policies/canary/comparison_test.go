package canary

import (
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// traffic is requests of one side: so many, of which shares fail and are rejected, with times and costs around a mean.
type traffic struct {
	requests         int
	errors, rejected float64
	latency, spread  float64 // milliseconds; of the logarithm
	cost             float64 // USD
}

// outcomes draws the requests in a random order.
func (tr *traffic) each(random *rand.Rand, observe func(o Outcome, latency time.Duration, cost float64)) {
	for n := range tr.requests {
		o := Answered
		switch at := float64(n) / float64(tr.requests); {
		case at < tr.errors:
			o = Failed
		case at < tr.errors+tr.rejected:
			o = Rejected
		}
		noise := math.Exp(tr.spread * random.NormFloat64())
		observe(o, time.Duration(tr.latency*noise*float64(time.Millisecond)), tr.cost*noise)
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	same := traffic{requests: 1000, errors: 0.02, rejected: 0.01, latency: 800, spread: 0.7, cost: 0.002}
	change := func(f func(*traffic)) traffic {
		out := same
		f(&out)
		return out
	}
	for _, tc := range []struct {
		name   string
		canary traffic
		rest   traffic
		want   string // part of the verdict, empty: none
	}{
		{"the same", same, same, ""},
		{"more errors", change(func(c *traffic) { c.errors = 0.12 }), same, "12.0 % failed, of the other 1000 requests 2.0 %"},
		{"a few more errors", change(func(c *traffic) { c.errors = 0.035 }), same, ""},
		{"all fail, of few", change(func(c *traffic) { c.requests, c.errors = 49, 1 }), same, ""},
		{"all fail", change(func(c *traffic) { c.requests, c.errors = 50, 1 }), same, "100.0 % failed"},
		{"all fail, of both", change(func(c *traffic) { c.errors = 1 }), change(func(c *traffic) { c.errors = 1 }), ""},
		{"few others", change(func(c *traffic) { c.errors = 0.5 }), change(func(c *traffic) { c.requests = 40 }), ""},
		{"rejects much", change(func(c *traffic) { c.rejected = 0.2 }), same, "20.0 % were rejected"},
		{"rejects less", same, change(func(c *traffic) { c.rejected = 0.2 }), ""},
		{"a large share of very many, but by little", change(func(c *traffic) { c.requests, c.errors = 100_000, 0.035 }), change(func(c *traffic) { c.requests = 100_000 }), ""},
		{"twice as slow", change(func(c *traffic) { c.latency = 1600 }), same, "answers took 2"},
		{"slower by a third", change(func(c *traffic) { c.latency = 1060 }), same, ""},
		{"twice as slow, few", change(func(c *traffic) { c.requests, c.latency = 95, 1600 }), same, ""},
		{"slow and cheap", change(func(c *traffic) { c.latency, c.cost = 1600, 0.0008 }), same, ""},
		{"slow and dear", change(func(c *traffic) { c.latency, c.cost = 1600, 0.01 }), same, "took"},
		{"dear", change(func(c *traffic) { c.cost = 0.005 }), same, "cost $0.0"},
		{"dear and fast", change(func(c *traffic) { c.cost, c.latency = 0.005, 200 }), same, ""},
		{"the price is not known", change(func(c *traffic) { c.cost = math.NaN() }), same, ""},
		{"free", change(func(c *traffic) { c.cost = 0 }), change(func(c *traffic) { c.cost = 0 }), ""},
		{"slow beyond what is counted", change(func(c *traffic) { c.latency = 1e8 }), same, "took"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(7, 7))
			c := New(time.Now())
			verdict := ""
			tc.rest.each(random, func(o Outcome, latency time.Duration, cost float64) { verdict = c.Observe(false, o, latency, cost) })
			tc.canary.each(random, func(o Outcome, latency time.Duration, cost float64) { verdict = c.Observe(true, o, latency, cost) })
			if (tc.want == "") != (verdict == "") || !strings.Contains(verdict, tc.want) {
				t.Errorf("verdict %q, want %q", verdict, tc.want)
			}
		})
	}
}

// TestLooks compares equals, request by request: no look at them may be a verdict.
func TestLooks(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 5))
	for round := range 300 {
		c := New(time.Now())
		for n := range 3000 {
			o := Answered
			if x := random.Float64(); x < 0.05 {
				o = Failed
			} else if x < 0.08 {
				o = Rejected
			}
			noise := math.Exp(random.NormFloat64())
			if verdict := c.Observe(n%4 == 0, o, time.Duration(noise*float64(time.Second)), 0.001*noise); verdict != "" {
				t.Fatalf("round %d, request %d: %s", round, n, verdict)
			}
		}
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	since := time.Now()
	c := New(since)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for n := range 100 {
				c.Observe(worker == 0, Answered, time.Duration(n+1)*10*time.Millisecond, 0.5)
			}
		})
	}
	wg.Wait()
	c.Observe(true, Failed, time.Hour, 9)
	c.Observe(true, Rejected, time.Hour, 9)
	for n, want := range []string{"", "", "3 faults as canary, the last: trap"} {
		if got := c.Fault("trap"); got != want {
			t.Errorf("fault %d: %q", n, got)
		}
	}
	c.Conclude("enough")
	f := c.Figures()
	if f.Since != since || f.Verdict != "enough" || f.Rest.Requests != 300 || f.Canary.Requests != 102 || f.Canary.Errors != 1 || f.Canary.Rejections != 1 {
		t.Errorf("%+v", f)
	}
	if p95 := f.Rest.P95Latency; p95 < 905*time.Millisecond || p95 > 1000*time.Millisecond {
		t.Errorf("p95 is %s, want 950 ms to within a twentieth", p95)
	}
	if mean := f.Canary.MeanLatency.Round(time.Millisecond); mean != 505*time.Millisecond || math.Abs(f.Canary.MeanCost-0.5) > 1e-9 {
		t.Errorf("means of %s and $%v", mean, f.Canary.MeanCost)
	}
}
