package gateway

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/health"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// scratch is what one decision needs and the next can reuse. cands, total and from are in step:
// the candidates that are left, their scores so far, and which option each is.
type scratch struct {
	options []option
	cands   []abi.Candidate
	total   []float64
	from    []int
	ranked  []int // options, best first
	header  abi.Header
	out     abi.ScoreOutput
}

func (g *Gateway) scratch() *scratch {
	if s, ok := g.buffers.Get().(*scratch); ok {
		return s
	}
	return &scratch{}
}

// pick is the deployment of the next attempt and what the strategies said.
type pick struct {
	d            *Deployment
	trial        bool // its half-open trial, which is claimed
	strategy     string
	reason       string
	attemptLimit time.Duration // directive: cap of one attempt, 0: none
	firstToken   time.Duration // directive: first-token deadline, 0: none
}

// pick ranks the options and takes the best. ok is false, without an error, when a strategy has
// removed all of them, or when the only choice was a half-open trial that went to another request
// meanwhile.
func (r *groupRun) pick(ctx context.Context, sc *scratch, at time.Time) (p pick, ok bool, e *Error) {
	if e := r.rank(ctx, sc, at, &p); e != nil {
		return p, false, e
	}
	for _, i := range sc.ranked {
		o := &sc.options[i]
		trial := o.flags&abi.CandidateTrial != 0
		if !trial || o.d.Health.ClaimTrial(at) {
			p.d, p.trial = o.d, trial
			return p, true, nil
		}
	}
	return p, false, nil
}

// rank lets the group's strategies order the options. Filters come first, then the scores of
// each scoring strategy are added up by weight. A strategy that fails is left out; without any,
// weights decide.
func (r *groupRun) rank(ctx context.Context, sc *scratch, at time.Time, p *pick) *Error {
	seed := mix(r.ask.Seed + uint64(len(r.report.Attempts)))
	sc.header = r.header(at, seed)
	r.candidates(sc, at)
	p.strategy = r.group.label
	sc.ranked = sc.ranked[:0]
	for _, u := range r.group.filters {
		if _, e := r.apply(ctx, u, sc, p); e != nil || len(sc.cands) == 0 {
			return e
		}
	}
	scored := false
	for _, u := range r.group.scorers {
		ok, e := r.apply(ctx, u, sc, p)
		if e != nil || len(sc.cands) == 0 {
			return e
		}
		if ok && len(r.group.scorers) > 1 {
			addScaled(sc.total, sc.out.Scores, u.Weight)
		} else if ok {
			copy(sc.total, sc.out.Scores)
		}
		scored = scored || ok
	}
	if !scored {
		byWeight(sc.total, sc.cands, seed)
		if len(r.group.scorers) > 0 {
			p.strategy, p.reason = "weighted", "strategies failed, order by weight"
		}
	}
	sc.rank(seed)
	return nil
}

// apply runs one strategy over the candidates that are left and drops those that it removes;
// sc.out.Scores are then of the rest. ok is false when the strategy failed.
func (r *groupRun) apply(ctx context.Context, u *StrategyUse, sc *scratch, p *pick) (ok bool, e *Error) {
	err := u.Plugin.Score(ctx, &sc.header, sc.cands, &sc.out)
	if err == nil && len(sc.out.Scores) != len(sc.cands) {
		err = fmt.Errorf("it gave %d scores for %d candidates", len(sc.out.Scores), len(sc.cands))
	}
	if ctx.Err() != nil {
		return false, r.ended(ctx)
	}
	if err != nil {
		r.g.opts.Log.Warn("strategy left out of a decision", "strategy", u.Name, "group", r.group.Name, "request", r.req.ID, "error", err)
		return false, nil
	}
	out := &sc.out
	reason := strings.ToValidUTF8(out.Reason, "\uFFFD")
	if reason != "" && p.reason != "" {
		p.reason += "; "
	}
	if reason != "" {
		p.reason += u.Name + ": " + reason
	}
	if out.Directives&abi.DirectiveReject != 0 {
		return false, rejection(out, reason)
	}
	if out.Directives&abi.DirectiveAttemptTimeout != 0 {
		p.attemptLimit = stricter(p.attemptLimit, time.Duration(out.AttemptTimeoutMS)*time.Millisecond)
	}
	if out.Directives&abi.DirectiveFirstTokenTimeout != 0 {
		p.firstToken = stricter(p.firstToken, time.Duration(out.FirstTokenTimeoutMS)*time.Millisecond)
	}
	if sc.keepScored(); len(sc.cands) == 0 {
		r.g.opts.Log.Info("strategy left no deployment", "strategy", u.Name, "group", r.group.Name, "request", r.req.ID, "reason", reason)
		r.remove(sc.options, removedAll())
	}
	return true, nil
}

