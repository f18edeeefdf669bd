package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
)

// rewrite replaces the router's config by a rename and waits for a snapshot of it.
func (r *router) rewrite(config string) {
	r.t.Helper()
	before := r.status().Snapshot
	r.replace(config)
	r.republished(before)
}

func (r *router) replace(config string) {
	r.t.Helper()
	temp := r.config + ".new"
	if err := errors.Join(os.WriteFile(temp, []byte(config), 0o600), os.Rename(temp, r.config)); err != nil {
		r.t.Fatal(err)
	}
}

// TestConfigChangesApply changes what a group, a strategy, a provider and a tenant are while streams are open: new
// requests see it at once, the streams end on what they began with.
func TestConfigChangesApply(t *testing.T) {
	t.Parallel()
	v := startVendors(t)
	v.profile("unhurry", unhurry)
	config := func(group string, keys ...string) string {
		tenant := "tenants:\n  acme:\n    models: [g]\n    keys:\n"
		for _, key := range keys {
			sum := sha256.Sum256([]byte(key))
			tenant += "      - {hash: \"sha256:" + hex.EncodeToString(sum[:]) + "\"}\n"
		}
		return preamble(modules) + accounts(v.addr, "unhurry", "fast") + "models:\n  g: " + group + "\n  hidden: {deployments: [{provider: ollama-fast, model: h}]}\n" + tenant
	}
	first := config("{deployments: [{provider: anthropic-unhurry, model: old}]}", "sk-old")
	r := serve(t, writeConfig(t, first))
	ask1 := func(key string) *answer {
		return r.post("/complete", ask("g", "marker:N tokens:3"), "Authorization", "Bearer "+key)
	}
	s := r.open(t.Context(), "/v1/chat/completions", ask("g", "marker:O tokens:150", streamed), "Authorization", "Bearer sk-old")
	begun := s.texts(t, 2)

	// Another deployment at another vendor, another strategy, another key.
	r.rewrite(config("{strategy: [priority], deployments: [{provider: openai-fast, model: new, order: 1}, {provider: ollama-fast, model: spare, order: 2}]}", "sk-new"))
	if a := ask1("sk-new"); a.status != http.StatusOK || a.header.Get("X-Switchyard-Deployment") != "openai-fast/new" ||
		a.header.Get("X-Switchyard-Strategy") != "priority" || marked(a.json("content"), "N", 3) != nil {
		t.Errorf("%+v", a)
	}
	if a := ask1("sk-old"); a.status != http.StatusUnauthorized {
		t.Errorf("the key that was taken away: %+v", a)
	}
	// The order turns round; a second key beside the first; the same model at a provider that fails.
	v.profile("fast", `{"key":"simulated"}`)
	r.rewrite(config("{strategy: [priority], retries: 0, deployments: [{provider: openai-fast, model: new, order: 2}, {provider: ollama-fast, model: spare, order: 1}]}", "sk-new", "sk-newer"))
	for _, key := range []string{"sk-new", "sk-newer"} {
		if a := ask1(key); a.status != http.StatusOK || a.header.Get("X-Switchyard-Deployment") != "ollama-fast/spare" {
			t.Errorf("%s: %+v", key, a)
		}
	}
	if a := r.post("/complete", ask("hidden", "x"), "Authorization", "Bearer sk-new"); a.status != http.StatusNotFound {
		t.Errorf("a group of somebody else: %+v", a)
	}
	r.rewrite(strings.Replace(config("{deployments: [{provider: openai-fast, model: new}]}", "sk-new"), "models: [g]", "models: [g, hidden]", 1))
	if a := r.post("/complete", ask("hidden", "x"), "Authorization", "Bearer sk-new"); a.status != http.StatusOK {
		t.Errorf("a group that was opened: %+v", a)
	}
	r.rewrite(strings.ReplaceAll(config("{deployments: [{provider: openai-fast, model: new}]}", "sk-new"), "api_key: simulated", "api_key: wrong"))
	if a := ask1("sk-new"); a.status != http.StatusBadGateway || a.json("error.code") != "upstream_auth" {
		t.Errorf("a provider's new key: %+v", a)
	}
	if n := r.metric("switchyard_snapshots"); n != 2 {
		t.Errorf("%v snapshots, want the stream's and the current one", n)
	}
	events, err := s.rest()
	text, bad := whole(events)
	if err := errors.Join(err, bad, marked(begun+text, "O", 150)); err != nil {
		t.Errorf("the stream from before: %v", err)
	}
	r.idle()
}

