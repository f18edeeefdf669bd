package store

import (
	"context"
	"fmt"
	"time"
)

// TenantState says whether a tenant may call.
type TenantState uint8

// States of a tenant.
const (
	TenantActive    TenantState = iota + 1
	TenantSuspended             // its keys are refused until it is active again
	TenantClosed                // for good: its keys and policies are gone, its name stays taken because the ledger has it
)

var tenantStates = [...]string{TenantActive: "active", TenantSuspended: "suspended", TenantClosed: "closed"}

// String returns the state as the API spells it.
func (s TenantState) String() string {
	if s == 0 || int(s) >= len(tenantStates) {
		return fmt.Sprintf("TenantState(%d)", uint8(s))
	}
	return tenantStates[s]
}

// Tenant is a customer of the gateway, as the admin API made it.
type Tenant struct {
	Name    string // never changes, never used again
	Display string
	State   TenantState
	Allow   Restrictions
	Limits  Limits
	Created time.Time
	Updated time.Time
	// Revision counts changes. UpdateTenant takes the one that its caller has read.
	Revision int64
}

// Restrictions narrow what a tenant's requests may use. An empty list restricts nothing.
type Restrictions struct {
	Models      []string          `json:"models,omitempty"` // groups
	Deployments []string          `json:"deployments,omitempty"`
	Regions     []string          `json:"regions,omitempty"`
	Tags        []string          `json:"tags,omitempty"` // for requests that have none
	Pins        map[string]string `json:"pins,omitempty"` // group to deployment
}

// Limits bound what is used. 0 is no limit.
type Limits struct {
	RequestsPerMinute int64 `json:"requests_per_minute,omitempty"`
	TokensPerMinute   int64 `json:"tokens_per_minute,omitempty"`
	Concurrent        int64 `json:"concurrent,omitempty"`
	PerDay            Money `json:"nano_usd_per_day,omitempty"`   // in UTC
	PerMonth          Money `json:"nano_usd_per_month,omitempty"` // in UTC
}

// Check says what is wrong with the limits, as an ErrInvalid.
func (l *Limits) Check() error {
	for _, v := range [...]struct {
		name  string
		value int64
	}{
		{"requests per minute", l.RequestsPerMinute}, {"tokens per minute", l.TokensPerMinute}, {"concurrent requests", l.Concurrent},
		{"budget per day", int64(l.PerDay)}, {"budget per month", int64(l.PerMonth)},
	} {
		if v.value < 0 {
			return fmt.Errorf("%w: the limit of %s is %d, below zero", ErrInvalid, v.name, v.value)
		}
	}
	return nil
}

// Tenants keeps tenants.
type Tenants interface {
	// CreateTenant adds a tenant; it sets state, times and revision. ErrExists when the name was
	// ever used, ErrInvalid.
	CreateTenant(ctx context.Context, t *Tenant) error
	// Tenant finds one, closed ones too. ErrNotFound.
	Tenant(ctx context.Context, name string) (*Tenant, error)
	// ListTenants returns all, by name.
	ListTenants(ctx context.Context) ([]*Tenant, error)
	// UpdateTenant writes display name, state, restrictions and limits, and sets time and
	// revision. Closing deletes keys and policies. ErrNotFound, ErrConflict when the revision is
	// not the stored one, ErrInvalid.
	UpdateTenant(ctx context.Context, t *Tenant) error
}

// maxName is how long a name may be, in bytes.
const maxName = 64

// CheckName says what is wrong with the name of a tenant, a key or a policy, as an ErrInvalid.
// what is for the text. Names stand in paths, headers and metrics.
func CheckName(what, name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("%w: a name of %d bytes for a %s, it may have 1 to %d", ErrInvalid, len(name), what, maxName)
	}
	for i, c := range []byte(name) {
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 || c != '.' && c != '_' && c != '-') {
			return fmt.Errorf("%w: %q as the name of a %s: it may have letters, digits and, not first, . _ -", ErrInvalid, name, what)
		}
	}
	return nil
}
