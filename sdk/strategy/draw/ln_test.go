package draw

import (
	"math"
	"testing"
)

func TestLn(t *testing.T) {
	t.Parallel()
	check := func(u float64) {
		t.Helper()
		got, want := ln(u), math.Log(u)
		if !(math.Abs(got-want) <= 1e-10*math.Abs(want)) {
			t.Errorf("ln(%v) = %v, want %v", u, got, want)
		}
	}
	for u := 0x1p-53; u < 1; u *= 1.37 {
		check(u)
	}
	for i := range 10_000 {
		check(Unit(1, uint64(i)))
	}
	for _, u := range []float64{0x1p-53, 0.25, 0.5, math.Sqrt2 / 2, math.Nextafter(math.Sqrt2/2, 0), 0.75, math.Nextafter(0.5, 0), math.Nextafter(1, 0)} {
		check(u)
	}
}
