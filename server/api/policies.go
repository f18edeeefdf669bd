package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/server/api/internal/endpoint"
	"github.com/switchyard-gateway/switchyard/server/api/internal/shape"
	"github.com/switchyard-gateway/switchyard/server/api/internal/surfaces"
)

// Policies is what runs tenants' policies. Errors wrap store.ErrNotFound, ErrInUse, ErrConflict and ErrInvalid, and their
// texts are for the tenant to read; what Upload does not admit is a *Refused.
type Policies interface {
	Upload(ctx context.Context, tenant, name string, u *Upload) (*store.Version, error)
	List(ctx context.Context, tenant string) ([]*store.Policy, error) // an empty tenant is all
	Get(ctx context.Context, tenant, name string) (*store.Policy, error)
	Versions(ctx context.Context, tenant, name string) ([]*store.Version, error)
	Version(ctx context.Context, tenant, name string, number int) (*store.Version, error)
	History(ctx context.Context, tenant, name string, limit int) ([]store.Change, error)
	// Activate makes a version serve alone. replaced is the label NAME@VERSION of what served before, "" for nothing.
	Activate(ctx context.Context, tenant, name string, version int, by, reason string) (p *store.Policy, replaced string, err error)
	// Canary gives a version a share of the requests, in thousandths.
	Canary(ctx context.Context, tenant, name string, version, share int, by, reason string) (*store.Policy, error)
	// Rollback puts back the version that was active before.
	Rollback(ctx context.Context, tenant, name, by, reason string) (*store.Policy, error)
	Deactivate(ctx context.Context, tenant, name, by, reason string) (*store.Policy, error)
	DeleteVersion(ctx context.Context, tenant, name string, version int) error
	Delete(ctx context.Context, tenant, name string) error
	// Forget drops what is held of a tenant that was closed.
	Forget(tenant string)
	// Figures are what a version has done since the process began.
	Figures(tenant, name string, version int) Figures
	Stats() Stats
}

// Refused is an upload that was not admitted, with everything that could be told.
type Refused struct{ Reasons []Reason }

// Reason is one thing that is wrong with an upload.
type Reason = endpoint.Reason

// Error joins the reasons.
func (r *Refused) Error() string {
	texts := make([]string, len(r.Reasons))
	for i, one := range r.Reasons {
		texts[i] = one.Message
	}
	return strings.Join(texts, "; ")
}

// Upload is a policy to be admitted. Module and Config are the callee's.
type Upload struct {
	Module []byte
	Config []byte // JSON or YAML, empty for {}
	By     string
	Note   string
}

// historyLength is how many changes are shown.
const historyLength = 50

type policiesAnswer struct {
	Body struct {
		Policies []shape.Policy `json:"policies" nullable:"false"`
	} `nameHint:"Policies"`
}

type policyAnswer struct{ Body shape.Policy }

type detailsAnswer struct{ Body shape.PolicyDetails }

type versionsAnswer struct {
	Body struct {
		Versions []shape.Version `json:"versions" nullable:"false"`
	} `nameHint:"Versions"`
}

type versionAnswer struct{ Body shape.Version }

// OfVersion is the path of a version.
type OfVersion struct {
	OfPolicy
	Version int `path:"version" minimum:"1" maximum:"2147483647" doc:"The version's number."`
}

func (a *API) policyRoutes() {
	const path = "/v1/policies"
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodGet, Path: path, ID: "list-policies", Tag: surfaces.Policies, Summary: "List policies", Scope: store.ScopePolicy,
	}, a.listPolicies)
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodGet, Path: path + "/{name}", ID: "get-policy", Tag: surfaces.Policies, Summary: "Show a policy and its history",
		Scope: store.ScopePolicy, Missing: noPolicy,
	}, a.showPolicy)
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodDelete, Path: path + "/{name}", ID: "delete-policy", Tag: surfaces.Policies, Summary: "Delete a policy",
		About: "With all versions and the history. One that serves is deactivated first.", Scope: store.ScopePolicy, Missing: noPolicy, Fails: []endpoint.Kind{endpoint.InUse},
	}, a.deletePolicy)
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodGet, Path: path + "/{name}/versions", ID: "list-versions", Tag: surfaces.Policies, Summary: "List a policy's versions",
		About: "The newest first.", Scope: store.ScopePolicy, Missing: noPolicy,
	}, a.listVersions)
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodGet, Path: path + "/{name}/versions/{version}", ID: "get-version", Tag: surfaces.Policies, Summary: "Show a version",
		Scope: store.ScopePolicy, Missing: noVersion,
	}, a.showVersion)
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodDelete, Path: path + "/{name}/versions/{version}", ID: "delete-version", Tag: surfaces.Policies, Summary: "Delete a version",
		About: "Not one that serves. Its number is not used again.", Scope: store.ScopePolicy, Missing: noVersion, Fails: []endpoint.Kind{endpoint.InUse},
	}, a.deleteVersion)
	a.uploadRoute()
}

func (a *API) listPolicies(ctx context.Context, who endpoint.Caller, _ *OfTenant) (*policiesAnswer, error) {
	all, err := a.opts.Policies.List(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	out := &policiesAnswer{}
	out.Body.Policies = []shape.Policy{}
	for _, p := range all {
		out.Body.Policies = append(out.Body.Policies, shape.PolicyOf(p))
	}
	return out, nil
}

func (a *API) showPolicy(ctx context.Context, who endpoint.Caller, in *OfPolicy) (*detailsAnswer, error) {
	p, err := a.opts.Policies.Get(ctx, who.Tenant, in.Name)
	if err != nil {
		return nil, err
	}
	history, err := a.opts.Policies.History(ctx, who.Tenant, in.Name, historyLength)
	if err != nil {
		return nil, err
	}
	out := &detailsAnswer{shape.PolicyDetails{Policy: shape.PolicyOf(p), History: []shape.Change{}}}
	for _, c := range history {
		out.Body.History = append(out.Body.History, shape.ChangeOf(&c))
	}
	return out, nil
}

func (a *API) deletePolicy(ctx context.Context, who endpoint.Caller, in *OfPolicy) (*struct{}, error) {
	err := a.opts.Policies.Delete(ctx, who.Tenant, in.Name)
	if errors.Is(err, store.ErrInUse) {
		err = endpoint.InUse.Say("The policy %q serves: deactivate it first.", in.Name)
	}
	return nil, err
}

func (a *API) listVersions(ctx context.Context, who endpoint.Caller, in *OfPolicy) (*versionsAnswer, error) {
	all, err := a.opts.Policies.Versions(ctx, who.Tenant, in.Name)
	if err != nil {
		return nil, err
	}
	out := &versionsAnswer{}
	out.Body.Versions = []shape.Version{}
	for _, v := range all {
		out.Body.Versions = append(out.Body.Versions, shape.VersionOf(v))
	}
	return out, nil
}

func (a *API) showVersion(ctx context.Context, who endpoint.Caller, in *OfVersion) (*versionAnswer, error) {
	v, err := a.opts.Policies.Version(ctx, who.Tenant, in.Name, in.Version)
	if err != nil {
		return nil, err
	}
	return &versionAnswer{shape.VersionOf(v)}, nil
}

func (a *API) deleteVersion(ctx context.Context, who endpoint.Caller, in *OfVersion) (*struct{}, error) {
	err := a.opts.Policies.DeleteVersion(ctx, who.Tenant, in.Name, in.Version)
	if errors.Is(err, store.ErrInUse) {
		err = endpoint.InUse.Say("Version %d of the policy %q serves: activate another one, or deactivate the policy, first.", in.Version, in.Name)
	}
	return nil, err
}
