package main

import (
	"encoding/hex"
	"fmt"
	"math"
	"strings"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/internal/config"
	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/tenants"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/server/api"
)

// checkTenants returns what is wrong with the configured tenants that the configuration alone does not show. What it
// passes becomes a snapshot, so nothing is in force of a configuration that is refused. stored tells which names the
// admin API has given away.
func checkTenants(cfg *config.Config, set *host.Set, stored func(name string) bool) error {
	var problems config.Problems
	for _, t := range cfg.Tenants {
		if stored(t.Name) {
			problems = append(problems, cfg.Problem(t.Line, t.Path, "a tenant of this name was made by the admin API: give one of them another name"))
		}
		if p := t.Policy; p != nil && set.Strategy(p.Path).Mode() == abi.ModeFilter { // its numbers rank nothing
			problems = append(problems, cfg.Problem(0, p.Path+".plugin", fmt.Sprintf("plugin %q is a filter, and a policy has to score", p.Plugin)))
		}
	}
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// newTenant is a tenant of the configuration. Its policy is the one that stands there, else one that it has uploaded.
func (s *state) newTenant(t *config.Tenant, set *host.Set) *gateway.Tenant {
	out := &gateway.Tenant{
		Name: t.Name, Models: tenants.Set(t.Models), Deployments: tenants.Set(t.Deployments), Regions: tenants.Set(t.Regions), Pins: t.Pin, Tags: t.Tags,
		Policy: s.policies.Of(t.Name), Limits: s.limits.Tenant(t.Name, stored(&t.Limits)), Record: true,
	}
	if p := t.Policy; p != nil {
		out.Policy = gateway.PluginPolicy(p.Plugin, set.Strategy(p.Path))
	}
	return out
}

func (s *state) newKey(k *config.Key, tenant *gateway.Tenant) *gateway.Key {
	id := keyID(k)
	return &gateway.Key{
		Hash: k.Hash, ID: id, Name: k.Name, Tenant: tenant, Scopes: scopes(k), Limits: s.limits.Key(tenant.Name, id, stored(&k.Limits)),
	}
}

// keyID is what the ledger knows a configured key by: its name, else the beginning of its hash. There is no slash in it,
// which stands between a tenant and its key.
func keyID(k *config.Key) string {
	if k.Name != "" && len(k.Name) <= maxKeyID {
		return slashes.Replace(k.Name)
	}
	return "sha256-" + hex.EncodeToString(k.Hash[:6])
}

// maxKeyID leaves room for the tenant: the ledger cuts what is longer than 256 bytes.
const maxKeyID = 100

var slashes = strings.NewReplacer("/", "%2F", "%", "%25")

func scopes(k *config.Key) store.Scopes {
	s, err := store.ParseScopes(k.Scopes)
	if err != nil {
		panic(err) // the configuration knows the same ones
	}
	if k.ActFor {
		s |= store.ScopeActFor
	}
	return s
}

// stored is a quota as the store has it. An amount beyond what can be counted is no limit.
func stored(q *config.Quota) store.Limits {
	l := store.Limits{RequestsPerMinute: q.RequestsPerMinute, TokensPerMinute: q.TokensPerMinute, Concurrent: q.Concurrent}
	for _, budget := range [...]struct {
		usd float64
		to  *store.Money
	}{{q.PerDay, &l.PerDay}, {q.PerMonth, &l.PerMonth}} {
		m, ok := store.FromUSD(budget.usd)
		if budget.usd > 0 && m == 0 {
			m = 1 // not nothing, which would be no limit
		}
		if !ok {
			m = math.MaxInt64
		}
		*budget.to = m
	}
	return l
}

// configured lists the tenants of a configuration for the admin API.
func configured(cfg *config.Config) []api.Configured {
	list := make([]api.Configured, 0, len(cfg.Tenants))
	for _, t := range cfg.Tenants {
		c := api.Configured{Tenant: store.Tenant{
			Name: t.Name, State: store.TenantActive, Limits: stored(&t.Limits),
			Allow: store.Restrictions{Models: t.Models, Deployments: t.Deployments, Regions: t.Regions, Tags: t.Tags, Pins: t.Pin},
		}}
		for i := range t.Keys {
			k := &t.Keys[i]
			c.Keys = append(c.Keys, &store.Key{ID: keyID(k), Tenant: t.Name, Name: keyID(k), Scopes: scopes(k), Limits: stored(&k.Limits)})
		}
		list = append(list, c)
	}
	return list
}
