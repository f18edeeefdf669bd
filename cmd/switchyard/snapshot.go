package main

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/internal/catalog"
	"github.com/switchyard-gateway/switchyard/internal/config"
	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// specs lists the plugins that a configuration uses. A provider that is disabled needs none to
// serve; with disabled it is listed all the same, to be checked.
func specs(cfg *config.Config, disabled bool) []host.Spec {
	var list []host.Spec
	for _, p := range cfg.Providers {
		if p.Disabled == "" || disabled {
			list = append(list, host.Spec{Key: p.Path, Plugin: p.Plugin, Kind: abi.KindProvider, Config: p.Config})
		}
	}
	for _, g := range cfg.Models {
		for i, s := range g.Strategy {
			list = append(list, host.Spec{Key: strategyKey(g, i), Plugin: s.Plugin, Kind: abi.KindStrategy, Config: s.Config})
		}
	}
	for _, t := range cfg.Tenants {
		if p := t.Policy; p != nil {
			list = append(list, host.Spec{Key: p.Path, Plugin: p.Plugin, Kind: abi.KindStrategy, Config: p.Config, Owner: t.Name})
		}
	}
	return list
}

// strategyKey is a strategy's key in a plugin set. It names the group even for a strategy that
// the defaults gave, because a group is what uses it.
func strategyKey(g *config.Group, i int) string { return fmt.Sprintf("%s.strategy[%d]", g.Path, i) }

// newSnapshot joins a configuration, its accounts and its plugins. The snapshot uses set until it calls closed.
func (r *router) newSnapshot(cfg *config.Config, accounts map[string]*gateway.Account, set *host.Set, closed func()) *gateway.Snapshot {
	for _, p := range cfg.Providers {
		if plugin := set.Provider(p.Path); plugin != nil {
			accounts[p.Name].Plugin = plugin
		}
	}
	spec := gateway.SnapshotSpec{ID: r.nextID, Open: cfg.Open(), Drain: cfg.Plugins.DrainTimeout, OnClose: closed}
	for _, g := range cfg.Models {
		spec.Groups = append(spec.Groups, newGroup(cfg, g, accounts, set, r.gateway))
	}
	for _, t := range cfg.Tenants {
		tenant := r.state.newTenant(t, set)
		spec.Tenants = append(spec.Tenants, tenant)
		for _, k := range t.Keys {
			spec.Keys = append(spec.Keys, r.state.newKey(&k, tenant))
		}
	}
	return gateway.NewSnapshot(spec)
}

// newAccounts makes the accounts of a configuration, by provider. They have no plugins yet, and none of the
// configuration's plugins is told a secret of theirs.
func newAccounts(cfg *config.Config) (map[string]*gateway.Account, error) {
	accounts := make(map[string]*gateway.Account, len(cfg.Providers))
	for _, p := range cfg.Providers {
		a, err := newAccount(p)
		if err != nil {
			return nil, config.Problems{cfg.Problem(p.Line, p.Path+".base_url", err.Error())}
		}
		accounts[p.Name] = a
	}
	if leaks := leaks(cfg, accounts); len(leaks) > 0 {
		return nil, leaks
	}
	return accounts, nil
}

func newAccount(p *config.Provider) (*gateway.Account, error) {
	var headers []upstream.Field
	for name, value := range p.Headers {
		headers = append(headers, upstream.Field{Name: name, Value: value.Reveal()})
	}
	target, err := upstream.NewTarget(p.BaseURL, headers)
	if err != nil {
		return nil, err
	}
	a := &gateway.Account{Name: p.Name, Target: target, Timeout: or(p.Timeout, 0), Disabled: p.Disabled}
	if p.Auth != nil {
		a.Credential = upstream.Credential{
			Name: p.Auth.Header, Key: p.Auth.APIKey.Reveal(), AccessKeyID: p.Auth.AccessKey, SecretKey: p.Auth.SecretKey.Reveal(),
			SessionToken: p.Auth.SessionToken.Reveal(), Region: p.Auth.Region,
		}
	}
	return a, nil
}