// keepScored drops the candidates whose score is NaN.
func (sc *scratch) keepScored() {
	keep := 0
	for i, s := range sc.out.Scores {
		if math.IsNaN(s) {
			continue
		}
		if keep < i {
			sc.cands[keep], sc.total[keep], sc.from[keep] = sc.cands[i], sc.total[i], sc.from[i]
		}
		sc.out.Scores[keep] = s
		keep++
	}
	sc.cands, sc.total, sc.from, sc.out.Scores = sc.cands[:keep], sc.total[:keep], sc.from[:keep], sc.out.Scores[:keep]
}

// remove takes options out of the next attempt's choice.
func (r *groupRun) remove(options []option, why *Error) {
	for _, o := range options {
		r.removed = append(r.removed, o.d)
	}
	r.removal = why
}

func rejection(out *abi.ScoreOutput, reason string) *Error {
	e := &Error{
		Status: int(out.RejectStatus), Type: "invalid_request_error", Code: out.RejectCode, Message: "The request was refused by a routing strategy.",
		class: abi.ClassFinal, kind: abi.ErrorInvalidRequest,
	}
	if reason != "" {
		e.Message = "The request was refused by a routing strategy: " + strings.TrimSuffix(reason, ".") + "."
	}
	if e.Status < 400 || e.Status > 599 {
		e.Status = 403
	}
	if e.Status >= 500 {
		e.Type = "server_error"
	}
	if !isName(e.Code) {
		e.Code = "rejected_by_strategy"
	}
	if e.Code == "context_length_exceeded" {
		e.kind, e.Param = abi.ErrorContextWindow, "messages"
	}
	return e
}

// removedAll is the error when strategies removed every deployment. Which, and why, is the
// operator's business; a strategy that has something to tell the client rejects.
func removedAll() *Error {
	e := serverError(503, "no_deployment", "Routing left no deployment of this model for the request.")
	e.class = abi.ClassOther
	return e
}

// minSpread is the least difference, as a share of the scores, that is scaled up to the whole of
// 0..1. What is nearer than that says little, and must not outvote another strategy.
const minSpread = 0.01

