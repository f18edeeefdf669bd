package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/internal/config"
)

const accounts = `
providers:
  p: {plugin: echo, base_url: http://127.0.0.1:1, auth: {none: true}}
`

// problems returns the lines and paths of an error's problems, and their text.
func problems(t *testing.T, err error) (places []string, text string) {
	t.Helper()
	list, ok := errors.AsType[config.Problems](err)
	if !ok {
		t.Fatalf("%T %v, want problems", err, err)
	}
	for _, p := range list {
		places = append(places, fmt.Sprintf("%d %s", p.Line, p.Path))
	}
	return places, err.Error()
}

// TestPluginProblems loads what names plugins that are not there, or not of the kind: each problem is at the line that
// names them.
func TestPluginProblems(t *testing.T) {
	t.Parallel()
	in := install(t)
	for _, shipped := range []string{"tags", "rules"} {
		if err := os.Symlink(hosttest.Build(t, "../../plugins/strategies/"+shipped), filepath.Join(in.dir, shipped+".wasm")); err != nil {
			t.Fatal(err)
		}
	}
	r := in.unloaded()
	const ofTenant = "plugins: {dir: .}\nmodels:\n  g: {strategy: mean, deployments: [{provider: p, model: m}]}\ntenants:\n  acme:\n    keys: [{hash: \"sha256:2BB80D537B1DA3E38BD30361AA855686BDE0EACD7162FEF6A25FE97BF527A25B\"}]\n"
	for _, tc := range []struct {
		name, text string
		places     []string
		says       []string
	}{
		{"in a group", "plugins: {dir: .}\nmodels:\n  g:\n    strategy:\n      - mean\n      - maen\n    deployments: [{provider: p, model: m}]" + accounts,
			[]string{"6 models.g.strategy[1]"}, []string{"no such file", `did you mean "mean"?`}},
		{"in the defaults, for two groups", "plugins: {dir: .}\ndefaults:\n  strategy: [none-such]\nmodels:\n  g: {deployments: [{provider: p, model: m}]}\n  h: {deployments: [{provider: p, model: m}]}" + accounts,
			[]string{"3 defaults.strategy[0]"}, []string{"none-such.wasm: no such file; the folder has echo, mean, rules, tags"}},
		{"in the built-in default", "plugins: {dir: .}\nmodels:\n  g: {deployments: [{provider: p, model: m}]}" + accounts,
			[]string{"0 defaults.strategy[0]"}, []string{"latency.wasm: no such file"}},
		{"of a provider", "plugins: {dir: .}\nmodels:\n  g: {strategy: mean, deployments: [{provider: p, model: m}]}\nproviders:\n  p:\n    base_url: http://127.0.0.1:1\n    plugin: ehco\n    auth: {none: true}\n",
			[]string{"7 providers.p.plugin"}, []string{`did you mean "echo"?`}},
		{"of the other kind", "plugins: {dir: .}\nmodels:\n  g: {strategy: echo, deployments: [{provider: p, model: m}]}" + accounts,
			[]string{"3 models.g.strategy[0]"}, []string{"it is a provider, but models.g.strategy[0] needs a strategy"}},
		{"config", "plugins: {dir: .}\nmodels:\n  g:\n    strategy:\n      plugin: mean\n      config: {speed: 1}\n    deployments: [{provider: p, model: m}]" + accounts,
			[]string{"6 models.g.strategy[0].config"}, []string{".config: json: unknown field ", "speed"}},
		{"config, more than one value of it", ofTenant + "    policy:\n      plugin: rules\n      config:\n        rules:\n          - when:\n              tags: 7\n            only: {tags: a}\n          - by: prise" + accounts,
			[]string{"12 tenants.acme.policy.config.rules[0].when.tags", "14 tenants.acme.policy.config.rules[1].by"}, []string{"rules[1].by: nothing that ranks"}},
		{"config of the defaults, for two groups", "plugins: {dir: .}\ndefaults:\n  strategy:\n    - plugin: tags\n      config:\n        match: most\n        matches: any\n    - mean\nmodels:\n  g: {deployments: [{provider: p, model: m}]}\n  h: {deployments: [{provider: p, model: m}]}" + accounts,
			[]string{"6 defaults.strategy[0].config.match", "5 defaults.strategy[0].config"}, []string{`unknown key "matches"; known: match`}},
		{"of a policy", ofTenant + "    policy: {plugin: maen}" + accounts,
			[]string{"7 tenants.acme.policy.plugin"}, []string{"no such file", `did you mean "mean"?`}},
		{"of a policy, of the other kind", ofTenant + "    policy: echo" + accounts,
			[]string{"7 tenants.acme.policy.plugin"}, []string{"it is a provider, but tenants.acme.policy needs a strategy"}},
		{"of a policy, a filter", ofTenant + "    policy:\n      plugin: tags" + accounts,
			[]string{"8 tenants.acme.policy.plugin"}, []string{`plugin "tags" is a filter, and a policy has to score`}},
		{"several", "plugins: {dir: .}\ndefaults: {strategy: one}\nmodels:\n  g: {deployments: [{provider: p, model: m}]}\n  h: {strategy: two, deployments: [{provider: p, model: m}]}" + accounts,
			[]string{"2 defaults.strategy[0]", "5 models.h.strategy[0]"}, []string{"one.wasm", "two.wasm"}},
	} {
		in.write(tc.text)
		err := in.load(r)
		if err == nil {
			t.Errorf("%s: loaded", tc.name)
			continue
		}
		places, text := problems(t, err)
		if strings.Join(places, ", ") != strings.Join(tc.places, ", ") {
			t.Errorf("%s: problems at %q, want %q:\n%s", tc.name, places, tc.places, text)
		}
		for _, want := range tc.says {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", tc.name, want, text)
			}
		}
		if r.gateway.Acquire() != nil || r.snapshots.Load() != 0 {
			t.Fatalf("%s: something was published", tc.name)
		}
	}
}

