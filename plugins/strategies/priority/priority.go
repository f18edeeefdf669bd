// Package main is the strategy priority: the lowest order first, and within an order drawn by weight.
//
// A deployment of weight 0 comes last within its order.
package main

import (
	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/ladder"
	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/lottery"
	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/note"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/settings"
)

var purpose = abi.Hash("priority")

type plugin struct {
	levels []uint8
	line   note.Line
}

func newPlugin() *plugin { return &plugin{} }

// Describe names the plugin.
func (p *plugin) Describe() abi.Description {
	return abi.Description{Name: "priority", Version: "1.0.0", About: "lowest order first, then random by weight"}
}

// Configure accepts no keys.
func (p *plugin) Configure(config []byte) error { return settings.Apply(config) }

// Score gives each candidate its order plus a lot below 1: the lower half for those drawn by weight, the
// upper half for weight 0.
func (p *plugin) Score(in abi.View, out *abi.ScoreOutput) error {
	p.levels = ladder.Levels(p.levels, in.Len())
	lots := lottery.New(in, purpose)
	for i := range in.Len() {
		c := in.Candidate(i)
		lot, class := lots.Draw(c)
		p.levels[i] = ladder.Standing(c.Flags())
		out.Scores[i] = float64(c.Order()) + float64(class)/lottery.Classes + lot/lottery.Classes
	}
	ladder.Settle(out.Scores, p.levels)
	out.Reason = p.reason(in, out.Scores)
	return nil
}

func (p *plugin) reason(in abi.View, scores []float64) string {
	first, second := ladder.Front(scores)
	if first < 0 {
		return ""
	}
	c := in.Candidate(first)
	l := p.line.New().Name(c.ID()).Text(" order ").Int(int(c.Order()))
	if second < 0 {
		return l.String()
	}
	next := in.Candidate(second)
	switch {
	case p.levels[first] != p.levels[second]:
		return l.Text(", ").Name(next.ID()).Text(" is down").String()
	case c.Order() == next.Order():
		return l.Text(", drawn by weight before ").Name(next.ID()).String()
	default:
		return l.Text(" < ").Name(next.ID()).Text(" order ").Int(int(next.Order())).String()
	}
}
