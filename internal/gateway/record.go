package gateway

import (
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/gateway/report"
	"github.com/switchyard-gateway/switchyard/internal/store"
)

// What a report consists of.
type (
	Report  = report.Report
	Attempt = report.Attempt
	Scoring = report.Scoring
)

// Why a strategy had no say in a decision.
const (
	FailedFault   = decision.FailedFault   // it trapped, ran dry or broke its contract
	FailedRefusal = decision.FailedRefusal // it answered that it can't
	FailedBreaker = decision.FailedBreaker // it was not asked, because of earlier faults
)

// Record is a finished request, for metrics and ledgers. Prompts and answers are not in it.
type Record struct {
	ID      store.EntryID // made when the request came
	Request *Request
	Key     *Key // nil when the gateway is open
	Report  *Report
	// Policy names the tenant's policy that was asked, empty: none. It need not have decided:
	// Report.Policy says whether it did. Version is its number, 0 for a file's, and Canary says
	// whether that is the policy's canary.
	Policy  string
	Version int
	Canary  bool
	// Picks are all decisions with their input, if the tenant's are recorded. Their memory is used
	// again after Observe.
	Picks    []Pick
	Snapshot uint64
	Start    time.Time
	Duration time.Duration
	Err      *Error // nil: answered
}

// Pick is one decision with its input.
type Pick = decision.Pick

// KeyID is what the ledger knows the request's key by: its ID, or OWNER/ID if it acted for another
// tenant than its own. It is empty when the gateway is open.
func (r *Record) KeyID() string {
	switch k := r.Key; {
	case k == nil:
		return ""
	case k.Tenant != nil && r.Request.Tenant != nil && k.Tenant.Name != r.Request.Tenant.Name:
		return k.Tenant.Name + "/" + k.ID
	default:
		return k.ID
	}
}
