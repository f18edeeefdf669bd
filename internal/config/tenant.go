package config

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/switchyard-gateway/switchyard/internal/config/suggest"
	"github.com/switchyard-gateway/switchyard/internal/config/yamltree"
)

// A Tenant is whom a key belongs to.
type Tenant struct {
	Name   string
	Keys   []Key
	Models []string // groups as they are written, wildcards too; empty = all
	// Deployments and Regions are what its requests may use; empty = all.
	Deployments []string
	Regions     []string
	Pin         map[string]string // group to deployment ID
	Tags        []string          // for requests that have none
	Limits      Quota
	Policy      *Policy // nil: it has none

	Path string
	Line int
}

// A Policy is a strategy of a tenant's own.
type Policy struct {
	Plugin string
	Config json.RawMessage // "{}" when absent

	Path string // "tenants.acme.policy"
	Line int
}

// A Key is the SHA-256 of an API key.
type Key struct {
	Hash   [32]byte
	Name   string // unique in the tenant unless empty
	Scopes []string
	ActFor bool // may name another tenant in a request
	Limits Quota

	Line int
}

// A Quota bounds what is used. 0 is no limit.
type Quota struct {
	RequestsPerMinute int64
	TokensPerMinute   int64
	Concurrent        int64
	PerDay, PerMonth  float64 // USD, of days and months in UTC
}

var tenantKind = object(func(t *Tenant, path string, line int) { t.Path, t.Line = path, line },
	optional("keys", "", listOf(keyKind), func(t *Tenant) *[]Key { return &t.Keys },
		"API keys."),
	optional("models", "", setOf(groupName), func(t *Tenant) *[]string { return &t.Models },
		"Groups that the tenant may use, wildcards as they are written. Empty is all."),
	optional("deployments", "", setOf(name), func(t *Tenant) *[]string { return &t.Deployments },
		"Deployments that its requests may use, whatever a policy says. Empty is all."),
	optional("regions", "", setOf(name), func(t *Tenant) *[]string { return &t.Regions },
		"Regions that its requests may go to, whatever a policy says. Empty is all, and deployments without a region are in none."),
	optional("pin", "", mapOf("group", name), func(t *Tenant) *map[string]string { return &t.Pin },
		"Deployment per group for the `tenant-pin` strategy."),
	optional("tags", "", setOf(name), func(t *Tenant) *[]string { return &t.Tags },
		"Tags of requests that name none."),
	section("limits", quotaKind, func(t *Tenant) *Quota { return &t.Limits },
		"What all its keys together may use."),
	optional("policy", "", pointer(policyKind), func(t *Tenant) **Policy { return &t.Policy },
		"A strategy of the tenant's own, which runs under `limits.policies`. It scores what the filters of a group leave, in place of the group's scoring strategies; when it fails, these decide."),
)

var keyKind = object(func(k *Key, _ string, line int) { k.Line = line },
	required("hash", keyHash, func(k *Key) *[32]byte { return &k.Hash },
		"`sha256:` and the hex SHA-256 of the key. `printf %s KEY | sha256sum` prints the digits."),
	optional("scopes", "[complete]", setOf(oneOf("complete", "policy", "usage", "act-for")), func(k *Key) *[]string { return &k.Scopes },
		"What the key may do: send completions, manage policies, read usage and decisions, name another tenant."),
	optional("act_for", "false", boolean, func(k *Key) *bool { return &k.ActFor },
		"Adds the scope `act-for`."),
	optional("name", "", text, func(k *Key) *string { return &k.Name },
		"Label for humans, in the usage ledger too."),
	section("limits", quotaKind, func(k *Key) *Quota { return &k.Limits },
		"What this key may use, beside the tenant's limits."),
)

var quotaKind = object(nil,
	optional("requests_per_minute", "0", count, func(q *Quota) *int64 { return &q.RequestsPerMinute },
		"Requests; 0 is no limit, as in all of these."),
	optional("tokens_per_minute", "0", count, func(q *Quota) *int64 { return &q.TokensPerMinute },
		"Tokens, prompt and answer."),
	optional("concurrent", "0", count, func(q *Quota) *int64 { return &q.Concurrent },
		"Requests at the same time."),
	optional("usd_per_day", "0", number, func(q *Quota) *float64 { return &q.PerDay },
		"Budget of a day in UTC, in US dollars."),
	optional("usd_per_month", "0", number, func(q *Quota) *float64 { return &q.PerMonth },
		"Budget of a calendar month in UTC."),
)

