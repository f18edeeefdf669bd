package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/tidwall/gjson"
)

// TestReplayOfWhatServes records decisions of all kinds, with filters, retries, fallbacks, cooldowns, trials, streams and
// a canary, many at a time, and replays the version that made them: nothing may come out differently.
func TestReplayOfWhatServes(t *testing.T) {
	t.Parallel()
	module, err := example()
	if err != nil {
		t.Fatal(err)
	}
	v := startVendors(t)
	v.profile("fast", quick)
	v.profile("flaky", `{"faults":[{"kind":"status","status":500,"every":3}]}`)
	v.profile("down", `{"faults":[{"kind":"status","status":503}]}`)
	f := copyPlugins(t, "openai", "anthropic", "ollama", "weighted", "latency", "cost", "tags", "context-fit")
	r := serve(t, writeConfig(t, preamble(f.dir)+accounts(v.addr, "fast", "flaky", "down")+`models:
  quality:
    strategy: [context-fit, tags, {plugin: latency, weight: 0.7}, {plugin: cost, weight: 0.3}]
    fallbacks: [spare]
    deployments:
      - {provider: openai-flaky, model: a, tags: [eu, x], price: {input: 1, output: 3}, cooldown: 50ms}
      - {provider: ollama-fast, model: b, tags: [eu, y], price: {input: 2, output: 3}}
      - {provider: anthropic-flaky, model: c, tags: [eu, x, y], price: {input: 1, output: 3}, cooldown: 20ms}
      - {provider: openai-fast, model: d, tags: [us, x, y], price: {input: 1, output: 1}}
  fragile:
    strategy: weighted
    retries: 1
    fallbacks: [quality]
    deployments:
      - {provider: openai-down, model: e, tags: [eu], cooldown: 10ms}
      - {provider: ollama-down, model: f, tags: [eu], cooldown: 10ms}
      - {provider: openai-flaky, model: g, tags: [eu], cooldown: 10ms}
  spare:
    strategy: latency
    deployments:
      - {provider: openai-fast, model: h, tags: [eu]}
      - {provider: ollama-fast, model: i, tags: [us]}
  abroad:
    strategy: weighted
    deployments: [{provider: openai-fast, model: k, tags: [us]}]
`))
	acme := r.tenant("acme", "", "complete", "policy", "usage")
	siege := func(requests int) {
		var wg sync.WaitGroup
		for c := range 4 {
			wg.Go(func() {
				rnd := rand.New(rand.NewPCG(uint64(requests), uint64(c)))
				for range requests / 4 {
					group := []string{"quality", "quality", "fragile", "fragile", "spare", "abroad"}[rnd.IntN(6)]
					header := []string{"Authorization", "Bearer " + acme.secret, "X-Switchyard-Tags", []string{"x", "y", "eu", "nobody"}[rnd.IntN(4)]}
					// What came of it is not the matter.
					if _, err := send(t.Context(), http.MethodPost, r.url+"/v1/chat/completions", ask(group, strings.Repeat("word ", rnd.IntN(100))), header...); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	same := func(when string, version, requests int) {
		t.Helper()
		result := acme.replayed("home", version)
		n, undecided := int(result.Get("requests").Int()), int(result.Get("undecided").Int())
		if n != requests || undecided > n/2 || result.Get("moved").Int() != 0 || result.Get("faults").Raw != "{}" || len(result.Get("largest").Array()) != 0 {
			t.Errorf("%s: %s", when, result.Raw)
		}
		for _, s := range result.Get("deployments").Array() {
			if s.Get("before").Int() != s.Get("after").Int() {
				t.Errorf("%s: %s", when, s.Raw)
			}
		}
		for _, c := range []string{"cost_usd", "latency_ms"} {
			if result.Get(c+".before").Num != result.Get(c+".after").Num {
				t.Errorf("%s: %s %s", when, c, result.Get(c).Raw)
			}
		}
		if result.Get("rejected.before").Int() == 0 || result.Get("rejected").Get("before").Int() != result.Get("rejected.after").Int() {
			t.Errorf("%s: rejected %s", when, result.Get("rejected").Raw)
		}
		if first, second := acme.replayed("home", version).Raw, result.Raw; first != second {
			t.Errorf("%s: two replays differ:\n%s\n%s", when, first, second)
		}
	}
	acme.upload(http.StatusCreated, "home", module, "region: eu\n")
	acme.upload(http.StatusCreated, "home", module, "{region: eu}\n")
	acme.call(http.StatusOK, http.MethodPost, "/v1/policies/home/activate", `{"version":1}`)
	const requests = 400
	siege(requests)
	same("active", 1, requests)
	acme.call(http.StatusOK, http.MethodPost, "/v1/policies/home/canary", `{"version":2,"share_percent":50}`)
	siege(requests)
	same("beside a canary", 1, 2*requests)

	// There was something to replay: several attempts, groups and kinds of errors.
	seen := map[string]int{}
	for before, more := "", true; more; more = before != "" {
		page := acme.call(http.StatusOK, http.MethodGet, "/v1/decisions?limit=200&before="+before, "")
		for _, d := range page.Get("decisions").Array() {
			seen[fmt.Sprint("version ", d.Get("version").Int())]++
			seen["attempts "+d.Get("attempts").Raw]++
			seen["status "+d.Get("status").Raw]++
		}
		before = page.Get("next").Str
	}
	for _, want := range []string{"version 1", "version 2", "attempts 1", "attempts 2", "attempts 3", "status 200", "status 503"} {
		if seen[want] == 0 {
			t.Errorf("no decision with %s among %v", want, seen)
		}
	}
}

// TestNoTenantReachesAnother has keys try what is not theirs on the routes of completions: groups, deployments and regions
// by name, by wildcard, by pin and by fallback, and names of tenants.
func TestNoTenantReachesAnother(t *testing.T) {
	t.Parallel()
	v := startVendors(t)
	v.profile("fast", quick)
	v.profile("down", `{"faults":[{"kind":"status","status":503}]}`)
	sum := sha256.Sum256([]byte("sk-declared"))
	r := serve(t, writeConfig(t, preamble(modules)+accounts(v.addr, "fast", "down")+`models:
  g:
    fallbacks: [other]
    deployments: [{provider: openai-down, model: a, region: eu, cooldown: 0s}, {provider: ollama-down, model: b, region: us, cooldown: 0s}]
  other: {deployments: [{provider: openai-fast, model: c, region: us}]}
  "wild-*": {deployments: [{provider: openai-fast, model: "*", region: us}]}
  mixed: {strategy: [tenant-pin, weighted], deployments: [{provider: openai-fast, model: d, region: eu, price: {input: 1, output: 1}}, {provider: openai-fast, model: e, region: us, price: {input: 1, output: 1}}]}
tenants:
  team/declared:
    keys: [{hash: "sha256:`+hex.EncodeToString(sum[:])+`", name: ci/prod, limits: {usd_per_day: 0.000001}}]
`))
	european := r.tenant("european", `,"allow":{"regions":["eu"]},"pins":{"mixed":"openai-fast/e"}`, "complete")
	narrow := r.tenant("narrow", `,"allow":{"models":["g","mixed"],"deployments":["openai-down/a","openai-fast/d"]}`, "complete")
	broker := r.tenant("broker", "", "complete", "act-for")
	ends := func(who account, body string, header ...string) (status int, code string, a *answer) {
		t.Helper()
		a = r.post("/v1/chat/completions", body, append([]string{"Authorization", "Bearer " + who.secret}, header...)...)
		return a.status, gjson.Get(a.body, "error.code").Str, a
	}
	for _, tc := range []struct {
		name   string
		who    account
		body   string
		header []string
		status int
		code   string
	}{
		{"a group without a deployment in the region", european, ask("other", "x"), nil, 404, "model_not_found"},
		{"a wildcard without one", european, ask("wild-7", "x"), nil, 404, "model_not_found"},
		{"a fallback without one", european, ask("g", "x"), nil, 502, ""},
		{"a fallback of the client's without one", european, ask("g", "x", `"fallbacks":["other"]`), nil, 400, "model_not_found"},
		{"a pin to another region", european, ask("mixed", "x"), nil, 200, ""},
		{"a group that is not allowed", narrow, ask("other", "x"), nil, 404, "model_not_found"},
		{"a wildcard that is not allowed", narrow, ask("wild-7", "x"), nil, 404, "model_not_found"},
		{"a configured fallback that is not allowed", narrow, ask("g", "x"), nil, 502, ""},
		{"a fallback of the client's that is not allowed", narrow, ask("g", "x", `"fallbacks":["mixed","wild-7"]`), nil, 400, "model_not_found"},
		{"a fallback that is", narrow, ask("g", "x", `"fallbacks":["mixed"]`), nil, 200, ""},
		{"another tenant", narrow, ask("mixed", "x"), []string{"X-Switchyard-Tenant", "broker"}, 403, "tenant_not_allowed"},
		{"another tenant, with the scope", broker, ask("other", "x"), []string{"X-Switchyard-Tenant", "narrow"}, 404, "model_not_found"},
		{"a tenant that is not there", broker, ask("other", "x"), []string{"X-Switchyard-Tenant", "nobody"}, 404, "tenant_not_found"},
		{"a declared one", broker, ask("other", "x"), []string{"X-Switchyard-Tenant", "team/declared"}, 200, ""},
	} {
		status, code, a := ends(tc.who, tc.body, tc.header...)
		if status == 503 && tc.status == 502 { // the vendor's own
			status = 502
		}
		if status != tc.status || tc.code != "" && code != tc.code {
			t.Errorf("%s: status %d, %s", tc.name, a.status, a.body)
		}
		for attempt := range strings.SplitSeq(a.header.Get("X-Switchyard-Attempts"), ", ") {
			for _, foreign := range []string{"openai-fast/c", "openai-fast/e", "ollama-down/b", "openai-fast/1", "openai-fast/7"} {
				if strings.HasPrefix(attempt, foreign+"=") && tc.who != broker {
					t.Errorf("%s: attempts %s", tc.name, a.header.Get("X-Switchyard-Attempts"))
				}
			}
		}
	}

	// A tenant that is suspended is gone at once: its keys, and for those who act for it. Its key's acting too.
	r.admin().call(http.StatusOK, http.MethodPatch, "/admin/tenants/narrow", `{"state":"suspended"}`)
	if status, code, _ := ends(narrow, ask("mixed", "x")); status != 401 || code != "invalid_api_key" {
		t.Errorf("a suspended tenant: %d %s", status, code)
	}
	if status, code, _ := ends(broker, ask("mixed", "x"), "X-Switchyard-Tenant", "narrow"); status != 404 || code != "tenant_not_found" {
		t.Errorf("for a suspended tenant: %d %s", status, code)
	}
	r.admin().call(http.StatusOK, http.MethodPatch, "/admin/tenants/broker", `{"state":"suspended"}`)
	if status, code, _ := ends(broker, ask("mixed", "x"), "X-Switchyard-Tenant", "european"); status != 401 || code != "invalid_api_key" {
		t.Errorf("a suspended tenant for another: %d %s", status, code)
	}

	// The budget of a declared key whose name, and whose tenant's, has a slash is spent after a restart too.
	declared := account{r, "sk-declared"}
	if status, code, _ := ends(declared, ask("mixed", "x")); status != 200 {
		t.Errorf("a declared key: %d %s", status, code)
	}
	for range 2 {
		if status, code, a := ends(declared, ask("mixed", "x")); status != 429 || code != "insufficient_quota" || !strings.Contains(a.body, `key \"ci%2Fprod\"`) {
			t.Errorf("a declared key without a budget: %s", a.body)
		}
		r.kill()
		r = serve(t, r.config)
	}
}

// TestNamesAreInOnePlace makes tenants while the configuration is changed to have the same ones: each name ends in one of
// the two places, and the router starts again.
func TestNamesAreInOnePlace(t *testing.T) {
	t.Parallel()
	v := startVendors(t)
	base := preamble(modules) + accounts(v.addr, "fast") + "models: {g: {deployments: [{provider: openai-fast, model: a}]}}\n"
	r := serve(t, writeConfig(t, base))
	places := map[bool]int{}
	for i := range 24 {
		name := fmt.Sprintf("t%d", i)
		before := r.status()
		var wg sync.WaitGroup
		var created int
		wg.Go(func() {
			r.replace(base + fmt.Sprintf("tenants: {%s: {keys: [{hash: \"sha256:%064x\"}]}}\n", name, i+1))
		})
		wg.Go(func() {
			for range i { // the reload comes after a moment
				if _, err := send(t.Context(), http.MethodGet, r.url+"/metrics", ""); err != nil {
					t.Error(err)
				}
			}
			a, err := send(t.Context(), http.MethodPost, r.url+"/admin/tenants", fmt.Sprintf(`{"name":%q}`, name), "Authorization", "Bearer "+adminToken)
			if err != nil {
				t.Error(err)
				return
			}
			created = a.status
		})
		wg.Wait()
		eventually(t, patience, "the reload", func() error {
			now := r.status()
			accepted := now.Snapshot != before.Snapshot && now.Reload.FailedAt == nil
			refused := now.Reload.FailedAt != nil && (before.Reload.FailedAt == nil || now.Reload.FailedAt.After(*before.Reload.FailedAt))
			switch {
			case !accepted && !refused:
				return fmt.Errorf("neither accepted nor refused")
			case accepted == (created == http.StatusCreated):
				t.Errorf("%s: accepted %v, created %d", name, accepted, created)
			}
			places[accepted]++
			return nil
		})
		r.rewrite(base)
	}
	t.Logf("%d names are in the configuration, %d in the store", places[true], places[false])
	r.signal(syscall.SIGTERM)
	r.code()
	serve(t, r.config)
}
