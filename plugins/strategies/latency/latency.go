// Package main is the strategy latency: the deployment that is expected to finish this request first.
//
// What counts is the time of this request: for a stream the time to the first token plus the expected
// output at the deployment's time per token, else the whole time. The averages are peak-sensitive, each
// request in flight lengthens them, and a share of errors costs as much as the retries that it causes.
// Candidates about as good as the best are drawn by weight, so that they share the traffic.
//
// A deployment without statistics is neither fast nor slow. It comes after those that are known to work
// and before those that are known to fail, and a bounded share of the requests tries it.
package main

import (
	"math"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/ladder"
	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/lottery"
	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/note"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/settings"
	"github.com/switchyard-gateway/switchyard/sdk/strategy/draw"
)

var (
	purposeOrder   = abi.Hash("latency: order of near-equals")
	purposeExplore = abi.Hash("latency: whether to explore")
	purposeTarget  = abi.Hash("latency: what to explore")
)

// The draws of the exploration lottery.
const (
	lotExplore = iota
	lotRefresh
)

type config struct{ buffer, explore, refresh, load float64 }

func defaults() config { return config{buffer: 0.1, explore: 0.1, refresh: 0.01, load: 0.1} }

func (c *config) fields() []settings.Field {
	return []settings.Field{
		settings.Number("buffer", &c.buffer, 0, 10,
			"share of the best time within which candidates count as equal and are drawn by weight"),
		settings.Number("explore", &c.explore, 0, 1,
			"share of requests that try a deployment without statistics, or one in its half-open trial"),
		settings.Number("refresh", &c.refresh, 0, 1,
			"share of requests that try a deployment which had none in the last minute, so that old statistics do not last for ever"),
		settings.Number("load", &c.load, 0, 10,
			"share by which one request in flight lengthens the expected time of a deployment of weight 1"),
	}
}

type plugin struct {
	config
	levels  []uint8
	reports []report
	line    note.Line

	token      float64 // slowest time per output token among the candidates
	tokenKnown bool
}

func newPlugin() *plugin { return &plugin{config: defaults()} }

// Describe names the plugin.
func (p *plugin) Describe() abi.Description {
	c := defaults()
	return abi.Description{
		Name: "latency", Version: "1.0.0", About: "expected time of the request, shortest first",
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

// Classes within a standing. Level 0 of the ladder is for the one that is explored.
const (
	proven  = iota // statistics, and mostly successes
	unknown        // no statistics, or in its half-open trial
	failing        // mostly failures
	classes
)

func level(standing, class uint8) uint8 { return 1 + standing*classes + class }

// Score is the expected time in milliseconds.
func (p *plugin) Score(in abi.View, out *abi.ScoreOutput) error {
	n := in.Len()
	p.levels = ladder.Levels(p.levels, n)
	if cap(p.reports) < n {
		p.reports = make([]report, n)
	}
	p.reports = p.reports[:n]
	slowest := p.study(in)

	best := math.Inf(1)
	for i := range p.reports {
		r := &p.reports[i]
		r.expected = p.expected(in.Candidate(i), r, slowest)
		if r.class == proven && r.standing == ladder.Usable {
			best = min(best, r.expected)
		}
	}
	explored := p.lottery(in, best)

	seed := draw.Mix(in.Seed(), purposeOrder)
	for i := range p.reports {
		r, c := &p.reports[i], in.Candidate(i)
		p.levels[i] = level(r.standing, r.class)
		switch {
		case i == explored:
			p.levels[i] = 0
		case r.class == unknown:
			out.Scores[i] = draw.Lot(draw.Race(seed, c.IDHash(), weight(c)))
			continue
		case r.class == proven && r.standing == ladder.Usable && r.expected <= best*(1+p.buffer):
			r.near = true
			out.Scores[i] = best * (1 + p.buffer*draw.Lot(draw.Race(seed, c.IDHash(), weight(c))))
			continue
		}
		out.Scores[i] = r.expected
	}
	ladder.Settle(out.Scores, p.levels)
	out.Reason = p.reason(in, out.Scores, explored)
	return nil
}

// weight is at least a little: being a backup is for order and the strategies that go by weight.
func weight(c abi.CandidateView) float64 {
	w, _ := lottery.Weight(c)
	return w
}

// expected is the time that a request is expected to take with load and errors reckoned in. Retrying a
// share e of failures costs e/(1-e) further requests, which are slow ones if luck is bad; the factor
// makes a tenth of errors weigh about half the slowest candidate's time.
func (p *plugin) expected(c abi.CandidateView, r *report, slowest float64) float64 {
	const (
		factor    = 4
		mostShare = 0.99
	)
	ms := r.ms
	if math.IsNaN(ms) {
		ms = slowest
	}
	e := min(r.errors, mostShare)
	return min(ms*(1+p.load*float64(c.InFlight())/weight(c))+slowest*factor*e/(1-e), ladder.Limit)
}

// lottery returns the candidate that this request explores, -1 for none. Only a first attempt explores,
// and only when there is something proven to compare with.
func (p *plugin) lottery(in abi.View, best float64) int {
	if in.Attempt() > 0 || math.IsInf(best, 1) {
		return -1
	}
	chance := draw.Mix(in.Seed(), purposeExplore)
	if draw.Unit(chance, lotExplore) < p.explore {
		if i := p.pick(in, func(r *report) bool { return r.untried }); i >= 0 {
			return i
		}
	}
	if draw.Unit(chance, lotRefresh) < p.refresh {
		return p.pick(in, func(r *report) bool { return r.stale })
	}
	return -1
}

// pick draws by weight among the usable candidates that are wanted.
func (p *plugin) pick(in abi.View, wanted func(*report) bool) int {
	seed := draw.Mix(in.Seed(), purposeTarget)
	found, first := -1, 0.0
	for i := range p.reports {
		if r := &p.reports[i]; r.standing != ladder.Usable || !wanted(r) {
			continue
		}
		c := in.Candidate(i)
		if a := draw.Race(seed, c.IDHash(), weight(c)); found < 0 || a < first {
			found, first = i, a
		}
	}
	return found
}

func (p *plugin) reason(in abi.View, scores []float64, explored int) string {
	first, second := ladder.Front(scores)
	if first < 0 {
		return ""
	}
	r := &p.reports[first]
	l := p.line.New()
	switch {
	case first == explored && r.untried:
		return l.Text("exploring ").Name(in.Candidate(first).ID()).Text(", which has no proven time yet").String()
	case first == explored:
		return l.Text("measuring ").Name(in.Candidate(first).ID()).Text(" again, which had no request this minute").String()
	}
	l.Name(in.Candidate(first).ID())
	switch r.class {
	case unknown:
		return l.Text(" drawn by weight, nothing is proven yet").String()
	case failing:
		return l.Text(" ").Millis(r.expected).Text(", though it mostly fails").String()
	}
	l.Text(" ").Millis(r.expected)
	if second < 0 {
		return l.String()
	}
	next := &p.reports[second]
	relation := " < "
	if r.near && next.near {
		relation = " ~ "
	}
	l.Text(relation).Name(in.Candidate(second).ID())
	switch {
	case next.standing != r.standing:
		l.Text(", which is down")
	case next.class == proven:
		l.Text(" ").Millis(next.expected)
	case next.class == unknown:
		l.Text(", not proven")
	default:
		l.Text(", which mostly fails")
	}
	return l.String()
}
