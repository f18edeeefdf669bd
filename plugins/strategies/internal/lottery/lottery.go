// Package lottery is what a strategy imports that draws candidates by weight: a candidate of
// weight 0 is a backup, and backups are drawn evenly among themselves.
package lottery

import (
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/strategy/draw"
)

// Classes of candidates, for the levels of a ladder.
const (
	Weighted = iota
	Backup
	Classes
)

// Lottery draws the candidates of one request.
type Lottery struct {
	seed uint64
	most float64
}

// New prepares a lottery among the candidates of a request. The purpose keeps strategies apart that see the same request:
// they must not draw the same lots.
func New(in abi.View, purpose uint64) Lottery {
	l := Lottery{seed: draw.Mix(in.Seed(), purpose)}
	for i := range in.Len() {
		l.most = max(l.most, draw.Weight(in.Candidate(i).Weight()))
	}
	return l
}

// Draw returns a candidate's lot, which is from 0 to 1: the lowest comes first. Weights count relative to the greatest, so
// that lots are spread over the range whatever the scale of the weights.
func (l Lottery) Draw(c abi.CandidateView) (lot float64, class uint8) {
	weight, class := Weight(c)
	if class == Weighted {
		weight /= l.most
	}
	return draw.Lot(draw.Race(l.seed, c.IDHash(), weight)), class
}

// Weight returns a candidate's weight and its class. A backup's is 1, so that backups compare among themselves.
func Weight(c abi.CandidateView) (weight float64, class uint8) {
	if w := draw.Weight(c.Weight()); w > 0 {
		return w, Weighted
	}
	return 1, Backup
}
