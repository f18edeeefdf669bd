package draw_test

import (
	"math"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/strategy/draw"
)

func TestMixIsFixed(t *testing.T) {
	t.Parallel()
	// Recorded decisions are replayed with these numbers: a change breaks every recording.
	for _, c := range []struct{ seed, key, want uint64 }{
		{0, 0, 0xa706dd2f4d197e6f},
		{1, 0, 0x5e41ab087439611e},
		{0, 1, 0x8b4fda8c892b50e},
	} {
		if got := draw.Mix(c.seed, c.key); got != c.want {
			t.Errorf("Mix(%d, %d) = %#x, want %#x", c.seed, c.key, got, c.want)
		}
	}
}

// TestUnitIsEven looks at seeds and keys that count upwards, which is how careless callers use them.
func TestUnitIsEven(t *testing.T) {
	t.Parallel()
	const cells, each = 64, 4000
	for name, unit := range map[string]func(i uint64) float64{
		"by seed": func(i uint64) float64 { return draw.Unit(i, 7) },
		"by key":  func(i uint64) float64 { return draw.Unit(7, i) },
		"both":    func(i uint64) float64 { return draw.Unit(i, i) },
	} {
		var hits [cells]int
		for i := range uint64(cells * each) {
			u := unit(i)
			if u <= 0 || u >= 1 {
				t.Fatalf("%s: draw %d is %v", name, i, u)
			}
			hits[int(u*cells)]++
		}
		chi := 0.0
		for _, h := range hits {
			d := float64(h - each)
			chi += d * d / each
		}
		// 63 degrees of freedom: 127 is passed once in 300,000 even generators.
		if chi > 127 {
			t.Errorf("%s: chi-square %.1f over %d cells", name, chi, cells)
		}
	}
}

func TestRaceFollowsWeights(t *testing.T) {
	t.Parallel()
	weights := []float64{1, 2, 5, 0}
	const n = 80000
	var first, second [4]int
	for seed := range uint64(n) {
		a, b := -1, -1
		at := func(i int) float64 { return draw.Race(seed, uint64(i)+100, weights[i]) }
		for i := range weights {
			switch {
			case a < 0 || at(i) < at(a):
				a, b = i, a
			case b < 0 || at(i) < at(b):
				b = i
			}
		}
		first[a]++
		second[b]++
	}
	wantFirst := []float64{1. / 8, 2. / 8, 5. / 8, 0}
	// Second place: the others' chances once the first is gone.
	wantSecond := []float64{
		2./8*1/6 + 5./8*1/3,
		1./8*2/7 + 5./8*2/3,
		1./8*5/7 + 2./8*5/6,
		0,
	}
	check := func(place string, got [4]int, want []float64) {
		for i, p := range want {
			if bound := 5*math.Sqrt(n*p*(1-p)) + 1; math.Abs(float64(got[i])-n*p) > bound {
				t.Errorf("%s: weight %v came %d times in %d, want %.0f ± %.0f", place, weights[i], got[i], n, n*p, bound)
			}
		}
	}
	check("first", first, wantFirst)
	check("second", second, wantSecond)
}

func TestLotKeepsOrder(t *testing.T) {
	t.Parallel()
	last := -1.0
	for _, a := range []float64{0, 1e-9, 0.5, 1, 40, 1e9, math.Inf(1)} {
		l := draw.Lot(a)
		if !(l > last) || l > 1 {
			t.Errorf("Lot(%v) = %v after %v", a, l, last)
		}
		last = l
	}
}

func TestWeight(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want float64 }{
		{math.NaN(), 1}, {0, 0}, {-3, 0}, {1e-300, 0}, {0.5, 0.5}, {math.Inf(1), draw.MaxWeight}, {math.Inf(-1), 0},
	} {
		if got := draw.Weight(c.in); got != c.want {
			t.Errorf("Weight(%v) = %v, want %v", c.in, got, c.want)
		}
	}
}
