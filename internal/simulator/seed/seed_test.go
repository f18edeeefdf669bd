package seed

import "testing"

// TestFixed pins the sequence: recorded answers depend on it.
func TestFixed(t *testing.T) {
	t.Parallel()
	r := New(1, "text", 2)
	if got := r.Hex(8) + " " + r.ID("x_", 6); got != "8f6b59fc x_grrm2q" {
		t.Errorf("got %q", got)
	}
}

// TestDistinct: neighbouring seeds, texts and numbers start sequences that have nothing in common.
func TestDistinct(t *testing.T) {
	t.Parallel()
	seen := map[uint64]bool{}
	for s := range uint64(20) {
		for _, text := range []string{"", "a", "b", "ab"} {
			for n := range uint64(20) {
				r := New(s, text, n)
				for range 10 {
					seen[r.Next()] = true
				}
			}
		}
	}
	if len(seen) != 20*4*20*10 {
		t.Errorf("%d different numbers of %d", len(seen), 20*4*20*10)
	}
}

func TestShapes(t *testing.T) {
	t.Parallel()
	r := New(3, "", 0)
	sum, square := 0.0, 0.0
	const n = 20_000
	for range n {
		if f := r.Float(); f < 0 || f >= 1 {
			t.Fatalf("Float gave %v", f)
		}
		v := r.Normal()
		sum, square = sum+v, square+v*v
	}
	if mean, variance := sum/n, square/n; mean < -0.05 || mean > 0.05 || variance < 0.9 || variance > 1.1 {
		t.Errorf("Normal: mean %v, variance %v", mean, variance)
	}
}
