package policies

import (
	"context"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// List returns a tenant's policies by name; an empty tenant is all.
func (p *Policies) List(ctx context.Context, tenant string) ([]*store.Policy, error) {
	return p.store.ListPolicies(ctx, tenant)
}

// Get returns one policy.
func (p *Policies) Get(ctx context.Context, tenant, name string) (*store.Policy, error) {
	return p.store.Policy(ctx, tenant, name)
}

// Versions returns a policy's versions, the newest first.
func (p *Policies) Versions(ctx context.Context, tenant, name string) ([]*store.Version, error) {
	return p.store.ListVersions(ctx, tenant, name)
}

// Version returns one version.
func (p *Policies) Version(ctx context.Context, tenant, name string, number int) (*store.Version, error) {
	return p.store.Version(ctx, tenant, name, number)
}

// History returns the latest changes of which versions serve, the newest first.
func (p *Policies) History(ctx context.Context, tenant, name string, limit int) ([]store.Change, error) {
	return p.store.History(ctx, tenant, name, limit)
}

// Figures returns what a version has done in this process: nothing if it has not been called.
func (p *Policies) Figures(tenant, name string, number int) Figures {
	t := p.tenant(tenant)
	known, ok := t.versions.Load(versionKey{name, number})
	if !ok {
		return new(figuresOf).figures()
	}
	v := known.(*version)
	out := v.figures.figures()
	if r := v.resident.Load(); r != nil {
		out.Loaded, out.Memory = true, r.size()
	}
	if r := t.route.Load(); r != nil && r.active != nil && r.active.version == v {
		out.Probation = r.probation.left(v)
	}
	if c := v.compared.Load(); c != nil {
		out.Canary = c.Figures()
	}
	return out
}

// Stats returns what is loaded.
func (p *Policies) Stats() Stats { return p.shelf.stats() }

// Verdicts returns how many canaries were taken out since the process began, and how many active versions, because of what
// they did.
func (p *Policies) Verdicts() (canaries, rollbacks uint64) {
	return p.canariesOut.Load(), p.rolledBack.Load()
}
