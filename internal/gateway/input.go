package gateway

import (
	"math"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/gateway/health"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// What strategies see of a request and of the deployments that could serve it.

// header is the request's part of the score input.
func (r *groupRun) header(at time.Time) abi.Header {
	expected := r.group.output.Value()
	if r.req.MaxOutput > 0 {
		expected = min(expected, float64(r.req.MaxOutput))
	}
	h := abi.Header{
		Seed: decision.Seed(r.ask.Seed, len(r.report.Attempts)), Now: uint64(at.UnixMilli()), Features: r.req.Features, PromptTokens: r.req.PromptTokens,
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

// candidates appends one record per option.
func (r *groupRun) candidates(records []abi.Candidate, options []option, at time.Time) []abi.Candidate {
	pin := ""
	if r.req.Tenant != nil {
		pin = r.req.Tenant.Pins[r.group.Name]
	}
	for _, o := range options {
		d := o.d
		records = append(records, abi.Candidate{
			IDHash: d.hash, ID: d.ID, Provider: d.Account.Name, Model: d.model(r.matched), Tags: d.tags,
			Abilities: d.Abilities, Flags: o.flags, Weight: d.Weight, Order: d.Order,
			PriceInput: d.PriceInput, PriceOutput: d.PriceOutput, PriceCached: d.PriceCached,
			Context: d.Context, MaxOutput: d.MaxOutput, RPM: d.RPM, TPM: d.TPM,
		})
		c := &records[len(records)-1]
		if d.AbilitiesKnown {
			c.Flags |= abi.CandidateAbilitiesKnown
		}
		if pin != "" && pin == d.ID {
			c.Flags |= abi.CandidatePinned
		}
		d.Health.Fill(c, at)
	}
	return records
}
