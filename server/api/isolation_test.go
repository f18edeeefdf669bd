package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/server/api/internal/endpoint"
)

// world is two tenants, each with everything that a tenant can have.
type world struct {
	*fixture
	key, secret string // of acme, with all scopes
	rival       string // secret
	decision    string // acme's, as what follows
	replay      string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{fixture: newFixture(t)}
	w.key, w.secret = w.tenant("acme")
	_, w.rival = w.tenant("rival")
	for range 3 {
		w.upload("cheap", w.secret, module)
	}
	w.upload("own", w.rival, module)
	w.want(200, nil, "POST", "/v1/policies/cheap/activate", w.secret, `{"version":1}`)
	w.want(200, nil, "POST", "/v1/policies/own/activate", w.rival, `{"version":1}`)
	w.decision = w.decide("acme", time.Now())
	w.decide("rival", time.Now())
	var job struct{ ID string }
	w.want(202, &job, "POST", "/v1/policies/cheap/replay", w.secret, `{"version":1}`)
	w.replay = job.ID
	return w
}

// call is a request to a route that would succeed with the right key.
type call struct {
	method, path, body string
	media              string
}

// tenantCalls is every route of tenants, on what acme has.
func (w *world) tenantCalls() []call {
	return []call{
		{"GET", "/v1/policies", "", ""},
		{"GET", "/v1/policies/cheap", "", ""},
		{"POST", "/v1/policies/cheap", module, mediaWASM},
		{"DELETE", "/v1/policies/cheap", "", ""},
		{"GET", "/v1/policies/cheap/versions", "", ""},
		{"GET", "/v1/policies/cheap/versions/2", "", ""},
		{"DELETE", "/v1/policies/cheap/versions/2", "", ""},
		{"GET", "/v1/policies/cheap/figures", "", ""},
		{"POST", "/v1/policies/cheap/activate", `{"version":2}`, ""},
		{"POST", "/v1/policies/cheap/canary", `{"version":2,"share_percent":10}`, ""},
		{"POST", "/v1/policies/cheap/rollback", `{}`, ""},
		{"POST", "/v1/policies/cheap/deactivate", `{}`, ""},
		{"POST", "/v1/policies/cheap/replay", `{"version":1}`, ""},
		{"GET", "/v1/replays", "", ""},
		{"GET", "/v1/replays/" + w.replay, "", ""},
		{"DELETE", "/v1/replays/" + w.replay, "", ""},
		{"GET", "/v1/decisions", "", ""},
		{"GET", "/v1/decisions/" + w.decision, "", ""},
		{"GET", "/v1/usage", "", ""},
	}
}

// adminCalls is every route of the admin.
func (w *world) adminCalls() []call {
	return []call{
		{"GET", "/admin/tenants", "", ""},
		{"POST", "/admin/tenants", `{"name":"new"}`, ""},
		{"GET", "/admin/tenants/acme", "", ""},
		{"PATCH", "/admin/tenants/acme", `{"display_name":"x"}`, ""},
		{"DELETE", "/admin/tenants/acme", "", ""},
		{"GET", "/admin/tenants/acme/keys", "", ""},
		{"POST", "/admin/tenants/acme/keys", `{"name":"k","scopes":["usage"]}`, ""},
		{"GET", "/admin/tenants/acme/keys/" + w.key, "", ""},
		{"PATCH", "/admin/tenants/acme/keys/" + w.key, `{"disabled":true}`, ""},
		{"DELETE", "/admin/tenants/acme/keys/" + w.key, "", ""},
		{"POST", "/admin/tenants/acme/keys/" + w.key + "/rotate", `{}`, ""},
		{"GET", "/admin/usage", "", ""},
		{"GET", "/admin/policies", "", ""},
	}
}

func (w *world) try(c call, query, secret string) *answer {
	w.t.Helper()
	header := []string{}
	if c.media != "" {
		header = append(header, "Content-Type", c.media)
	}
	return w.do(c.method, c.path+query, secret, c.body, header...)
}

