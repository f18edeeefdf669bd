package journal

import "testing"

func TestCompany(t *testing.T) {
	t.Parallel()
	var c company
	write := func(several bool) (sought bool) {
		sought = c.wanted()
		c.met(sought, several)
		return sought
	}
	// A lone writer looks for others less and less often.
	between := 0
	for _, want := range []int{0, 1, 3, 7, 15, 31, maxGap, maxGap, maxGap} {
		for !write(false) {
			between++
		}
		if between != want {
			t.Errorf("%d writes without looking, want %d", between, want)
		}
		between = 0
	}
	// Company that came by itself, or was found, is looked for the next time, and then as seldom as before.
	for range 3 {
		if write(true); !c.wanted() {
			t.Error("others had come, and are not looked for")
		}
		if write(false); c.wanted() {
			t.Error("nobody was there, and they are looked for again at once")
		}
	}
}
