package policies

import (
	"context"
	"fmt"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/policies/canary"
	"github.com/switchyard-gateway/switchyard/internal/store"
)

// Observe takes note of how a request ended. It does not block, and does not keep the record.
func (p *Policies) Observe(rec *gateway.Record) {
	if rec.Request == nil || rec.Request.Tenant == nil {
		return
	}
	t, ok := rec.Request.Tenant.Policy.(*tenant)
	if !ok {
		return
	}
	r := t.route.Load()
	if r == nil || r.canary == nil {
		return
	}
	switch {
	case rec.Canary && rec.Policy == r.policy && rec.Version == r.canary.number:
	case !rec.Canary && r.active != nil && rec.Policy == r.policy && rec.Version == r.active.number:
	case rec.Policy == "" && r.active == nil:
	default:
		return // it began under another route
	}
	o, counts := outcomeOf(rec)
	if !counts {
		return
	}
	if why := r.comparison.Observe(rec.Canary, o, rec.Duration, rec.Report.Cost); why != "" {
		t.conclude(r, t.endCanary, why)
	}
}

// outcomeOf returns how a request ended, and false for one that says nothing about a policy: the client left, or nothing
// was decided.
func outcomeOf(rec *gateway.Record) (canary.Outcome, bool) {
	report := rec.Report
	switch {
	case rec.Err == nil:
		return canary.Answered, true
	case rec.Err.Code == "client_closed_request", len(report.Scoring) == 0 && len(report.Attempts) == 0:
		return 0, false
	case len(report.Attempts) > 0 || len(report.Scoring) == 0:
		return canary.Failed, true
	}
	// Without an attempt the last who was asked has ended the request.
	if last := &report.Scoring[len(report.Scoring)-1]; last.Failed == "" && rec.Err.Code != "timeout" {
		return canary.Rejected, true
	}
	return canary.Failed, true
}

// faulted lets a version's fault count against it while it serves on trial.
func (t *tenant) faulted(v *version, f *Fault) {
	r := t.route.Load()
	switch {
	case r == nil:
	case r.canary != nil && r.canary.version == v:
		if why := r.comparison.Fault(f.Message); why != "" {
			t.conclude(r, t.endCanary, why)
		}
	case r.active != nil && r.active.version == v && r.probation.left(v) > 0:
		if n := r.probation.faults.Add(1); n >= probationFaults {
			t.conclude(r, t.revert, fmt.Sprintf("%d faults in its first %d decisions, the last: %s", n, v.figures.calls.Load()-r.probation.from+1, f.Message))
		}
	}
}

// storeTime bounds what a verdict does in the store.
const storeTime = 30 * time.Second

// conclude takes one of a route's versions out, in the background, and once.
func (t *tenant) conclude(r *route, takeOut func(ctx context.Context, r *route, why string), why string) {
	if !r.verdict.CompareAndSwap(false, true) || !t.policies.begin() {
		return
	}
	go func() {
		defer t.policies.work.Done()
		ctx, cancel := context.WithTimeout(t.policies.life, storeTime)
		defer cancel()
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.route.Load() != r {
			return // somebody was faster; what speaks against a version that still serves will do so again
		}
		takeOut(ctx, r, why)
	}()
}

// endCanary takes a canary out, in the store as far as that can be written. t.mu is held.
func (t *tenant) endCanary(ctx context.Context, r *route, why string) {
	t.policies.canariesOut.Add(1)
	r.comparison.Conclude(why)
	if r.active == nil {
		t.route.Store(nil)
	} else {
		t.route.Store(&route{policy: r.policy, active: r.active, probation: r.probation})
	}
	to := store.Routing{}
	if r.active != nil {
		to.Active = r.active.number
	}
	_, err := t.set(ctx, r.policy, to, byCanary, why)
	t.withdraw(ctx, r.canary.version, why, err)
}

// revert puts back what was active before a version that has failed its first decisions. A canary beside it ends: what it
// was compared with is gone. t.mu is held.
func (t *tenant) revert(ctx context.Context, r *route, why string) {
	t.policies.rolledBack.Add(1)
	bad := r.active.version
	back, err := t.previous(ctx, r.policy, bad.number)
	if err != nil {
		back = 0
	}
	t.route.Store(nil)
	stored, setErr := t.set(ctx, r.policy, store.Routing{Active: back}, byRollback, why)
	if setErr == nil {
		setErr = t.reroute(ctx, stored)
	}
	if replaced := r.probation.replaced; back == 0 && replaced.policy != "" && replaced.policy != r.policy && setErr == nil {
		if stored, setErr = t.set(ctx, replaced.policy, store.Routing{Active: replaced.number}, byRollback, bad.label+" was taken out: "+why); setErr == nil {
			setErr = t.reroute(ctx, stored)
		}
	}
	t.withdraw(ctx, bad, why, setErr)
}

// withdraw marks a version that was taken out. err is why the store has not noted that yet, if so: then it serves again
// after a restart, until it is taken out again.
func (t *tenant) withdraw(ctx context.Context, v *version, why string, err error) {
	p := t.policies
	if err == nil {
		err = p.store.SetVersionState(ctx, t.name, v.policy, v.number, store.VersionWithdrawn, why)
	}
	p.log.Warn("policy taken out", "tenant", t.name, "policy", v.label, "reason", why, "now", t.route.Load().label())
	if err != nil {
		p.log.Error("the store did not note that a policy was taken out", "tenant", t.name, "policy", v.label, "error", err)
	}
}
