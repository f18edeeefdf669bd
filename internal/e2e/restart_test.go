package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// TestTenantsSurviveKill kills the router and starts it again: tenants, keys, policies with their history and the canary's
// share are what they were.
func TestTenantsSurviveKill(t *testing.T) {
	t.Parallel()
	module, err := example()
	if err != nil {
		t.Fatal(err)
	}
	r := tenantRouter(t)
	acme := r.tenant("acme", `,"allow":{"regions":["us-east-1","eu-west-1"]}`, "complete", "policy", "usage")
	gone := r.tenant("gone", "", "complete")
	other := r.key("acme", "other", "", "complete")
	acme.upload(http.StatusCreated, "home", module, "region: eu\n")
	acme.upload(http.StatusCreated, "home", module, "region: us\n")
	acme.upload(http.StatusCreated, "spare", module, "region: us\n")
	acme.call(http.StatusOK, http.MethodPost, "/v1/policies/home/activate", `{"version":1}`)
	acme.call(http.StatusOK, http.MethodPost, "/v1/policies/home/canary", `{"version":2,"share_percent":12.5}`)
	r.admin().call(http.StatusOK, http.MethodPatch, "/admin/tenants/gone", `{"state":"suspended"}`)
	r.admin().call(http.StatusOK, http.MethodPatch, "/admin/tenants/acme/keys/"+other.Get("key.id").Str, `{"disabled":true}`)
	shown := func() []string {
		acme := account{r, acme.secret}
		return []string{
			acme.call(http.StatusOK, http.MethodGet, "/v1/policies", "").Raw,
			acme.call(http.StatusOK, http.MethodGet, "/v1/policies/home", "").Raw,
			r.admin().call(http.StatusOK, http.MethodGet, "/admin/tenants", "").Raw,
			r.admin().call(http.StatusOK, http.MethodGet, "/admin/tenants/acme/keys", "").Get("keys.#.[id,name,scopes,disabled]").Raw,
		}
	}
	before := shown()
	for range 2 {
		r.kill()
		r = serve(t, r.config)
		if after := shown(); !slices.Equal(after, before) {
			t.Fatalf("before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
		}
		sides := map[string]int{}
		for range 100 {
			deployment, policy, _ := (account{r, acme.secret}).decides("")
			sides[policy+" "+deployment]++
		}
		if n := sides["home@2 openai-fast/a"]; n == 0 || n > 40 || sides["home@1 openai-fast/b"] != 100-n {
			t.Errorf("%v", sides)
		}
		for _, secret := range []string{gone.secret, other.Get("secret").Str} {
			if _, _, a := (account{r, secret}).decides(""); a.status != http.StatusUnauthorized {
				t.Errorf("a key that was refused before: %d", a.status)
			}
		}
	}
}

// TestStreamsAtTheEnd ends the router while streams are under way: those that it lets end are in the ledger as they were
// answered, and those that it cuts with what their clients had got.
func TestStreamsAtTheEnd(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, patience string
		tokens, code   int
		whole          bool
	}{{"let end", "30s", 15, 0, true}, {"cut", "100ms", 2000, 1, false}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			const streams = 6
			v := startVendors(t)
			v.profile("unhurry", unhurry)
			r := serve(t, writeConfig(t, strings.Replace(preamble(modules), "admin_token", "shutdown_timeout: "+tc.patience+", admin_token", 1)+
				accounts(v.addr, "unhurry")+"models: {g: {deployments: [{provider: openai-unhurry, model: a, price: {input: 1, output: 1}}]}}\n"))
			acme := r.tenant("acme", "", "complete")
			var wg sync.WaitGroup
			for range streams {
				s := r.open(t.Context(), "/v1/chat/completions", ask("g", fmt.Sprintf("tokens:%d", tc.tokens), streamed), "Authorization", "Bearer "+acme.secret)
				s.texts(t, 2)
				wg.Go(func() {
					events, err := s.rest()
					if done := len(events) > 0 && events[len(events)-1] == "[DONE]"; done != tc.whole {
						t.Errorf("%d events, %v", len(events), err)
					}
				})
			}
			r.signal(syscall.SIGTERM)
			wg.Wait()
			if code := r.code(); code != tc.code {
				t.Errorf("exit code %d", code)
			}
			entries := ledgerOf(t, r.config, "acme")
			for i := range entries {
				e := &entries[i]
				if good := e.Status == http.StatusOK && e.Counted && e.Completion == int64(tc.tokens); good != tc.whole || e.Completion < 2 || e.Prompt == 0 || e.Cost == 0 {
					t.Errorf("%+v", e)
				}
			}
			if len(entries) != streams {
				t.Errorf("%d entries of %d streams", len(entries), streams)
			}
		})
	}
}
