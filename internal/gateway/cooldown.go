package gateway

import (
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Cooldown figures (routing.md).
const (
	refusedPause  = time.Minute     // after 401, 403, 404: the vendor refuses us
	maxPause      = 5 * time.Minute // a failed trial doubles the pause up to here
	maxAsked      = time.Hour       // of a vendor's Retry-After
	minAttempts   = 5               // in the last minute, before a failure rate says anything
	maxFailedRate = 0.5
)

type cooldownState uint8

const (
	healthy cooldownState = iota
	cooling
	halfOpen // the pause is over, a trial decides
)

// cooldown is a circuit breaker. Its owner locks.
type cooldown struct {
	until  time.Time // zero: healthy
	since  time.Time
	pause  time.Duration
	trial  bool // one is running
	reason string
}

func (c *cooldown) state(at time.Time) cooldownState {
	switch {
	case c.until.IsZero():
		return healthy
	case at.Before(c.until):
		return cooling
	default:
		return halfOpen
	}
}

func (c *cooldown) start(at time.Time, pause time.Duration, reason string) {
	*c = cooldown{until: at.Add(pause), since: at, pause: pause, reason: reason}
}

// proved ends the pause when the vendor has answered an attempt that began during it, or the
// trial. One that was under way before says nothing: the failure is newer.
func (c *cooldown) proved(began time.Time, trial bool) {
	if trial || began.After(c.since) {
		*c = cooldown{}
	}
}

// availability is what selection needs of a deployment's cooldown.
func (h *Health) availability(at time.Time) (state cooldownState, trialBusy bool, since time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cooldown.state(at), h.cooldown.trial, h.cooldown.since
}

// coolingFor is how much of the pause is left.
func (h *Health) coolingFor(at time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cooldown.until.Sub(at)
}

// claimTrial takes the one trial of a half-open deployment. It reports false when another
// request has it.
func (h *Health) claimTrial(at time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cooldown.state(at) != halfOpen || h.cooldown.trial {
		return false
	}
	h.cooldown.trial = true
	return true
}

// dropTrial gives a trial back undecided: the client left, or the vendor was never asked.
func (h *Health) dropTrial() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cooldown.trial = false
}

// coolAfter decides, after a failure was recorded, whether the deployment pauses, and ends its
// trial. othersLeft says whether the group has another deployment for this request.
func (d *Deployment) coolAfter(at time.Time, e *Error, trial, othersLeft bool) {
	h := d.Health
	h.mu.Lock()
	defer h.mu.Unlock()
	c := &h.cooldown
	if trial {
		c.trial = false
	}
	pause := d.pauseAfter(e)
	switch state := c.state(at); {
	case pause <= 0: // never cools down
	case trial && state == halfOpen:
		c.start(at, max(min(2*c.pause, maxPause), pause), "trial failed: "+e.label())
	case state != healthy: // it was tried only because all were cooling down, or began before
	case h.tripped(d, at, e, othersLeft):
		c.start(at, pause, e.label())
	}
}

// pauseAfter is for how long a failure would stop a deployment: what the operator configured,
// else what the vendor asked for, else a default. 0: not at all.
func (d *Deployment) pauseAfter(e *Error) time.Duration {
	switch {
	case d.Cooldown != nil:
		return *d.Cooldown
	case e.RetryAfter > 0:
		return min(e.RetryAfter, maxAsked)
	case e.kind == abi.ErrorAuth, e.kind == abi.ErrorNotFound:
		return refusedPause
	default:
		return d.DefaultCooldown
	}
}

// tripped reports whether a failure, already counted, is one too many. Its owner locks.
func (h *Health) tripped(d *Deployment, at time.Time, e *Error, othersLeft bool) bool {
	switch e.kind {
	case abi.ErrorAuth, abi.ErrorNotFound:
		return true
	case abi.ErrorRateLimit, abi.ErrorQuota:
		if othersLeft {
			return true
		}
	}
	if d.AllowedFails > 0 && h.consecutive >= d.AllowedFails {
		return true
	}
	requests, failures, _ := h.minute.sum(at)
	return requests >= minAttempts && float64(failures) > maxFailedRate*float64(requests)
}
