package gateway

import (
	"slices"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/fleet"
	"github.com/switchyard-gateway/switchyard/internal/gateway/tier"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// groupRun is a request's stay in one group.
type groupRun struct {
	*run
	group   *Group
	matched string // what the group's wildcard stands for
	depth   int    // fallbacks that led here, nested

	attempts int
	last     *Error // of the previous attempt
	history  tier.History
	gone     []*Deployment // in this request, for good
	removed  []*Deployment // by a strategy, from the next attempt
	removal  *Error        // what that strategy said
}

// choose leaves in sc.options what the next attempt can use: the best tier there is, of its
// lowest order. The error says why there is none, or is the last failure.
func (r *groupRun) choose(sc *scratch, at time.Time) (tier.Tier, *Error) {
	var why [fleet.Fitnesses]int
	sc.options = sc.options[:0]
	for _, d := range r.group.Deployments {
		if !r.req.Tenant.mayCall(d) || slices.Contains(r.gone, d) || slices.Contains(r.removed, d) {
			continue
		}
		f := d.Fitness(&r.req.Facts)
		if why[f]++; f == fleet.Fit {
			sc.options = append(sc.options, r.history.Option(d, at))
		}
	}
	if len(sc.options) == 0 {
		return 0, r.nothingLeft(&why)
	}
	left := 0
	if last := r.history.JustNow; last != nil {
		left = r.retriesOf(last) + 1 - r.attempts
	}
	best := r.history.Best(sc.options, left)
	if best.Tier >= tier.Cooling {
		if e := r.allCooling(sc.options, at); !r.group.FailOpen || r.fallbackLeft(e, true) {
			return 0, e
		}
		sc.options = append(sc.options[:0], best)
		return best.Tier, nil
	}
	sc.options = tier.Equals(sc.options, best)
	return best.Tier, nil
}

// othersLeft reports whether the group has a healthy deployment that has not failed in this
// request, besides d.
func (r *groupRun) othersLeft(d *Deployment, at time.Time) bool {
	return slices.ContainsFunc(r.group.Deployments, func(o *Deployment) bool {
		return o != d && !slices.Contains(r.history.Failed, o) && r.req.available(o, at)
	})
}

// available reports whether the request may use a deployment, which fits and is not cooling down.
func (q *Request) available(d *Deployment, at time.Time) bool {
	return q.Tenant.mayCall(d) && d.Fitness(&q.Facts) == fleet.Fit && tier.Available(d, at)
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

// nothingLeft is the error when no deployment of the group is left that fits; why counts what is
// wrong with those that it may try.
func (r *groupRun) nothingLeft(why *[fleet.Fitnesses]int) *Error {
	switch {
	case r.last != nil:
		return r.last
	case len(r.removed) > 0:
		return r.removal
	case why[fleet.Unable] > 0:
		return InvalidRequest("unsupported_feature", "",
			"No deployment of this model can take everything the request asks for (tools, images, audio, files or a JSON schema).")
	case why[fleet.TooSmall] > 0:
		e := InvalidRequest("context_length_exceeded", "messages", "The prompt is longer than the context window of every deployment of this model.")
		e.kind = abi.ErrorContextWindow
		return e
	default:
		return serverError(503, "no_deployment", "No deployment of this model is configured to serve at the moment.")
	}
}

// allCooling is the answer when only deployments that are cooling down are left and none of them
// may be tried: the last failure, or a 503 that says when the first comes back.
func (r *groupRun) allCooling(options []tier.Option, at time.Time) *Error {
	if r.last != nil {
		return r.last
	}
	e := serverError(503, "all_cooling_down", "Every deployment of this model is cooling down after failures.")
	for _, o := range options {
		if wait := max(o.Deployment.Health.CoolingFor(at), time.Second); e.RetryAfter == 0 || wait < e.RetryAfter {
			e.RetryAfter = wait
		}
	}
	return e
}
