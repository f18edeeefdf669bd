package e2e

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/switchyard-gateway/switchyard/host"
)

// fickle builds a strategy that does what a request's tags say: trap, spin, reject. As a filter it is another plugin.
var fickle = sync.OnceValues(func() (string, error) {
	dir := filepath.Dir(traps)
	for name, mode := range map[string]string{"fickle": "score", "fickle-filter": "filter"} {
		err := compile([]string{"GOOS=wasip1", "GOARCH=wasm"}, "-ldflags=-s -w -X main.mode="+mode, "-buildmode=c-shared",
			"-o", filepath.Join(dir, name+".wasm"), "./internal/e2e/testdata/plugins/fickle")
		if err != nil {
			return "", err
		}
	}
	return dir, nil
})

const guestKey, guestHash = "sk-guest", "f58a2aa456c7d0ec96448eeff90954469b8be5a66db32296b7e6d2a0de012c89"

// fickleRouter runs a router whose groups send to model a as far as the operator's strategies say, and whose tenant acme
// has a policy that prefers b.
func fickleRouter(t *testing.T) (*router, folder) {
	t.Helper()
	dir, err := fickle()
	if err != nil {
		t.Fatal(err)
	}
	v := startVendors(t)
	v.profile("fast", quick)
	f := copyPlugins(t, "openai", "anthropic", "ollama", "weighted")
	for _, name := range []string{"fickle", "fickle-filter"} {
		f.rename(name, []byte(readFile(t, filepath.Join(dir, name+".wasm"))))
	}
	deployments := "deployments: [{provider: openai-fast, model: a}, {provider: openai-fast, model: b, weight: 0}]"
	r := serve(t, writeConfig(t, preamble(f.dir)+accounts(v.addr, "fast")+`models:
  g: {strategy: weighted, `+deployments+`}
  led: {strategy: {plugin: fickle, config: {prefer: b}}, `+deployments+`}
  sifted: {strategy: [fickle-filter, weighted], fallbacks: [g], `+deployments+`}
  lax: {strategy: [{plugin: fickle-filter, on_fault: skip}, weighted], `+deployments+`}
tenants:
  acme: {keys: [{hash: "sha256:`+acmeHash+`"}], policy: {plugin: fickle, config: {prefer: b}}}
  guest: {keys: [{hash: "sha256:`+guestHash+`"}]}
limits: {policies: {fuel: {score: 1_500_000}}}
`))
	return r, f
}

// decided asks as a tenant and tells who decided what: status, deployment or error code, strategy and policy.
func (r *router) decided(key, group, tag string) string {
	r.t.Helper()
	a := r.post("/v1/chat/completions", ask(group, "x"), "Authorization", "Bearer "+key, "X-Switchyard-Tags", tag)
	deployment := strings.TrimPrefix(a.header.Get("X-Switchyard-Deployment"), "openai-fast/")
	words := fmt.Sprintf("%d %s %s %s %s", a.status, deployment, a.json("error.code"), a.header.Get("X-Switchyard-Strategy"), a.header.Get("X-Switchyard-Policy"))
	return strings.Join(strings.Fields(words), " ")
}

// States of a breaker in the admin API.
const breakerClosed, breakerOpen = "closed", "open"

// breaker returns the breaker of a key, as the admin API has it.
func (r *router) breaker(key string) host.Breaker {
	r.t.Helper()
	s := r.status()
	for _, p := range s.Plugins {
		for _, b := range p.Breakers {
			if b.Key == key {
				return b
			}
		}
	}
	r.t.Fatalf("no breaker of %s in %+v", key, s.Plugins)
	return host.Breaker{}
}

// recovers repeats a request until it is decided as it should be, at the pace of a client that is in no hurry: the pause
// of a breaker takes seconds.
func (r *router) recovers(key, group, want string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), settling)
	defer cancel()
	pace := time.NewTicker(100 * time.Millisecond)
	defer pace.Stop()
	for {
		got := r.decided(key, group, "")
		if got == want {
			return
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			r.t.Fatalf("no recovery: %s, want %s", got, want)
		}
	}
}

