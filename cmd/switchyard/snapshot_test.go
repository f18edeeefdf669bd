package main

import (
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchyard-gateway/switchyard/internal/catalog"
	"github.com/switchyard-gateway/switchyard/internal/config"
	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// deploymentOf makes the only deployment of a configuration whose one group has the given YAML. Providers need no plugin
// for that, nor are they asked.
func deploymentOf(t *testing.T, defaults, provider, deployment string) *gateway.Deployment {
	t.Helper()
	cfg, err := config.Parse("plugins.yaml", fmt.Appendf(nil, `
defaults: {%s}
providers: {p: {base_url: http://127.0.0.1:1, auth: {none: true}, %s}}
models: {g: {deployments: [{provider: p, %s}]}}
`, defaults, provider, deployment), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	p, _ := cfg.Provider("p")
	return newDeployment(cfg, cfg.Models[0].Deployments[0], p, &gateway.Account{Name: "p"}, gateway.New(gateway.Options{}))
}

func sameFloat(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

// listed is a model that the catalog knows in all respects.
func listed(t *testing.T) catalog.Model {
	t.Helper()
	m, ok := catalog.Lookup("openai", "gpt-4o")
	if !ok || !m.AbilitiesKnown || m.ContextWindow == 0 || m.MaxOutput == 0 || math.IsNaN(m.CachedInput) {
		t.Fatalf("the catalog does not know enough of gpt-4o: %+v", m)
	}
	return m
}

func TestPrices(t *testing.T) {
	t.Parallel()
	known, nan := listed(t), math.NaN()
	for _, tc := range []struct {
		name, provider, deployment string
		in, out, cached            float64
	}{
		{"of the catalog", "plugin: openai", "model: gpt-4o", known.Input, known.Output, known.CachedInput},
		{"of the operator", "plugin: openai", "model: gpt-4o, price: {input: 7, output: 8, cached_input: 9}", 7, 8, 9},
		{"one of the operator", "plugin: openai", "model: gpt-4o, price: {output: 8}", known.Input, 8, known.CachedInput},
		{"nothing to pay", "plugin: openai", "model: gpt-4o, price: {input: 0, output: 0, cached_input: 0}", 0, 0, 0},
		{"unknown model", "plugin: openai", "model: no-such-model", nan, nan, nan},
		{"unknown model, one of the operator", "plugin: openai", "model: no-such-model, price: {input: 3}", 3, nan, nan},
		{"another vendor's model", "plugin: anthropic", "model: gpt-4o", nan, nan, nan},
		{"vendor of the plugin's config", "plugin: compatible, config: {vendor: openai}", "model: gpt-4o", known.Input, known.Output, known.CachedInput},
		{"unknown vendor of the plugin's config", "plugin: openai, config: {vendor: no-such-vendor}", "model: gpt-4o", nan, nan, nan},
		{"config without a vendor", "plugin: openai, config: {vendor: ''}", "model: gpt-4o", known.Input, known.Output, known.CachedInput},
		{"config that is no object", "plugin: openai, config: [1]", "model: gpt-4o", known.Input, known.Output, known.CachedInput},
	} {
		d := deploymentOf(t, "", tc.provider, tc.deployment)
		if !sameFloat(d.PriceInput, tc.in) || !sameFloat(d.PriceOutput, tc.out) || !sameFloat(d.PriceCached, tc.cached) {
			t.Errorf("%s: %v, %v, %v, want %v, %v, %v", tc.name, d.PriceInput, d.PriceOutput, d.PriceCached, tc.in, tc.out, tc.cached)
		}
	}
}

func TestSizesAndAbilities(t *testing.T) {
	t.Parallel()
	known := listed(t)
	for _, tc := range []struct {
		name, deployment string
		context, output  uint32
		abilities        uint32
		known            bool
	}{
		{"of the catalog", "model: gpt-4o", known.ContextWindow, known.MaxOutput, known.Abilities, true},
		{"context of the operator", "model: gpt-4o, context_window: 1000", 1000, known.MaxOutput, known.Abilities, true},
		{"output of the operator", "model: gpt-4o, max_output: 500", known.ContextWindow, 500, known.Abilities, true},
		{"abilities of the operator", "model: gpt-4o, abilities: [tools, streaming]", known.ContextWindow, known.MaxOutput, abi.FeatureTools | abi.FeatureStream, true},
		{"unknown model", "model: no-such-model", 0, 0, 0, false},
		{"unknown model, all of the operator", "model: no-such-model, context_window: 8_000, max_output: 800, abilities: [images]", 8000, 800, abi.FeatureImages, true},
	} {
		d := deploymentOf(t, "", "plugin: openai", tc.deployment)
		if d.Context != tc.context || d.MaxOutput != tc.output {
			t.Errorf("%s: context %d, output %d, want %d, %d", tc.name, d.Context, d.MaxOutput, tc.context, tc.output)
		}
		if d.AbilitiesKnown != tc.known || tc.known && d.Abilities != tc.abilities {
			t.Errorf("%s: abilities %b (known: %v), want %b (%v)", tc.name, d.Abilities, d.AbilitiesKnown, tc.abilities, tc.known)
		}
	}
}

// TestAbilityNames has the configuration accept each name, and no two names mean the same.
func TestAbilityNames(t *testing.T) {
	t.Parallel()
	seen := map[uint32]string{}
	for name := range abilityNames {
		bits := deploymentOf(t, "", "plugin: openai", "model: m, abilities: ["+name+"]").Abilities
		if bits == 0 || bits&(bits-1) != 0 || seen[bits] != "" {
			t.Errorf("%s is %b, as is %q", name, bits, seen[bits])
		}
		seen[bits] = name
	}
}

func TestCooldownAndRetriesOfDeployments(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, defaults, deployment string
		cooldown                   *time.Duration
		standard                   time.Duration
		retries                    *int
		fails                      uint32
	}{
		{"nothing said", "", "", nil, 5 * time.Second, nil, 0},
		{"default", "cooldown: 9s", "", nil, 9 * time.Second, nil, 0},
		{"never, by default", "cooldown: 0", "", new(time.Duration(0)), 0, nil, 0},
		{"never, of its own", "cooldown: 9s", "cooldown: 0", new(time.Duration(0)), 9 * time.Second, nil, 0},
		{"of its own", "cooldown: 0", "cooldown: 3s", new(3 * time.Second), 0, nil, 0},
		{"retries of its own", "retries: 5", "retries: 0", nil, 5 * time.Second, new(0), 0},
		{"retries by default", "retries: 5", "", nil, 5 * time.Second, nil, 0},
		{"fails by default", "allowed_fails: 4", "", nil, 5 * time.Second, nil, 4},
		{"fails of its own", "allowed_fails: 4", "allowed_fails: 2", nil, 5 * time.Second, nil, 2},
		{"no fails of its own", "allowed_fails: 4", "allowed_fails: 0", nil, 5 * time.Second, nil, 0},
	} {
		deployment := "model: m"
		if tc.deployment != "" {
			deployment += ", " + tc.deployment
		}
		d := deploymentOf(t, tc.defaults, "plugin: openai", deployment)
		if diff := cmp.Diff(tc.cooldown, d.Cooldown); diff != "" || d.DefaultCooldown != tc.standard {
			t.Errorf("%s: default cooldown %s, want %s; %s", tc.name, d.DefaultCooldown, tc.standard, diff)
		}
		if diff := cmp.Diff(tc.retries, d.Retries); diff != "" || d.AllowedFails != tc.fails {
			t.Errorf("%s: %d fails, want %d; retries %s", tc.name, d.AllowedFails, tc.fails, diff)
		}
	}
}

func TestDeploymentFields(t *testing.T) {
	t.Parallel()
	d := deploymentOf(t, "", "plugin: openai", `id: one, model: m, weight: 0, order: 3, tags: [eu], rpm: 10, tpm: 50000, timeout: 20s, stream_timeout: 0`)
	if d.ID != "one" || d.Model != "m" || d.Weight != 0 || d.Order != 3 || !slices.Equal(d.Tags, []string{"eu"}) || d.RPM != 10 || d.TPM != 50_000 ||
		d.Timeout != 20*time.Second || d.StreamTimeout == nil || *d.StreamTimeout != 0 || d.Account.Name != "p" || d.Health == nil {
		t.Errorf("got %+v", d)
	}
	d = deploymentOf(t, "stream_timeout: 5s", "plugin: openai", "model: m")
	if d.ID != "p/m" || d.Weight != 1 || d.Timeout != 0 || d.StreamTimeout != nil {
		t.Errorf("got %+v", d)
	}
}

const whole = `
plugins: {dir: .}
defaults: {retries: 4, timeout: 5m, stream_timeout: 10s, fail_open: false, strategy: [{plugin: mean, config: {Factor: 2}}]}
providers:
  serves: {plugin: echo, base_url: http://127.0.0.1:1, auth: {api_key: s3cret, header: x-key}, headers: {x-org: us}, timeout: 7s}
  lacks: {plugin: echo, base_url: http://127.0.0.1:1, auth: {api_key: "${MISSING:-}"}}
  off: {plugin: no-such-plugin, base_url: http://127.0.0.1:1, enabled: false}
models:
  plain: {deployments: [{provider: serves, model: m}, {provider: off, model: m}]}
  own:
    strategy: [{plugin: mean, on_fault: refuse}, {plugin: mean, weight: 0.5, on_fault: skip}]
    fallbacks: [plain]
    context_window_fallbacks: [other, plain]
    content_policy_fallbacks: [plain]
    retries: 0
    timeout: 30s
    stream_timeout: 0
    fail_open: true
    deployments: [{provider: serves, model: m, id: first}, {provider: lacks, model: m, id: second}]
  wild*: {deployments: [{provider: serves, model: "*"}]}
  other: {deployments: [{provider: serves, model: m}]}
`

// acquired returns the snapshot that a router serves, until the test ends.
func acquired(t *testing.T, r *router) *gateway.Snapshot {
	t.Helper()
	s := r.gateway.Acquire()
	if s == nil {
		t.Fatal("there is no snapshot")
	}
	t.Cleanup(s.Release)
	return s
}

func TestSnapshotGroups(t *testing.T) {
	t.Parallel()
	snap := acquired(t, install(t).router(whole))
	groups := snap.Groups()
	if names := snap.Models(nil); !slices.Equal(names, []string{"plain", "own", "wild*", "other"}) {
		t.Fatalf("groups %v", names)
	}
	plain, own := groups[0], groups[1]
	for _, tc := range []struct {
		name      string
		got, want any
	}{
		{"default retries", plain.Retries, 4},
		{"default timeout", plain.Timeout, 5 * time.Minute},
		{"default stream timeout", plain.StreamTimeout, 10 * time.Second},
		{"default fail_open", plain.FailOpen, false},
		{"no fallbacks", len(plain.Fallbacks), 0},
		{"retries", own.Retries, 0},
		{"timeout", own.Timeout, 30 * time.Second},
		{"stream timeout", own.StreamTimeout, time.Duration(0)},
		{"fail_open", own.FailOpen, true},
		{"fallbacks", own.Fallbacks, []string{"plain"}},
		{"context window fallbacks", own.ContextWindowFallbacks, []string{"other", "plain"}},
		{"content policy fallbacks", own.ContentPolicyFallbacks, []string{"plain"}},
		{"wildcard's model", groups[2].Deployments[0].Model, "*"},
		{"open", snap.Open(), true},
	} {
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

// TestSnapshotStrategies asks the plugins: those of a group have its configs, those of the defaults theirs.
func TestSnapshotStrategies(t *testing.T) {
	t.Parallel()
	groups := acquired(t, install(t).router(whole)).Groups()
	candidates := []abi.Candidate{{ID: "a", Total: 100}}
	for _, tc := range []struct {
		group, use int
		weight     float64
		score      float64
		onFault    gateway.OnFault
	}{{0, 0, 1, 200, gateway.FaultDefault}, {1, 0, 1, 100, gateway.FaultRefuse}, {1, 1, 0.5, 100, gateway.FaultSkip}, {2, 0, 1, 200, gateway.FaultDefault}} {
		u := groups[tc.group].Strategies[tc.use]
		var out abi.ScoreOutput
		if _, err := u.Plugin.Score(t.Context(), &abi.Header{}, candidates, &out); err != nil {
			t.Fatal(err)
		}
		if u.Name != "mean" || u.Weight != tc.weight || out.Scores[0] != tc.score || u.OnFault != tc.onFault {
			t.Errorf("%s, strategy %d: %q with weight %v scores %v, on_fault %v, want %v, %v, %v",
				groups[tc.group].Name, tc.use, u.Name, u.Weight, out.Scores[0], u.OnFault, tc.weight, tc.score, tc.onFault)
		}
	}
}

func TestSnapshotAccounts(t *testing.T) {
	t.Parallel()
	groups := acquired(t, install(t).router(whole)).Groups()
	serves, off := groups[0].Deployments[0].Account, groups[0].Deployments[1].Account
	lacks := groups[1].Deployments[1].Account
	if serves.Disabled != "" || serves.Plugin == nil || serves.Plugin.Describe().Name != "echo" || serves.Timeout != 7*time.Second {
		t.Errorf("serves: %+v", serves)
	}
	if serves.Credential.Key != "s3cret" || serves.Credential.Name != "X-Key" {
		t.Errorf("the credential of serves has another key, or the header %q", serves.Credential.Name)
	}
	if lacks.Disabled == "" || lacks.Plugin != nil {
		t.Errorf("lacks: disabled %q, plugin %v", lacks.Disabled, lacks.Plugin)
	}
	if off.Disabled != "enabled: false" || off.Plugin != nil {
		t.Errorf("off: disabled %q, plugin %v", off.Disabled, off.Plugin)
	}
	if serves != groups[1].Deployments[0].Account || serves != groups[2].Deployments[0].Account {
		t.Error("two groups have two accounts for one provider")
	}
}

func TestSnapshotTenants(t *testing.T) {
	t.Parallel()
	key := func(secret string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(secret))) }
	snap := acquired(t, install(t).router(whole+`
tenants:
  acme:
    keys: [{hash: "`+key("one")+`", name: ci}, {hash: "`+key("two")+`", act_for: true}]
    models: [own, wild*]
    pin: {own: second}
    tags: [eu]
    policy: {plugin: mean, config: {Factor: 3}}
  guest: {keys: [{hash: "`+key("three")+`"}]}
`))
	if snap.Open() {
		t.Error("a snapshot with tenants is open")
	}
	for _, tc := range []struct {
		secret, name, tenant string
		actFor               bool
		models               string
	}{
		{"one", "ci", "acme", false, "own wild*"},
		{"two", "", "acme", true, "own wild*"},
		{"three", "", "guest", false, "plain own wild* other"},
	} {
		k, ok := snap.Authenticate(tc.secret)
		if !ok {
			t.Errorf("key %s is unknown", tc.secret)
			continue
		}
		if models := strings.Join(snap.Models(k.Tenant), " "); k.Name != tc.name || k.Tenant.Name != tc.tenant || k.MayActFor() != tc.actFor || models != tc.models {
			t.Errorf("key %s: %q of %s, acts for others: %v, models %s", tc.secret, k.Name, k.Tenant.Name, k.MayActFor(), models)
		}
		if named, _ := snap.Tenant(tc.tenant); named != k.Tenant {
			t.Errorf("key %s has another tenant than the one of that name", tc.secret)
		}
	}
	if _, ok := snap.Authenticate("four"); ok {
		t.Error("an unknown key is accepted")
	}
	acme, _ := snap.Tenant("acme")
	if diff := cmp.Diff(map[string]string{"own": "second"}, acme.Pins); diff != "" || !slices.Equal(acme.Tags, []string{"eu"}) {
		t.Errorf("tags %v, pins %s", acme.Tags, diff)
	}
	if guest, _ := snap.Tenant("guest"); guest.Policy.Choose(t.Context(), 1) != nil {
		t.Error("guest has a policy")
	}
	var out abi.ScoreOutput
	own := acme.Policy.Choose(t.Context(), 1)
	fuel, err := own.Plugin.Score(t.Context(), &abi.Header{}, []abi.Candidate{{Total: 100}}, &out)
	if err != nil || own.Name != "mean" || out.Scores[0] != 300 || len(own.Plugin.(gateway.Versioned).Hash()) != 64 || fuel == 0 {
		t.Errorf("policy %q scores %v with %d fuel, %v", own.Name, out.Scores, fuel, err)
	}
}
