// Package main is the strategy weighted: each request goes to a deployment drawn by weight.
//
// The order of the others is drawn the same way, so retries spread by weight too. A deployment of weight
// 0 is a backup: it comes after all others, and backups are drawn evenly among themselves.
package main

import (
	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/ladder"
	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/lottery"
	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/note"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/settings"
	"github.com/switchyard-gateway/switchyard/sdk/strategy/draw"
)

var purpose = abi.Hash("weighted")

type plugin struct {
	levels []uint8
	line   note.Line
}

func newPlugin() *plugin { return &plugin{} }

// Describe names the plugin.
func (p *plugin) Describe() abi.Description {
	return abi.Description{Name: "weighted", Version: "1.0.0", About: "random by weight; weight 0 is a backup"}
}

// Configure accepts no keys.
func (p *plugin) Configure(config []byte) error { return settings.Apply(config) }

// Score draws the order.
func (p *plugin) Score(in abi.View, out *abi.ScoreOutput) error {
	p.levels = ladder.Levels(p.levels, in.Len())
	lots := lottery.New(in, purpose)
	for i := range in.Len() {
		c := in.Candidate(i)
		lot, class := lots.Draw(c)
		p.levels[i] = ladder.Standing(c.Flags())*lottery.Classes + class
		out.Scores[i] = lot
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
	l := p.line.New().Name(c.ID())
	switch {
	case second < 0:
		return l.Text(" is the only one").String()
	case p.levels[first]%lottery.Classes == lottery.Backup:
		return l.Text(" drawn among backups of weight 0").String()
	}
	sum := 0.0
	for i, level := range p.levels {
		if level == p.levels[first] {
			sum += draw.Weight(in.Candidate(i).Weight())
		}
	}
	return l.Text(" drawn by weight ").Number(draw.Weight(c.Weight())).Text(" of ").Number(sum).String()
}
