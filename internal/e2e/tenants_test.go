package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/tidwall/gjson"
)

// account calls the router's API as somebody.
type account struct {
	*router
	secret string
}

func (r *router) admin() account { return account{r, adminToken} }

// call sends a request of which nothing but the status in want is expected, and returns the answer.
func (a account) call(want int, method, path, body string) gjson.Result {
	a.t.Helper()
	got, err := send(a.t.Context(), method, a.url+path, body, "Authorization", "Bearer "+a.secret)
	if err != nil {
		a.t.Fatalf("%s %s: %v", method, path, err)
	}
	if got.status != want {
		a.t.Fatalf("%s %s: status %d, want %d: %s", method, path, got.status, want, got.body)
	}
	return gjson.Parse(got.body)
}

// tenant makes a tenant and a key with scopes. settings, if any, follow the name in the body.
func (r *router) tenant(name, settings string, scopes ...string) account {
	r.t.Helper()
	r.admin().call(http.StatusCreated, http.MethodPost, "/admin/tenants", fmt.Sprintf(`{"name":%q%s}`, name, settings))
	return account{r, r.key(name, "ci", "", scopes...).Get("secret").Str}
}

// key makes a key of a tenant. settings, if any, follow the scopes in the body.
func (r *router) key(tenant, name, settings string, scopes ...string) gjson.Result {
	r.t.Helper()
	list, err := json.Marshal(scopes)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.admin().call(http.StatusCreated, http.MethodPost, "/admin/tenants/"+tenant+"/keys", fmt.Sprintf(`{"name":%q,"scopes":%s%s}`, name, list, settings))
}

// upload sends a version of a policy and returns its number, or the error's body if the status is another than 201.
func (a account) upload(want int, name string, module []byte, config string) gjson.Result {
	a.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("module", "policy.wasm")
	if err == nil {
		_, err = part.Write(module)
	}
	if err == nil && config != "" {
		err = form.WriteField("config", config)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		a.t.Fatal(err)
	}
	got, err := send(a.t.Context(), http.MethodPost, a.url+"/v1/policies/"+name, body.String(), "Authorization", "Bearer "+a.secret, "Content-Type", form.FormDataContentType())
	if err != nil {
		a.t.Fatal(err)
	}
	if got.status != want {
		a.t.Fatalf("upload of %s: status %d, want %d: %s", name, got.status, want, got.body)
	}
	return gjson.Parse(got.body)
}

// decides sends a request to group g and tells which deployment answered and which policy sent it there.
func (a account) decides(tag string) (deployment, policy string, ans *answer) {
	a.t.Helper()
	ans = a.post("/v1/chat/completions", ask("g", "x"), "Authorization", "Bearer "+a.secret, "X-Switchyard-Tags", tag)
	return ans.header.Get("X-Switchyard-Deployment"), ans.header.Get("X-Switchyard-Policy"), ans
}

// replayed starts a replay and waits for its result.
func (a account) replayed(policy string, version int) gjson.Result {
	a.t.Helper()
	job := a.call(http.StatusAccepted, http.MethodPost, "/v1/policies/"+policy+"/replay", fmt.Sprintf(`{"version":%d,"last":1000}`, version))
	eventually(a.t, patience, "the replay", func() error {
		job = a.call(http.StatusOK, http.MethodGet, "/v1/replays/"+job.Get("id").Str, "")
		return want("its state", job.Get("state").Str, "done")
	})
	return job.Get("result")
}

