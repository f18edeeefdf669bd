package api

import (
	"context"
	"math"
	"net/http"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/server/api/internal/endpoint"
	"github.com/switchyard-gateway/switchyard/server/api/internal/shape"
	"github.com/switchyard-gateway/switchyard/server/api/internal/surfaces"
)

// What Policies tell about policies.
type (
	// Figures are what a version has done since the process began.
	Figures = shape.Figures
	// Fault is the latest one.
	Fault = shape.Fault
	// Fuel is in WebAssembly instructions.
	Fuel = shape.Fuel
	// Comparison is of a canary with the rest of its tenant's requests in the same time.
	Comparison = shape.Comparison
	// Sample is one side of a comparison.
	Sample = shape.Sample
	// Stats are about all policies together.
	Stats = shape.Stats
)

type figuresAnswer struct {
	Body struct {
		Versions []shape.VersionFigures `json:"versions" nullable:"false" doc:"The newest first."`
	} `nameHint:"PolicyFigures"`
}

type activatedAnswer struct{ Body shape.Activated }

type adminPoliciesAnswer struct {
	Body struct {
		Policies []shape.AdminPolicy `json:"policies" nullable:"false"`
		Memory   Stats               `json:"memory"`
	} `nameHint:"AdminPolicies"`
}

func (a *API) rolloutRoutes() {
	const path = "/v1/policies/{name}"
	step := func(id, summary, about string, missing endpoint.Kind, fails ...endpoint.Kind) endpoint.Route {
		return endpoint.Route{
			Method: http.MethodPost, Path: path + "/" + id, ID: id + "-policy", Tag: surfaces.Policies, Summary: summary, About: about,
			Scope: store.ScopePolicy, Missing: missing, Fails: append(fails, endpoint.Conflict),
		}
	}
	endpoint.Add(a.table, step("activate", "Let a version decide for all requests",
		"It takes the place of what served before, a canary and another policy of the tenant included. If it faults in its first decisions, what served before comes back by itself.",
		noVersion), a.activate)
	endpoint.Add(a.table, step("canary", "Let a version decide for a share of the requests",
		"The share is drawn by session, else by request. The version is compared with the rest, and taken out by itself when it faults or is clearly worse.", noVersion, endpoint.InUse), a.canary)
	endpoint.Add(a.table, step("rollback", "Put back the version that was active before", "It ends a canary too.", noPolicy), a.rollback)
	endpoint.Add(a.table, step("deactivate", "Let no version decide", "The strategies of the model groups decide again.", noPolicy), a.deactivate)
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodGet, Path: path + "/figures", ID: "get-policy-figures", Tag: surfaces.Policies, Summary: "Show what a policy's versions have done",
		About: "Calls, faults, fuel and the comparison of a canary with the rest, since the router's process began.", Scope: store.ScopePolicy, Missing: noPolicy,
	}, a.figures)
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodGet, Path: "/admin/policies", ID: "list-all-policies", Tag: surfaces.Operators, Summary: "List all tenants' policies",
		About: "What serves, with its figures, and the memory that policies take.",
	}, a.listAllPolicies)
}

func (a *API) activate(ctx context.Context, who endpoint.Caller, in *struct {
	OfPolicy
	Body shape.Activation
}) (*activatedAnswer, error) {
	p, replaced, err := a.opts.Policies.Activate(ctx, who.Tenant, in.Name, in.Body.Version, who.Name, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return &activatedAnswer{shape.Activated{Policy: shape.PolicyOf(p), Replaced: replaced}}, nil
}

func (a *API) canary(ctx context.Context, who endpoint.Caller, in *struct {
	OfPolicy
	Body shape.Trial
}) (*policyAnswer, error) {
	return changedPolicy(a.opts.Policies.Canary(ctx, who.Tenant, in.Name, in.Body.Version, int(math.Round(in.Body.Percent*10)), who.Name, in.Body.Reason))
}

func (a *API) rollback(ctx context.Context, who endpoint.Caller, in *struct {
	OfPolicy
	Body *shape.Why
}) (*policyAnswer, error) {
	return changedPolicy(a.opts.Policies.Rollback(ctx, who.Tenant, in.Name, who.Name, in.Body.Text()))
}

func (a *API) deactivate(ctx context.Context, who endpoint.Caller, in *struct {
	OfPolicy
	Body *shape.Why
}) (*policyAnswer, error) {
	return changedPolicy(a.opts.Policies.Deactivate(ctx, who.Tenant, in.Name, who.Name, in.Body.Text()))
}

func changedPolicy(p *store.Policy, err error) (*policyAnswer, error) {
	if err != nil {
		return nil, err
	}
	return &policyAnswer{shape.PolicyOf(p)}, nil
}

func (a *API) figures(ctx context.Context, who endpoint.Caller, in *OfPolicy) (*figuresAnswer, error) {
	p, err := a.opts.Policies.Get(ctx, who.Tenant, in.Name)
	if err != nil {
		return nil, err
	}
	all, err := a.opts.Policies.Versions(ctx, who.Tenant, in.Name)
	if err != nil {
		return nil, err
	}
	out := &figuresAnswer{}
	out.Body.Versions = []shape.VersionFigures{}
	for _, v := range all {
		out.Body.Versions = append(out.Body.Versions, a.figuresOf(p, v))
	}
	return out, nil
}

func (a *API) figuresOf(p *store.Policy, v *store.Version) shape.VersionFigures {
	f := shape.VersionFigures{
		Number: v.Number, State: shape.VersionOf(v).State, Serves: "no", Figures: a.opts.Policies.Figures(p.Tenant, p.Name, v.Number),
	}
	switch v.Number {
	case p.Routing.Active:
		f.Serves = "active"
	case p.Routing.Canary:
		f.Serves = "canary"
	}
	return f
}

func (a *API) listAllPolicies(ctx context.Context, _ endpoint.Caller, _ *struct{}) (*adminPoliciesAnswer, error) {
	all, err := a.opts.Policies.List(ctx, "")
	if err != nil {
		return nil, err
	}
	out := &adminPoliciesAnswer{}
	out.Body.Policies, out.Body.Memory = []shape.AdminPolicy{}, a.opts.Policies.Stats()
	for _, p := range all {
		row := shape.AdminPolicy{Tenant: p.Tenant, Policy: shape.PolicyOf(p), Serving: []shape.VersionFigures{}}
		for _, number := range []int{p.Routing.Active, p.Routing.Canary} {
			if number != 0 {
				row.Serving = append(row.Serving, a.figuresOf(p, &store.Version{Number: number, State: store.VersionReady}))
			}
		}
		out.Body.Policies = append(out.Body.Policies, row)
	}
	return out, nil
}
