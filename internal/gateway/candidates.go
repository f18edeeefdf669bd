package gateway

import (
	"math"
	"slices"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/health"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// groupRun is a request's stay in one group.
type groupRun struct {
	*run
	group   *Group
	matched string // what the group's wildcard stands for
	depth   int    // fallbacks that led here, nested

	attempts int
	last     *Error        // of the previous attempt
	justNow  *Deployment   // that failed in it
	failed   []*Deployment // in this request; may be tried again
	gone     []*Deployment // in this request, for good
	removed  []*Deployment // by a strategy, from the next attempt
	removal  *Error        // what that strategy said
}

// tier ranks the availability of a deployment: a better tier is used up before a worse one is
// touched. "Another deployment is left" (routing.md) always means a fresh one.
type tier uint8

const (
	tierFresh   tier = iota // healthy, not tried in this request
	tierFailed              // healthy, failed earlier in this request
	tierJustNow             // healthy, failed in the previous attempt
	tierCooling             // cooling down; the three come again, in this order
	tiers       = 2 * tierCooling
)

// option is a deployment that the next attempt could use.
type option struct {
	d     *Deployment
	tier  tier
	flags uint32    // of the candidate record
	since time.Time // when its cooldown began
}

// fitness says whether a deployment can serve a request at all, or why not.
type fitness uint8

const (
	fit fitness = iota
	unfitDisabled
	unfitContext
	unfitAbilities
	unfitGone
	fitnesses
)

// needed are the features that a deployment must have to give a right answer; without the
// others it gives a plainer one.
const needed = abi.FeatureTools | abi.FeatureImages | abi.FeatureAudio | abi.FeatureFiles | abi.FeatureJSONSchema | abi.FeatureEmbeddings

func (q *Request) fitness(d *Deployment) fitness {
	switch {
	case d.Account.Disabled != "":
		return unfitDisabled
	case d.Context > 0 && q.PromptTokens > d.Context:
		return unfitContext
	case d.AbilitiesKnown && q.Features&needed&^d.Abilities != 0:
		return unfitAbilities
	default:
		return fit
	}
}

// choose leaves in sc.options what the next attempt can use: the best tier there is, of its
// lowest order. So fresh deployments of any order go before one is repeated. The error says why
// there is none, or is the last failure.
func (r *groupRun) choose(sc *scratch, at time.Time) (tier, *Error) {
	var why [fitnesses]int
	sc.options = sc.options[:0]
	for _, d := range r.group.Deployments {
		f := r.req.fitness(d)
		if slices.Contains(r.gone, d) || slices.Contains(r.removed, d) {
			f = unfitGone
		}
		if why[f]++; f == fit {
			sc.options = append(sc.options, r.option(d, at))
		}
	}
	if len(sc.options) == 0 {
		return 0, r.nothingLeft(&why)
	}
	lowest := r.lowestOrder(sc.options)
	best := option{tier: tiers}
	for _, o := range sc.options {
		if int64(o.d.Order) >= lowest && (best.tier == tiers || o.before(&best)) {
			best = o
		}
	}
	if best.tier >= tierCooling {
		if e := r.allCooling(sc.options, at); !r.group.FailOpen || r.fallbackLeft(e, true) {
			return 0, e
		}
		sc.options = append(sc.options[:0], best)
		return best.tier, nil
	}
	sc.options = slices.DeleteFunc(sc.options, func(o option) bool { return o.tier != best.tier || o.d.Order != best.d.Order })
	return best.tier, nil
}

// before orders options: by tier, then by order, or by who has rested longest among those that
// are cooling down.
func (o *option) before(p *option) bool {
	switch {
	case o.tier != p.tier:
		return o.tier < p.tier
	case o.tier >= tierCooling:
		return o.since.Before(p.since)
	default:
		return o.d.Order < p.d.Order
	}
}

func (r *groupRun) option(d *Deployment, at time.Time) option {
	o := option{d: d}
	state, busy, since := d.Health.Availability(at)
	switch {
	case d == r.justNow:
		o.tier, o.flags = tierJustNow, abi.CandidateFailed
	case slices.Contains(r.failed, d):
		o.tier, o.flags = tierFailed, abi.CandidateFailed
	}
	switch {
	case state == health.Cooling, state == health.HalfOpen && busy:
		o.tier += tierCooling
		o.flags |= abi.CandidateCooling
		o.since = since
	case state == health.HalfOpen:
		o.flags |= abi.CandidateTrial
	}
	return o
}

// lowestOrder is where the next attempt may begin. When the attempts that are left would just
// suffice to try each later order once, it moves on from the current one: a backup that is never
// reached is none.
func (r *groupRun) lowestOrder(options []option) int64 {
	if r.justNow == nil {
		return math.MinInt64
	}
	current, later := r.justNow.Order, 0
	for i, o := range options {
		counts := func(p option) bool { return p.tier == tierFresh && p.d.Order > current }
		if counts(o) && !slices.ContainsFunc(options[:i], func(p option) bool { return counts(p) && p.d.Order == o.d.Order }) {
			later++
		}
	}
	if left := r.retriesOf(r.justNow) + 1 - r.attempts; later > 0 && left <= later {
		return int64(current) + 1
	}
	return math.MinInt64
}

// othersLeft reports whether the group has a healthy deployment that has not failed in this
// request, besides d.
func (r *groupRun) othersLeft(d *Deployment, at time.Time) bool {
	return slices.ContainsFunc(r.group.Deployments, func(o *Deployment) bool {
		return o != d && !slices.Contains(r.failed, o) && r.req.available(o, at)
	})
}

// available reports whether a deployment fits the request and is not cooling down.
func (q *Request) available(d *Deployment, at time.Time) bool {
	if q.fitness(d) != fit {
		return false
	}
	state, busy, _ := d.Health.Availability(at)
	return state == health.Healthy || state == health.HalfOpen && !busy
}

// fallbackLeft reports whether e leads to a group that was not entered yet and, if available is
// asked for, has a deployment that is not cooling down.
func (r *groupRun) fallbackLeft(e *Error, available bool) bool {
	at := now()
	for _, name := range r.fallbacks(r.group, e, r.depth) {
		g, _, ok := r.reachable(name, r.depth)
		if ok && (!available || slices.ContainsFunc(g.Deployments, func(d *Deployment) bool { return r.req.available(d, at) })) {
			return true
		}
	}
	return false
}

func (r *groupRun) nothingLeft(why *[fitnesses]int) *Error {
	switch {
	case r.last != nil:
		return r.last
	case why[unfitGone] > 0:
		return r.removal
	case why[unfitAbilities] > 0:
		return InvalidRequest("unsupported_feature", "",
			"No deployment of this model can take everything the request asks for (tools, images, audio, files or a JSON schema).")
	case why[unfitContext] > 0:
		e := InvalidRequest("context_length_exceeded", "messages", "The prompt is longer than the context window of every deployment of this model.")
		e.kind = abi.ErrorContextWindow
		return e
	default:
		return serverError(503, "no_deployment", "No deployment of this model is configured to serve at the moment.")
	}
}

// allCooling is the answer when only deployments that are cooling down are left and none of them
// may be tried: the last failure, or a 503 that says when the first comes back.
func (r *groupRun) allCooling(options []option, at time.Time) *Error {
	if r.last != nil {
		return r.last
	}
	e := serverError(503, "all_cooling_down", "Every deployment of this model is cooling down after failures.")
	for _, o := range options {
		if wait := max(o.d.Health.CoolingFor(at), time.Second); e.RetryAfter == 0 || wait < e.RetryAfter {
			e.RetryAfter = wait
		}
	}
	return e
}
