package decision

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

var nan, inf = math.NaN(), math.Inf(1)

// odd are scores that arithmetic may stumble over.
var odd = []float64{0, 1, -1, inf, -inf, math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 1e308, -1e308}

// TestScaledSumsAreNumbers holds that no sum is NaN, which would be taken for removed, and that
// none is outranked by a worse one.
func TestScaledSumsAreNumbers(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 10))
	for range 5000 {
		d := &Decision{Scores: make([]float64, 5), left: []int{0, 1, 2, 3, 4}, cands: make([]abi.Candidate, 5)}
		for range 3 {
			scores := make([]float64, 5)
			for i := range scores {
				if scores[i] = rng.NormFloat64(); rng.IntN(2) == 0 {
					scores[i] = odd[rng.IntN(len(odd))]
				}
			}
			addScaled(d.Scores, d.left, scores, rng.Float64())
		}
		if slices.ContainsFunc(d.Scores, math.IsNaN) {
			t.Fatalf("scores %v", d.Scores)
		}
		d.rank(rng.Uint64())
		for i := 1; i < len(d.Ranking); i++ {
			if d.Scores[d.Ranking[i]] < d.Scores[d.Ranking[i-1]] {
				t.Fatalf("ranked %v of %v", d.Ranking, d.Scores)
			}
		}
	}
}

func TestAddScaled(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		total  []float64
		places []int
		scores []float64
		weight float64
		want   []float64
	}{
		{"the least is 0, the greatest the weight", []float64{0, 0, 0}, []int{0, 1, 2}, []float64{10, 30, 20}, 0.5, []float64{0, 0.5, 0.25}},
		{"it is added", []float64{1, 2, 3}, []int{0, 1, 2}, []float64{10, 30, 20}, 1, []float64{1, 3, 3.5}},
		{"at its place", []float64{1, nan, 3}, []int{2, 0}, []float64{0, 8}, 1, []float64{2, nan, 3}},
		{"no weight, no say", []float64{1, 2}, []int{0, 1}, []float64{inf, -inf}, 0, []float64{1, 2}},
		{"equals say nothing", []float64{1, 2}, []int{0, 1}, []float64{7, 7}, 1, []float64{1, 2}},
		{"half of what is scaled up is half", []float64{0, 0}, []int{0, 1}, []float64{1000, 1005}, 1, []float64{0, 0.5 / 1.005}},
		{"infinities do not stretch the scale", []float64{0, 0, 0, 0}, []int{0, 1, 2, 3}, []float64{inf, 1, 2, -inf}, 1, []float64{inf, 0, 1, -inf}},
		{"last wins over first, whoever says it", []float64{inf, -inf, -inf}, []int{0, 1, 2}, []float64{-inf, inf, 5}, 1, []float64{inf, inf, -inf}},
		{"the distance of the largest", []float64{0, 0}, []int{0, 1}, []float64{-math.MaxFloat64, math.MaxFloat64}, 1, []float64{0, 1}},
	} {
		addScaled(tc.total, tc.places, tc.scores, tc.weight)
		for i, got := range tc.total {
			if want := tc.want[i]; got != want && math.Abs(got-want) > 1e-12 || math.IsNaN(got) != math.IsNaN(want) {
				t.Errorf("%s: %v, want %v", tc.name, tc.total, tc.want)
				break
			}
		}
	}
}

// TestEqualsAreDrawnByWeight holds that a tie sends each its share, whatever order they are listed
// in, and that a draw without scores does the same.
func TestEqualsAreDrawnByWeight(t *testing.T) {
	t.Parallel()
	a, b, c := abi.Candidate{IDHash: 1, Weight: 1}, abi.Candidate{IDHash: 2, Weight: 3}, abi.Candidate{IDHash: 3, Weight: 0}
	const draws = 8000
	for name, panel := range map[string]*Panel{
		"no strategies": NewPanel(nil),
		"a tie":         NewPanel([]Use{{Name: "equal", Strategy: fixed(map[uint64]float64{}), Weight: 1}}),
	} {
		var first, last [4]int
		var d Decision
		for n := range uint64(draws) {
			in := Input{Header: abi.Header{Seed: mix(n)}, Candidates: []abi.Candidate{a, b, c}}
			d.Make(t.Context(), &in, panel, Policy{})
			order := ids(&in, &d)
			first[order[0]]++
			last[order[2]]++
			in.Candidates = []abi.Candidate{c, b, a}
			if d.Make(t.Context(), &in, panel, Policy{}); !slices.Equal(order, ids(&in, &d)) {
				t.Fatalf("%s, seed %d: %v, in another order %v", name, in.Header.Seed, order, ids(&in, &d))
			}
		}
		// Shares of 1/4 and 3/4; six standard deviations are 232.
		if first[1] < draws/4-232 || first[1] > draws/4+232 || first[3] != 0 || last[3] != draws {
			t.Errorf("%s: first %v, last %v of %d", name, first, last, draws)
		}
	}
}

// TestSeeds holds that the attempts of a request, and requests with seeds in a row, are drawn apart.
func TestSeeds(t *testing.T) {
	t.Parallel()
	if got := Seed(0, 0); got != 0xe220a8397b1dcdaf { // the first of splitmix64 from 0
		t.Errorf("a recorded decision would be drawn otherwise: %#x", got)
	}
	c := abi.Candidate{IDHash: 42, Weight: 1}
	below := 0
	const attempts = 1000
	for i := range attempts {
		if draw(&c, Seed(1, i)) < math.Ln2 { // the median of an exponential draw
			below++
		}
	}
	if below < attempts/2-95 || below > attempts/2+95 { // six standard deviations
		t.Errorf("%d of %d draws below their median", below, attempts)
	}
}
