package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"

	"github.com/switchyard-gateway/switchyard/internal/limits"
	"github.com/switchyard-gateway/switchyard/internal/store"
)

// Tenant is a customer of the gateway. What it may use narrows the choice before any strategy is
// asked, in every group: nothing that a policy or a client says brings more.
type Tenant struct {
	Name        string
	Models      map[string]bool   // groups it may use; nil: all
	Deployments map[string]bool   // IDs; nil: all
	Regions     map[string]bool   // nil: all; a deployment without a region is in none
	Pins        map[string]string // group → deployment ID
	Tags        []string          // of its requests; the server adds them to Request.Tags
	Policy      PolicySource      // nil: the groups' strategies decide
	Limits      *limits.Account   // nil: none
	Record      bool              // its decisions are recorded
}

// MayUse reports whether the tenant may use a group at all. The nil tenant, who exists only when the
// gateway is open, may use everything.
func (t *Tenant) MayUse(group string) bool { return t == nil || t.Models == nil || t.Models[group] }

// mayCall reports whether the tenant may use a deployment of a group that it may use.
func (t *Tenant) mayCall(d *Deployment) bool {
	switch {
	case t == nil:
		return true
	case t.Deployments != nil && !t.Deployments[d.ID]:
		return false
	default:
		return t.Regions == nil || d.Region != "" && t.Regions[d.Region]
	}
}

// reaches reports whether the tenant may use a group and any of its deployments. A group of which it
// may use none does not exist for it.
func (t *Tenant) reaches(g *Group) bool {
	if !t.MayUse(g.Name) {
		return false
	}
	return len(g.Deployments) == 0 || slices.ContainsFunc(g.Deployments, t.mayCall)
}

// Key is an API key of a tenant.
type Key struct {
	Hash   [sha256.Size]byte
	ID     string // of a stored key; of a configured one the name
	Name   string
	Tenant *Tenant
	Scopes store.Scopes
	Limits *limits.Account // nil: none
}

// MayComplete reports whether the key may send completions. The nil key, which is that of an open
// gateway, may.
func (k *Key) MayComplete() bool { return k == nil || k.Scopes.Has(store.ScopeComplete) }

// MayActFor reports whether the key may name another tenant in a request.
func (k *Key) MayActFor() bool { return k != nil && k.Scopes.Has(store.ScopeActFor) }

// Authenticate finds the key of a secret. Only digests are compared, so its time says nothing
// about how much of a guess was right.
func (s *Snapshot) Authenticate(secret string) (*Key, bool) {
	sum := sha256.Sum256([]byte(secret))
	k, ok := s.keys[sum]
	if !ok || subtle.ConstantTimeCompare(k.Hash[:], sum[:]) != 1 {
		return nil, false
	}
	return k, true
}

// Tenant finds a tenant by name.
func (s *Snapshot) Tenant(name string) (*Tenant, bool) {
	t, ok := s.tenants[name]
	return t, ok
}

// Serves reports whether a tenant's request for a model name finds a group that it may use.
func (s *Snapshot) Serves(t *Tenant, model string) bool {
	g, _, ok := s.group(model)
	return ok && t.reaches(g)
}

// Models lists the groups that a tenant may use, in the order of the config.
func (s *Snapshot) Models(t *Tenant) []string {
	names := make([]string, 0, len(s.groups))
	for _, g := range s.groups {
		if t.reaches(g) {
			names = append(names, g.Name)
		}
	}
	return names
}