// state is everything that requests could change.
func (w *world) state() string {
	w.t.Helper()
	var b strings.Builder
	ctx := w.t.Context()
	tenants, _ := w.store.ListTenants(ctx)
	keys, _ := w.store.ListKeys(ctx, "")
	policies, _ := w.store.ListPolicies(ctx, "")
	for _, t := range tenants {
		fmt.Fprintf(&b, "%+v\n", *t)
	}
	for _, k := range keys {
		fmt.Fprintf(&b, "%+v\n", *k)
	}
	for _, p := range policies {
		versions, _ := w.store.ListVersions(ctx, p.Tenant, p.Name)
		fmt.Fprintf(&b, "%+v %d\n", *p, len(versions))
	}
	fmt.Fprintln(&b, w.replays.all)
	return b.String()
}

// TestEveryRouteIsCalled keeps the two lists whole.
func TestEveryRouteIsCalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	called := map[string]bool{"GET /openapi.json": true}
	for _, c := range append(w.tenantCalls(), w.adminCalls()...) {
		r := strings.NewReplacer("/acme", "/:tenant", "/"+w.key, "/:key", "/cheap", "/:name", "/versions/2", "/versions/:version", "/"+w.replay, "/:id", "/"+w.decision, "/:id")
		called[c.method+" "+r.Replace(c.path)] = true
	}
	for _, r := range w.echo.Routes() {
		if !called[r.Method+" "+r.Path] {
			t.Errorf("%s %s is not in the lists", r.Method, r.Path)
		}
	}
}

func TestStrangersReachNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, complete := w.tenant("acme", "complete", "act-for")
	_, usage := w.tenant("acme", "usage")
	_, policy := w.tenant("acme", "policy")
	id, disabled := w.tenant("acme", "complete", "policy", "usage", "act-for")
	w.want(200, nil, "PATCH", "/admin/tenants/acme/keys/"+id, adminToken, `{"disabled":true}`)
	_, suspended := w.tenant("asleep")
	w.want(200, nil, "PATCH", "/admin/tenants/asleep", adminToken, `{"state":"suspended"}`)
	id, expired := w.tenant("rival", "policy", "usage")
	k, err := w.store.Key(t.Context(), "rival", id)
	if err != nil {
		t.Fatal(err)
	}
	k.Expires = time.Now().Add(-time.Minute)
	if err := w.store.UpdateKey(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	if err := w.ring.Load(t.Context(), w.store); err != nil {
		t.Fatal(err)
	}
	before := w.state()

	for _, c := range w.tenantCalls() {
		other := policy // a key whose scopes are all but the right one
		if strings.Contains(c.path, "policies") || strings.Contains(c.path, "replays") {
			other = usage
		}
		for _, who := range []struct {
			name, secret, query string
			status              int
			code                string
		}{
			{"no key", "", "", 401, endpoint.NoKey.Code},
			{"a wrong key", "sy_wrong", "", 401, endpoint.NoKey.Code},
			{"a key cut short", w.secret[:len(w.secret)-1], "", 401, endpoint.NoKey.Code},
			{"a disabled key", disabled, "", 401, endpoint.NoKey.Code},
			{"an expired key", expired, "", 401, endpoint.NoKey.Code},
			{"a key of a suspended tenant", suspended, "", 401, endpoint.NoKey.Code},
			{"a key for completions", complete, "", 403, endpoint.MissingScope.Code},
			{"a key with another scope", other, "", 403, endpoint.MissingScope.Code},
			{"another tenant's key", w.rival, "?tenant=acme", 403, endpoint.ForeignTenant.Code},
			{"another tenant's key, for nobody", w.rival, "?tenant=nobody", 403, endpoint.ForeignTenant.Code},
			{"the admin token", adminToken, "", 400, endpoint.TenantRequired.Code},
			{"the admin token, for nobody", adminToken, "?tenant=nobody", 404, endpoint.NoTenant.Code},
		} {
			a := w.try(c, who.query, who.secret)
			if a.status != who.status || a.code() != who.code {
				t.Errorf("%s %s with %s: %d %s", c.method, c.path, who.name, a.status, a.body)
			}
			if a.status == 401 && a.header.Get("Www-Authenticate") != "Bearer" {
				t.Errorf("%s %s with %s: header %v", c.method, c.path, who.name, a.header)
			}
		}
	}
	for _, c := range w.adminCalls() {
		for name, secret := range map[string]string{"no token": "", "a wrong token": "let-me-i", "a tenant's key": w.secret, "a key for all": disabled} {
			if a := w.try(c, "", secret); a.status != 401 || a.code() != endpoint.NoAdminToken.Code {
				t.Errorf("%s %s with %s: %d %s", c.method, c.path, name, a.status, a.body)
			}
		}
	}
	w.token = ""
	for _, c := range w.adminCalls() {
		for _, secret := range []string{"", adminToken} {
			if a := w.try(c, "", secret); a.status != 403 || a.code() != endpoint.AdminDisabled.Code {
				t.Errorf("%s %s without a token configured: %d %s", c.method, c.path, a.status, a.body)
			}
		}
	}
	for _, c := range w.tenantCalls() {
		if a := w.try(c, "?tenant=acme", ""); a.status != 401 {
			t.Errorf("%s %s with neither token nor key: %d %s", c.method, c.path, a.status, a.body)
		}
	}
	if after := w.state(); after != before {
		t.Errorf("something has changed:\n%s\n%s", before, after)
	}
}

