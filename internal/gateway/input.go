package gateway

import (
	"math"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/gateway/health"
	"github.com/switchyard-gateway/switchyard/internal/gateway/tier"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// What strategies see of a request and of the deployments that could serve it.

// header is the request's part of the score input.
func (r *groupRun) header(at time.Time) abi.Header {
	h := abi.Header{
		Seed: decision.Seed(r.ask.Seed, len(r.report.Attempts)), Now: uint64(at.UnixMilli()), Features: r.req.Features, PromptTokens: r.req.PromptTokens,
		MaxOutput: r.req.MaxOutput, ExpectedOutput: r.expected(), Attempt: uint32(r.attempts), Messages: r.req.Messages,
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

// expected is how many tokens the answer will probably have.
func (r *groupRun) expected() uint32 {
	expected := r.group.output.Value()
	if r.req.MaxOutput > 0 {
		expected = min(expected, float64(r.req.MaxOutput))
	}
	return uint32(min(expected, math.MaxInt32))
}

// candidates appends one record per option.
func (r *groupRun) candidates(records []abi.Candidate, options []tier.Option, at time.Time) []abi.Candidate {
	pin := ""
	if r.req.Tenant != nil {
		pin = r.req.Tenant.Pins[r.group.Name]
	}
	for _, o := range options {
		if pin != "" && pin == o.Deployment.ID {
			o.Flags |= abi.CandidatePinned
		}
		records = append(records, o.Deployment.Candidate(r.matched, o.Flags, at))
	}
	return records
}
