package gateway

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// TestAverageProperties checks what holds for whatever samples come, whenever they come.
func TestAverageProperties(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var a average
		if !math.IsNaN(a.value()) || !math.IsNaN(a.peakValue()) {
			t.Fatal("an average of nothing is a number")
		}
		at, lo, hi, sum := epoch, math.Inf(1), 0.0, 0.0
		for n := 1; n <= 300; n++ {
			at = at.Add(time.Duration(rng.ExpFloat64()*float64(time.Second)) - 100*time.Millisecond) // now and then backwards
			x := rng.ExpFloat64() * 1000
			lo, hi, sum = min(lo, x), max(hi, x), sum+x
			a.add(at, x)
			switch {
			case a.n != uint32(n):
				t.Fatalf("%d samples counted as %d", n, a.n)
			case a.value() < lo-1e-9 || a.value() > hi+1e-9:
				t.Fatalf("mean %v outside %v..%v", a.value(), lo, hi)
			case a.peakValue() < a.value() || a.peakValue() < x || a.peakValue() > hi:
				t.Fatalf("peak %v, mean %v, sample %v, largest %v", a.peakValue(), a.value(), x, hi)
			case n <= settled && math.Abs(a.value()-sum/float64(n)) > 1e-6:
				t.Fatalf("%d samples: %v is not their mean %v", n, a.value(), sum/float64(n))
			}
		}
	}
}

func TestAverageForgets(t *testing.T) {
	t.Parallel()
	var a average
	at := epoch
	for range 50 {
		at = at.Add(time.Second)
		a.add(at, 1000)
	}
	for range 300 {
		at = at.Add(time.Second)
		a.add(at, 10)
	}
	if a.value() > 20 || a.peakValue() > 20 {
		t.Errorf("after five minutes at 10 the mean is %v, the peak %v", a.value(), a.peakValue())
	}
	a.add(at, 500)
	if a.peakValue() != 500 || a.value() > 100 {
		t.Errorf("after one sample of 500 the peak is %v, the mean %v", a.peakValue(), a.value())
	}
}

func TestAverageCountsNoFurtherThanItCan(t *testing.T) {
	t.Parallel()
	a := average{mean: 5, peak: 5, n: math.MaxUint32, last: epoch}
	a.add(epoch.Add(time.Second), 7)
	if a.n != math.MaxUint32 || !(a.value() > 5 && a.value() < 7) {
		t.Errorf("%+v", a)
	}
}

func TestSketchIsWithinAnEighth(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	var s sketch
	if a, b := s.quantiles(); !math.IsNaN(a) || !math.IsNaN(b) {
		t.Fatal("an empty sketch has quantiles")
	}
	for n := range 20 {
		var s sketch
		var all []float64
		mean := math.Pow(2, float64(n)/2) * 5
		for range 900 {
			x := 2 + rng.ExpFloat64()*mean
			all = append(all, x)
			s.add(x)
		}
		slices.Sort(all)
		p50, p95 := s.quantiles()
		for _, q := range []struct{ got, want float64 }{{p50, all[449]}, {p95, all[854]}} {
			if r := q.got / q.want; r < 1/1.125 || r > 1.125 {
				t.Errorf("mean %v: %v for %v", mean, q.got, q.want)
			}
		}
	}
}

func TestSketchForgetsAndSurvivesExtremes(t *testing.T) {
	t.Parallel()
	var s sketch
	for _, x := range []float64{0, -5, 1e300, math.Inf(1)} {
		s.add(x)
	}
	for range 10_000 {
		s.add(10)
	}
	for range 3000 {
		s.add(1000)
	}
	if p50, _ := s.quantiles(); p50 < 900 || p50 > 1100 {
		t.Errorf("median %v after the last 3000 of 13000 samples were 1000", p50)
	}
	if s.total >= sketchLimit {
		t.Errorf("total %v", s.total)
	}
}

// TestMinuteSlides compares with a plain list of what happened when.
func TestMinuteSlides(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	var m minute
	var when []time.Time
	at := epoch
	for range 2000 {
		at = at.Add(time.Duration(rng.ExpFloat64() * 3 * float64(time.Second)))
		if rng.IntN(50) == 0 {
			at = at.Add(time.Duration(rng.IntN(200)) * time.Second)
		}
		before := uint32(0)
		for _, w := range when {
			if at.Sub(w) < time.Minute {
				before++
			}
		}
		if got, _, _ := m.sum(at); got > before {
			t.Fatalf("%d requests in the last minute, counted as %d", before, got)
		}
		s := m.slot(at)
		s.requests++
		s.failures += 2
		s.tokens += 10
		when = append(when, at)
		var minimum, maximum uint32
		for _, w := range when {
			if at.Sub(w) < time.Minute-minuteStep {
				minimum++
			}
			if at.Sub(w) < time.Minute {
				maximum++
			}
		}
		got, failures, tokens := m.sum(at)
		if got < minimum || got > maximum || failures != 2*got || tokens != 10*uint64(got) {
			t.Fatalf("%d requests, %d failures, %d tokens; want %d to %d requests", got, failures, tokens, minimum, maximum)
		}
	}
}

