package ladder_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/ladder"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

func TestStanding(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flags uint32
		want  uint8
	}{
		{0, ladder.Usable},
		{abi.CandidatePinned | abi.CandidateTrial | abi.CandidateAbilitiesKnown, ladder.Usable},
		{abi.CandidateFailed, ladder.Failed},
		{abi.CandidateCooling, ladder.Cooling},
		{abi.CandidateFailed | abi.CandidateCooling, ladder.FailedCooling},
	} {
		if got := ladder.Standing(c.flags); got != c.want {
			t.Errorf("Standing(%b) = %d, want %d", c.flags, got, c.want)
		}
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	for _, c := range []struct {
		name   string
		scores []float64
		levels []uint8
		want   []float64
	}{
		{"one level", []float64{3, 1, 2}, []uint8{0, 0, 0}, []float64{3, 1, 2}},
		{"one high level", []float64{3, 1}, []uint8{9, 9}, []float64{3, 1}},
		{"lifted by the spread", []float64{10, 30, 5, 6}, []uint8{0, 0, 1, 1}, []float64{10, 30, 50, 51}},
		{"lifted by a share of the top", []float64{80, 5}, []uint8{0, 1}, []float64{80, 90}},
		{"already above", []float64{1, 2, 900}, []uint8{0, 0, 3}, []float64{1, 2, 900}},
		{"zeros", []float64{0, 0, 0}, []uint8{0, 1, 2}, []float64{0, 1, 2}},
		{"removed ones do not count", []float64{nan, 1, 0}, []uint8{0, 1, 2}, []float64{nan, 1, 1.125}},
		{"infinite", []float64{math.Inf(1), math.Inf(-1)}, []uint8{0, 0}, []float64{ladder.Limit, -ladder.Limit}},
	} {
		got := slices.Clone(c.scores)
		ladder.Settle(got, c.levels)
		if !slices.EqualFunc(got, c.want, func(a, b float64) bool { return a == b || a != a && b != b }) {
			t.Errorf("%s: Settle(%v, %v) = %v, want %v", c.name, c.scores, c.levels, got, c.want)
		}
	}
}

func TestSettleKeepsLevelsApart(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		n := 1 + r.IntN(20)
		scores, levels := make([]float64, n), make([]uint8, n)
		for i := range n {
			scores[i] = math.Exp(r.NormFloat64()*20) * float64(r.IntN(3)-1)
			levels[i] = uint8(r.IntN(ladder.MaxLevels))
		}
		before := slices.Clone(scores)
		ladder.Settle(scores, levels)
		for i := range n {
			if math.IsNaN(scores[i]) || math.IsInf(scores[i], 0) {
				t.Fatalf("Settle(%v, %v): score %d is %v", before, levels, i, scores[i])
			}
			for j := range n {
				if levels[i] < levels[j] && !(scores[i] < scores[j]) {
					t.Fatalf("Settle(%v, %v) = %v: %d is not before %d", before, levels, scores, i, j)
				}
				if levels[i] == levels[j] && before[i] < before[j] && scores[i] > scores[j] {
					t.Fatalf("Settle(%v, %v) = %v: %d and %d changed places", before, levels, scores, i, j)
				}
			}
		}
	}
}

func TestFront(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	for _, c := range []struct {
		scores        []float64
		first, second int
	}{
		{nil, -1, -1},
		{[]float64{nan, nan}, -1, -1},
		{[]float64{nan, 4}, 1, -1},
		{[]float64{2, 1}, 1, 0},
		{[]float64{1, 1, 1}, 0, 1},
		{[]float64{3, nan, 1, 2}, 2, 3},
	} {
		if a, b := ladder.Front(c.scores); a != c.first || b != c.second {
			t.Errorf("Front(%v) = %d, %d, want %d, %d", c.scores, a, b, c.first, c.second)
		}
	}
}
