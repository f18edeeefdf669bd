package gateway

import (
	"crypto/sha256"
	"crypto/subtle"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
)

// Tenant is a customer of the gateway.
type Tenant struct {
	Name   string
	Models map[string]bool   // groups it may use; nil: all
	Pins   map[string]string // group → deployment ID
	Tags   []string          // of its requests; the server adds them to Request.Tags
	Policy *Policy           // nil: the groups' strategies decide
}

// MayUse reports whether the tenant may use a group. The nil tenant, who exists only when the
// gateway is open, may use all.
func (t *Tenant) MayUse(group string) bool { return t == nil || t.Models == nil || t.Models[group] }

// policy is who scores for the tenant's requests.
func (t *Tenant) policy() decision.Policy {
	if t == nil || t.Policy == nil {
		return decision.Policy{}
	}
	return decision.Policy{Name: t.Policy.Name, Strategy: t.Policy.Plugin}
}

// Key is an API key of a tenant.
type Key struct {
	Hash   [sha256.Size]byte
	Name   string
	Tenant *Tenant
	ActFor bool // may name another tenant in a request
}

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
	return ok && t.MayUse(g.Name)
}

// Models lists the groups that a tenant may use, in the order of the config.
func (s *Snapshot) Models(t *Tenant) []string {
	names := make([]string, 0, len(s.groups))
	for _, g := range s.groups {
		if t.MayUse(g.Name) {
			names = append(names, g.Name)
		}
	}
	return names
}