// What is another's answers as what does not exist, and what lists, lists one's own.
func TestTenantsDoNotMeet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.state()
	nothing := strings.NewReplacer("cheap", "nosuch", w.decision, fmt.Sprintf("%032x", 1), w.replay, "rpl_nosuch")
	for _, c := range w.tenantCalls() {
		if c.media != "" {
			continue // an upload makes a policy of one's own
		}
		a := w.try(c, "", w.rival)
		c.path = nothing.Replace(c.path)
		b := w.try(c, "", w.rival)
		switch {
		case a.status == 200:
			for _, word := range []string{"acme", "cheap", w.decision, w.replay, w.key} {
				if strings.Contains(a.body, word) {
					t.Errorf("%s %s tells %q: %s", c.method, c.path, word, a.body)
				}
			}
		case a.status != 404 || a.body != b.body:
			t.Errorf("%s %s: %d %s, and of what does not exist: %d %s", c.method, c.path, a.status, a.body, b.status, b.body)
		}
	}
	if after := w.state(); after != before {
		t.Errorf("something has changed:\n%s\n%s", before, after)
	}
}

// A key is found under its own tenant only, whoever asks.
func TestKeysHaveOneTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.state()
	for _, c := range w.adminCalls() {
		if !strings.Contains(c.path, w.key) {
			continue
		}
		c.path = strings.Replace(c.path, "/acme/", "/rival/", 1)
		if a := w.try(c, "", adminToken); a.status != 404 || a.code() != noSuchKey.Code {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.body)
		}
	}
	if after := w.state(); after != before {
		t.Errorf("something has changed:\n%s\n%s", before, after)
	}
}

// All calls succeed for those who may, so that the tables above fail for the right reasons.
func TestTheRightKeyOpens(t *testing.T) {
	t.Parallel()
	for _, as := range []struct {
		name   string
		secret func(*world) string
		query  string
	}{
		{"the tenant's key", func(w *world) string { return w.secret }, ""},
		{"the tenant's key, with its tenant", func(w *world) string { return w.secret }, "?tenant=acme"},
		{"the admin token", func(*world) string { return adminToken }, "?tenant=acme"},
	} {
		w := newWorld(t)
		for _, c := range w.tenantCalls() {
			if c.method != "GET" {
				continue
			}
			if a := w.try(c, as.query, as.secret(w)); a.status != 200 {
				t.Errorf("%s %s with %s: %d %s", c.method, c.path, as.name, a.status, a.body)
			}
		}
		if a := w.do("GET", "/v1/policies"+as.query, "", "", "x-api-key", as.secret(w)); as.secret(w) != adminToken && a.status != 200 {
			t.Errorf("x-api-key: %d %s", a.status, a.body)
		}
	}
	w := newWorld(t)
	if a := w.do("GET", "/v1/policies", "sk-file", ""); a.status != 200 {
		t.Errorf("a configured key: %d %s", a.status, a.body)
	}
	if a := w.do("GET", "/v1/policies?tenant=filed", adminToken, ""); a.status != 200 {
		t.Errorf("the admin for a configured tenant: %d %s", a.status, a.body)
	}
}
