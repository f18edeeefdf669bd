package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

var goodEnv = map[string]string{
	"ADMIN_TOKEN": "admin-hush", "FALLBACK_KEY": "key-hush", "ORG": "org-hush", "ONE": "1", "AZURE_KEY": "", "RPM": "700",
}

func good(t *testing.T) *Config {
	t.Helper()
	c, err := Load("testdata/good.yaml", environment(goodEnv))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// minimal is a valid file with the given lines added.
func minimal(lines string) []byte {
	return []byte("providers: {p: {plugin: openai, base_url: http://h}}\nmodels: {m: {deployments: [{provider: p, model: x}]}}\n" + lines)
}

func provider(t *testing.T, c *Config, name string) *Provider {
	t.Helper()
	p, ok := c.Provider(name)
	if !ok {
		t.Fatalf("no provider %q", name)
	}
	return p
}

func group(t *testing.T, c *Config, name string) *Group {
	t.Helper()
	g, ok := c.groups[name]
	if !ok {
		t.Fatalf("no group for %q", name)
	}
	return g
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s is %v (%T), want %v (%T)", what, got, got, want, want)
	}
}

func TestGlobalSections(t *testing.T) {
	c := good(t)
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "listen", c.Server.Listen, "0.0.0.0:8443")
	equal(t, "admin token", c.Server.AdminToken.Reveal(), "admin-hush")
	equal(t, "max body", c.Server.MaxBody, int64(64<<10))
	equal(t, "shutdown timeout", c.Server.ShutdownTimeout, 90*time.Second)
	equal(t, "plugins", c.Plugins, Plugins{
		Dir: filepath.Join(here, "dist"), CacheDir: "/var/cache/switchyard", Debounce: 50 * time.Millisecond, Rescan: 90 * time.Second,
		DrainTimeout: 30 * time.Minute, CacheSize: 512 << 20,
	})
	equal(t, "retries", c.Defaults.Retries, 4)
	equal(t, "timeout", c.Defaults.Timeout, 5*time.Minute)
	equal(t, "stream timeout", c.Defaults.StreamTimeout, 10*time.Second)
	equal(t, "cooldown", c.Defaults.Cooldown, time.Duration(0))
	equal(t, "allowed fails", c.Defaults.AllowedFails, 3)
	equal(t, "fail open", c.Defaults.FailOpen, false)
	equal(t, "strategy", c.Defaults.Strategy, []StrategyRef{
		{"tenant-pin", 1, json.RawMessage("{}"), OnFaultSkip, "defaults.strategy[0]", 12},
		{"latency", 0.7, json.RawMessage(`{"buffer":0.10}`), "", "defaults.strategy[1]", 12},
	})
}

func TestDefaultsOfAMinimalFile(t *testing.T) {
	c, err := Parse("plugins.yaml", minimal(""), environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs("plugins/dist")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "server", c.Server, Server{Listen: "127.0.0.1:8080", MaxBody: 4 << 20, ShutdownTimeout: 30 * time.Second})
	equal(t, "plugins", c.Plugins, Plugins{dir, filepath.Join(cache, "switchyard", "wazero"), 200 * time.Millisecond, 30 * time.Second, 30 * time.Minute, 2 << 30})
	builtIn := []StrategyRef{{"latency", 1, json.RawMessage("{}"), "", "defaults.strategy[0]", 0}}
	equal(t, "defaults", c.Defaults, Defaults{
		Retries: 2, Timeout: 600 * time.Second, Strategy: builtIn, Cooldown: 5 * time.Second, FailOpen: true,
	})
	equal(t, "group", *group(t, c, "m"), Group{
		Name: "m", Strategy: builtIn, Path: "models.m", Line: 2,
		Deployments: []*Deployment{{ID: "p/x", Provider: "p", Model: "x", Weight: 1, Path: "models.m.deployments[0]", Line: 2}},
	})
	equal(t, "open", c.Open(), true)
	equal(t, "line of the built-in strategy", c.Problem(0, "defaults.strategy[0]", "x").String(), "plugins.yaml: defaults.strategy[0]: x")
}