// TestPolicy has a tenant's policy decide, refuse, trap and spin. Its failures are the group's strategies' to make good,
// in the same request; when there are many, it is not asked for a while, and then again.
func TestPolicy(t *testing.T) {
	t.Parallel()
	r, f := fickleRouter(t)
	const own, group = "tenants.acme.policy", "200 a weighted"
	mine := "200 b fickle fickle@" + hashOf([]byte(readFile(t, f.path("fickle"))))[:12]
	for _, tc := range []struct{ name, key, tag, want string }{
		{"nobody's", guestKey, "", group},
		{"the policy decides", acmeKey, "", mine},
		{"it refuses", acmeKey, "reject", "402 spent " + strings.TrimPrefix(mine, "200 b fickle ")},
		{"it traps", acmeKey, "trap", group},
		{"a trap is over with its request", acmeKey, "", mine},
		{"it runs out of fuel", acmeKey, "spin", group},
	} {
		if got := r.decided(tc.key, "g", tc.tag); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
	raw, err := send(t.Context(), http.MethodGet, r.url+"/admin/plugins", "", "Authorization", "Bearer "+adminToken)
	if err != nil {
		t.Fatal(err)
	}
	if limits := gjson.Get(raw.body, "limits"); limits.Get("policies.fuel.score").Int() != 1_500_000 || limits.Get("plugins.fuel.score").Int() != 2_000_000 || limits.Get("policies.compile.cpu").Str != "30s" {
		t.Errorf("limits in force: %s", limits.Raw)
	}
	status := gjson.Get(raw.body, `plugins.#(owner=="acme")`)
	if cause := status.Get("last_fault.message").Str; cause != "it used up its fuel of 1500000 instructions" {
		t.Errorf("the last fault is %q", cause)
	}
	if used := status.Get("fuel.total").Int(); used < 1_500_000 {
		t.Errorf("it used %d instructions", used)
	}

	// Until its breaker opens; then nothing that is asked of it does harm, and nobody else notices.
	for n := 2; r.breaker(own).State == breakerClosed; n++ {
		if got := r.decided(acmeKey, "g", "trap"); got != group || n > 50 {
			t.Fatalf("fault %d: %s", n, got)
		}
	}
	faults := r.metric("switchyard_plugin_faults_total", "plugin", "fickle", "export", "score")
	for _, tag := range []string{"", "trap", "spin"} {
		if got := r.decided(acmeKey, "g", tag); got != group {
			t.Errorf("while the breaker is open: %s", got)
		}
	}
	if got := r.decided(guestKey, "led", ""); got != "200 b fickle" {
		t.Errorf("the same plugin as the operator's strategy: %s", got)
	}
	for _, tc := range []struct {
		want float64
		name string
		labels
	}{
		{faults, "switchyard_plugin_faults_total", labels{"plugin", "fickle", "export", "score"}},
		{1, "switchyard_plugin_breaker_open", labels{"plugin", "fickle", "key", own}},
		{0, "switchyard_plugin_breaker_open", labels{"plugin", "fickle", "key", "models.led.strategy[0]"}},
		{1, "switchyard_plugin_breaker_trips_total", labels{"plugin", "fickle"}},
		{faults, "switchyard_policy_yields_total", labels{"tenant", "acme", "reason", "fault"}},
		{3, "switchyard_policy_yields_total", labels{"tenant", "acme", "reason", "breaker_open"}},
	} {
		if got := r.metric(tc.name, tc.labels...); got != tc.want {
			t.Errorf("%s of %v is %v, want %v", tc.name, tc.labels, got, tc.want)
		}
	}
	if used := r.metric("switchyard_plugin_fuel_total", "plugin", "fickle"); used < 1_500_000 {
		t.Errorf("the fuel in the metrics is %v", used)
	}
	if b := r.breaker(own); b.State != breakerOpen || b.LastError == "" || b.RetryAt == nil {
		t.Errorf("%+v", b)
	}
	r.recovers(acmeKey, "g", mine)
	if b := r.breaker(own); b.State != breakerClosed {
		t.Errorf("after its recovery: %+v", b)
	}
	if open := r.metric("switchyard_plugin_breaker_open", "plugin", "fickle", "key", own); open != 0 {
		t.Errorf("the metric after its recovery is %v", open)
	}
}

type labels []string

// TestFailingStrategy has an operator's strategy fail: weights decide, and go on to while its breaker is open.
func TestFailingStrategy(t *testing.T) {
	t.Parallel()
	r, _ := fickleRouter(t)
	const led, key = "200 b fickle", "models.led.strategy[0]"
	if got := r.decided(guestKey, "led", ""); got != led {
		t.Errorf("it decides: %s", got)
	}
	for n := 1; r.breaker(key).State == breakerClosed; n++ {
		if got := r.decided(guestKey, "led", "trap"); got != "200 a weighted" || n > 50 {
			t.Fatalf("fault %d: %s", n, got)
		}
	}
	for range 3 {
		if got := r.decided(guestKey, "led", ""); got != "200 a weighted" {
			t.Errorf("while its breaker is open: %s", got)
		}
	}
	if got := r.decided(acmeKey, "led", ""); !strings.HasPrefix(got, "200 b fickle fickle@") {
		t.Errorf("the policy of the same code: %s", got)
	}
	r.recovers(guestKey, "led", led)
}

// TestFailingFilter holds that nothing passes a filter that failed, unless the operator says so.
func TestFailingFilter(t *testing.T) {
	t.Parallel()
	r, _ := fickleRouter(t)
	const refused = "503 routing_unavailable"
	for _, tc := range []struct{ name, key, group, tag, want string }{
		{"it works", guestKey, "sifted", "", "200 a fickle-filter+weighted"},
		{"under a policy", acmeKey, "sifted", "reject", "402 spent"},
		{"it fails", guestKey, "sifted", "trap", refused},
		{"it fails before a policy", acmeKey, "sifted", "trap", refused},
		{"it may be skipped", guestKey, "lax", "trap", "200 a fickle-filter+weighted"},
		{"it may be skipped when it spins", guestKey, "lax", "spin", "200 a fickle-filter+weighted"},
	} {
		if got := r.decided(tc.key, tc.group, tc.tag); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
	for n := 1; r.breaker("models.sifted.strategy[0]").State == breakerClosed; n++ {
		if got := r.decided(guestKey, "sifted", "trap"); got != refused || n > 50 {
			t.Fatalf("fault %d: %s", n, got)
		}
	}
	if got := r.decided(guestKey, "sifted", ""); got != refused {
		t.Errorf("while its breaker is open: %s", got)
	}
	r.recovers(guestKey, "sifted", "200 a fickle-filter+weighted")
}

// TestPolicyRefusals has policies that can't be: check and serve say the same, at the same line.
func TestPolicyRefusals(t *testing.T) {
	t.Parallel()
	dir, err := fickle()
	if err != nil {
		t.Fatal(err)
	}
	f := copyPlugins(t, "openai", "weighted")
	for _, name := range []string{"fickle", "fickle-filter"} {
		f.rename(name, []byte(readFile(t, filepath.Join(dir, name+".wasm"))))
	}
	for _, tc := range []struct{ name, policy, limits, want string }{
		{"no such plugin", "fikle", "", `CONFIG:8: tenants.acme.policy.plugin: DIR/fikle.wasm: no such file;`},
		{"a provider", "openai", "", `CONFIG:8: tenants.acme.policy.plugin: DIR/openai.wasm: it is a provider, but tenants.acme.policy needs a strategy`},
		{"a filter", "fickle-filter", "", `CONFIG:8: tenants.acme.policy.plugin: plugin "fickle-filter" is a filter, and a policy has to score`},
		{"its config", "{plugin: fickle, config: {like: b}}", "", `CONFIG:8: tenants.acme.policy.config: unknown key "like"; known: prefer`},
		{"too large", "fickle", "limits: {policies: {module_size: 100KiB}}", `CONFIG:8: tenants.acme.policy.plugin: DIR/fickle.wasm: `},
		{"too little fuel to start", "fickle", "limits: {policies: {fuel: {start: 1000}}}", `CONFIG:8: tenants.acme.policy.plugin: DIR/fickle.wasm: `},
		{"a limit", "fickle", "limits: {policies: {memory: 1}}", `CONFIG:9: limits.policies.memory: "1" is less than 64KiB`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			path := writeConfig(t, preamble(f.dir)+`providers:
  p: {plugin: openai, base_url: "http://127.0.0.1:1"}
models: {m: {strategy: weighted, deployments: [{provider: p, model: x}]}}
tenants:
  acme:
    {keys: [{hash: "sha256:`+acmeHash+`"}], policy: `+tc.policy+`}
`+tc.limits)
			want := "switchyard: " + strings.NewReplacer("CONFIG", path, "DIR", f.dir).Replace(tc.want)
			code, _, served := run(t, nil, "", "serve", "--config", path, "--listen", "127.0.0.1:0")
			checkCode, _, checked := run(t, nil, "", "check", "--config", path)
			_, refusal, _ := strings.Cut(served, "switchyard: ")
			if code != 1 || checkCode != 1 || "switchyard: "+refusal != checked || !strings.HasPrefix(checked, want) {
				t.Errorf("check: %d %s\nserve: %d %s\nwant: %s", checkCode, checked, code, served, want)
			}
		})
	}
}
