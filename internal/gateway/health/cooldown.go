package health

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

// State is where a deployment stands with its cooldown.
type State uint8

// States of a deployment.
const (
	Healthy  State = iota
	Cooling        // it pauses after failures
	HalfOpen       // the pause is over, a trial decides
)

// String is the state's name in a Status.
func (s State) String() string {
	return [...]string{Healthy: "healthy", Cooling: "cooling", HalfOpen: "half-open"}[s]
}

// Policy is what the operator configured for a deployment's cooldowns.
type Policy struct {
	Pause        *time.Duration // nil: the vendor's Retry-After, else Default; 0: never
	Default      time.Duration
	AllowedFails uint32 // in a row; 0: not configured
}

// Failure is what health needs to know of a failure.
type Failure struct {
	Kind       abi.ErrorKind
	RetryAfter time.Duration // 0: the vendor did not say
	Label      string        // a name for people
	// Waited marks a timeout of the gateway's own: it has waited for as long as the attempt took.
	Waited bool
}

// cooldown is a circuit breaker. Its owner locks.
type cooldown struct {
	until  time.Time // zero: healthy
	since  time.Time
	pause  time.Duration
	trial  bool // one is running
	reason string
}

func (c *cooldown) state(at time.Time) State {
	switch {
	case c.until.IsZero():
		return Healthy
	case at.Before(c.until):
		return Cooling
	default:
		return HalfOpen
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

// Availability is what selection needs of a deployment's cooldown: its state, whether its trial is
// taken, and since when it cools down.
func (h *Health) Availability(at time.Time) (state State, trialBusy bool, since time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cooldown.state(at), h.cooldown.trial, h.cooldown.since
}

// CoolingFor is how much of the pause is left.
func (h *Health) CoolingFor(at time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cooldown.until.Sub(at)
}

// ClaimTrial takes the one trial of a half-open deployment. It reports false when another
// request has it. Who takes it gives it back: by Outcome.Trial, by CoolAfter or by DropTrial.
func (h *Health) ClaimTrial(at time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cooldown.state(at) != HalfOpen || h.cooldown.trial {
		return false
	}
	h.cooldown.trial = true
	return true
}

// DropTrial gives a trial back undecided: the client left, or the vendor was never asked.
func (h *Health) DropTrial() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cooldown.trial = false
}

// CoolAfter decides, after a failure was recorded, whether the deployment pauses, and ends its
// trial. othersLeft says whether the group has another deployment for this request.
func (h *Health) CoolAfter(at time.Time, f *Failure, p *Policy, trial, othersLeft bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := &h.cooldown
	if trial {
		c.trial = false
	}
	pause := p.pauseAfter(f)
	switch state := c.state(at); {
	case pause <= 0: // never cools down
	case trial && state == HalfOpen:
		c.start(at, max(min(2*c.pause, maxPause), pause), "trial failed: "+f.Label)
	case state != Healthy: // it was tried only because all were cooling down, or began before
	case h.tripped(at, f, p, othersLeft):
		c.start(at, pause, f.Label)
	}
}

// pauseAfter is for how long a failure would stop a deployment: what the operator configured,
// else what the vendor asked for, else a default. 0: not at all.
func (p *Policy) pauseAfter(f *Failure) time.Duration {
	switch {
	case p.Pause != nil:
		return *p.Pause
	case f.RetryAfter > 0:
		return min(f.RetryAfter, maxAsked)
	case f.Kind == abi.ErrorAuth, f.Kind == abi.ErrorNotFound:
		return refusedPause
	default:
		return p.Default
	}
}

// tripped reports whether a failure, already counted, is one too many. Its owner locks.
func (h *Health) tripped(at time.Time, f *Failure, p *Policy, othersLeft bool) bool {
	switch f.Kind {
	case abi.ErrorAuth, abi.ErrorNotFound:
		return true
	case abi.ErrorRateLimit, abi.ErrorQuota:
		if othersLeft {
			return true
		}
	}
	if p.AllowedFails > 0 && h.consecutive >= p.AllowedFails {
		return true
	}
	requests, failures, _ := h.minute.sum(at)
	return requests >= minAttempts && float64(failures) > maxFailedRate*float64(requests)
}