// example is a policy of examples/policies, built as its tenant would build it.
var example = sync.OnceValues(func() ([]byte, error) {
	path := filepath.Join(filepath.Dir(traps), "prefer-region.wasm")
	if err := compile([]string{"GOOS=wasip1", "GOARCH=wasm"}, "-ldflags=-s -w", "-buildmode=c-shared", "-o", path, "./examples/policies/prefer-region"); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// tenantRouter runs a router without tenants whose group g sends everything to model a, in us, while b is in eu.
func tenantRouter(t *testing.T) *router {
	t.Helper()
	v := startVendors(t)
	v.profile("fast", quick)
	f := copyPlugins(t, "openai", "anthropic", "ollama", "weighted")
	return serve(t, writeConfig(t, preamble(f.dir)+accounts(v.addr, "fast")+`models:
  g:
    strategy: weighted
    deployments:
      - {provider: openai-fast, model: a, tags: [us], region: us-east-1, price: {input: 10, output: 30}}
      - {provider: openai-fast, model: b, tags: [eu], region: eu-west-1, weight: 0, price: {input: 1, output: 3}}
`))
}

// TestTenantLifecycle goes the way of a tenant with its policy, over HTTP alone.
func TestTenantLifecycle(t *testing.T) {
	t.Parallel()
	module, err := example()
	if err != nil {
		t.Fatal(err)
	}
	broken, err := fickle()
	if err != nil {
		t.Fatal(err)
	}
	r := tenantRouter(t)
	if a := r.post("/v1/chat/completions", ask("g", "x")); a.status != http.StatusOK {
		t.Errorf("before there are keys: status %d", a.status)
	}
	acme := r.tenant("acme", "", "complete", "policy", "usage")
	if a := r.post("/v1/chat/completions", ask("g", "x")); a.status != http.StatusUnauthorized {
		t.Errorf("without a key once there are some: status %d", a.status)
	}
	const before, after = "openai-fast/a", "openai-fast/b"
	const requests = 60
	for range requests {
		if deployment, policy, _ := acme.decides(""); deployment != before || policy != "" {
			t.Fatalf("without a policy %q decided by %q", deployment, policy)
		}
	}

	// An upload that is refused says everything that is wrong with it; a good one serves nothing yet.
	refused := acme.upload(http.StatusUnprocessableEntity, "home", module, `{"regoin": "eu"}`)
	if reasons := refused.Get("error.reasons"); refused.Get("error.code").Str != "policy_refused" || !strings.Contains(reasons.Raw, "regoin") {
		t.Errorf("a misspelt configuration: %s", refused.Raw)
	}
	first := acme.upload(http.StatusCreated, "home", module, "region: eu\n")
	if first.Get("version").Int() != 1 || first.Get("config.region").Str != "eu" {
		t.Errorf("the first version: %s", first.Raw)
	}
	if _, policy, _ := acme.decides(""); policy != "" {
		t.Errorf("%q decides, and was only uploaded", policy)
	}

	// What it would have done: all of it elsewhere, for a tenth of the money.
	result := acme.replayed("home", 1)
	if moved, all := result.Get("moved").Int(), result.Get("requests").Int(); moved != all || all < requests || result.Get("faults").Raw != "{}" {
		t.Errorf("%d of %d would have moved: %s", moved, all, result.Raw)
	}
	if was, is := result.Get("cost_usd.before").Num, result.Get("cost_usd.after").Num; is <= 0 || was/is < 9.99 || was/is > 10.01 {
		t.Errorf("the cost goes from %v to %v", was, is)
	}
	if n := len(result.Get("largest").Array()); n != 10 {
		t.Errorf("%d largest differences", n)
	}

	// A canary decides for a part.
	acme.call(http.StatusOK, http.MethodPost, "/v1/policies/home/canary", `{"version":1,"share_percent":30}`)
	shares := map[string]int{}
	for range 200 {
		deployment, policy, _ := acme.decides("")
		if (deployment == after) != (policy == "home@1") {
			t.Fatalf("%q decided by %q", deployment, policy)
		}
		shares[policy]++
	}
	if n := shares["home@1"]; n < 30 || n > 95 { // five standard deviations
		t.Errorf("the canary of 30%% decided for %d of 200", n)
	}
	eventually(t, patience, "the comparison", func() error {
		f := acme.call(http.StatusOK, http.MethodGet, "/v1/policies/home/figures", "").Get("versions.0")
		return want("requests of the canary", f.Get("canary.canary.requests").Int(), int64(shares["home@1"]))
	})

	// The active one decides for all, and replayed it changes nothing.
	acme.call(http.StatusOK, http.MethodPost, "/v1/policies/home/activate", `{"version":1}`)
	for range requests {
		if deployment, policy, _ := acme.decides(""); deployment != after || policy != "home@1" {
			t.Fatalf("%q decided by %q", deployment, policy)
		}
	}
	if result := acme.call(http.StatusOK, http.MethodGet, "/v1/decisions?limit=1", ""); result.Get("decisions.0.policy").Str != "home" || result.Get("decisions.0.deployment").Str != after {
		t.Errorf("the latest decision: %s", result.Raw)
	} else {
		one := acme.call(http.StatusOK, http.MethodGet, "/v1/decisions/"+result.Get("decisions.0.id").Str, "")
		if text := one.Get("explanation").Raw; !strings.Contains(text, "cheapest in eu") || !strings.Contains(text, after+" was chosen by home") {
			t.Errorf("in words: %s", text)
		}
	}

	// A bad version goes back by itself, and no request is lost over it.
	acme.upload(http.StatusCreated, "home", []byte(readFile(t, filepath.Join(broken, "fickle.wasm"))), `{"prefer":"b"}`)
	acme.call(http.StatusOK, http.MethodPost, "/v1/policies/home/activate", `{"version":2}`)
	if deployment, policy, _ := acme.decides(""); deployment != after || policy != "home@2" {
		t.Errorf("%q decided by %q", deployment, policy)
	}
	eventually(t, patience, "the rollback", func() error {
		_, policy, a := acme.decides("trap")
		if a.status != http.StatusOK {
			t.Fatalf("a request while the policy traps: status %d: %s", a.status, a.body)
		}
		return want("the policy", policy, "home@1")
	})
	shown := acme.call(http.StatusOK, http.MethodGet, "/v1/policies/home", "")
	if latest := shown.Get("history.0"); shown.Get("active_version").Int() != 1 || latest.Get("by").Str != "rollback" || !strings.Contains(latest.Get("reason").Str, "fault") {
		t.Errorf("after the rollback: %s", shown.Raw)
	}

	// Only what does not serve can be deleted.
	if e := acme.call(http.StatusConflict, http.MethodDelete, "/v1/policies/home", ""); e.Get("error.code").Str == "" {
		t.Errorf("deleting what serves: %s", e.Raw)
	}
	acme.call(http.StatusOK, http.MethodPost, "/v1/policies/home/deactivate", "")
	acme.call(http.StatusNoContent, http.MethodDelete, "/v1/policies/home", "")
	acme.call(http.StatusNotFound, http.MethodGet, "/v1/policies/home", "")
	if deployment, policy, _ := acme.decides(""); deployment != before || policy != "" {
		t.Errorf("in the end %q decided by %q", deployment, policy)
	}
}

// TestUsage compares the ledger with the sums of what responses said, by key, by deployment and in CSV, before and after a
// restart.
func TestUsage(t *testing.T) {
	t.Parallel()
	r := tenantRouter(t)
	acme := r.tenant("acme", "", "complete", "usage")
	other := account{r, r.key("acme", "other", "", "complete").Get("secret").Str}
	guest := r.tenant("guest", "", "complete", "usage")
	var requests, prompt, completion int64
	var cost float64
	for i := range 40 {
		who := acme
		if i%4 == 0 {
			who = other
		}
		_, _, a := who.decides("")
		u := gjson.Get(a.body, "usage")
		requests++
		prompt += u.Get("prompt_tokens").Int()
		completion += u.Get("completion_tokens").Int()
		cost += gjson.Parse(a.header.Get("X-Switchyard-Cost-Usd")).Num
	}
	for range 7 { // streams
		s, err := open(t.Context(), r.url+"/v1/chat/completions", ask("g", "x", streamed, `"stream_options":{"include_usage":true}`), "Authorization", "Bearer "+acme.secret)
		if err != nil {
			t.Fatal(err)
		}
		for {
			data, err := s.next()
			if err != nil {
				break
			}
			if u := gjson.Get(data, "usage"); u.IsObject() {
				requests++
				prompt += u.Get("prompt_tokens").Int()
				completion += u.Get("completion_tokens").Int()
				cost += float64(u.Get("prompt_tokens").Int())*10e-6 + float64(u.Get("completion_tokens").Int())*30e-6
			}
		}
	}
	guest.decides("")
	if a := guest.post("/v1/chat/completions", ask("nothing", "x"), "Authorization", "Bearer "+guest.secret); a.status != http.StatusNotFound {
		t.Errorf("a group that is not there: %d", a.status)
	}
	check := func(r *router, when string) {
		t.Helper()
		acme, guest := account{r, acme.secret}, account{r, guest.secret}
		got := acme.call(http.StatusOK, http.MethodGet, "/v1/usage?by=key,deployment", "")
		total := got.Get("total")
		if total.Get("requests").Int() != requests || total.Get("prompt_tokens").Int() != prompt || total.Get("completion_tokens").Int() != completion || total.Get("failed").Int() != 0 {
			t.Errorf("%s: total %s, want %d requests with %d and %d tokens", when, total.Raw, requests, prompt, completion)
		}
		if d := total.Get("cost_usd").Num - cost; d > 1e-6 || d < -1e-6 || cost == 0 {
			t.Errorf("%s: cost %v, want %v", when, total.Get("cost_usd").Num, cost)
		}
		var byRow int64
		for _, row := range got.Get("rows").Array() {
			byRow += row.Get("requests").Int()
			if row.Get("deployment").Str != "openai-fast/a" || row.Get("key").Str == "" {
				t.Errorf("%s: row %s", when, row.Raw)
			}
		}
		if n := len(got.Get("rows").Array()); byRow != requests || n != 2 {
			t.Errorf("%s: %d rows with %d requests", when, n, byRow)
		}
		if g := guest.call(http.StatusOK, http.MethodGet, "/v1/usage", "").Get("total"); g.Get("requests").Int() != 2 || g.Get("failed").Int() != 1 {
			t.Errorf("%s: guest %s", when, g.Raw)
		}
		all := r.admin().call(http.StatusOK, http.MethodGet, "/admin/usage?by=tenant", "").Get("total")
		if all.Get("requests").Int() != requests+2 {
			t.Errorf("%s: all %s", when, all.Raw)
		}
		csv, err := send(t.Context(), http.MethodGet, r.url+"/v1/usage?by=day&format=csv", "", "Authorization", "Bearer "+acme.secret)
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Split(strings.TrimSpace(csv.body), "\n"); csv.status != http.StatusOK || !strings.HasPrefix(csv.header.Get("Content-Type"), "text/csv") || len(lines) < 2 || !strings.Contains(lines[1], fmt.Sprint(requests)) {
			t.Errorf("%s: CSV %s", when, csv.body)
		}
	}
	check(r, "at once")
	config := r.config
	r.signal(syscall.SIGTERM)
	r.code()
	check(serve(t, config), "after a restart")
}
