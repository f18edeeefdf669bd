package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/switchyard-gateway/switchyard/internal/config/suggest"
	"github.com/switchyard-gateway/switchyard/internal/config/yamltree"
)

// check resolves what one part of the file says about another, and reports what does not fit. The file may
// have problems already: what could not be read is zero here, and is passed over.
func check(d *decoder, c *Config) {
	c.index()
	k := &checker{d, c}
	k.folders()
	for _, p := range c.Providers {
		k.provider(p)
	}
	k.groups()
	k.deploymentIDs()
	k.tenants()
	if c.Server.Listen != "" {
		// Where there is an admin API, keys may have been made by it: the router knows.
		if err := c.CheckListen(c.Server.Listen, !c.Server.AdminToken.IsZero()); err != nil {
			k.at("server.listen", "%v", err)
		}
	}
}

type checker struct {
	d *decoder
	c *Config
}

func (k *checker) at(path, format string, args ...any) {
	p := k.c.Problem(0, path, fmt.Sprintf(format, args...))
	k.d.problems = append(k.d.problems, p)
}

// has reports whether the file has a value at path.
func (k *checker) has(path string) bool { return k.d.lines[path] > 0 }

func (k *checker) folders() {
	p := &k.c.Plugins
	if p.CacheDir == "" && !k.has("plugins.cache_dir") {
		cache, err := os.UserCacheDir()
		if err != nil {
			k.at("plugins.cache_dir", "is required here, as the user has no cache folder (%v)", err)
			return
		}
		p.CacheDir = filepath.Join(cache, "switchyard", "wazero")
	}
	base, err := filepath.Abs(filepath.Dir(k.c.file))
	if err != nil {
		k.at("plugins", "finding the folder of the file: %v", err)
		return
	}
	for _, dir := range []*string{&p.Dir, &p.CacheDir, &k.c.Store.Dir} {
		if !filepath.IsAbs(*dir) {
			*dir = filepath.Join(base, *dir)
		}
	}
}

func (k *checker) provider(p *Provider) {
	headers := make(map[string]Secret, len(p.Headers))
	for _, name := range slices.Sorted(maps.Keys(p.Headers)) {
		canonical, complaint := parseHeaderName(name)
		if _, again := headers[canonical]; again {
			complaint = "here twice, in another spelling"
		}
		if complaint != "" {
			line := k.d.lines[yamltree.Join(p.Path+".headers", name)]
			k.d.add(line, p.Path+".headers", "header %s is %s", yamltree.Quote(name), complaint)
			continue
		}
		headers[canonical] = p.Headers[name]
	}
	p.Headers = headers
	if p.Auth != nil {
		k.auth(p, p.Path+".auth")
	}
	if !p.Enabled {
		p.Disabled = "enabled: false"
	}
}

// auth checks that a credential is whole, and disables the provider when one of its parts is empty.
func (k *checker) auth(p *Provider, path string) {
	has := func(key string) bool { return k.has(yamltree.Join(path, key)) }
	apiKey, pair := has("api_key"), has("access_key") || has("secret_key")
	switch {
	case p.Auth.None && (apiKey || pair):
		k.at(path+".none", "contradicts the credential beside it")
	case apiKey && pair:
		k.at(path, "api_key does not go together with access_key and secret_key")
	case !apiKey && !pair && !p.Auth.None:
		k.at(path, "needs api_key, or access_key and secret_key, or none: true")
	case pair && !has("access_key"):
		k.at(path+".secret_key", "goes with access_key, which is missing")
	case pair && !has("secret_key"):
		k.at(path+".access_key", "goes with secret_key, which is missing")
	}
	if has("header") && !apiKey {
		k.at(path+".header", "goes with api_key, which is missing")
	}
	for _, key := range []string{"session_token", "region"} {
		if has(key) && !pair {
			k.at(yamltree.Join(path, key), "goes with access_key and secret_key, which are missing")
		}
	}
	for _, part := range []struct {
		key   string
		empty bool
	}{
		{"api_key", p.Auth.APIKey.IsZero()},
		{"access_key", p.Auth.AccessKey == ""},
		{"secret_key", p.Auth.SecretKey.IsZero()},
	} {
		if p.Disabled == "" && part.empty && has(part.key) {
			p.Disabled = "auth." + part.key + " is empty"
			if why := whyEmpty(k.d.env[yamltree.Join(path, part.key)]); why != "" {
				p.Disabled += ": " + why
			}
		}
	}
}