func TestProviders(t *testing.T) {
	c := good(t)
	var names []string
	for _, p := range c.Providers {
		names = append(names, p.Name)
	}
	equal(t, "order", names, []string{"openai", "azure", "bedrock", "ollama", "off"})

	openai := provider(t, c, "openai")
	equal(t, "base URL", openai.BaseURL, "https://api.openai.com/v1")
	equal(t, "key", openai.Auth.APIKey.Reveal(), "key-hush")
	equal(t, "timeout", *openai.Timeout, 2*time.Minute)
	equal(t, "header", openai.Headers["Openai-Organization"].Reveal(), "org-hush")
	equal(t, "escaped dollar", openai.Headers["X-Price"].Reveal(), "$5")
	equal(t, "config", string(openai.Config), `{"big":123456789012345678901234567890,"small":1.50,"exponent":1e400,"hex":31,"dot":0.5,`+
		`"separated":1000,"yes":"yes","on":true,"nothing":null,"date":"2024-05-01","regexp":"^a$",`+
		`"list":[1,"1",1,"1","","a\u003cb"],"text":"two\nlines with 1\n"}`)
	equal(t, "path", openai.Path, "providers.openai")
	equal(t, "line", openai.Line, 18)

	azure := provider(t, c, "azure")
	equal(t, "merged plugin", azure.Plugin, "openai")
	equal(t, "own base URL", azure.BaseURL, "https://example.openai.azure.com")
	equal(t, "header of the key", azure.Auth.Header, "Api-Key")
	equal(t, "config when absent", string(provider(t, c, "off").Config), "{}")

	for name, want := range map[string]string{
		"openai":  "",
		"azure":   "auth.api_key is empty: AZURE_KEY is set but empty",
		"bedrock": "auth.access_key is empty: AWS_ID is not set",
		"ollama":  "",
		"off":     "enabled: false",
	} {
		equal(t, name+" disabled", provider(t, c, name).Disabled, want)
	}
	if provider(t, c, "off").Auth != nil {
		t.Error("a provider without auth has one")
	}
}

func TestGroupsAndDeployments(t *testing.T) {
	c := good(t)
	quality := group(t, c, "quality")
	equal(t, "strategy", quality.Strategy, []StrategyRef{{"cost", 1, json.RawMessage("[1]"), "", "models.quality.strategy[0]", 53}})
	equal(t, "fallbacks", quality.Fallbacks, []string{"fast"})
	equal(t, "context window fallbacks", quality.ContextWindowFallbacks, []string{"local", "fast"})
	equal(t, "retries", *quality.Retries, 0)
	equal(t, "timeout", *quality.Timeout, time.Hour)
	equal(t, "fail open", *quality.FailOpen, true)
	if quality.StreamTimeout != nil {
		t.Error("an absent stream_timeout is there")
	}

	equal(t, "implicit id", quality.Deployments[0].ID, "openai/gpt-4o")
	equal(t, "shared id", group(t, c, "fast").Deployments[0].ID, "openai/gpt-4o")
	gpt := quality.Deployments[1]
	equal(t, "weight", gpt.Weight, 0.0)
	equal(t, "rpm", gpt.RPM, 700)
	equal(t, "tpm", gpt.TPM, 30000)
	equal(t, "context window", gpt.ContextWindow, 128000)
	equal(t, "tags", gpt.Tags, []string{"eu", "gdpr"})
	equal(t, "abilities", gpt.Abilities, []string{"tools", "json_schema"})
	equal(t, "input price", *gpt.Price.Input, 2.5)
	equal(t, "free output", *gpt.Price.Output, 0.0)
	if gpt.Price.CachedInput != nil {
		t.Error("an absent price is there")
	}
	equal(t, "explicit zeros", []any{*gpt.Retries, *gpt.Cooldown, *gpt.StreamTimeout}, []any{0, time.Duration(0), time.Duration(0)})
	plain := quality.Deployments[0]
	if plain.Retries != nil || plain.Cooldown != nil || plain.AllowedFails != nil || plain.Timeout != nil || plain.StreamTimeout != nil {
		t.Error("absent overrides are there")
	}
	equal(t, "single strategy", group(t, c, "fast").Strategy[0].Plugin, "weighted")
	equal(t, "inherited strategy", group(t, c, "local").Strategy, c.Defaults.Strategy)
}

