package gateway

import (
	"context"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/gateway/tier"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// scratch is what one decision needs and the next can reuse. The input's candidates are in step
// with the options.
type scratch struct {
	options  []tier.Option
	input    decision.Input
	decision decision.Decision
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

// pick ranks the options and takes the best. ok is false, without an error, when strategies have
// removed all of them, or when the only choice was a half-open trial that went to another request
// meanwhile.
func (r *groupRun) pick(ctx context.Context, sc *scratch, at time.Time) (p pick, ok bool, e *Error) {
	d := &sc.decision
	sc.input.Header = r.header(at)
	sc.input.Candidates = r.candidates(sc.input.Candidates[:0], sc.options, at)
	d.Make(ctx, &sc.input, r.group.panel, r.policy())
	r.note(d)
	if r.picks != nil {
		r.picks.Add(&sc.input, d)
	}
	switch d.Outcome {
	case decision.Emptied:
		r.remove(sc.options, removedAll())
		return p, false, nil
	case decision.Rejected:
		return p, false, rejection(&d.Rejection)
	case decision.Unavailable:
		return p, false, routingUnavailable()
	case decision.Ended:
		return p, false, r.ended(ctx)
	}
	for _, i := range d.Ranking {
		o := &sc.options[i]
		trial := o.Flags&abi.CandidateTrial != 0
		if !trial || o.Deployment.Health.ClaimTrial(at) {
			if r.picks != nil {
				r.picks.Follow(len(r.report.Attempts))
			}
			return pick{
				d: o.Deployment, trial: trial, strategy: d.By, reason: d.Reason, attemptLimit: d.AttemptTimeout, firstToken: d.FirstTokenTimeout,
			}, true, nil
		}
	}
	return p, false, nil
}

// note puts into the report, and into the log, what became of the strategies that were asked.
func (r *groupRun) note(d *decision.Decision) {
	r.report.Policy = ""
	log := r.g.opts.Log
	for i := range d.Calls {
		c := &d.Calls[i]
		name := c.Strategy
		if c.Policy {
			name = versioned(c.Strategy, c.Version)
			if c.Failed == "" && d.Outcome != decision.Ended {
				r.report.Policy = name
			}
		}
		r.report.Scoring = append(r.report.Scoring, Scoring{
			Group: r.group.Name, Attempt: len(r.report.Attempts), Strategy: name, Policy: c.Policy, Fuel: c.Fuel, Failed: c.Failed,
		})
		if c.Failed != "" && c.Failed != decision.FailedBreaker {
			log.Warn("strategy had no say in a decision", "strategy", c.Strategy, "group", r.group.Name, "request", r.req.ID, "error", c.Err)
		}
	}
	if d.Outcome == decision.Emptied {
		last := d.Calls[len(d.Calls)-1] // there were options, so it was asked
		log.Info("strategy left no deployment", "strategy", last.Strategy, "group", r.group.Name, "request", r.req.ID, "reason", last.Reason)
	}
}

// remove takes options out of the next attempt's choice.
func (r *groupRun) remove(options []tier.Option, why *Error) {
	for _, o := range options {
		r.removed = append(r.removed, o.Deployment)
	}
	r.removal = why
}

// rejection is the error when a strategy refused the request. What it lacks is filled in.
func rejection(r *decision.Rejection) *Error {
	e := &Error{
		Status: int(r.Status), Type: "invalid_request_error", Code: r.Code, Message: "The request was refused by a routing strategy.",
		class: abi.ClassFinal, kind: abi.ErrorInvalidRequest,
	}
	if r.Reason != "" {
		e.Message = "The request was refused by a routing strategy: " + strings.TrimSuffix(r.Reason, ".") + "."
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

// routingUnavailable is the error when a strategy failed that must not be left out. It does not lead to
// another group: the strategy might have refused the request altogether.
func routingUnavailable() *Error {
	e := serverError(503, "routing_unavailable", "The routing of this model is not available at the moment.")
	e.stays = true
	return e
}
