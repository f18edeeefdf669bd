package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/server/api/internal/endpoint"
	"github.com/switchyard-gateway/switchyard/server/api/internal/shape"
	"github.com/switchyard-gateway/switchyard/server/api/internal/surfaces"
)

// PathTenant is the path of a tenant's admin routes.
type PathTenant struct {
	Tenant string `path:"tenant" pattern:"^[A-Za-z0-9._/:@+=-]+$" maxLength:"256" doc:"The tenant's name. One of plugins.yaml may have a slash, which is escaped."`
}

type tenantAnswer struct{ Body shape.Tenant }

type tenantsAnswer struct {
	Body struct {
		Tenants []shape.Tenant `json:"tenants" nullable:"false"`
	} `nameHint:"Tenants"`
}

func (a *API) tenantRoutes() {
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodGet, Path: "/admin/tenants", ID: "list-tenants", Tag: surfaces.Tenants, Summary: "List tenants",
		About: "All tenants by name, those of plugins.yaml and closed ones too.",
	}, a.listTenants)
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodPost, Path: "/admin/tenants", ID: "create-tenant", Tag: surfaces.Tenants, Summary: "Create a tenant",
		Status: http.StatusCreated, Fails: []endpoint.Kind{endpoint.Exists, configured},
	}, a.createTenant)
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodGet, Path: "/admin/tenants/{tenant}", ID: "get-tenant", Tag: surfaces.Tenants, Summary: "Show a tenant", Missing: endpoint.NoTenant,
	}, a.showTenant)
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodPatch, Path: "/admin/tenants/{tenant}", ID: "change-tenant", Tag: surfaces.Tenants, Summary: "Change a tenant",
		About: "What is left out stays as it is; lists, pins and limits that are there replace all of what was. The change is in force when the answer comes.", Missing: endpoint.NoTenant, Fails: []endpoint.Kind{configured, closed, endpoint.Conflict},
	}, a.changeTenant)
	endpoint.Add(a.table, endpoint.Route{
		Method: http.MethodDelete, Path: "/admin/tenants/{tenant}", ID: "close-tenant", Tag: surfaces.Tenants, Summary: "Close a tenant",
		About:   "For good: its keys and policies are deleted. What it has used stays in the ledger, so its name stays taken. Closing it again changes nothing.",
		Missing: endpoint.NoTenant, Fails: []endpoint.Kind{configured, endpoint.Conflict},
	}, a.closeTenant)
}

// owner finds a tenant wherever it comes from; source says where. store.ErrNotFound.
func (a *API) owner(ctx context.Context, name string) (t *store.Tenant, source string, err error) {
	if c := a.configured(name); c != nil {
		return &c.Tenant, shape.FromConfig, nil
	}
	t, err = a.opts.Tenants.Tenant(ctx, name)
	return t, shape.FromStore, err
}

func (a *API) configured(name string) *Configured {
	all := a.opts.Configured()
	if i := slices.IndexFunc(all, func(c Configured) bool { return c.Name == name }); i >= 0 {
		return &all[i]
	}
	return nil
}

// stored finds a tenant that may be changed here.
func (a *API) stored(ctx context.Context, name string) (*store.Tenant, error) {
	t, source, err := a.owner(ctx, name)
	if err == nil && source == shape.FromConfig {
		err = configured.Say("The tenant %q is declared in plugins.yaml: change it there.", name)
	}
	return t, err
}

func (a *API) changed(ctx context.Context) { a.opts.Changed(context.WithoutCancel(ctx)) }

func (a *API) listTenants(ctx context.Context, _ endpoint.Caller, _ *struct{}) (*tenantsAnswer, error) {
	stored, err := a.opts.Tenants.ListTenants(ctx)
	if err != nil {
		return nil, err
	}
	out := &tenantsAnswer{}
	out.Body.Tenants = []shape.Tenant{}
	for _, t := range stored {
		out.Body.Tenants = append(out.Body.Tenants, shape.TenantOf(t, shape.FromStore))
	}
	for _, c := range a.opts.Configured() {
		out.Body.Tenants = append(out.Body.Tenants, shape.TenantOf(&c.Tenant, shape.FromConfig))
	}
	slices.SortFunc(out.Body.Tenants, func(x, y shape.Tenant) int { return strings.Compare(x.Name, y.Name) })
	return out, nil
}

func (a *API) createTenant(ctx context.Context, _ endpoint.Caller, in *struct{ Body shape.NewTenant }) (*tenantAnswer, error) {
	if a.configured(in.Body.Name) != nil {
		return nil, configured.Say("The tenant %q is declared in plugins.yaml, and a name can be in one place only.", in.Body.Name).On("name")
	}
	t := &store.Tenant{Name: in.Body.Name}
	in.Body.Apply(t)
	switch err := a.opts.Tenants.CreateTenant(ctx, t); {
	case errors.Is(err, store.ErrExists):
		return nil, endpoint.Exists.Say("The name %q is taken, by a tenant that is or was.", t.Name).On("name")
	case err != nil:
		return nil, err
	}
	a.changed(ctx)
	return &tenantAnswer{shape.TenantOf(t, shape.FromStore)}, nil
}

func (a *API) showTenant(ctx context.Context, _ endpoint.Caller, in *PathTenant) (*tenantAnswer, error) {
	t, source, err := a.owner(ctx, in.Tenant)
	if err != nil {
		return nil, err
	}
	return &tenantAnswer{shape.TenantOf(t, source)}, nil
}

func (a *API) changeTenant(ctx context.Context, _ endpoint.Caller, in *struct {
	PathTenant
	Body shape.TenantPatch
}) (*tenantAnswer, error) {
	t, err := a.stored(ctx, in.Tenant)
	if err != nil {
		return nil, err
	}
	if t.State == store.TenantClosed {
		return nil, closed.Say("The tenant %q is closed for good.", t.Name)
	}
	if in.Body.Revision != 0 {
		t.Revision = in.Body.Revision
	}
	switch in.Body.State {
	case store.TenantActive.String():
		t.State = store.TenantActive
	case store.TenantSuspended.String():
		t.State = store.TenantSuspended
	}
	in.Body.Apply(t)
	if err := a.opts.Tenants.UpdateTenant(ctx, t); err != nil {
		return nil, err
	}
	a.changed(ctx)
	return &tenantAnswer{shape.TenantOf(t, shape.FromStore)}, nil
}

func (a *API) closeTenant(ctx context.Context, _ endpoint.Caller, in *PathTenant) (*struct{}, error) {
	t, err := a.stored(ctx, in.Tenant)
	if err != nil {
		return nil, err
	}
	if t.State == store.TenantClosed {
		return nil, nil
	}
	t.State = store.TenantClosed
	if err := a.opts.Tenants.UpdateTenant(ctx, t); err != nil {
		return nil, err
	}
	a.opts.Policies.Forget(t.Name)
	a.changed(ctx)
	return nil, nil
}