func TestStore(t *testing.T) {
	c := good(t)
	dir, err := filepath.Abs("testdata/state")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "store", c.Store, Store{Dir: dir, DecisionsAge: 24 * time.Hour, DecisionsSize: 1 << 20, EntriesAge: 90 * 24 * time.Hour, Policies: 256 << 20})
}

func TestTenants(t *testing.T) {
	c := good(t)
	acme := c.Tenants[0]
	equal(t, "name", acme.Name, "acme")
	equal(t, "key", acme.Keys[0], Key{Hash: sha256.Sum256([]byte("secret")), Name: "ci", Scopes: []string{"complete"}, Line: 88})
	equal(t, "act for", acme.Keys[1].ActFor, true)
	equal(t, "scopes", acme.Keys[1].Scopes, []string{"complete", "usage"})
	equal(t, "key's limits", acme.Keys[1].Limits, Quota{Concurrent: 4, PerDay: 1.5})
	equal(t, "limits", acme.Limits, Quota{RequestsPerMinute: 600, TokensPerMinute: 100_000, PerMonth: 250})
	equal(t, "deployments", acme.Deployments, []string{"gpt", "openai/gpt-4o"})
	equal(t, "regions", acme.Regions, []string{"eu-west-1"})
	equal(t, "region", group(t, c, "quality").Deployments[1].Region, "eu-west-1")
	equal(t, "models", acme.Models, []string{"quality", "openai/*"})
	equal(t, "pin", acme.Pin, map[string]string{"quality": "gpt"})
	equal(t, "tags", acme.Tags, []string{"eu"})
	equal(t, "policy", *acme.Policy, Policy{"acme-routing", json.RawMessage(`{"prefer":"eu"}`), "tenants.acme.policy", 96})
	equal(t, "policy of one word", *c.Tenants[1].Policy, Policy{"guest-routing", json.RawMessage("{}"), "tenants.guest.policy", 97})
	equal(t, "open", c.Open(), false)
}