var policyKind = wordOr("plugin",
	object(func(p *Policy, path string, line int) { p.Path, p.Line = path, line },
		required("plugin", word, func(p *Policy) *string { return &p.Plugin },
			"Strategy plugin: the name of a `.wasm` file. Not a filter."),
		optional("config", "{}", anything, func(p *Policy) *json.RawMessage { return &p.Config },
			"For the plugin, as JSON."),
	))

func (k *checker) tenants() {
	hashes := make(map[[32]byte]string)
	keys := 0
	for _, t := range k.c.Tenants {
		names := make(map[string]bool)
		for i, key := range t.Keys {
			keys++
			if key.Name != "" && names[key.Name] {
				k.at(yamltree.Index(t.Path+".keys", i)+".name", "the tenant has a key of this name already, and usage is counted by name")
			}
			names[key.Name] = true
			path := yamltree.Index(t.Path+".keys", i) + ".hash"
			if key.Hash == [32]byte{} {
				continue
			}
			if first, taken := hashes[key.Hash]; taken {
				k.at(path, "the key is taken by %s (line %d)", first, k.d.lines[first])
				continue
			}
			hashes[key.Hash] = path
		}
		k.tenantModels(t)
		k.tenantDeployments(t)
		k.pins(t)
	}
	unread := slices.ContainsFunc(k.d.problems, func(p Problem) bool { return strings.HasPrefix(p.Path, "tenants") })
	if k.c.Tenants != nil && keys == 0 && !unread {
		k.at("tenants", "no tenant has a key, so nobody could call: add keys, or leave tenants out to serve everybody on loopback")
	}
}

func (k *checker) tenantModels(t *Tenant) {
	var groups []string
	for _, g := range k.c.Models {
		groups = append(groups, g.Name)
	}
	for i, name := range t.Models {
		if _, ok := k.c.groups[name]; !ok && name != "" {
			path := yamltree.Index(t.Path+".models", i)
			k.at(path, "no model group %s%s", k.d.shown(path, name), suggest.DidYouMean(name, groups))
		}
	}
}

func (k *checker) pins(t *Tenant) {
	for _, name := range slices.Sorted(maps.Keys(t.Pin)) {
		id, path := t.Pin[name], yamltree.Join(t.Path+".pin", name)
		g, ok := k.c.groups[name]
		if !ok {
			_, exact := k.names()
			k.at(path, "no model group %q%s", name, suggest.DidYouMean(name, exact))
			continue
		}
		if len(t.Models) > 0 && !slices.Contains(t.Models, name) {
			k.at(path, "the tenant may not use group %q: it is not among its models", name)
		}
		var ids []string
		for _, dep := range g.Deployments {
			if dep != nil {
				ids = append(ids, dep.ID)
			}
		}
		if id != "" && !slices.Contains(ids, id) {
			k.at(path, "group %q has no deployment %s%s", name, k.d.shown(path, id), suggest.DidYouMean(id, ids))
		}
	}
}

// tenantDeployments checks what a tenant is kept to: where nothing is left, nobody could serve it.
func (k *checker) tenantDeployments(t *Tenant) {
	var ids, regions []string
	for _, g := range k.c.Models {
		for _, dep := range g.Deployments {
			if dep != nil {
				ids, regions = append(ids, dep.ID), append(regions, dep.Region)
			}
		}
	}
	for _, kept := range []struct {
		key, what    string
		names, known []string
	}{{"deployments", "deployment", t.Deployments, ids}, {"regions", "region", t.Regions, regions}} {
		for i, name := range kept.names {
			if name != "" && !slices.Contains(kept.known, name) {
				path := yamltree.Index(yamltree.Join(t.Path, kept.key), i)
				k.at(path, "no %s %s%s", kept.what, k.d.shown(path, name), suggest.DidYouMean(name, kept.known))
			}
		}
	}
}
