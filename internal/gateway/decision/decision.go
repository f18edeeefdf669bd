// Package decision ranks the deployments that could serve a request: filters remove some, a
// tenant's policy or else the group's scoring strategies score the rest, and weights draw between
// equals. Import it to decide, or to decide once more on an input that was recorded: what comes
// out depends on that input and on what the strategies answer, and on nothing else. It logs
// nothing and knows neither health nor HTTP; whoever asks for a decision makes of it what it needs.
package decision

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Input is what is decided on. A decision only reads it.
type Input struct {
	// Header is the request's part. Its Seed draws between equals; see [Seed].
	Header abi.Header
	// Candidates are drawn by IDHash and Weight. The order in which they stand decides only
	// between equals of weight 0, and between those with one IDHash: the first comes first.
	Candidates []abi.Candidate
}

// Outcome is how a decision ended.
type Outcome uint8

const (
	// Ranked is the good one: there is a ranking.
	Ranked Outcome = iota
	// Emptied says that no candidate is left: the last of the calls removed the last of them, or the
	// input has none and nobody was asked.
	Emptied
	// Rejected says that a strategy, the last of the calls, refused the request.
	Rejected
	// Unavailable says that a strategy failed, the last of the calls, which is essential.
	Unavailable
	// Ended says that the context ended during the last of the calls.
	Ended
)

// Decision is what was decided, and the room which the next decision takes over. The zero value is
// ready for Make. One goroutine uses it at a time; what its fields hold is valid until the next
// Make.
type Decision struct {
	Outcome Outcome
	// Ranking is indexes of the input's candidates, best first. It is empty unless they are Ranked.
	Ranking []int
	// Scores has one number for each of the input's candidates, by which they were Ranked: lower
	// is better, NaN is removed. Without scoring strategies these are places in a random order.
	Scores []float64
	// Filtered marks the input's candidates that filters removed, so that nobody else was asked about
	// them. It is empty if they removed none, or left none.
	Filtered []bool
	// Calls are the strategies that were asked, in turn.
	Calls []Call
	// By names who decided: the panel's strategies, filters and policy, or "weighted" when all
	// scoring strategies failed.
	By string
	// Reason is what the strategies said about it, and which had no say, for humans.
	Reason string
	// Rejection is what the client is told if it was Rejected.
	Rejection Rejection
	// AttemptTimeout and FirstTokenTimeout are the strictest that strategies asked for, 0: none did.
	AttemptTimeout, FirstTokenTimeout time.Duration

	left  []int           // the candidates that are left, as indexes of the input's
	cands []abi.Candidate // the same, as strategies see them: the input's own, or kept
	kept  []abi.Candidate
	out   abi.ScoreOutput
}

// Call is one strategy's part in a decision.
type Call struct {
	Strategy string // name
	Policy   bool   // it is the policy
	Version  string // of the policy
	Fuel     uint64 // instructions that it ran
	Failed   string // why it had no say, empty: it had, or the context ended
	Err      error  // the whole of that
	Reason   string // its own, for humans; valid UTF-8
}

// Rejection is a strategy's refusal of a request, as the strategy put it.
type Rejection struct {
	Status uint16
	Code   string
	Reason string // valid UTF-8
}

// Make decides. The panel's filters come first. Then the policy scores what is left, or, if there
// is none or it fails, the panel's scoring strategies do: their scores are added up by weight.
// Without any of them, weights decide.
func (d *Decision) Make(ctx context.Context, in *Input, panel *Panel, policy Policy) {
	d.begin(in, panel)
	for i := 0; i < len(panel.filters) && d.Outcome == Ranked; i++ {
		d.apply(ctx, in, &panel.filters[i])
	}
	if d.Outcome == Ranked && len(d.left) < len(in.Candidates) {
		for _, s := range d.Scores {
			d.Filtered = append(d.Filtered, math.IsNaN(s))
		}
	}
	if d.Outcome == Ranked && !d.consult(ctx, in, panel, policy) {
		d.score(ctx, in, panel)
	}
	if d.Outcome == Ranked {
		d.rank(in.Header.Seed)
	}
}

// begin forgets the decision before.
func (d *Decision) begin(in *Input, panel *Panel) {
	*d = Decision{
		By: panel.label, Ranking: d.Ranking[:0], Scores: d.Scores[:0], Calls: d.Calls[:0], Filtered: d.Filtered[:0],
		left: d.left[:0], cands: in.Candidates, kept: d.kept, out: d.out,
	}
	for i := range in.Candidates {
		d.left, d.Scores = append(d.left, i), append(d.Scores, 0)
	}
	if len(d.left) == 0 {
		d.Outcome = Emptied
	}
}