func TestCheckListen(t *testing.T) {
	open, err := Parse("plugins.yaml", minimal(""), environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	insecure, err := Parse("plugins.yaml", minimal("server: {insecure: true, listen: \":80\"}"), environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	for addr, ok := range map[string]bool{
		"127.0.0.1:80": true, "127.8.9.1:0": true, "[::1]:80": true, "localhost:80": true, "[::ffff:127.0.0.1]:1": true,
		":80": false, "0.0.0.0:80": false, "[::]:80": false, "10.0.0.1:80": false, "localhost.evil:80": false, "nonsense": false,
	} {
		if err := open.CheckListen(addr, false); (err == nil) != ok {
			t.Errorf("open server on %s: %v", addr, err)
		}
		if err := insecure.CheckListen(addr, false); (err == nil) != (addr != "nonsense") {
			t.Errorf("insecure server on %s: %v", addr, err)
		}
		if err := good(t).CheckListen(addr, false); (err == nil) != (addr != "nonsense") {
			t.Errorf("server with tenants on %s: %v", addr, err)
		}
		if err := open.CheckListen(addr, true); (err == nil) != (addr != "nonsense") {
			t.Errorf("server with keys of the admin API on %s: %v", addr, err)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "absent.yaml"), environment(nil))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent file gives %v", err)
	}
	if _, err := Load(t.TempDir(), environment(nil)); err == nil || errors.As(err, new(Problems)) {
		t.Errorf("a folder gives %v", err)
	}
	path := filepath.Join(t.TempDir(), "plugins.yaml")
	if err := os.WriteFile(path, []byte("server: {}"), 0o600); err != nil {
		t.Fatal(err)
	}
	var problems Problems
	if _, err := Load(path, environment(nil)); !errors.As(err, &problems) || problems[0].File != path {
		t.Errorf("a bad file gives %v", err)
	}
}

func TestProblemFindsTheLine(t *testing.T) {
	c := good(t)
	for _, tc := range []struct {
		line int
		path string
		want string
	}{
		{7, "providers.openai.plugin", "testdata/good.yaml:7: providers.openai.plugin: m"},
		{0, "providers.openai.plugin", "testdata/good.yaml:19: providers.openai.plugin: m"},
		{0, "providers.openai.config.hex", "testdata/good.yaml:28: providers.openai.config.hex: m"},
		{0, "providers.openai.config.none", "testdata/good.yaml:24: providers.openai.config.none: m"},
		{0, "models.quality.deployments[1].nothing[3]", "testdata/good.yaml:61: models.quality.deployments[1].nothing[3]: m"},
		{0, "", "testdata/good.yaml: m"},
	} {
		equal(t, "problem", c.Problem(tc.line, tc.path, "m").String(), tc.want)
	}
}

func TestRestartOnly(t *testing.T) {
	parse := func(lines string) *Config {
		c, err := Parse("plugins.yaml", minimal(lines), environment(nil))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, tc := range []struct {
		lines string
		want  []string
	}{
		{"", nil},
		{"server: {listen: 127.0.0.1:8080, admin_token: x, insecure: true}", nil},
		{"defaults: {retries: 7}", nil},
		{"server: {listen: 127.0.0.1:8081}", []string{"server.listen"}},
		{"plugins: {cache_dir: /elsewhere, rescan: 30}\nserver: {max_body: 1MB}", []string{"server.max_body", "plugins.cache_dir"}},
		{"limits: {plugins: {memory: 256MiB, fuel: {score: 2_000_000}}}", nil},
		{"limits: {plugins: {memory: 1MiB}, policies: {fuel: {score: 1000}, compile: {cpu: 1s}}}", []string{"limits.plugins.memory", "limits.policies.fuel.score", "limits.policies.compile.cpu"}},
	} {
		equal(t, tc.lines, RestartOnly(parse(""), parse(tc.lines)), tc.want)
	}
}

func TestSecretsNeverAppear(t *testing.T) {
	c := good(t)
	hidden := struct{ secret Secret }{c.Server.AdminToken} // fmt asks no methods of unexported fields
	values := []any{c, *c, c.Server, c.Server.AdminToken, &c.Server.AdminToken, hidden, c.Providers, *c.Providers[0], *c.Providers[0].Auth, c.Providers[0].Headers}
	var out bytes.Buffer
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		fmt.Fprintln(&out, v)
		if data, err := json.Marshal(v); err != nil {
			t.Errorf("json of %T: %v", v, err)
		} else {
			out.Write(data)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("text", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "v", v)
	}
	for _, secret := range []string{"hush", "68757368", "shh"} { // in hex too
		if before, after, found := strings.Cut(out.String(), secret); found {
			t.Errorf("%q appears: …%s%s%.40s…", secret, before[max(0, len(before)-100):], secret, after)
		}
	}
	if !strings.Contains(out.String(), redacted) {
		t.Error("nothing is redacted: the test looks at the wrong thing")
	}
	data, err := json.Marshal(c.Server)
	if err != nil || !strings.Contains(string(data), `"AdminToken":"[redacted]"`) {
		t.Errorf("json is %s, %v", data, err)
	}
}

func TestSecretWithoutValue(t *testing.T) {
	var zero Secret
	if !zero.IsZero() || zero.Reveal() != "" || fmt.Sprint(zero) != redacted {
		t.Errorf("the zero secret is %v", zero)
	}
	c, err := Parse("plugins.yaml", minimal("server: {admin_token: ${TOKEN:-}}"), environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	if !c.Server.AdminToken.IsZero() {
		t.Error("a token that is not set is there")
	}
}

func TestReference(t *testing.T) {
	got := Reference()
	if got != Reference() {
		t.Error("the reference differs from one call to the next")
	}
	for _, line := range []string{
		"## server\n",
		"| `server.listen` | host:port | `127.0.0.1:8080` | Address to serve. (restart) |\n",
		"| `providers.<name>.plugin` | name | required | ",
		"| `models.<group>.deployments[].price.cached_input` | number | – | ",
		"| `models.<group>.strategy[].weight` | number | `1` | ",
		"| `tenants.<name>.keys[].act_for` | bool | `false` | ",
	} {
		if !strings.Contains(got, line) {
			t.Errorf("the reference has no %q", line)
		}
	}
	for line := range strings.Lines(got) {
		if strings.HasPrefix(line, "| ") && strings.Count(line, "|")-strings.Count(line, `\|`) != 5 {
			t.Errorf("not a row of four cells: %s", line)
		}
	}
	// Every key of a file that uses all of them is described.
	for path := range good(t).lines {
		key := path[strings.LastIndex(path, ".")+1:]
		key, _, _ = strings.Cut(key, "[")
		if known := strings.Contains(got, key+"`") || strings.Contains(got, "## "+key+"\n"); !known && strings.Count(path, ".") != 1 &&
			!strings.Contains(path, ".headers.") && !strings.Contains(path, ".pin.") && !strings.Contains(path, ".config.") && path != "" {
			t.Errorf("the reference does not describe %s", path)
		}
	}
}

// TestLinesInPlugins: what a plugin complains about is in a part of the file that only it knows.
func TestLinesInPlugins(t *testing.T) {
	c, err := Parse("plugins.yaml", minimal("tenants:\n  acme:\n    policy:\n      plugin: rules\n      config:\n        rules:\n          - when: {tags: a}\n"+
		"          - when:\n              hours: [9-17,\n                      99]\n            only: {tags: a}\n    keys: [{hash: "+strconv.Quote("sha256:"+strings.Repeat("00", 32))+"}]\n"), environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"rules": 8, "rules[0]": 9, "rules[0].when.tags": 9, "rules[1].when": 10, "rules[1].when.hours[1]": 12, "rules[1].only": 13,
		"rules[1].only.nothing": 13, "rules[7]": 8, "nothing.at[3].all": 7,
	} {
		if p := c.Problem(0, "tenants.acme.policy.config."+path, "x"); p.Line != want {
			t.Errorf("%s is in line %d, want %d", path, p.Line, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("testdata/good.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data, "x")
	f.Add(minimal("server: {admin_token: ${A:-${B:-}}}"), "a: b")
	f.Add([]byte("a: &a [*a, {<<: *a}]"), "")
	bad, err := os.ReadFile("testdata/bad.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for part := range strings.SplitSeq(string(bad), "-- ") {
		_, text, _ := strings.Cut(part, "--\n")
		f.Add([]byte(text), "7")
	}
	f.Fuzz(func(t *testing.T, data []byte, value string) {
		c, err := Parse("plugins.yaml", data, func(name string) (string, bool) { return value, len(name)%2 == 0 })
		var problems Problems
		switch {
		case (c == nil) == (err == nil):
			t.Fatalf("Parse gave %v, %v", c, err)
		case err != nil && (!errors.As(err, &problems) || len(problems) == 0):
			t.Fatalf("the error is %T %v", err, err)
		case err != nil:
			return
		}
		for _, p := range c.Providers {
			if p.Plugin == "" || p.BaseURL == "" || !json.Valid(p.Config) {
				t.Errorf("provider %+v", p)
			}
		}
		for _, g := range c.Models {
			if len(g.Deployments) == 0 || len(g.Strategy) == 0 {
				t.Errorf("group %+v", g)
			}
			for _, d := range g.Deployments {
				if _, ok := c.Provider(d.Provider); !ok || d.ID == "" || d.Model == "" || !(d.Weight >= 0) {
					t.Errorf("deployment %+v", d)
				}
			}
		}
		if err := c.CheckListen(c.Server.Listen, true); err != nil {
			t.Error(err)
		}
	})
}
