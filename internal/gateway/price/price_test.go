package price

import (
	"math"
	"testing"
)

func TestCost(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	for _, tc := range []struct {
		in, out, cached                  float64
		prompt, cachedTokens, completion uint64
		want                             float64
	}{
		{1, 2, 0.5, 100, 40, 10, (60*1 + 40*0.5 + 10*2) / 1e6},
		{1, 2, nan, 100, 40, 0, 100 / 1e6},
		{1, 2, 0, 10, 40, 0, 0},
		{nan, 2, nan, 0, 0, 10, 20 / 1e6},
		{0, 0, 0, 5, 0, 10, 0},
		{nan, 2, nan, 1, 0, 0, nan},
		{1, nan, 3, 0, 0, 1, nan},
	} {
		list := List{Input: tc.in, Output: tc.out, Cached: tc.cached}
		got := list.Cost(tc.prompt, tc.cachedTokens, tc.completion)
		if math.Abs(got-tc.want) > 1e-12 || math.IsNaN(got) != math.IsNaN(tc.want) {
			t.Errorf("%+v costs %v", tc, got)
		}
	}
}
