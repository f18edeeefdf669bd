package shape

import (
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// Where a tenant comes from.
const (
	FromStore  = "store"
	FromConfig = "config"
)

// Tenant is a tenant as the admin sees it.
type Tenant struct {
	Name     string            `json:"name"`
	Display  string            `json:"display_name"`
	State    string            `json:"state" enum:"active,suspended,closed"`
	Source   string            `json:"source" enum:"store,config" doc:"config: of plugins.yaml, and changed there."`
	Allow    Allow             `json:"allow"`
	Tags     []string          `json:"tags,omitempty" nullable:"false" doc:"For requests that have none."`
	Pins     map[string]string `json:"pins,omitempty" doc:"Model group to deployment."`
	Limits   Limits            `json:"limits"`
	Created  *time.Time        `json:"created_at,omitempty"`
	Updated  *time.Time        `json:"updated_at,omitempty"`
	Revision int64             `json:"revision" doc:"Counts changes."`
}

// Allow is what a tenant's requests may use. A policy can't widen it.
type Allow struct {
	Models      []string `json:"models,omitempty" nullable:"false" maxItems:"1000" doc:"Model groups. Empty or left out, here and below: all."`
	Deployments []string `json:"deployments,omitempty" nullable:"false" maxItems:"1000" doc:"IDs of deployments."`
	Regions     []string `json:"regions,omitempty" nullable:"false" maxItems:"1000" doc:"Regions of deployments; one without a region is in none."`
}

// TenantOf shows a tenant; source is FromStore or FromConfig.
func TenantOf(t *store.Tenant, source string) Tenant {
	return Tenant{
		Name: t.Name, Display: t.Display, State: t.State.String(), Source: source,
		Allow: Allow{t.Allow.Models, t.Allow.Deployments, t.Allow.Regions}, Tags: t.Allow.Tags, Pins: t.Allow.Pins,
		Limits: LimitsOf(&t.Limits), Created: moment(t.Created), Updated: moment(t.Updated), Revision: t.Revision,
	}
}

// moment is a time in an answer, nil for one that is not known.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// Settings are what can be said of a tenant when it is made and later. What is left out stays as it is.
type Settings struct {
	Display *string           `json:"display_name,omitempty" maxLength:"256"`
	Allow   *Allow            `json:"allow,omitempty" doc:"Replaces all of it."`
	Tags    []string          `json:"tags,omitempty" nullable:"false" maxItems:"100" doc:"Replaces all of them."`
	Pins    map[string]string `json:"pins,omitempty" maxProperties:"1000" doc:"Replaces all of them."`
	Limits  *Limits           `json:"limits,omitempty" doc:"Replaces all of them."`
}

// Apply writes what was given into a tenant.
func (s *Settings) Apply(t *store.Tenant) {
	if s.Display != nil {
		t.Display = *s.Display
	}
	if s.Allow != nil {
		t.Allow.Models, t.Allow.Deployments, t.Allow.Regions = s.Allow.Models, s.Allow.Deployments, s.Allow.Regions
	}
	if s.Tags != nil {
		t.Allow.Tags = s.Tags
	}
	if s.Pins != nil {
		t.Allow.Pins = s.Pins
	}
	if s.Limits != nil {
		t.Limits = s.Limits.Stored()
	}
}

// NewTenant is the body that creates a tenant.
type NewTenant struct {
	Name string `json:"name" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" minLength:"1" maxLength:"64" doc:"Never changes, and is never used again."`
	Settings
}

// TenantPatch is the body that changes a tenant.
type TenantPatch struct {
	Revision int64  `json:"revision,omitempty" minimum:"1" maximum:"1000000000000" doc:"The one that was read: the change is refused if there is a newer one. Left out: whatever it is."`
	State    string `json:"state,omitempty" enum:"active,suspended" doc:"The keys of a suspended tenant are refused."`
	Settings
}
