package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/config"
	"github.com/switchyard-gateway/switchyard/internal/explain"
	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/policies"
	"github.com/switchyard-gateway/switchyard/internal/policies/canary"
	"github.com/switchyard-gateway/switchyard/internal/replay"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/sqlite"
	"github.com/switchyard-gateway/switchyard/server/api"
)

// api is what operators and tenants manage, over HTTP.
func (r *router) api() *api.API {
	s := r.state
	return api.New(api.Options{
		Log: r.log, Version: buildVersion(), AdminToken: r.adminToken, Authenticate: r.authenticate,
		Changed:    s.changed,
		Configured: func() []api.Configured { return configured(r.config.Load()) },
		Tenants:    named{s.store, r}, Keys: s.store, Usage: usage{s}, Policies: rollouts{s.policies}, Decisions: s.decisions, Replays: replays{s.replays, s.policies},
		Explain: explain.Decision, MaxModule: r.config.Load().Limits.Policies.ModuleSize,
	})
}

// named is the stored tenants, of which none gets a name that the configuration has.
type named struct {
	*sqlite.Store
	router *router
}

// CreateTenant adds a tenant. It is known when a configuration that came meanwhile is held against it.
func (n named) CreateTenant(ctx context.Context, t *store.Tenant) error {
	r := n.router
	r.naming.Lock()
	defer r.naming.Unlock()
	if slices.ContainsFunc(r.config.Load().Tenants, func(c *config.Tenant) bool { return c.Name == t.Name }) {
		return fmt.Errorf("tenant %q of the configuration: %w", t.Name, store.ErrExists)
	}
	if err := n.Store.CreateTenant(ctx, t); err != nil {
		return err
	}
	r.state.changed(context.WithoutCancel(ctx))
	return nil
}

// authenticate finds out whose a secret is, for the API's routes. Like those of completions it looks into the
// configuration first.
func (r *router) authenticate(secret string) (api.Principal, bool) {
	snap := r.gateway.Acquire()
	if snap == nil {
		return api.Principal{}, false
	}
	defer snap.Release()
	key, ok := snap.Authenticate(secret)
	if !ok {
		key, ok = r.state.directory.Authenticate(secret)
	}
	if !ok {
		return api.Principal{}, false
	}
	return api.Principal{Tenant: key.Tenant.Name, KeyID: key.ID, KeyName: key.Name, Scopes: key.Scopes}, true
}

// usage is what requests have used, those of the last moment included.
type usage struct{ *state }

func (u usage) Usage(ctx context.Context, q *store.UsageQuery) ([]store.Usage, error) {
	if err := u.ledger.Flush(ctx); err != nil {
		return nil, err
	}
	return u.store.Usage(ctx, q)
}

// replays runs stored versions over the log.
type replays struct {
	*replay.Jobs
	policies *policies.Policies
}

func (r replays) Start(ctx context.Context, tenant, policy string, version, last int) (replay.Job, error) {
	if _, err := r.policies.Version(ctx, tenant, policy, version); err != nil {
		return replay.Job{}, err
	}
	return r.Jobs.Start(ctx, replay.Spec{
		Tenant: tenant, Policy: policy, Version: version, Last: last,
		Load: func(ctx context.Context) (decision.Strategy, func(), error) {
			return r.policies.Candidate(ctx, tenant, &policies.Candidate{Policy: policy, Version: version})
		},
	})
}

// rollouts is the policies as the API wants them.
type rollouts struct{ *policies.Policies }

func (r rollouts) Upload(ctx context.Context, tenant, name string, u *api.Upload) (*store.Version, error) {
	v, err := r.Policies.Upload(ctx, tenant, name, &policies.Upload{Module: u.Module, Config: u.Config, By: u.By, Note: u.Note})
	refused, ok := errors.AsType[*policies.Refused](err)
	if !ok {
		return v, err
	}
	out := &api.Refused{Reasons: make([]api.Reason, len(refused.Reasons))}
	for i, one := range refused.Reasons {
		out.Reasons[i] = api.Reason(one)
	}
	return nil, out
}

func (r rollouts) Figures(tenant, name string, version int) api.Figures {
	f := r.Policies.Figures(tenant, name, version)
	out := api.Figures{
		Calls: f.Calls, Refusals: f.Refusals, Faults: f.Faults, Fuel: api.Fuel(f.Fuel), Loads: f.Loads, Loaded: f.Loaded, Memory: f.Memory, Probation: f.Probation,
	}
	if f.LastFault != nil {
		out.LastFault = new(api.Fault(*f.LastFault))
	}
	if c := f.Canary; c != nil {
		out.Canary = &api.Comparison{Since: c.Since, Canary: sample(&c.Canary), Rest: sample(&c.Rest), Verdict: c.Verdict}
	}
	return out
}

func sample(s *canary.Sample) api.Sample {
	return api.Sample{
		Requests: s.Requests, Errors: s.Errors, Rejections: s.Rejections,
		MeanLatency: milliseconds(s.MeanLatency), P95Latency: milliseconds(s.P95Latency), MeanCost: s.MeanCost,
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func (r rollouts) Stats() api.Stats { return api.Stats(r.Policies.Stats()) }
