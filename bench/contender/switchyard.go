package contender

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// AdminToken opens the router's admin routes.
const AdminToken = "bench-admin-token"

// Router is a configuration of the router, and the plugins that lie in its folder.
type Router struct {
	Name     string
	Provider string   // the adapter that serves the group
	Policy   string   // the tenant's, or none
	Modules  []string // more plugins that are in use, each named in the configuration
	Quiet    bool     // logs no requests
	Cache    string   // folder of compiled modules; shared by all when empty
}

// switchyard lists the uses of the router. Client keys are checked and the strategy latency chooses between two
// deployments in all of them; adapter, strategy and policy run as metered WebAssembly.
func switchyard() []*Contender {
	list := []struct {
		about string
		r     Router
	}{
		{"the router as it is shipped, OpenAI's dialect to OpenAI's dialect", Router{Name: "switchyard", Provider: "openai"}},
		{"the same without a log line for each request, like the others", Router{Name: "quiet", Provider: "openai", Quiet: true}},
		{"translated to Anthropic's dialect and back", Router{Name: "translated", Provider: "anthropic"}},
		{"the router with a tenant's policy, written in Go", Router{Name: "policy", Provider: "openai", Policy: "roomy"}},
	}
	var out []*Contender
	for _, l := range list {
		out = append(out, &Contender{Name: l.r.Name, About: l.about, Headers: []string{bearer}, Model: "bench", Streams: true, start: l.r.start})
	}
	return out
}

func (r Router) start(ctx context.Context, s *Setup) (*Running, error) {
	config, err := r.Prepare(s)
	if err != nil {
		return nil, err
	}
	return r.Launch(ctx, s, config)
}

// Folder is where the plugins of this configuration lie.
func (r Router) Folder(s *Setup) string { return filepath.Join(s.Work, r.Name, "plugins") }

// Prepare lays out the plugins and writes the configuration in a folder of its own, in which the router keeps its data
// too; it returns the configuration's path.
func (r Router) Prepare(s *Setup) (string, error) {
	if err := os.RemoveAll(filepath.Join(s.Work, r.Name)); err != nil {
		return "", err
	}
	folder := r.Folder(s)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	modules := append([]string{r.Provider, "latency"}, r.Modules...)
	if r.Policy != "" {
		modules = append(modules, r.Policy)
	}
	for _, m := range modules {
		if err := Place(filepath.Join(folder, m+".wasm"), s.module(m)); err != nil {
			return "", err
		}
	}
	cache := r.Cache
	if cache == "" {
		cache = filepath.Join(s.Work, "cache")
	}
	path := filepath.Join(s.Work, r.Name, "plugins.yaml")
	return path, os.WriteFile(path, []byte(r.config(folder, cache, s.Vendor)), 0o600)
}

// config puts every plugin to use: one that nothing names need not be loaded.
func (r Router) config(folder, cache, vendor string) string {
	account := func(name, plugin string) string {
		return fmt.Sprintf("  %s: {plugin: %s, base_url: \"http://%s\", auth: {api_key: vendor-key-%[1]s}}\n", name, plugin, vendor)
	}
	providers := account("one", r.Provider) + account("two", r.Provider)
	models := "  bench: {deployments: [{provider: one, model: bench-model}, {provider: two, model: bench-model}]}\n"
	for _, m := range r.Modules {
		switch m {
		case "openai", "anthropic", "ollama":
			providers += account("by-"+m, m)
			models += fmt.Sprintf("  by-%[1]s: {deployments: [{provider: by-%[1]s, model: bench-model}]}\n", m)
		default:
			models += fmt.Sprintf("  by-%[1]s: {strategy: [%[1]s], deployments: [{provider: one, model: bench-model}, {provider: two, model: bench-model}]}\n", m)
		}
	}
	policy := ""
	if r.Policy != "" {
		policy = ", policy: " + r.Policy
	}
	return fmt.Sprintf(`server: {admin_token: %s}
plugins: {dir: %q, cache_dir: %q}
defaults: {strategy: [latency]}
providers:
%smodels:
%stenants:
  bench: {keys: [{hash: "sha256:%x"}]%s}
`, AdminToken, folder, cache, providers, models, sha256.Sum256([]byte(clientKey)), policy)
}

// Launch starts the router on a configuration; it need not be ready when Launch returns.
func (r Router) Launch(ctx context.Context, s *Setup, config string) (*Running, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	level := "info"
	if r.Quiet {
		level = "warn"
	}
	p, err := Start(s.Work, r.Name, nil, s.Router, "serve", "--config", config, "--listen", address, "--log-level", level)
	if err != nil {
		return nil, err
	}
	c := &Contender{Name: r.Name, Headers: []string{bearer}, Model: "bench", Streams: true}
	return &Running{Contender: c, Address: address, Process: p}, nil
}

// Place puts a file in place by rename, as a running router expects.
func Place(to, from string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.Create(to + ".new")
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if end := dst.Close(); err == nil {
		err = end
	}
	if err != nil {
		return fmt.Errorf("copying %s: %w", from, err)
	}
	return os.Rename(to+".new", to)
}

// module is the file of a plugin: the benchmark's own ones lie in its work folder.
func (s *Setup) module(name string) string {
	own := filepath.Join(s.Work, "modules", name+".wasm")
	if _, err := os.Stat(own); err == nil {
		return own
	}
	return filepath.Join(s.Modules, name+".wasm")
}
