package replay

import (
	"math"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/store/decisionlog"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// choice is what a decision came to: a deployment, or none.
type choice struct {
	outcome decision.Outcome
	at      int // index of the candidate, -1: none
	reason  string
}

// verdict is a decision of then beside the one of now.
type verdict struct {
	pick          *decisionlog.Pick
	before, after choice
	failed        string // why the policy had no say now
}

// moved reports whether the request would have gone elsewhere.
func (v *verdict) moved() bool {
	return v.before.outcome != v.after.outcome || v.before.at != v.after.at
}

// then is what was decided: the deployment that was tried.
func then(rec *decisionlog.Record, p *decisionlog.Pick) choice {
	c := choice{outcome: decision.Outcome(p.Outcome), at: -1, reason: p.Reason}
	if c.outcome != decision.Ranked || p.Try >= len(rec.Tries) {
		return c
	}
	for i := range p.Candidates {
		if p.Candidates[i].ID == rec.Tries[p.Try].Deployment {
			c.at = i
		}
	}
	return c
}

// now is what has just been decided. A half-open deployment whose one trial another request had
// taken is not to be had now either.
func (r *run) now(rec *decisionlog.Record, p *decisionlog.Pick) choice {
	c := choice{outcome: r.decision.Outcome, at: -1, reason: r.decision.Reason}
	chosen := then(rec, p).at
	for _, i := range r.decision.Ranking {
		if i == chosen || p.Candidates[i].Flags&abi.CandidateTrial == 0 || !beat(p, i, chosen) {
			c.at = i
			break
		}
	}
	return c
}

// beat reports whether candidate a stood before b then.
func beat(p *decisionlog.Pick, a, b int) bool {
	return b >= 0 && max(a, b) < len(p.Scores) && p.Scores[a] <= p.Scores[b]
}

// estimate is what a deployment would have cost, in USD, and taken, in milliseconds; NaN is
// unknown. Tokens are those that the vendor counted, else the router's estimate before the request.
// The price of cached tokens is left out: another deployment's cache is not known. The latency is
// the deployment's average at that moment: to the first token and from token to token for as many
// as the answer had, or, where these are not known, that of whole answers.
func estimate(rec *decisionlog.Record, p *decisionlog.Pick, at int) (cost, latency float64) {
	if at < 0 {
		return math.NaN(), math.NaN()
	}
	c := &p.Candidates[at]
	prompt, completion := float64(p.Header.PromptTokens), float64(p.Header.ExpectedOutput)
	if rec.Entry.Counted {
		prompt, completion = float64(rec.Entry.Prompt), float64(rec.Entry.Completion)
	}
	cost = (times(prompt, c.PriceInput) + times(completion, c.PriceOutput)) / 1e6
	if latency = c.TTFT + times(completion, c.TPOT); math.IsNaN(latency) {
		latency = c.Total
	}
	return cost, latency
}

// times is a product in which nothing of something unknown is nothing.
func times(n, price float64) float64 {
	if n == 0 {
		return 0
	}
	return n * price
}