const running = `plugins: {dir: .}
models:
  g: {strategy: mean, deployments: [{provider: p, model: m}]}
` + accounts

// TestReloadRefusals changes the file of a running router in ways that can't be applied: the problem is kept in the
// status, and what served goes on serving.
func TestReloadRefusals(t *testing.T) {
	t.Parallel()
	in := install(t)
	r := in.router(running)
	for _, tc := range []struct {
		name, text string
		places     []string
		says       string
	}{
		{"restart only", running + "server:\n  max_body: 1MiB\n  listen: 127.0.0.1:1\n", []string{"9 server.listen", "8 server.max_body"}, "restart to apply it"},
		{"restart only, taken away", strings.Replace(running, "dir: .", "dir: elsewhere", 1), []string{"1 plugins.dir"}, "can't be changed while running"},
		{"restart only, by default", strings.Replace(running, "plugins: {dir: .}", "", 1), []string{"0 plugins.dir"}, "can't be changed while running"},
		{"not valid", strings.Replace(running, "provider: p", "provider: q", 1), []string{"3 models.g.deployments[0].provider"}, `no provider "q"`},
		{"plugin", strings.Replace(running, "strategy: mean", "strategy: median", 1), []string{"3 models.g.strategy[0]"}, "no such file"},
	} {
		in.write(tc.text)
		places, text := problems(t, r.reload(t.Context()))
		if strings.Join(places, ", ") != strings.Join(tc.places, ", ") || !strings.Contains(text, tc.says) {
			t.Errorf("%s: problems at %q, want %q and %q:\n%s", tc.name, places, tc.places, tc.says, text)
		}
		if s := r.status.Load(); s.FailedAt == nil || strings.Join(s.Problems, "\n") != text || s.SnapshotID != 1 || s.LoadedAt.IsZero() {
			t.Errorf("%s: status %+v", tc.name, s)
		}
		snap := r.gateway.Acquire()
		if snap == nil || snap.ID != 1 || r.config.Load().Models[0].Strategy[0].Plugin != "mean" {
			t.Fatalf("%s: another snapshot serves", tc.name)
		}
		snap.Release()
	}
	in.write(strings.Replace(running, "  g:", "  h:", 1))
	if err := r.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := r.status.Load(); s.FailedAt != nil || s.Problems != nil || s.SnapshotID != 2 {
		t.Errorf("status %+v", s)
	}
}

// TestOpenListen takes the tenants away from a server that listens beyond loopback.
func TestOpenListen(t *testing.T) {
	t.Parallel()
	in := install(t)
	text := strings.Replace(running, "plugins: {dir: .}\n", "plugins: {dir: .}\nserver: {listen: 0.0.0.0:8080}\n", 1)
	r := in.router(text + "tenants: {acme: {keys: [{hash: \"sha256:" + strings.Repeat("0", 64) + "\"}]}}\n")
	in.write(text)
	places, problem := problems(t, r.reload(t.Context()))
	if len(places) != 1 || places[0] != "2 server.listen" || !strings.Contains(problem, "server.insecure") {
		t.Errorf("%q: %s", places, problem)
	}
}

// TestSnapshotsAreReleased counts snapshots: an old one lives as long as a request holds it.
func TestSnapshotsAreReleased(t *testing.T) {
	t.Parallel()
	in := install(t)
	r := in.router(running)
	held := r.gateway.Acquire()
	if err := r.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := r.snapshots.Load(); n != 2 {
		t.Errorf("%d snapshots while a request holds the first of two", n)
	}
	held.Release()
	if n := r.snapshots.Load(); n != 1 {
		t.Errorf("%d snapshots after the request", n)
	}
	if err := r.close(t.Context()); err != nil {
		t.Error(err)
	}
	if n := r.snapshots.Load(); n != 0 {
		t.Errorf("%d snapshots after the end", n)
	}
}

// TestHostsTogether has the race detector watch hosts that are made at the same time. Only a test of the program itself
// can: the runtime looks for its version among the modules that a binary was built from, which other tests' do not list.
func TestHostsTogether(t *testing.T) {
	t.Parallel()
	var made sync.WaitGroup
	together := make(chan struct{})
	for range 4 {
		cfg := &config.Config{Plugins: config.Plugins{CacheDir: filepath.Join(t.TempDir(), "cache")}}
		made.Go(func() {
			<-together
			h, err := newHost(t.Context(), cfg, slog.New(slog.DiscardHandler), nil)
			if err != nil {
				t.Error(err)
				return
			}
			if err := h.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	close(together)
	made.Wait()
}
