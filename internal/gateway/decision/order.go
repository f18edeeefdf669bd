package decision

import (
	"math"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// minSpread is the least difference, as a share of the scores, that is scaled up to the whole of
// 0..1. What is nearer than that says little, and must not outvote another strategy.
const minSpread = 0.01

// addScaled adds weight times the scores, of which the finite ones are scaled to 0..1, to the
// totals at their places. An infinity says first or last whatever others say; last wins over first.
func addScaled(total []float64, places []int, scores []float64, weight float64) {
	if weight == 0 {
		return
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, s := range scores {
		if !math.IsInf(s, 0) {
			lo, hi = min(lo, s/2), max(hi, s/2) // halves, whose distance is always finite
		}
	}
	spread := max(hi-lo, minSpread*max(math.Abs(hi), math.Abs(lo)))
	for i, s := range scores {
		sum := &total[places[i]]
		switch {
		case math.IsInf(s, 1):
			*sum = s
		case math.IsInf(*sum, 0):
		case math.IsInf(s, -1):
			*sum = s
		case hi > lo:
			*sum += weight * ((s/2 - lo) / spread)
		}
	}
}

// draw is a candidate's place in a random order, as weights say: lower is earlier, and weight 0
// comes last. It depends on the seed and the candidate alone.
func draw(c *abi.Candidate, seed uint64) float64 {
	if c.Weight <= 0 {
		return math.Inf(1)
	}
	u := (float64(mix(seed^c.IDHash)>>11) + 0.5) / (1 << 53)
	return -math.Log(u) / c.Weight
}

// rank sorts the few candidates that are left by score; equals are drawn by weight, so that a tie
// does not send everything to whichever is listed first.
func (d *Decision) rank(seed uint64) {
	before := func(a, b int) bool { // of d.left
		if x, y := d.Scores[d.left[a]], d.Scores[d.left[b]]; x != y {
			return x < y
		}
		return draw(&d.cands[a], seed) < draw(&d.cands[b], seed)
	}
	for i := range d.left {
		j := len(d.Ranking)
		d.Ranking = append(d.Ranking, i)
		for ; j > 0 && before(i, d.Ranking[j-1]); j-- {
			d.Ranking[j] = d.Ranking[j-1]
		}
		d.Ranking[j] = i
	}
	for i, at := range d.Ranking {
		d.Ranking[i] = d.left[at]
	}
}

// Seed is the seed of one of a request's attempts: one seed of a request gives independent ones.
func Seed(request uint64, attempt int) uint64 { return mix(request + uint64(attempt)) }

// mix is splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}