// addScaled adds weight times the scores, of which the finite ones are scaled to 0..1. An
// infinity says first or last whatever others say; last wins over first.
func addScaled(total, scores []float64, weight float64) {
	if weight == 0 {
		return
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, s := range scores {
		if !math.IsInf(s, 0) {
			lo, hi = min(lo, s/2), max(hi, s/2) // halves, whose distance is always finite
		}
	}
	spread := max(hi-lo, minSpread*max(math.Abs(hi), math.Abs(lo)))
	for i, s := range scores {
		switch {
		case math.IsInf(s, 1):
			total[i] = s
		case math.IsInf(total[i], 0):
		case math.IsInf(s, -1):
			total[i] = s
		case hi > lo:
			total[i] += weight * ((s/2 - lo) / spread)
		}
	}
}

// draw is a candidate's place in a random order, as weights say: lower is earlier, and weight 0
// comes last. It depends on the seed and the candidate alone.
func draw(c *abi.Candidate, seed uint64) float64 {
	if c.Weight <= 0 {
		return math.Inf(1)
	}
	u := (float64(mix(seed^c.IDHash)>>11) + 0.5) / (1 << 53)
	return -math.Log(u) / c.Weight
}

// byWeight orders by draw alone: what is done when no strategy can score.
func byWeight(total []float64, cands []abi.Candidate, seed uint64) {
	for i := range cands {
		total[i] = draw(&cands[i], seed)
	}
}

// rank sorts the few candidates by score; equals are drawn by weight, so that a tie does not send
// everything to whichever is listed first.
func (sc *scratch) rank(seed uint64) {
	before := func(a, b int) bool {
		if sc.total[a] != sc.total[b] {
			return sc.total[a] < sc.total[b]
		}
		return draw(&sc.cands[a], seed) < draw(&sc.cands[b], seed)
	}
	for i := range sc.total {
		j := len(sc.ranked)
		sc.ranked = append(sc.ranked, i)
		for ; j > 0 && before(i, sc.ranked[j-1]); j-- {
			sc.ranked[j] = sc.ranked[j-1]
		}
		sc.ranked[j] = i
	}
	for i, c := range sc.ranked {
		sc.ranked[i] = sc.from[c]
	}
}

// header is the request's part of the score input.
func (r *groupRun) header(at time.Time, seed uint64) abi.Header {
	expected := r.group.output.Value()
	if r.req.MaxOutput > 0 {
		expected = min(expected, float64(r.req.MaxOutput))
	}
	h := abi.Header{
		Seed: seed, Now: uint64(at.UnixMilli()), Features: r.req.Features, PromptTokens: r.req.PromptTokens,
		MaxOutput: r.req.MaxOutput, ExpectedOutput: uint32(min(expected, math.MaxInt32)), Attempt: uint32(r.attempts), Messages: r.req.Messages,
		RemainingMS: health.Milliseconds(r.deadline.Sub(at)), PrefixHash: r.req.PrefixHash, Tenant: r.req.TenantName,
		Group: r.group.Name, Tags: r.tags, Endpoint: r.req.Endpoint, Dialect: r.req.Dialect, BodyBytes: uint32(len(r.req.Body)),
	}
	if r.req.TenantName != "" {
		h.TenantHash = abi.Hash(r.req.TenantName)
	}
	if r.req.Session != "" {
		h.SessionHash = abi.Hash(r.req.Session)
	}
	if r.last != nil {
		h.LastError = r.last.Code
	}
	return h
}

// candidates fills one record per option.
func (r *groupRun) candidates(sc *scratch, at time.Time) {
	pin := ""
	if r.req.Tenant != nil {
		pin = r.req.Tenant.Pins[r.group.Name]
	}
	sc.cands, sc.total, sc.from = sc.cands[:0], sc.total[:0], sc.from[:0]
	for i, o := range sc.options {
		d := o.d
		sc.cands = append(sc.cands, abi.Candidate{
			IDHash: d.hash, ID: d.ID, Provider: d.Account.Name, Model: d.model(r.matched), Tags: d.tags,
			Abilities: d.Abilities, Flags: o.flags, Weight: d.Weight, Order: d.Order,
			PriceInput: d.PriceInput, PriceOutput: d.PriceOutput, PriceCached: d.PriceCached,
			Context: d.Context, MaxOutput: d.MaxOutput, RPM: d.RPM, TPM: d.TPM,
		})
		c := &sc.cands[i]
		if d.AbilitiesKnown {
			c.Flags |= abi.CandidateAbilitiesKnown
		}
		if pin != "" && pin == d.ID {
			c.Flags |= abi.CandidatePinned
		}
		d.Health.Fill(c, at)
		sc.total = append(sc.total, 0)
		sc.from = append(sc.from, i)
	}
}

// model is the vendor's model name for this request.
func (d *Deployment) model(matched string) string {
	if d.Model == "*" {
		return matched
	}
	return d.Model
}

// mix is splitmix64: one seed gives a stream of independent ones.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}
