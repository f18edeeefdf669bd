package main

import (
	"time"

	"github.com/switchyard-gateway/switchyard/internal/metrics"
	"github.com/switchyard-gateway/switchyard/internal/store"
)

// tenancy is what metrics show of tenants whenever they are read.
func (s *state) tenancy() metrics.Tenancy {
	l, d, p := s.ledger.Stats(), s.decisions.Stats(), s.policies.Stats()
	t := metrics.Tenancy{
		LedgerRecorded: l.Recorded, LedgerFailures: l.Failures, LedgerLost: l.Journal.Lost, LedgerBytes: l.Journal.Bytes,
		DecisionsAdded: d.Added, DecisionsStored: d.Stored, DecisionsDropped: d.Dropped, DecisionsBytes: int64(d.Pending),
		PoliciesLoaded: p.Versions, PoliciesMemory: p.Memory, PoliciesBudget: p.Budget, PoliciesLoads: p.Loads, PoliciesFailures: p.Failures, PoliciesEvictions: p.Evictions,
		Replays: s.replays.Running(),
	}
	t.CanariesOut, t.RolledBack = s.policies.Verdicts()
	for _, b := range s.limits.Spending(store.DayOf(time.Now())) {
		t.Budgets = append(t.Budgets, metrics.Budget{Tenant: b.Tenant, Period: b.Period.String(), Spent: b.Spent.USD(), Limit: b.Limit.USD()})
	}
	return t
}
