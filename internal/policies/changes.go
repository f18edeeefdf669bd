package policies

import (
	"context"
	"errors"
	"slices"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// Who changes a routing when nobody asked for it.
const (
	byCanary   = "canary"   // a canary faulted, or was clearly worse
	byRollback = "rollback" // an active version faulted in its first decisions
	byStart    = "start"    // two policies were left serving as the process ended
)

// Activate lets a version serve all of its tenant's requests that no canary takes; it ends the policy's canary. Whatever
// policy served before stops: replaced is its NAME@VERSION. A version that was withdrawn is put back. The version is loaded
// first, and refused as ErrInvalid if that fails.
func (p *Policies) Activate(ctx context.Context, tenant, name string, version int, by, reason string) (out *store.Policy, replaced string, err error) {
	t := p.tenant(tenant)
	t.mu.Lock()
	defer t.mu.Unlock()
	stored, v, err := t.ready(ctx, name, version)
	if err != nil {
		return nil, "", err
	}
	before := t.route.Load()
	if before != nil && before.active != nil && before.active.version == v && before.canary == nil {
		return stored, "", nil
	}
	if out, err = p.store.SetRouting(ctx, tenant, name, stored.Revision, store.Routing{Active: version}, by, reason); err != nil {
		return nil, "", err
	}
	next := &route{policy: name, active: newSide(v, false), probation: &probation{from: v.figures.calls.Load()}}
	if before != nil && before.active != nil && before.active.version != v {
		replaced = before.active.label
		next.probation.replaced = versionKey{before.policy, before.active.number}
	}
	t.route.Store(next)
	if before != nil && before.policy != name {
		replaced = before.label()
		if _, err := t.set(ctx, before.policy, store.Routing{}, by, "replaced by "+v.label); err != nil {
			// What was changed last serves, so nothing but the list is wrong until the next start.
			p.log.Error("a policy that was replaced could not be taken out", "tenant", tenant, "policy", before.policy, "error", err)
		}
	}
	p.log.Info("policy activated", "tenant", tenant, "policy", v.label, "replaced", replaced, "by", by)
	return out, replaced, nil
}

// Canary gives a version a share of its tenant's requests, in thousandths, beside the policy's active version or, if it
// has none, the groups' strategies. It takes the place of another canary; a share of 0 ends it. While another policy of
// the tenant serves, it is refused as ErrConflict.
func (p *Policies) Canary(ctx context.Context, tenant, name string, version, share int, by, reason string) (*store.Policy, error) {
	t := p.tenant(tenant)
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.route.Load(); r != nil && r.policy != name {
		return nil, refuse(store.ErrConflict, "%s serves this tenant, and a canary is compared with versions of its own policy; deactivate %s, or activate %s in its place",
			r.label(), r.policy, label(name, version))
	}
	stored, v, err := t.ready(ctx, name, version)
	if err != nil {
		return nil, err
	}
	to := store.Routing{Active: stored.Routing.Active}
	if share != 0 {
		to.Canary, to.Share = version, share
	}
	if to == stored.Routing {
		return stored, nil
	}
	out, err := p.store.SetRouting(ctx, tenant, name, stored.Revision, to, by, reason)
	if err != nil {
		return nil, err
	}
	p.log.Info("canary changed", "tenant", tenant, "policy", v.label, "share", share, "by", by)
	return out, t.reroute(ctx, out)
}

// ready finds a version and makes sure that it can serve: it is not withdrawn, and it loads. t.mu is held.
func (t *tenant) ready(ctx context.Context, name string, number int) (*store.Policy, *version, error) {
	p := t.policies
	stored, err := p.store.Policy(ctx, t.name, name)
	if err != nil {
		return nil, nil, err
	}
	found, err := p.store.Version(ctx, t.name, name, number)
	if err != nil {
		return nil, nil, err
	}
	v := t.version(found)
	r, err := v.enter(ctx, 0)
	if err != nil {
		return nil, nil, refuse(store.ErrInvalid, "version %d of policy %q can't serve: %w", number, name, err)
	}
	r.release()
	if found.State == store.VersionWithdrawn {
		err = p.store.SetVersionState(ctx, t.name, name, number, store.VersionReady, "")
	}
	return stored, v, err
}

// set changes the routing of a policy, whatever it is now. t.mu is held.
func (t *tenant) set(ctx context.Context, name string, to store.Routing, by, reason string) (*store.Policy, error) {
	stored, err := t.policies.store.Policy(ctx, t.name, name)
	if err != nil || stored.Routing == to {
		return stored, err
	}
	return t.policies.store.SetRouting(ctx, t.name, name, stored.Revision, to, by, reason)
}

// Rollback ends a policy's canary or, if it has none, goes back to the version that was active before the one that is.
// Going back again goes further back. ErrConflict when there is nothing to go back to.
func (p *Policies) Rollback(ctx context.Context, tenant, name, by, reason string) (*store.Policy, error) {
	t := p.tenant(tenant)
	t.mu.Lock()
	defer t.mu.Unlock()
	stored, err := p.store.Policy(ctx, tenant, name)
	if err != nil {
		return nil, err
	}
	to := store.Routing{Active: stored.Routing.Active}
	switch {
	case stored.Routing.Canary != 0:
	case to.Active == 0:
		return nil, refuse(store.ErrConflict, "policy %q does not serve, so there is nothing to go back from", name)
	default:
		if to.Active, err = t.previous(ctx, name, to.Active); err != nil {
			return nil, err
		}
		if to.Active == 0 {
			return nil, refuse(store.ErrConflict, "no version of policy %q was active before version %d; deactivate it instead", name, stored.Routing.Active)
		}
	}
	if to.Active != 0 {
		if _, err := t.find(ctx, name, to.Active); err != nil {
			return nil, err // before anything is changed
		}
	}
	out, err := p.store.SetRouting(ctx, tenant, name, stored.Revision, to, by, reason)
	if err != nil {
		return nil, err
	}
	p.log.Info("policy rolled back", "tenant", tenant, "policy", name, "active", to.Active, "by", by)
	return out, t.reroute(ctx, out)
}

// historyDepth is how many changes going back looks at.
const historyDepth = 1000

// previous returns the version that was active before another one was activated, 0 if there is none that can serve.
func (t *tenant) previous(ctx context.Context, name string, active int) (int, error) {
	changes, err := t.policies.store.History(ctx, t.name, name, historyDepth)
	if err != nil {
		return 0, err
	}
	var stack []int // activating pushes a version, going back pops it
	for _, c := range slices.Backward(changes) {
		n := len(stack)
		switch to := c.To.Active; {
		case to == 0, n > 0 && stack[n-1] == to:
		case n > 1 && stack[n-2] == to:
			stack = stack[:n-1]
		default:
			stack = append(stack, to)
		}
	}
	for _, number := range slices.Backward(stack) {
		if number == active {
			continue
		}
		v, err := t.policies.store.Version(ctx, t.name, name, number)
		if errors.Is(err, store.ErrNotFound) || err == nil && v.State != store.VersionReady {
			continue
		}
		return number, err
	}
	return 0, nil
}

// Deactivate takes a policy out: the groups' strategies decide.
func (p *Policies) Deactivate(ctx context.Context, tenant, name, by, reason string) (*store.Policy, error) {
	t := p.tenant(tenant)
	t.mu.Lock()
	defer t.mu.Unlock()
	out, err := t.set(ctx, name, store.Routing{}, by, reason)
	if err != nil {
		return nil, err
	}
	p.log.Info("policy deactivated", "tenant", tenant, "policy", name, "by", by)
	return out, t.reroute(ctx, out)
}

// DeleteVersion removes a version. ErrInUse when it serves.
func (p *Policies) DeleteVersion(ctx context.Context, tenant, name string, version int) error {
	t := p.tenant(tenant)
	t.mu.Lock()
	defer t.mu.Unlock()
	err := p.store.DeleteVersion(ctx, tenant, name, version)
	if errors.Is(err, store.ErrInUse) {
		return refuse(store.ErrInUse, "version %d of policy %q serves; activate another one or deactivate the policy first", version, name)
	}
	if err != nil {
		return err
	}
	t.forget(name, version)
	return nil
}

// Delete removes a policy with its versions and its history. ErrInUse when one of them serves.
func (p *Policies) Delete(ctx context.Context, tenant, name string) error {
	t := p.tenant(tenant)
	t.mu.Lock()
	defer t.mu.Unlock()
	stored, err := p.store.Policy(ctx, tenant, name)
	if err != nil {
		return err
	}
	if stored.Routing != (store.Routing{}) {
		return refuse(store.ErrInUse, "policy %q serves; deactivate it first", name)
	}
	if err := p.store.DeletePolicy(ctx, tenant, name); err != nil {
		return err
	}
	t.forget(name, 0)
	p.log.Info("policy deleted", "tenant", tenant, "policy", name)
	return nil
}