func TestExpectation(t *testing.T) {
	t.Parallel()
	var e expectation
	if e.value() != expectedAtFirst {
		t.Errorf("at first %v", e.value())
	}
	for range 200 {
		e.add(1000)
	}
	if v := e.value(); v < 990 || v > 1000 {
		t.Errorf("after 200 answers of 1000 tokens: %v", v)
	}
	for range 1000 {
		e.add(0)
	}
	if v := e.value(); v < 1 || v > 2 {
		t.Errorf("after empty answers: %v", v)
	}
}

func TestHealthCountsEveryFailure(t *testing.T) {
	t.Parallel()
	h := &Health{}
	var c abi.Candidate
	for _, status := range []int{429, 500, 503, 401, 404, 408} {
		h.failed(&outcome{at: epoch, total: time.Millisecond, err: fromRefusal(refusal(status, ""))})
	}
	h.fill(&c, epoch)
	if c.Consecutive != 6 || c.FailMinute != 6 || c.ReqMinute != 6 || c.ErrorRate != 1 {
		t.Errorf("%+v", c)
	}
	// Who only fails, and fast, is unknown and not fast.
	if c.Samples != 0 || !math.IsNaN(c.Total) || !math.IsNaN(c.TTFT) || !math.IsNaN(c.TotalP95) {
		t.Errorf("failures made samples: %+v", c)
	}
	h.failed(&outcome{at: epoch, total: 30 * time.Second, err: upstreamTimeout("no"), streamed: true})
	h.fill(&c, epoch)
	if c.Samples != 1 || c.Total != 30_000 || c.TTFT != 30_000 {
		t.Errorf("a timeout does not count with its full time: %+v", c)
	}
	h.failed(&outcome{at: epoch, total: time.Second, err: upstreamTimeout("no")})
	h.fill(&c, epoch)
	if c.Samples != 1 || c.Total != 30_000 || c.Consecutive != 8 {
		t.Errorf("a limit below the usual time made it look faster: %+v", c)
	}
	h.succeeded(&outcome{at: epoch, total: time.Second, tokens: 50})
	h.fill(&c, epoch)
	if c.Consecutive != 0 || c.Samples != 2 || c.TokensMinute != 50 || c.ErrorRate != 8.0/9 {
		t.Errorf("%+v", c)
	}
}

func TestHealthTimesPerToken(t *testing.T) {
	t.Parallel()
	h := &Health{}
	var c abi.Candidate
	h.succeeded(&outcome{at: epoch, streamed: true, ttft: 200 * time.Millisecond, total: 1200 * time.Millisecond, output: 101})
	h.fill(&c, epoch)
	if c.TTFT != 200 || c.Total != 1200 || c.TPOT != 10 {
		t.Errorf("stream: %+v", c)
	}
	h = &Health{}
	h.succeeded(&outcome{at: epoch, total: time.Second, output: 50})
	h.fill(&c, epoch)
	if !math.IsNaN(c.TTFT) || c.Total != 1000 || c.TPOT != 20 {
		t.Errorf("whole: %+v", c)
	}
}

func TestHealthIsSharedAcrossSnapshots(t *testing.T) {
	t.Parallel()
	g := New(Options{})
	h := g.Health("a", "p", "m")
	if g.Health("a", "p", "m") != h || g.Health("a", "p", "n") == h || g.Health("a", "q", "m") == h {
		t.Error("identity is not by ID, provider and model")
	}
	snap := func(h *Health) *Snapshot {
		group := &Group{Name: "g", Deployments: []*Deployment{{ID: "a", Account: &Account{}, Health: h}}}
		group.output.add(100_000)
		return NewSnapshot(SnapshotSpec{Groups: []*Group{group}})
	}
	first := snap(h)
	g.Publish(first)
	expected := first.groups[0].output.value()
	second := NewSnapshot(SnapshotSpec{Groups: []*Group{{Name: "g", Deployments: []*Deployment{{ID: "a", Account: &Account{}, Health: h}}}}})
	g.Publish(second)
	if g.Health("a", "p", "m") != h {
		t.Error("a new snapshot with the deployment forgot its statistics")
	}
	if second.groups[0].output.value() != expected {
		t.Error("a new snapshot with the group forgot how long its answers are")
	}
	g.Publish(NewSnapshot(SnapshotSpec{}))
	if g.Health("a", "p", "m") == h {
		t.Error("a snapshot without the deployment kept its statistics")
	}
}
