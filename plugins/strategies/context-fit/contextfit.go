// Package main is the filter context-fit: it drops the deployments that are too small for the prompt or
// lack an ability that the request needs.
//
// Two grades keep an uncertain estimate from doing harm. A deployment that lacks an ability, or whose
// context window is below the prompt's estimate, is dropped in any case. One that is merely tight (the
// estimate plus the margin plus the answer's limit exceeds the window, or the answer's limit exceeds what
// the model can write) is dropped only while a roomy one is left. What is not known counts as fitting.
package main

import (
	"math"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/note"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/settings"
)

type config struct{ margin float64 }

func defaults() config { return config{margin: 0.1} }

func (c *config) fields() []settings.Field {
	return []settings.Field{
		settings.Number("margin", &c.margin, 0, 10,
			"share of the prompt's estimate that a context window should have to spare"),
	}
}

type plugin struct {
	config
	grades []grade
	line   note.Line
}

func newPlugin() *plugin { return &plugin{config: defaults()} }

// Describe names the plugin.
func (p *plugin) Describe() abi.Description {
	c := defaults()
	return abi.Description{
		Name: "context-fit", Version: "1.0.0", Mode: abi.ModeFilter,
		About:        "drops what is too small for the prompt or lacks an ability that the request needs",
		ConfigSchema: settings.Schema(c.fields()...),
	}
}

// Configure takes the keys that Describe lists.
func (p *plugin) Configure(text []byte) error {
	c := defaults()
	if err := settings.Apply(text, c.fields()...); err != nil {
		return err
	}
	p.config = c
	return nil
}

type grade uint8

const (
	roomy    grade = iota
	tight          // probably fits
	tooSmall       // the prompt does not fit
	unable         // lacks an ability
	grades
)

// Score keeps the best grade that a candidate of this input has, and rejects the request if that one does
// not fit either.
func (p *plugin) Score(in abi.View, out *abi.ScoreOutput) error {
	n := in.Len()
	if n == 0 {
		return nil
	}
	if cap(p.grades) < n {
		p.grades = make([]grade, n)
	}
	p.grades = p.grades[:n]
	var counts [grades]int
	for i := range n {
		g := p.grade(in, in.Candidate(i))
		p.grades[i] = g
		counts[g]++
	}
	keep := tight
	if counts[roomy] > 0 {
		keep = roomy
	}
	for i, g := range p.grades {
		if g > keep {
			out.Scores[i] = math.NaN()
		}
	}
	switch {
	case counts[roomy]+counts[tight] > 0:
		out.Reason = p.kept(in, counts)
	case counts[tooSmall] > 0:
		p.rejectSize(in, out, counts)
	default:
		p.rejectAbility(in, out)
	}
	return nil
}

func (p *plugin) grade(in abi.View, c abi.CandidateView) grade {
	if missing(in, c) != 0 {
		return unable
	}
	prompt, window := float64(in.PromptTokens()), float64(c.Context())
	limit, most := float64(in.MaxOutput()), float64(c.MaxOutput())
	switch {
	case window > 0 && prompt > window:
		return tooSmall
	case window > 0 && prompt*(1+p.margin)+limit > window, most > 0 && limit > most:
		return tight
	default:
		return roomy
	}
}

// missing returns the features of the request that the candidate is known to lack.
func missing(in abi.View, c abi.CandidateView) uint32 {
	if c.Flags()&abi.CandidateAbilitiesKnown == 0 {
		return 0
	}
	return in.Features() &^ c.Abilities()
}

func (p *plugin) kept(in abi.View, counts [grades]int) string {
	l := p.line.New()
	if counts[roomy] == 0 {
		return l.Int(counts[tight]).Text(" of ").Int(in.Len()).Text(" may be tight for about ").
			Int(int(in.PromptTokens())).Text(" tokens").String()
	}
	l.Int(counts[roomy]).Text(" of ").Int(in.Len()).Text(" fit about ").Int(int(in.PromptTokens())).Text(" tokens")
	if small := counts[tight] + counts[tooSmall]; small > 0 {
		l.Text(", ").Int(small).Text(" too small")
	}
	if counts[unable] > 0 {
		l.Text(", ").Int(counts[unable]).Text(" unable")
	}
	return l.String()
}

func (p *plugin) rejectSize(in abi.View, out *abi.ScoreOutput, counts [grades]int) {
	out.Directives, out.RejectStatus, out.RejectCode = abi.DirectiveReject, 400, "context_length_exceeded"
	l := p.line.New().Text("context-fit: prompt of about ").Int(int(in.PromptTokens())).Text(" tokens exceeds ")
	switch able := counts[tooSmall]; {
	case able < in.Len():
		l.Text("the windows of all ").Int(able).Text(" able deployments")
	case able == 1:
		l.Text("the context window")
	default:
		l.Text("all ").Int(able).Text(" context windows")
	}
	out.Reason = l.String()
}

// The names of the features, lowest bit first, for sentences.
var featureNames = [...]string{
	"streaming", "tools", "images", "a JSON schema", "JSON mode", "audio", "files", "reasoning", "embeddings",
	"log probabilities", "several choices",
}

func (p *plugin) rejectAbility(in abi.View, out *abi.ScoreOutput) {
	out.Directives, out.RejectStatus, out.RejectCode = abi.DirectiveReject, 400, "unsupported_parameter"
	// What every one of them lacks is the plainest reason; without such a thing, what any of them lacks.
	all, some := ^uint32(0), uint32(0)
	for i := range in.Len() {
		m := missing(in, in.Candidate(i))
		all &= m
		some |= m
	}
	l := p.line.New().Text("context-fit: none of ").Int(in.Len()).Text(" deployments can do ")
	bits, separator := all, " and "
	if all == 0 {
		bits = some
		l.Text("all of ")
		separator = ", "
	}
	first := true
	for bit, name := range featureNames {
		if bits&(1<<bit) == 0 {
			continue
		}
		if !first {
			l.Text(separator)
		}
		first = false
		l.Text(name)
	}
	out.Reason = l.String()
}
