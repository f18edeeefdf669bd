// Package tier says which deployments of a group a request's next attempt may use: import it to go
// from all that fit to the best that are available, before anybody scores them.
package tier

import (
	"math"
	"slices"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/fleet"
	"github.com/switchyard-gateway/switchyard/internal/gateway/health"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Tier ranks the availability of a deployment: a better tier is used up before a worse one is
// touched. "Another deployment is left" always means a fresh one.
type Tier uint8

// The tiers, best first.
const (
	Fresh   Tier = iota // healthy, not tried in this request
	Failed              // healthy, failed earlier in this request
	JustNow             // healthy, failed in the previous attempt
	Cooling             // cooling down; the three come again, in this order
	none    = 2 * Cooling
)

// History is what has failed in a request.
type History struct {
	Failed  []*fleet.Deployment
	JustNow *fleet.Deployment // in the previous attempt, nil: there was none
}

// Add notes the failure of an attempt.
func (h *History) Add(d *fleet.Deployment) {
	h.JustNow = d
	h.Failed = append(h.Failed, d)
}

// Option is a deployment that the next attempt could use.
type Option struct {
	Deployment *fleet.Deployment
	Tier       Tier
	Flags      uint32    // of the candidate record
	since      time.Time // when its cooldown began
}

// Option ranks a deployment.
func (h *History) Option(d *fleet.Deployment, at time.Time) Option {
	o := Option{Deployment: d}
	state, busy, since := d.Health.Availability(at)
	switch {
	case d == h.JustNow:
		o.Tier, o.Flags = JustNow, abi.CandidateFailed
	case slices.Contains(h.Failed, d):
		o.Tier, o.Flags = Failed, abi.CandidateFailed
	}
	switch {
	case state == health.Cooling, state == health.HalfOpen && busy:
		o.Tier += Cooling
		o.Flags |= abi.CandidateCooling
		o.since = since
	case state == health.HalfOpen:
		o.Flags |= abi.CandidateTrial
	}
	return o
}

// Available reports whether a deployment is not cooling down.
func Available(d *fleet.Deployment, at time.Time) bool {
	state, busy, _ := d.Health.Availability(at)
	return state == health.Healthy || state == health.HalfOpen && !busy
}

// before orders options: by tier, then by order, or by who has rested longest among those that
// are cooling down.
func (o *Option) before(p *Option) bool {
	switch {
	case o.Tier != p.Tier:
		return o.Tier < p.Tier
	case o.Tier >= Cooling:
		return o.since.Before(p.since)
	default:
		return o.Deployment.Order < p.Deployment.Order
	}
}

// Best is the first of options, of which there is at least one: of the best tier that they have,
// of its lowest order. So fresh deployments of any order go before one is repeated. left is how
// many attempts the group has left by the retries of the deployment that failed last.
func (h *History) Best(options []Option, left int) Option {
	lowest := h.lowestOrder(options, left)
	best := Option{Tier: none}
	for _, o := range options {
		if int64(o.Deployment.Order) >= lowest && (best.Tier == none || o.before(&best)) {
			best = o
		}
	}
	return best
}

// lowestOrder is where the next attempt may begin. When the attempts that are left would just
// suffice to try each later order once, it moves on from the current one: a backup that is never
// reached is none.
func (h *History) lowestOrder(options []Option, left int) int64 {
	if h.JustNow == nil {
		return math.MinInt64
	}
	current, later := h.JustNow.Order, 0
	for i, o := range options {
		counts := func(p Option) bool { return p.Tier == Fresh && p.Deployment.Order > current }
		if counts(o) && !slices.ContainsFunc(options[:i], func(p Option) bool { return counts(p) && p.Deployment.Order == o.Deployment.Order }) {
			later++
		}
	}
	if later > 0 && left <= later {
		return int64(current) + 1
	}
	return math.MinInt64
}

// Equals leaves of options, in their place, those of the tier and the order of best.
func Equals(options []Option, best Option) []Option {
	kept := options[:0]
	for _, o := range options {
		if o.Tier == best.Tier && o.Deployment.Order == best.Deployment.Order {
			kept = append(kept, o)
		}
	}
	return kept
}
