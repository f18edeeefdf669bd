package metrics

import (
	"fmt"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/limits"
)

// refused is a request that met a limit of its key's.
func refused(tenant string, limit limits.Limit) *gateway.Record {
	rec := &gateway.Record{
		Request: request("quality"), Err: &gateway.Error{Status: 429, Code: "rate_limit_exceeded"},
		Report: &gateway.Report{Group: "quality", Exceeded: &limits.Exceeded{Limit: limit, Scope: "key", Name: "ci"}},
	}
	rec.Request.Tenant = &gateway.Tenant{Name: tenant}
	return rec
}

func TestLimitRefusals(t *testing.T) {
	t.Parallel()
	m := New("")
	for _, limit := range []limits.Limit{limits.Requests, limits.Requests, limits.Tokens, limits.Concurrent, limits.PerDay, limits.PerMonth} {
		m.Observe(refused("acme", limit))
	}
	m.Observe(answered())
	text := scrape(t, m)
	expect(t, text,
		`switchyard_limit_refusals_total{limit="requests",scope="key",tenant="acme"} 2`,
		`switchyard_limit_refusals_total{limit="tokens",scope="key",tenant="acme"} 1`,
		`switchyard_limit_refusals_total{limit="concurrent",scope="key",tenant="acme"} 1`,
		`switchyard_limit_refusals_total{limit="day",scope="key",tenant="acme"} 1`,
		`switchyard_limit_refusals_total{limit="month",scope="key",tenant="acme"} 1`,
		`switchyard_requests_total{code="rate_limit_exceeded",group="quality",status="429"} 6`,
	)
}

func TestTenancy(t *testing.T) {
	t.Parallel()
	m := New("")
	now := Tenancy{
		Budgets:        []Budget{{"acme", "day", 0.5, 2}, {"acme", "month", 12.5, 40}, {"other/one", "day", 0, 1}},
		LedgerRecorded: 1, LedgerFailures: 2, LedgerLost: 3, LedgerBytes: 4, DecisionsAdded: 5, DecisionsStored: 6, DecisionsDropped: 7, DecisionsBytes: 8,
		PoliciesLoaded: 9, PoliciesMemory: 10, PoliciesBudget: 11, PoliciesLoads: 12, PoliciesFailures: 13, PoliciesEvictions: 14, CanariesOut: 15, RolledBack: 16, Replays: 17,
	}
	m.WatchTenancy(func() Tenancy { return now })
	expect(t, scrape(t, m),
		`switchyard_budget_spent_usd{period="day",tenant="acme"} 0.5`,
		`switchyard_budget_limit_usd{period="month",tenant="acme"} 40`,
		`switchyard_budget_spent_usd{period="day",tenant="other/one"} 0`,
		"switchyard_ledger_recorded_total 1", "switchyard_ledger_failures_total 2", "switchyard_ledger_lost_total 3", "switchyard_ledger_journal_bytes 4",
		"switchyard_decisions_added_total 5", "switchyard_decisions_stored_total 6", "switchyard_decisions_dropped_total 7", "switchyard_decisions_pending_bytes 8",
		"switchyard_policies_loaded 9", "switchyard_policies_memory_bytes 10", "switchyard_policies_memory_budget_bytes 11",
		"switchyard_policies_loads_total 12", "switchyard_policies_load_failures_total 13", "switchyard_policies_evictions_total 14",
		"switchyard_policy_canaries_withdrawn_total 15", "switchyard_policy_rollbacks_total 16", "switchyard_replays_running 17",
	)
	now.Budgets = nil
	if text := scrape(t, m); strings.Contains(text, "budget_spent_usd{") {
		t.Errorf("a budget that is gone is still there: %s", text)
	}
}

// TestManyTenants has more tenants than become labels.
func TestManyTenants(t *testing.T) {
	t.Parallel()
	m := New("")
	var now Tenancy
	for i := range maxTenants + 500 {
		name := fmt.Sprintf("tenant-%d", i)
		now.Budgets = append(now.Budgets, Budget{Tenant: name, Period: "day", Limit: 1})
		m.Observe(refused(name, limits.Requests))
	}
	m.WatchTenancy(func() Tenancy { return now })
	for name, want := range map[string]int{"limit_refusals_total": maxTenants + 1, "budget_spent_usd": maxTenants} {
		if n := series(t, m, name); n != want {
			t.Errorf("%s: %d series, want %d", name, n, want)
		}
	}
	expect(t, scrape(t, m), `switchyard_limit_refusals_total{limit="requests",scope="key",tenant="other"} 500`)
}