// TestBadConfigsChangeNothing replaces the config by what can't be used: the old one serves, and the operator is told
// why.
func TestBadConfigsChangeNothing(t *testing.T) {
	t.Parallel()
	v := startVendors(t)
	good := preamble(modules) + accounts(v.addr, "fast") + groups("retries: 0", "fast")
	r := serve(t, writeConfig(t, good))
	old := r.status().Snapshot
	const restart = ": can't be changed while running: restart to apply it"
	for _, tc := range []struct{ name, config, want string }{
		{"unknown key", strings.Replace(good, "retries", "retrys", 1), `CONFIG:8: models.openai-fast: unknown key "retrys" (did you mean "retries"?)`},
		{"not YAML", good + "}", "CONFIG:11: not YAML: did not find expected key"},
		{"empty", "", "CONFIG:1: the file is empty"},
		{"no such plugin", strings.Replace(good, "plugin: ollama", "plugin: olama", 1), `CONFIG:6: providers.ollama-fast.plugin: ` + modules + `/olama.wasm: no such file;`},
		{"another address", strings.Replace(good, "{admin", "{listen: \"127.0.0.1:1\", admin", 1), "CONFIG:1: server.listen" + restart},
		{"open to everybody", strings.Replace(good, "{admin_token: "+adminToken+"}", "{listen: \"0.0.0.0:8080\"}", 1), "CONFIG:1: server.listen: listening beyond loopback without tenants"},
		{"another body limit", strings.Replace(good, "{admin", "{max_body: 1MiB, admin", 1), "CONFIG:1: server.max_body" + restart},
		{"another folder", strings.Replace(good, modules, "/tmp", 1), "CONFIG:2: plugins.dir" + restart},
		{"another pace", strings.Replace(good, "debounce: 10ms", "debounce: 11ms", 1), "CONFIG:2: plugins.debounce" + restart},
	} {
		want := strings.ReplaceAll(tc.want, "CONFIG", r.config)
		r.replace(tc.config)
		eventually(t, patience, tc.name+" to be refused", func() error {
			if s := r.status(); s.Reload.FailedAt == nil || len(s.Reload.Problems) == 0 || !strings.HasPrefix(s.Reload.Problems[0], want) || s.Snapshot != old {
				return fmt.Errorf("snapshot %d, %q, want %s", s.Snapshot, s.Reload.Problems, want)
			}
			return nil
		})
		if a := r.post("/complete", ask("anthropic-fast", "x")); a.status != http.StatusOK {
			t.Errorf("%s: %+v", tc.name, a)
		}
	}
	if err := os.Remove(r.config); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "the missing config to be noticed", func() error {
		if problems := r.status().Reload.Problems; len(problems) != 1 || problems[0] != "reading configuration: open "+r.config+": no such file or directory" {
			return fmt.Errorf("%q", problems)
		}
		return nil
	})
	if a := r.post("/complete", ask("anthropic-fast", "x")); a.status != http.StatusOK {
		t.Errorf("without a config: %+v", a)
	}
	if n := r.metric("switchyard_config_reloads_total", "result", "refused"); n != 10 {
		t.Errorf("%v loads were refused", n)
	}
	r.rewrite(good)
	if s := r.status(); len(s.Reload.Problems) != 0 || s.Reload.FailedAt != nil {
		t.Errorf("after the repair: %+v", s.Reload)
	}
}

// TestOpenListenStaysClosed takes the tenants away from a router that --listen, not its config, has listen beyond
// loopback: it must not begin to let everybody in.
func TestOpenListenStaysClosed(t *testing.T) {
	t.Parallel()
	v := startVendors(t)
	public := preamble(modules) + accounts(v.addr, "fast") + groups("retries: 0", "fast")
	r := serveAt(t, writeConfig(t, public+tenants), "0.0.0.0:0")
	before := r.status().Snapshot
	guarded := func(what string) {
		t.Helper()
		if a := r.post("/complete", ask("openai-fast", "x")); a.status != http.StatusUnauthorized {
			t.Errorf("%s: without a key: %+v", what, a)
		}
		if a := r.post("/complete", ask("openai-fast", "x"), "Authorization", "Bearer "+acmeKey); a.status != http.StatusOK {
			t.Errorf("%s: with the key: %+v", what, a)
		}
	}
	guarded("at first")
	r.replace(public)
	problem := r.config + ":1: server.listen: listening beyond loopback without tenants would let everybody in: configure tenants, or set server.insecure: true"
	eventually(t, patience, "the config without tenants to be refused", func() error {
		s := r.status()
		return errors.Join(want("problem", strings.Join(s.Reload.Problems, "\n"), problem), want("snapshot", s.Snapshot, before))
	})
	guarded("after the refusal")
	if n := r.metric("switchyard_config_reloads_total", "result", "refused"); n < 1 {
		t.Error("the metrics do not show it")
	}

	// An operator who means it is obeyed.
	r.rewrite(strings.Replace(public, "server: {", "server: {insecure: true, ", 1))
	if a := r.post("/complete", ask("openai-fast", "x")); a.status != http.StatusOK {
		t.Errorf("insecure: %+v", a)
	}
}
