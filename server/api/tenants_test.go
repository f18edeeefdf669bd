package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/server/api/internal/shape"
)

func TestTenants(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.want(201, nil, "POST", "/admin/tenants", adminToken, `{"name":"acme","display_name":"Acme","allow":{"models":["quality"],"regions":["eu"]},"tags":["a"],"pins":{"quality":"a/x"},`+
		`"limits":{"requests_per_minute":10,"usd_per_day":0.000000001,"usd_per_month":12.5}}`)
	if f.changes != 1 {
		t.Errorf("the router heard of %d changes", f.changes)
	}
	for _, step := range []struct{ patch, want string }{
		{`{}`, `{"name":"acme","display_name":"Acme","state":"active","source":"store","allow":{"models":["quality"],"regions":["eu"]},"tags":["a"],"pins":{"quality":"a/x"},` +
			`"limits":{"requests_per_minute":10,"usd_per_day":0.000000001,"usd_per_month":12.5},"revision":2}`},
		{`{"revision":2,"state":"suspended","limits":{"concurrent_requests":3}}`, `{"name":"acme","display_name":"Acme","state":"suspended","source":"store",` +
			`"allow":{"models":["quality"],"regions":["eu"]},"tags":["a"],"pins":{"quality":"a/x"},"limits":{"concurrent_requests":3},"revision":3}`},
		{`{"state":"active","allow":{},"tags":[],"pins":{},"limits":{},"display_name":""}`, `{"name":"acme","display_name":"","state":"active","source":"store","allow":{},"limits":{},"revision":4}`},
		{`{"tags":null,"limits":null}`, `{"name":"acme","display_name":"","state":"active","source":"store","allow":{},"limits":{},"revision":5}`},
	} {
		var got map[string]any
		f.want(200, &got, "PATCH", "/admin/tenants/acme", adminToken, step.patch)
		delete(got, "created_at")
		delete(got, "updated_at")
		var want map[string]any
		if err := json.Unmarshal([]byte(step.want), &want); err != nil {
			t.Fatal(err)
		}
		if have, wanted := fmt.Sprint(got), fmt.Sprint(want); have != wanted {
			t.Errorf("after %s: %s\nwant %s", step.patch, have, wanted)
		}
	}
	var list struct{ Tenants []shape.Tenant }
	f.want(200, &list, "GET", "/admin/tenants", adminToken, "")
	if len(list.Tenants) != 2 || list.Tenants[1].Name != "filed" || list.Tenants[1].Source != "config" || list.Tenants[1].Created != nil {
		t.Errorf("list: %+v", list)
	}

	_, secret := f.tenant("acme")
	f.upload("cheap", secret, module)
	f.want(204, nil, "DELETE", "/admin/tenants/acme", adminToken, "")
	f.want(401, nil, "GET", "/v1/policies", secret, "")
	f.want(204, nil, "DELETE", "/admin/tenants/acme", adminToken, "") // once more
	f.want(404, nil, "GET", "/v1/policies?tenant=acme", adminToken, "")
	var gone shape.Tenant
	f.want(200, &gone, "GET", "/admin/tenants/acme", adminToken, "")
	if gone.State != "closed" || !slices.Equal(f.policies.forgotten, []string{"acme"}) {
		t.Errorf("closed: %+v, forgotten %v", gone, f.policies.forgotten)
	}
	f.want(409, nil, "POST", "/admin/tenants", adminToken, `{"name":"acme"}`)
}

