// Package main is the strategy least-busy: the deployment with the fewest requests in flight relative to
// its weight.
//
// Ties, which are the rule when traffic is light, go by the power of two choices: of two drawn by weight,
// the one that had fewer requests in the last minute relative to its weight. A deployment of weight 0
// comes after all others.
package main

import (
	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/ladder"
	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/lottery"
	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/note"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/settings"
	"github.com/switchyard-gateway/switchyard/sdk/strategy/draw"
)

var purpose = abi.Hash("least-busy")

// tie is the share of a load within which two loads count as equal: only rounding makes such a difference.
const tie = 1e-9

type plugin struct {
	levels []uint8
	line   note.Line
}

func newPlugin() *plugin { return &plugin{} }

// Describe names the plugin.
func (p *plugin) Describe() abi.Description {
	return abi.Description{
		Name: "least-busy", Version: "1.0.0",
		About: "fewest requests in flight relative to weight, power of two choices on ties",
	}
}

// Configure accepts no keys.
func (p *plugin) Configure(config []byte) error { return settings.Apply(config) }

// choice is one of the two that were drawn among the least busy.
type choice struct {
	index   int // -1: none
	arrival float64
	idHash  uint64
	recent  float64 // requests in the last minute relative to weight
}

// Score gives each candidate its load, and those with the same load their places by lot.
func (p *plugin) Score(in abi.View, out *abi.ScoreOutput) error {
	n := in.Len()
	p.levels = ladder.Levels(p.levels, n)
	lowest := uint8(ladder.MaxLevels)
	for i := range n {
		c := in.Candidate(i)
		weight, class := lottery.Weight(c)
		p.levels[i] = ladder.Standing(c.Flags())*lottery.Classes + class
		lowest = min(lowest, p.levels[i])
		out.Scores[i] = float64(c.InFlight()) / weight
	}
	least := ladder.Limit
	for i, level := range p.levels {
		if level == lowest {
			least = min(least, out.Scores[i])
		}
	}
	seed := draw.Mix(in.Seed(), purpose)
	a, b := choice{index: -1}, choice{index: -1}
	for i := range n {
		c := in.Candidate(i)
		weight, _ := lottery.Weight(c)
		arrival := draw.Race(seed, c.IDHash(), weight)
		load := out.Scores[i]
		if p.levels[i] == lowest && load-least <= tie*least {
			it := choice{i, arrival, c.IDHash(), float64(c.ReqMinute()) / weight}
			switch {
			case a.index < 0 || before(it, a):
				a, b = it, a
			case b.index < 0 || before(it, b):
				b = it
			}
		}
		out.Scores[i] = load + tie*max(load, 1)*draw.Lot(arrival)
	}
	if b.index >= 0 && b.recent < a.recent {
		out.Scores[a.index], out.Scores[b.index] = out.Scores[b.index], out.Scores[a.index]
		a, b = b, a
	}
	ladder.Settle(out.Scores, p.levels)
	out.Reason = p.reason(in, out.Scores, a, b)
	return nil
}

func before(x, y choice) bool {
	return x.arrival < y.arrival || x.arrival == y.arrival && x.idHash < y.idHash
}

func (p *plugin) reason(in abi.View, scores []float64, a, b choice) string {
	first, second := ladder.Front(scores)
	if first < 0 {
		return ""
	}
	c := in.Candidate(first)
	l := p.line.New().Name(c.ID()).Text(" ").Int(int(c.InFlight())).Text(" in flight")
	switch {
	case second < 0:
	case first == a.index && second == b.index:
		l.Text(", tied with ").Name(in.Candidate(second).ID())
		if a.recent != b.recent {
			l.Text(", fewer this minute")
		}
	default:
		next := in.Candidate(second)
		l.Text(" < ").Name(next.ID()).Text(" ").Int(int(next.InFlight()))
	}
	return l.String()
}
