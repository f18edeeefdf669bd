package health

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
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
	var e Expectation
	if e.Value() != expectedAtFirst {
		t.Errorf("at first %v", e.Value())
	}
	for range 200 {
		e.Add(1000)
	}
	if v := e.Value(); v < 990 || v > 1000 {
		t.Errorf("after 200 answers of 1000 tokens: %v", v)
	}
	for range 1000 {
		e.Add(0)
	}
	if v := e.Value(); v < 1 || v > 2 {
		t.Errorf("after empty answers: %v", v)
	}
}