func TestInvalidTenants(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for body, param := range map[string]string{
		`{}`:             "",
		`{"name":""}`:    "name",
		`{"name":"a b"}`: "name",
		`{"name":"-a"}`:  "name",
		`{"name":"a/b"}`: "name",
		`{"name":"` + strings.Repeat("x", 65) + `"}`:          "name",
		`{"name":"a","limits":{"usd_per_day":-1}}`:            "limits.usd_per_day",
		`{"name":"a","limits":{"usd_per_day":1e10}}`:          "limits.usd_per_day",
		`{"name":"a","limits":{"usd_per_day":1e-10}}`:         "", // would be no limit
		`{"name":"a","limits":{"usd_per_day":"1"}}`:           "limits.usd_per_day",
		`{"name":"a","limits":{"requests_per_minute":-1}}`:    "limits.requests_per_minute",
		`{"name":"a","limits":{"requests_per_minute":1.5}}`:   "limits.requests_per_minute",
		`{"name":"a","limits":{"requests_per_minute":1e300}}`: "limits.requests_per_minute",
		`{"name":"a","limits":{"rpm":1}}`:                     "limits.rpm",
		`{"name":"a","tags":"x"}`:                             "tags",
		`{"name":"a","state":"suspended"}`:                    "state",
		`{"name":"a","pins":{"g":1}}`:                         "pins.g",
	} {
		a := f.do("POST", "/admin/tenants", adminToken, body)
		var e struct{ Error struct{ Param string } }
		_ = json.Unmarshal([]byte(a.body), &e)
		if a.status != 422 || a.code() != "invalid_value" || e.Error.Param != param {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	if list, err := f.store.ListTenants(t.Context()); err != nil || len(list) != 0 || f.changes != 0 {
		t.Errorf("%v, %v, %d changes", list, err, f.changes)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.want(201, nil, "POST", "/admin/tenants", adminToken, `{"name":"acme"}`)
	const path = "/admin/tenants/acme/keys"
	var made shape.Issued
	end := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	a := f.want(201, &made, "POST", path, adminToken, fmt.Sprintf(`{"name":"ci","scopes":["usage","complete"],"limits":{"usd_per_month":1},"expires_at":%q}`, end.Format(time.RFC3339)))
	k := made.Key
	if a.header.Get("Cache-Control") != "no-store" || !slices.Equal(k.Scopes, []string{"complete", "usage"}) || k.Limits.USDPerMonth != 1e9 || k.Expires == nil || !k.Expires.Equal(end) ||
		len(k.Secrets) != 1 || !strings.HasPrefix(made.Secret, k.Secrets[0].Hint) {
		t.Errorf("made %+v, %v", made, a.header)
	}
	f.want(200, nil, "GET", "/v1/usage", made.Secret, "") // in force

	var turned shape.Issued
	f.want(200, &turned, "POST", path+"/"+k.ID+"/rotate", adminToken, `{"overlap_seconds":3600}`)
	if turned.Secret == made.Secret || len(turned.Key.Secrets) != 2 || turned.Key.Secrets[1].Expires == nil {
		t.Errorf("rotated: %+v", turned)
	}
	f.want(200, nil, "GET", "/v1/usage", made.Secret, "")
	f.want(200, nil, "GET", "/v1/usage", turned.Secret, "")
	var last shape.Issued
	f.want(200, &last, "POST", path+"/"+k.ID+"/rotate", adminToken, `{"overlap_seconds":0}`)
	f.want(401, nil, "GET", "/v1/usage", made.Secret, "")
	f.want(401, nil, "GET", "/v1/usage", turned.Secret, "")
	f.want(200, nil, "GET", "/v1/usage", last.Secret, "")
	var kept shape.Issued
	f.want(200, &kept, "POST", path+"/"+k.ID+"/rotate", adminToken, "") // a day's overlap
	if n := len(kept.Key.Secrets); n != 2 {
		t.Errorf("%d secrets", n)
	}

	var changed shape.Key
	f.want(200, &changed, "PATCH", path+"/"+k.ID, adminToken, `{"disabled":true,"expires_at":null,"scopes":["policy"],"limits":{}}`)
	if !changed.Disabled || changed.Expires != nil || !slices.Equal(changed.Scopes, []string{"policy"}) || changed.Limits != (shape.Limits{}) || changed.Name != "ci" {
		t.Errorf("changed: %+v", changed)
	}
	f.want(401, nil, "GET", "/v1/policies", last.Secret, "")
	f.want(200, nil, "PATCH", path+"/"+k.ID, adminToken, `{"disabled":false}`)
	f.want(200, nil, "GET", "/v1/policies", last.Secret, "")
	for _, body := range []string{
		`{"scopes":[]}`, `{"scopes":["root"]}`, `{"name":""}`, `{"expires_at":"2001-01-01T00:00:00Z"}`, `{"expires_at":"9999-12-31T23:59:59-01:00"}`, `{"expires_at":"tomorrow"}`, `{"scopes":[{}]}`,
	} {
		f.want(422, nil, "PATCH", path+"/"+k.ID, adminToken, body)
	}
	a = f.want(200, nil, "GET", path, adminToken, "")
	if strings.Contains(a.body, last.Secret) {
		t.Error("a secret is shown again")
	}
	f.want(204, nil, "DELETE", path+"/"+k.ID, adminToken, "")
	f.want(401, nil, "GET", "/v1/policies", last.Secret, "")

	var filed struct{ Keys []shape.Key }
	f.want(200, &filed, "GET", "/admin/tenants/filed/keys", adminToken, "")
	if len(filed.Keys) != 1 || filed.Keys[0].Source != "config" || filed.Keys[0].ID != "file" {
		t.Errorf("configured: %+v", filed)
	}
	f.want(200, nil, "GET", "/admin/tenants/filed/keys/file", adminToken, "")
	f.want(404, nil, "GET", "/admin/tenants/filed/keys/other", adminToken, "")
}

// A name of plugins.yaml may have what must be escaped in a path.
func TestEscapedNames(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.also = []Configured{{}}
	f.also[0].Name, f.also[0].State = "team/a+b", 1
	var got shape.Tenant
	f.want(200, &got, "GET", "/admin/tenants/team%2Fa+b", adminToken, "")
	if got.Name != "team/a+b" {
		t.Errorf("%+v", got)
	}
	f.want(200, nil, "GET", "/v1/policies?tenant=team/a%2Bb", adminToken, "")
	f.want(404, nil, "GET", "/admin/tenants/team%2Fb", adminToken, "")
}
