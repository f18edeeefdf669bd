// Package ladder is what a scoring strategy imports to keep groups of candidates apart: first the
// usable ones in the order of their scores, then those that failed in this request, then the cooling.
//
// The host leaves failed and cooling candidates out while others are left, so the groups matter only
// when it has to offer them together.
package ladder

import (
	"math"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Standings are what Standing tells apart; a strategy with n classes of its own within each uses the
// levels standing*n + class.
const (
	Usable        = iota
	Failed        // in this request
	Cooling       // offered because all are
	FailedCooling // both
	Standings
)

// MaxLevels bounds the levels of one ladder.
const MaxLevels = 16

// Limit is the greatest size of a score that Settle leaves as it is.
const Limit = 1e15

// Standing reads a candidate's flags.
func Standing(flags uint32) uint8 {
	s := uint8(Usable)
	if flags&abi.CandidateFailed != 0 {
		s = Failed
	}
	if flags&abi.CandidateCooling != 0 {
		s += Cooling
	}
	return s
}

// Levels returns n zero levels in buf, grown if needed.
func Levels(buf []uint8, n int) []uint8 {
	if cap(buf) < n {
		return make([]uint8, n)
	}
	buf = buf[:n]
	clear(buf)
	return buf
}

// Settle raises scores so that each level lies wholly above the lower ones, keeping the order and the
// distances within a level, and makes all of them finite. NaN stays. Levels are below MaxLevels.
//
// The gap between two levels is about the spread below them, not a huge constant: the host scales scores
// to 0..1 before it adds strategies up, and a huge one would flatten the differences that matter.
func Settle(scores []float64, levels []uint8) {
	level := true // all on one level, as they mostly are
	for i, s := range scores {
		if s == s {
			scores[i] = min(max(s, -Limit), Limit)
		}
		level = level && levels[i] == levels[0]
	}
	if !level {
		raise(scores, levels)
	}
}

func raise(scores []float64, levels []uint8) {
	var low, high, shift [MaxLevels]float64
	var used [MaxLevels]bool
	for i, s := range scores {
		if s != s {
			continue
		}
		l := levels[i]
		if !used[l] {
			used[l], low[l], high[l] = true, s, s
			continue
		}
		low[l], high[l] = min(low[l], s), max(high[l], s)
	}
	bottom, top, started := 0.0, 0.0, false
	for l := range MaxLevels {
		if !used[l] {
			continue
		}
		if !started {
			bottom, top, started = low[l], high[l], true
			continue
		}
		// The last term keeps a gap that rounding would swallow: scores of one level can be far from each other.
		gap := max(top-bottom, math.Abs(top)/8, (math.Abs(low[l])+math.Abs(high[l]))*1e-9)
		if gap == 0 {
			gap = 1
		}
		shift[l] = max(0, top+gap-low[l])
		top = high[l] + shift[l]
	}
	for i, l := range levels[:len(scores)] {
		scores[i] += shift[l]
	}
}

// Front returns the candidates with the lowest and the second lowest score, -1 where there is none.
// The earlier one wins a tie, as it does in the host.
func Front(scores []float64) (first, second int) {
	first, second = -1, -1
	for i, s := range scores {
		switch {
		case s != s:
		case first < 0 || s < scores[first]:
			first, second = i, first
		case second < 0 || s < scores[second]:
			second = i
		}
	}
	return first, second
}