func newGroup(cfg *config.Config, g *config.Group, accounts map[string]*gateway.Account, set *host.Set, gw *gateway.Gateway) *gateway.Group {
	out := &gateway.Group{
		Name: g.Name, Fallbacks: g.Fallbacks, ContextWindowFallbacks: g.ContextWindowFallbacks, ContentPolicyFallbacks: g.ContentPolicyFallbacks,
		Retries: or(g.Retries, cfg.Defaults.Retries), Timeout: or(g.Timeout, cfg.Defaults.Timeout),
		StreamTimeout: or(g.StreamTimeout, cfg.Defaults.StreamTimeout), FailOpen: or(g.FailOpen, cfg.Defaults.FailOpen),
	}
	for i, s := range g.Strategy {
		out.Strategies = append(out.Strategies, gateway.StrategyUse{
			Name: s.Plugin, Plugin: set.Strategy(strategyKey(g, i)), Weight: s.Weight, OnFault: onFault[s.OnFault],
		})
	}
	for _, d := range g.Deployments {
		p, _ := cfg.Provider(d.Provider)
		out.Deployments = append(out.Deployments, newDeployment(cfg, d, p, accounts[d.Provider], gw))
	}
	return out
}

func newDeployment(cfg *config.Config, d *config.Deployment, p *config.Provider, a *gateway.Account, gw *gateway.Gateway) *gateway.Deployment {
	known, listed := catalog.Lookup(vendorOf(p), d.Model)
	if !listed {
		known.Input, known.Output, known.CachedInput = math.NaN(), math.NaN(), math.NaN()
	}
	out := &gateway.Deployment{
		ID: d.ID, Account: a, Model: d.Model, Region: d.Region, Weight: d.Weight, Order: int32(d.Order), Tags: d.Tags,
		PriceInput: price(d.Price.Input, known.Input), PriceOutput: price(d.Price.Output, known.Output), PriceCached: price(d.Price.CachedInput, known.CachedInput),
		Context: known.ContextWindow, MaxOutput: known.MaxOutput, RPM: uint32(d.RPM), TPM: uint64(d.TPM),
		Retries: d.Retries, Cooldown: d.Cooldown, AllowedFails: uint32(or(d.AllowedFails, cfg.Defaults.AllowedFails)),
		Timeout: or(d.Timeout, 0), StreamTimeout: d.StreamTimeout, DefaultCooldown: cfg.Defaults.Cooldown,
		Health: gw.Health(d.ID, d.Provider, d.Model),
	}
	if d.ContextWindow > 0 {
		out.Context = uint32(d.ContextWindow)
	}
	if d.MaxOutput > 0 {
		out.MaxOutput = uint32(d.MaxOutput)
	}
	if out.Cooldown == nil && cfg.Defaults.Cooldown == 0 {
		out.Cooldown = new(time.Duration)
	}
	out.Abilities, out.AbilitiesKnown = known.Abilities, known.AbilitiesKnown
	if len(d.Abilities) > 0 {
		out.Abilities, out.AbilitiesKnown = abilityBits(d.Abilities), true
	}
	return out
}

// vendorOf is the catalog's name of a provider's vendor: its plugin's, or for an OpenAI-compatible
// vendor the one that the plugin's config names.
func vendorOf(p *config.Provider) string {
	var c struct {
		Vendor string `json:"vendor"`
	}
	if json.Unmarshal(p.Config, &c) == nil && c.Vendor != "" {
		return c.Vendor
	}
	return p.Plugin
}

var onFault = map[string]gateway.OnFault{config.OnFaultSkip: gateway.FaultSkip, config.OnFaultRefuse: gateway.FaultRefuse}

var abilityNames = map[string]uint32{
	"tools": abi.FeatureTools, "images": abi.FeatureImages, "json_schema": abi.FeatureJSONSchema, "json_mode": abi.FeatureJSONMode,
	"audio": abi.FeatureAudio, "files": abi.FeatureFiles, "reasoning": abi.FeatureReasoning, "embeddings": abi.FeatureEmbeddings,
	"streaming": abi.FeatureStream,
}

func abilityBits(names []string) (bits uint32) {
	for _, n := range names {
		bits |= abilityNames[n]
	}
	return bits
}

// price is the operator's price, else the catalog's, else unknown.
func price(own *float64, known float64) float64 {
	if own != nil {
		return *own
	}
	return known
}

func or[T any](p *T, fallback T) T {
	if p != nil {
		return *p
	}
	return fallback
}