func (k *checker) groups() {
	if k.c.Providers != nil && len(k.c.Providers) == 0 {
		k.at("providers", "needs at least one provider")
	}
	if k.c.Models != nil && len(k.c.Models) == 0 {
		k.at("models", "needs at least one group")
	}
	k.strategies(k.c.Defaults.Strategy, "defaults.strategy")
	providers, exact := k.names()
	for _, g := range k.c.Models {
		if !k.has(g.Path + ".strategy") {
			g.Strategy = k.c.Defaults.Strategy
		} else {
			k.strategies(g.Strategy, g.Path+".strategy")
		}
		for _, typed := range []struct {
			key   string
			names []string
		}{
			{"fallbacks", g.Fallbacks},
			{"context_window_fallbacks", g.ContextWindowFallbacks},
			{"content_policy_fallbacks", g.ContentPolicyFallbacks},
		} {
			for i, name := range typed.names {
				k.fallback(g, name, yamltree.Index(yamltree.Join(g.Path, typed.key), i), exact)
			}
		}
		if g.Deployments != nil && len(g.Deployments) == 0 {
			k.at(g.Path+".deployments", "needs at least one deployment")
		}
		for _, dep := range g.Deployments {
			if dep == nil {
				continue
			}
			if _, ok := k.c.providers[dep.Provider]; !ok && dep.Provider != "" {
				path := dep.Path + ".provider"
				k.at(path, "no provider %s%s", k.d.shown(path, dep.Provider), suggest.DidYouMean(dep.Provider, providers))
			}
			if dep.Model == "*" && !g.Wildcard() {
				k.at(dep.Path+".model", "* stands for what a wildcard matched, and the name of group %q does not end in *", g.Name)
			}
		}
	}
}

// names returns the providers and the groups that are no wildcards.
func (k *checker) names() (providers, exact []string) {
	for _, p := range k.c.Providers {
		providers = append(providers, p.Name)
	}
	for _, g := range k.c.Models {
		if !g.Wildcard() {
			exact = append(exact, g.Name)
		}
	}
	return providers, exact
}

func (k *checker) strategies(refs []StrategyRef, path string) {
	if refs != nil && len(refs) == 0 {
		k.at(path, "needs at least one strategy")
	}
}

func (k *checker) fallback(g *Group, name, path string, exact []string) {
	other, ok := k.c.groups[name]
	switch {
	case name == "":
	case name == g.Name:
		k.at(path, "a group cannot fall back to itself")
	case !ok:
		k.at(path, "no model group %s%s", k.d.shown(path, name), suggest.DidYouMean(name, exact))
	case other.Wildcard():
		k.at(path, "a fallback cannot be a wildcard")
	}
}

// deploymentIDs gives ids to deployments without one and sees to it that an id means one thing.
func (k *checker) deploymentIDs() {
	type owner struct {
		dep      *Deployment
		group    *Group
		explicit bool
	}
	owners := make(map[string]owner)
	for _, g := range k.c.Models {
		for _, dep := range g.Deployments {
			if dep == nil || dep.ID == "" && (dep.Provider == "" || dep.Model == "") {
				continue
			}
			this := owner{dep, g, dep.ID != ""}
			path := dep.Path
			if this.explicit {
				path += ".id"
			} else {
				dep.ID = dep.Provider + "/" + dep.Model
			}
			first, taken := owners[dep.ID]
			switch {
			case !taken:
				owners[dep.ID] = this
			case this.explicit || first.explicit:
				k.at(path, "deployment id %s is taken by %s (line %d)", k.d.shown(path, dep.ID), first.dep.Path, first.dep.Line)
			case first.group == g:
				k.at(path, "the group has this provider and model already (line %d): give one of them an id", first.dep.Line)
			}
		}
	}
}
