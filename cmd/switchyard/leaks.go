package main

import (
	"encoding/json"

	"github.com/switchyard-gateway/switchyard/internal/config"
	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/redact"
)

// leaks finds secrets of a configuration in what its plugins are told: their config goes into their
// memory, where no secret may be. The problems do not show the secrets.
func leaks(cfg *config.Config, accounts map[string]*gateway.Account) (problems config.Problems) {
	sets := []*redact.Set{redact.New(cfg.Server.AdminToken.Reveal())}
	for _, a := range accounts {
		sets = append(sets, a.Target.Secrets(&a.Credential))
	}
	seen := map[string]bool{}
	look := func(path string, told json.RawMessage) {
		if seen[path] { // the defaults' strategies are those of many groups
			return
		}
		seen[path] = true
		for _, s := range sets {
			if s.In(told) {
				problems = append(problems, cfg.Problem(0, path+".config", "has a secret in it that stands elsewhere in this file too, and a plugin must see none"))
				return
			}
		}
	}
	for _, p := range cfg.Providers {
		look(p.Path, p.Config)
	}
	for _, g := range cfg.Models {
		for _, s := range g.Strategy {
			look(s.Path, s.Config)
		}
	}
	for _, t := range cfg.Tenants {
		if t.Policy != nil {
			look(t.Policy.Path, t.Policy.Config)
		}
	}
	return problems
}
