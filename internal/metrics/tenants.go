package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
)

// maxTenants is how many tenants become label values. What is counted of later ones counts for "other"; their budgets are
// left out.
const maxTenants = 1000

// Tenancy is what there is of tenants and of what they have stored. Counts are since the start, and never less than before.
type Tenancy struct {
	Budgets []Budget

	LedgerRecorded, LedgerFailures, LedgerLost        uint64
	LedgerBytes                                       int64 // of the journal
	DecisionsAdded, DecisionsStored, DecisionsDropped uint64
	DecisionsBytes                                    int64 // in memory

	PoliciesLoaded                             int // versions
	PoliciesMemory, PoliciesBudget             int64
	PoliciesLoads, PoliciesFailures            uint64
	PoliciesEvictions, CanariesOut, RolledBack uint64
	Replays                                    int // under way
}

// Budget is what is spent of one of a tenant's budgets, in US dollars.
type Budget struct {
	Tenant string
	Period string // day or month
	Spent  float64
	Limit  float64
}

// WatchTenancy adds what is known of tenants, and asks for it whenever metrics are read. It may be called once.
func (m *Metrics) WatchTenancy(now func() Tenancy) {
	c := &tenancy{now: now, names: &m.tenants}
	add := func(kind prometheus.ValueType, name, help string, value func(*Tenancy) float64) {
		c.figures = append(c.figures, figure{prometheus.NewDesc(namespace+"_"+name, help, nil, nil), kind, value})
	}
	counter, gauge := prometheus.CounterValue, prometheus.GaugeValue
	add(counter, "ledger_recorded_total", "Requests that the usage ledger has taken over from its journal.", func(t *Tenancy) float64 { return float64(t.LedgerRecorded) })
	add(counter, "ledger_failures_total", "Batches of the usage ledger that the store refused, and that are tried again.", func(t *Tenancy) float64 { return float64(t.LedgerFailures) })
	add(counter, "ledger_lost_total", "Requests that are missing in the usage ledger, because the disk took nothing for too long.", func(t *Tenancy) float64 { return float64(t.LedgerLost) })
	add(gauge, "ledger_journal_bytes", "Size of the usage ledger's journal.", func(t *Tenancy) float64 { return float64(t.LedgerBytes) })
	add(counter, "decisions_added_total", "Requests whose routing decisions were given to the log.", func(t *Tenancy) float64 { return float64(t.DecisionsAdded) })
	add(counter, "decisions_stored_total", "Requests whose routing decisions were stored.", func(t *Tenancy) float64 { return float64(t.DecisionsStored) })
	add(counter, "decisions_dropped_total", "Requests whose routing decisions were dropped for want of memory.", func(t *Tenancy) float64 { return float64(t.DecisionsDropped) })
	add(gauge, "decisions_pending_bytes", "Routing decisions in memory that are not stored yet.", func(t *Tenancy) float64 { return float64(t.DecisionsBytes) })
	add(gauge, "policies_loaded", "Versions of tenants' policies that are loaded.", func(t *Tenancy) float64 { return float64(t.PoliciesLoaded) })
	add(gauge, "policies_memory_bytes", "What the tenants' policies that are loaded are taken to occupy.", func(t *Tenancy) float64 { return float64(t.PoliciesMemory) })
	add(gauge, "policies_memory_budget_bytes", "What tenants' policies may occupy.", func(t *Tenancy) float64 { return float64(t.PoliciesBudget) })
	add(counter, "policies_loads_total", "Loads of tenants' policies.", func(t *Tenancy) float64 { return float64(t.PoliciesLoads) })
	add(counter, "policies_load_failures_total", "Loads of tenants' policies that failed.", func(t *Tenancy) float64 { return float64(t.PoliciesFailures) })
	add(counter, "policies_evictions_total", "Tenants' policies that were unloaded to make room for others.", func(t *Tenancy) float64 { return float64(t.PoliciesEvictions) })
	add(counter, "policy_canaries_withdrawn_total", "Canaries that were taken out because they faulted or were clearly worse.", func(t *Tenancy) float64 { return float64(t.CanariesOut) })
	add(counter, "policy_rollbacks_total", "Active versions that were taken out because they faulted in their first decisions.", func(t *Tenancy) float64 { return float64(t.RolledBack) })
	add(gauge, "replays_running", "Replays of policies that are under way.", func(t *Tenancy) float64 { return float64(t.Replays) })
	c.spent = prometheus.NewDesc(namespace+"_budget_spent_usd", "What is spent of a tenant's budget of this day or month in UTC.", []string{"tenant", "period"}, nil)
	c.limit = prometheus.NewDesc(namespace+"_budget_limit_usd", "A tenant's budget of a day or month.", []string{"tenant", "period"}, nil)
	m.registry.MustRegister(c)
}

// tenancy is a collector. A tenant that has no budget any more leaves no series behind.
type tenancy struct {
	now          func() Tenancy
	names        *vocabulary
	figures      []figure
	spent, limit *prometheus.Desc
}

type figure struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*Tenancy) float64
}

// Describe implements prometheus.Collector.
func (c *tenancy) Describe(out chan<- *prometheus.Desc) {
	for i := range c.figures {
		out <- c.figures[i].desc
	}
	out <- c.spent
	out <- c.limit
}

// Collect implements prometheus.Collector.
func (c *tenancy) Collect(out chan<- prometheus.Metric) {
	now := c.now()
	for i := range c.figures {
		f := &c.figures[i]
		out <- prometheus.MustNewConstMetric(f.desc, f.kind, f.value(&now))
	}
	for i := range now.Budgets {
		b := &now.Budgets[i]
		if c.names.admit(b.Tenant) != b.Tenant {
			continue
		}
		out <- prometheus.MustNewConstMetric(c.spent, prometheus.GaugeValue, b.Spent, b.Tenant, b.Period)
		out <- prometheus.MustNewConstMetric(c.limit, prometheus.GaugeValue, b.Limit, b.Tenant, b.Period)
	}
}

// exceeded counts a request that a limit refused. The tenant is the one that the request was for.
func (m *Metrics) exceeded(rec *gateway.Record) {
	if x := rec.Report.Exceeded; x != nil && rec.Request.Tenant != nil {
		m.refusals.WithLabelValues(m.tenants.admit(rec.Request.Tenant.Name), x.Limit.String(), x.Scope).Inc()
	}
}
