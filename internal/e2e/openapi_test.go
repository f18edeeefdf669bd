//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// properties are what an answer must have, whatever was asked: no status of 500 or above, and a status, a media type,
// headers and a body that the description has. Routes refuse who sends no key, and methods that they do not have.
const properties = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance," +
	"unsupported_method,ignored_auth"

// TestDescription has schemathesis make requests out of /openapi.json, valid ones and others, and compare the answers
// with it: with a tenant's key and with the admin token, which on the routes of tenants acts for that tenant.
func TestDescription(t *testing.T) {
	t.Parallel()
	dir := workspace(t, "schemathesis")
	tool(t, dir, nil, "python3", "-m", "venv", ".venv")
	tool(t, dir, nil, ".venv/bin/pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt")
	module, err := example()
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]func(account) string{
		"tenant": func(a account) string { return a.secret },
		"admin":  func(account) string { return adminToken },
	} {
		r := anyModelRouter(t)
		acme := r.tenant("acme", "", "complete", "policy", "usage")
		other := r.tenant("other", "", "usage")
		key := other.admin().call(http.StatusOK, http.MethodGet, "/admin/tenants/other/keys", "").Get("keys.0.id").Str
		for _, policy := range []string{"cheap", "cheap", "spare"} {
			acme.upload(http.StatusCreated, policy, module, "")
		}
		r.admin().call(http.StatusCreated, http.MethodPost, "/admin/tenants", `{"name":"spare"}`)
		acme.call(http.StatusOK, http.MethodPost, "/v1/policies/cheap/activate", `{"version":1}`)
		for range 3 {
			acme.decides("eu")
		}
		said := tool(t, dir, []string{"NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1", "OTHER_KEY=" + key}, ".venv/bin/st", "--config-file", "schemathesis.toml", "run", r.url+"/openapi.json",
			"--header", "Authorization: Bearer "+secret(acme), "--checks", properties, "--phases", "coverage,fuzzing,stateful", "--continue-on-failure", "--no-color")
		_, summary, _ := strings.Cut(said, "= SUMMARY =")
		t.Logf("as the %s: %s", name, summary)
		if a := acme.post("/v1/chat/completions", ask("g", "x"), "Authorization", "Bearer "+acme.secret); a.status != http.StatusOK {
			t.Errorf("afterwards, as the %s: a completion is answered with %d %s", name, a.status, a.body)
		}
	}
}

// anyModelRouter runs a router that takes any model's name, so that requests that are made at random arrive somewhere.
func anyModelRouter(t *testing.T) *router {
	t.Helper()
	v := startVendors(t)
	v.profile("fast", quick)
	f := copyPlugins(t, "openai", "anthropic", "ollama", "weighted")
	return serve(t, writeConfig(t, preamble(f.dir)+accounts(v.addr, "fast")+fmt.Sprintf(`models:
  g: {strategy: weighted, deployments: [%[1]s]}
  "*": {strategy: weighted, deployments: [%[1]s]}
`, "{provider: openai-fast, model: a, tags: [eu], price: {input: 10, output: 30}}")))
}
