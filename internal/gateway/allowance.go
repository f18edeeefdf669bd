package gateway

import (
	"net/http"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/fleet"
	"github.com/switchyard-gateway/switchyard/internal/limits"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// What a request may use, and what it has used.

// reserve lets the request in, by the limits of its tenant and of its key.
func (r *run) reserve(g *Group) *Error {
	var tenant, key *limits.Account
	if r.req.Tenant != nil {
		tenant = r.req.Tenant.Limits
	}
	if r.req.Key != nil {
		key = r.req.Key.Limits
	}
	if tenant == nil && key == nil {
		return nil
	}
	r.estimate = r.guess(g)
	reserved, refused := limits.Reserve(r.start, r.estimate, tenant, key)
	if refused != nil {
		r.report.Limits, r.report.Exceeded = refused.Headroom, refused
		return overLimit(refused)
	}
	r.reserved, r.report.Limits = reserved, reserved.Headroom
	return nil
}

// guess is what the request will probably use in a group: as many output tokens as the client allows,
// else as many as answers of the group have, at the prices of the dearest deployment. A price that is
// not known counts nothing.
func (r *run) guess(g *Group) (e limits.Estimate) {
	u := r.foreseen(g)
	e.Tokens = int64(u.Prompt + u.Completion)
	for _, d := range g.Deployments {
		if r.req.Tenant.mayCall(d) && d.Fitness(&r.req.Facts) == fleet.Fit {
			cost, _ := store.FromUSD(d.Cost(&u))
			e.Cost = max(e.Cost, cost)
		}
	}
	return e
}

// foreseen is the usage that the request will probably come to in a group.
func (r *run) foreseen(g *Group) abi.Usage {
	u := abi.Usage{Present: true, Prompt: uint64(r.req.PromptTokens)}
	switch {
	case r.req.Endpoint == abi.EndpointEmbeddings:
	case r.req.MaxOutput > 0:
		u.Completion = uint64(r.req.MaxOutput)
	default:
		u.Completion = uint64(g.output.Value())
	}
	return u
}

// settle puts what the request has used in the place of what it reserved. The ledger has the same
// figures, so that a restart changes nothing. Of an answer whose vendor is silent about tokens the
// estimate stands.
func (r *run) settle(at time.Time, err *Error) {
	u := &r.report.Usage
	tokens := int64(min(u.Prompt, maxTokens) + min(u.Completion, maxTokens))
	if err == nil && !u.Present {
		tokens = r.estimate.Tokens
	}
	cost, _ := store.FromUSD(r.report.Cost)
	r.reserved.Settle(at, tokens, cost)
}

// overLimit is the error for a limit that was met.
func overLimit(x *limits.Exceeded) *Error {
	e := &Error{
		Status: http.StatusTooManyRequests, Type: "requests", Code: "rate_limit_exceeded", Message: x.Error(), RetryAfter: x.RetryAfter,
		class: abi.ClassFinal, kind: abi.ErrorRateLimit,
	}
	switch {
	case x.Limit.Budget():
		e.Type, e.Code, e.kind = "insufficient_quota", "insufficient_quota", abi.ErrorQuota
	case x.Limit == limits.Tokens:
		e.Type = "tokens"
	}
	return e
}
