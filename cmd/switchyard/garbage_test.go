package main

import "testing"

func TestShareFor(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{0: 1200, 12 << 20: 400, 48 << 20: 100, 4 << 30: 100} {
		if got := shareFor(live); got != want {
			t.Errorf("%d MiB alive: %d %%, want %d", live>>20, got, want)
		}
	}
}
