package guests

import "testing"

func TestCeiling(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		size     uint32
		limit    uint32
		feedback bool
		want     uint32
	}{
		{3 << 16, 4096, false, 32 << 20}, {8 << 20, 4096, false, 32 << 20}, {8<<20 + 1, 4096, false, 32<<20 + 4},
		{1 << 31, 1 << 16, false, 1<<32 - 1}, {3 << 16, 4096, true, 1<<32 - 1},
		{3 << 16, 512, false, 8 << 20}, {3 << 20, 512, false, 12 << 20},
	} {
		if got := ceiling(tc.size, tc.limit, tc.feedback); got != tc.want {
			t.Errorf("%d bytes of %d pages, feedback %t: %d, want %d", tc.size, tc.limit, tc.feedback, got, tc.want)
		}
	}
}