// consult lets the policy score. It reports false when there is none, or it failed.
func (d *Decision) consult(ctx context.Context, in *Input, panel *Panel, policy Policy) bool {
	if policy.Strategy == nil {
		return false
	}
	failed := d.hear(ctx, in, policy.Name, policy.Strategy)
	call := &d.Calls[len(d.Calls)-1]
	call.Policy, call.Version = true, policy.Version
	if v, ok := policy.Strategy.(Versioned); ok && call.Version == "" {
		call.Version = v.Hash() // after the call: it may have led to a change of versions
	}
	if failed != "" {
		d.explain("policy " + policy.Name + " had no say: " + failed)
		return false
	}
	if d.By = policy.Name; panel.filterLabel != "" {
		d.By = panel.filterLabel + "+" + policy.Name
	}
	if d.Outcome == Ranked {
		d.take()
	}
	return true
}

// score lets the scoring strategies score.
func (d *Decision) score(ctx context.Context, in *Input, panel *Panel) {
	scored := false
	for i := range panel.scorers {
		u := &panel.scorers[i]
		ok := d.apply(ctx, in, u)
		if d.Outcome != Ranked {
			return
		}
		if ok && len(panel.scorers) > 1 {
			addScaled(d.Scores, d.left, d.out.Scores, u.Weight)
		} else if ok {
			d.take()
		}
		scored = scored || ok
	}
	if scored {
		return
	}
	for i, at := range d.left {
		d.Scores[at] = draw(&d.cands[i], in.Header.Seed)
	}
	if len(panel.scorers) > 0 {
		d.By = "weighted"
		d.explain("strategies failed, order by weight")
	}
}

// take makes the last call's scores the decision's.
func (d *Decision) take() {
	for i, s := range d.out.Scores {
		d.Scores[d.left[i]] = s
	}
}

// apply asks one strategy of the panel. It reports false when it failed and is left out.
func (d *Decision) apply(ctx context.Context, in *Input, u *Use) bool {
	failed := d.hear(ctx, in, u.Name, u.Strategy)
	if failed != "" && u.Essential {
		d.Outcome = Unavailable
	}
	return failed == ""
}

// hear asks one strategy about the candidates that are left and drops those that it removes; the
// scores in d.out are then of the rest. failed says why it had no say, if so. The outcome
// says if the decision ends with this call.
func (d *Decision) hear(ctx context.Context, in *Input, name string, s Strategy) (failed string) {
	fuel, err := s.Score(ctx, &in.Header, d.cands, &d.out)
	if err == nil && len(d.out.Scores) != len(d.cands) {
		err = fmt.Errorf("it gave %d scores for %d candidates", len(d.out.Scores), len(d.cands))
	}
	d.Calls = append(d.Calls, Call{Strategy: name, Fuel: fuel})
	call := &d.Calls[len(d.Calls)-1]
	if ctx.Err() != nil {
		d.Outcome = Ended
		return ""
	}
	if err != nil {
		call.Failed, call.Err = failure(err), err
		return call.Failed
	}
	if call.Reason = strings.ToValidUTF8(d.out.Reason, "\uFFFD"); call.Reason != "" {
		d.explain(name + ": " + call.Reason)
	}
	if d.out.Directives&abi.DirectiveReject != 0 {
		d.Outcome = Rejected
		d.Rejection = Rejection{Status: d.out.RejectStatus, Code: d.out.RejectCode, Reason: call.Reason}
		return ""
	}
	if d.out.Directives&abi.DirectiveAttemptTimeout != 0 {
		d.AttemptTimeout = Stricter(d.AttemptTimeout, time.Duration(d.out.AttemptTimeoutMS)*time.Millisecond)
	}
	if d.out.Directives&abi.DirectiveFirstTokenTimeout != 0 {
		d.FirstTokenTimeout = Stricter(d.FirstTokenTimeout, time.Duration(d.out.FirstTokenTimeoutMS)*time.Millisecond)
	}
	if d.keepScored(); len(d.left) == 0 {
		d.Outcome = Emptied
	}
	return ""
}

// keepScored drops the candidates whose score is NaN. The input's own stay as they are.
func (d *Decision) keepScored() {
	if !slices.ContainsFunc(d.out.Scores, math.IsNaN) {
		return
	}
	left, kept, scores := d.left[:0], d.kept[:0], d.out.Scores[:0]
	for i, s := range d.out.Scores {
		if math.IsNaN(s) {
			d.Scores[d.left[i]] = s
			continue
		}
		left, kept, scores = append(left, d.left[i]), append(kept, d.cands[i]), append(scores, s)
	}
	d.left, d.cands, d.kept, d.out.Scores = left, kept, kept, scores
}

// explain adds to the reasons.
func (d *Decision) explain(reason string) {
	if d.Reason != "" {
		d.Reason += "; "
	}
	d.Reason += reason
}

// Stricter is the shorter of two limits, of which 0 is none.
func Stricter(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return a + b
	}
	return min(a, b)
}
