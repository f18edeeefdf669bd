package main

import (
	"math"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/ladder"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// report is what the statistics say of one candidate.
type report struct {
	ms       float64 // time of this request on an idle deployment, NaN if not known
	expected float64 // the same with load and errors reckoned in
	errors   float64 // share of failures, 0..1
	standing uint8
	class    uint8
	untried  bool // worth exploring: no statistics, or in its half-open trial
	stale    bool // had requests, but none in the last minute
	near     bool // about as good as the best
}

// longest is the time in milliseconds above which times do not differ, some thirty years: it keeps sums finite.
const longest = 1e12

// study fills the reports and returns the slowest proven time, 1 ms if nothing is proven.
func (p *plugin) study(in abi.View) (slowest float64) {
	p.tokenKnown = false
	stream := in.Features()&abi.FeatureStream != 0
	tokens := float64(in.ExpectedOutput())
	if limit := float64(in.MaxOutput()); limit > 0 {
		tokens = min(tokens, limit)
	}
	for i := range in.Len() {
		c, r := in.Candidate(i), &p.reports[i]
		*r = report{standing: ladder.Standing(c.Flags()), errors: errorShare(c), ms: math.NaN()}
		switch {
		case c.Samples() == 0:
		case stream:
			r.ms = p.streamTime(in, c, tokens)
		default:
			r.ms = totalTime(c, tokens)
		}
		r.ms = min(r.ms, longest)
		r.class = classOf(c, r)
		trial := c.Flags()&abi.CandidateTrial != 0
		r.untried = trial || r.class == unknown
		r.stale = !r.untried && c.ReqMinute() == 0
		if r.class == proven {
			slowest = max(slowest, r.ms)
		}
	}
	if slowest == 0 {
		return 1
	}
	return slowest
}

// classOf calls a candidate failing when its failures outweigh what else is known. A streak counts at any
// age: a deployment that answered 500 to its last requests an hour ago has very short times to show.
func classOf(c abi.CandidateView, r *report) uint8 {
	const streak = 3
	failures := c.Consecutive()
	switch {
	case r.errors >= 0.5, failures >= streak, failures > 0 && failures >= c.Samples():
		return failing
	case math.IsNaN(r.ms), c.Flags()&abi.CandidateTrial != 0:
		return unknown
	default:
		return proven
	}
}

// errorShare is the error rate of the last minute, drawn towards 0 while it rests on few requests.
func errorShare(c abi.CandidateView) float64 {
	e := c.ErrorRate()
	if !(e > 0) {
		return 0
	}
	e = min(e, 1)
	if n := float64(c.ReqMinute()); n > 0 {
		e *= n / (n + 1)
	}
	return e
}

// streamTime is the time to the first token plus the output. A deployment whose time per token is not
// known is taken for as slow as the slowest, unless its total time is known.
func (p *plugin) streamTime(in abi.View, c abi.CandidateView, tokens float64) float64 {
	first, each := firstToken(c), c.TPOT()
	switch {
	case !measured(first):
		return whole(c)
	case measured(each):
		return first + tokens*each
	}
	if total := whole(c); measured(total) {
		return max(first, total)
	}
	return first + tokens*p.slowestToken(in)
}

// slowestToken is looked for once an input, and only if it is needed at all.
func (p *plugin) slowestToken(in abi.View) float64 {
	if p.tokenKnown {
		return p.token
	}
	p.token, p.tokenKnown = 0, true
	for i := range in.Len() {
		if t := in.Candidate(i).TPOT(); measured(t) {
			p.token = max(p.token, t)
		}
	}
	return p.token
}

// totalTime is the whole time, put together from the stream's parts if only those were measured.
func totalTime(c abi.CandidateView, tokens float64) float64 {
	if total := whole(c); measured(total) {
		return total
	}
	first := firstToken(c)
	if each := c.TPOT(); measured(each) {
		return first + tokens*each
	}
	return first
}

// firstToken is the time to the first token: peak-sensitive if there is such a value, else the average,
// else the median; NaN if nothing is known.
func firstToken(c abi.CandidateView) float64 {
	if t := c.TTFTPeak(); measured(t) {
		return t
	}
	if t := c.TTFT(); measured(t) {
		return t
	}
	if t := c.TTFTP50(); measured(t) {
		return t
	}
	return math.NaN()
}

// whole is the same for the total time.
func whole(c abi.CandidateView) float64 {
	if t := c.TotalPeak(); measured(t) {
		return t
	}
	if t := c.Total(); measured(t) {
		return t
	}
	if t := c.TotalP50(); measured(t) {
		return t
	}
	return math.NaN()
}

// measured tells a time from the absence of one: nothing takes no time at all.
func measured(ms float64) bool { return ms > 0 && ms <= math.MaxFloat64 }
