package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, setting{opts: Options{
		AdminToken: func() string { return "root" }, Version: "1.2.3",
		Plugins: func() any { return []string{"openai"} }, Limits: func() any { return 9 }, Reload: func() any { return map[string]bool{"ok": true} },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "metric 1\n") }),
	}})
	embed, text := `{"model":"quality","input":"a"}`, `{"model":"quality","prompt":"a"}`
	list := `{"object":"list","data":[{"id":"quality","object":"model","created":1735689600,"owned_by":"switchyard"},{"id":"team/*","object":"model","created":1735689600,"owned_by":"switchyard"}]}` + "\n"
	wild := `{"id":"team/a/b","object":"model","created":1735689600,"owned_by":"switchyard"}` + "\n"
	stream := events(roleChunk, helChunk, loChunk, finishChunk, "[DONE]")
	for _, tc := range []struct {
		method, path, body string
		status             int
		kind, want         string
	}{
		{"POST", "/v1/chat/completions", chatBody, 200, jsonType, chatAnswer},
		{"POST", "/chat/completions", chatBody, 200, jsonType, chatAnswer},
		{"POST", "/v1/chat/completions", streamBody, 200, "text/event-stream", stream},
		{"POST", "/v1/embeddings", embed, 200, jsonType, embedAnswer},
		{"POST", "/embeddings", embed, 200, jsonType, embedAnswer},
		{"POST", "/v1/completions", text, 200, jsonType, textAnswer},
		{"POST", "/completions", text, 200, jsonType, textAnswer},
		{"GET", "/v1/models", "", 200, jsonType, list},
		{"GET", "/models", "", 200, jsonType, list},
		{"GET", "/v1/models/quality", "", 200, jsonType, `{"id":"quality","object":"model","created":1735689600,"owned_by":"switchyard"}` + "\n"},
		{"GET", "/v1/models/team/a/b", "", 200, jsonType, wild},
		{"GET", "/v1/models/team%2Fa%2Fb", "", 200, jsonType, wild},
		{"GET", "/models/team/a/b", "", 200, jsonType, wild},
		{"POST", "/complete", chatBody, 200, jsonType, `{"content":"Hello","tool_calls":[],"model":"gpt-4o-2024","usage":{"prompt_tokens":10,"completion_tokens":4,"total_tokens":14}}`},
		{"GET", "/healthz", "", 200, jsonType, `{"status":"ok","version":"1.2.3"}` + "\n"},
		{"HEAD", "/healthz", "", 200, jsonType, `{"status":"ok","version":"1.2.3"}` + "\n"}, // net/http drops the body
		{"GET", "/readyz", "", 200, jsonType, `{"status":"ready"}` + "\n"},
		{"GET", "/metrics", "", 200, "text/plain; charset=utf-8", "metric 1\n"},
		{"GET", "/admin/plugins", "", 200, jsonType, `{"snapshot":7,"plugins":["openai"],"limits":9,"reload":{"ok":true}}` + "\n"},
		{"OPTIONS", "/v1/models", "", 204, "", ""},
	} {
		w := f.do(tc.method, tc.path, tc.body, "Authorization", "Bearer root")
		if w.Code != tc.status || w.Body.String() != tc.want {
			t.Errorf("%s %s: got %d %s\nwant %d %s", tc.method, tc.path, w.Code, w.Body, tc.status, tc.want)
		}
		if got := w.Header().Get("Content-Type"); got != tc.kind {
			t.Errorf("%s %s: content type %q, want %q", tc.method, tc.path, got, tc.kind)
		}
		if w.Header().Get("X-Request-Id") == "" {
			t.Errorf("%s %s: no x-request-id", tc.method, tc.path)
		}
	}
}

// problem is the error object, read strictly.
type problem struct {
	Error *struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	} `json:"error"`
}

func readProblem(t *testing.T, body string) problem {
	t.Helper()
	var p problem
	d := json.NewDecoder(strings.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil || p.Error == nil {
		t.Fatalf("not an error object: %s (%v)", body, err)
	}
	for _, member := range []string{`"message":"`, `"type":"`, `"param":`, `"code":`} {
		if !strings.Contains(body, member) {
			t.Errorf("the error object lacks %s: %s", member, body)
		}
	}
	return p
}

func TestErrors(t *testing.T) {
	t.Parallel()
	open := setting{}
	closed := setting{keys: []*gateway.Key{
		keyOf("acme", &gateway.Tenant{Name: "acme", Models: map[string]bool{"quality": true}}, false),
		keyOf("broker", &gateway.Tenant{Name: "broker"}, true),
	}}
	admin := setting{opts: Options{AdminToken: func() string { return "root" }, Plugins: func() any { panic("no plugins") }, Reload: func() any { return make(chan int) }}}
	broken := setting{opts: Options{AdminToken: func() string { return "root" }, Reload: func() any { return make(chan int) }}}
	starting := setting{bare: true, opts: Options{Ready: func() (bool, string) { return false, "No snapshot yet." }}}
	down := setting{vendor: refuse(503, "overloaded", "Busy.", "Retry-After", "7")}
	strict := setting{vendor: refuse(422, "", "No.")}
	for _, tc := range []struct {
		name               string
		set                setting
		method, path, body string
		header             []string
		status             int
		typ, param, code   string
		message            string // a part of it
	}{
		{"no such route", open, "GET", "/v2/chat", "", nil, 404, typeRequest, "", "unknown_url", `GET "/v2/chat"`},
		{"wrong method", open, "GET", "/v1/chat/completions", "", nil, 405, typeRequest, "", "method_not_allowed", "use OPTIONS, POST"},
		{"wrong method on a wildcard", open, "DELETE", "/v1/models/x", "", nil, 405, typeRequest, "", "method_not_allowed", "GET"},
		{"no body", open, "POST", "/v1/chat/completions", "", nil, 400, typeRequest, "", "invalid_json", "at byte 0"},
		{"broken JSON", open, "POST", "/v1/chat/completions", `{"model":"quality",}`, nil, 400, typeRequest, "", "invalid_json", "at byte 19"},
		{"trailing garbage", open, "POST", "/v1/chat/completions", chatBody + "x", nil, 400, typeRequest, "", "invalid_json", "at byte 63"},
		{"not an object", open, "POST", "/v1/embeddings", `[]`, nil, 400, typeRequest, "", "invalid_json", "array"},
		{"no model", open, "POST", "/v1/completions", `{"prompt":"a"}`, nil, 400, typeRequest, "model", "missing_required_parameter", "model"},
		{"streamed embeddings", open, "POST", "/v1/embeddings", `{"model":"quality","input":"a","stream":true}`, nil, 400, typeRequest, "stream", "invalid_value", "streamed"},
		{"unknown model", open, "POST", "/v1/chat/completions", `{"model":"nope","messages":[]}`, nil, 404, typeRequest, "model", "model_not_found", `"nope"`},
		{"unknown model of a stream", open, "POST", "/v1/chat/completions", `{"model":"nope","messages":[],"stream":true}`, nil, 404, typeRequest, "model", "model_not_found", `"nope"`},
		{"show an unknown model", open, "GET", "/v1/models/nope", "", nil, 404, typeRequest, "model", "model_not_found", `"nope"`},
		{"show the start of a wildcard", open, "GET", "/v1/models/team/", "", nil, 404, typeRequest, "model", "model_not_found", `"team/"`},
		{"show another's model", closed, "GET", "/v1/models/team/a", "", []string{"x-api-key", "sk-acme"}, 404, typeRequest, "model", "model_not_found", `"team/a"`},
		{"retries header", open, "POST", "/v1/chat/completions", chatBody, []string{headerRetries, "many"}, 400, typeRequest, "x-switchyard-num-retries", "invalid_value", `"many"`},
		{"too many retries", open, "POST", "/v1/chat/completions", chatBody, []string{headerRetries, "101"}, 400, typeRequest, "x-switchyard-num-retries", "invalid_value", "100"},
		{"timeout header", open, "POST", "/v1/chat/completions", chatBody, []string{headerTimeout, "soon"}, 400, typeRequest, "x-switchyard-timeout", "invalid_type", "soon"},
		{"stream timeout header", open, "POST", "/v1/chat/completions", chatBody, []string{headerStreamTimeout, "-1"}, 400, typeRequest, "x-switchyard-stream-timeout", "invalid_type", "-1"},
		{"complete without messages", open, "POST", "/complete", `{"model":"quality","messages":[]}`, nil, 400, typeRequest, "messages", "missing_required_parameter", "messages"},
		{"complete with an odd tenant", open, "POST", "/complete", `{"model":"quality","messages":[{}],"tenant_id":5}`, nil, 400, typeRequest, "tenant_id", "invalid_type", "number"},
		{"complete with broken JSON", open, "POST", "/complete/stream", `{`, nil, 400, typeRequest, "", "invalid_json", "at byte 1"},
		{"complete with an answer that is none", setting{vendor: constant(`{"choices":[]}`)}, "POST", "/complete", chatBody, nil, 502, typeServer, "", "bad_upstream_response", "no message"},

		{"vendor's error", strict, "POST", "/v1/chat/completions", chatBody, nil, 422, "vendor_error", "", "upstream_error", "No."},
		{"vendor's error before a stream", strict, "POST", "/v1/chat/completions", streamBody, nil, 422, "vendor_error", "", "upstream_error", "No."},
		{"vendor's error before a simple stream", down, "POST", "/complete/stream", chatBody, nil, 503, "vendor_error", "", "overloaded", "Busy."},

		{"no key", closed, "POST", "/v1/chat/completions", chatBody, nil, 401, typeAuthentication, "", codeKey, "No API key"},
		{"empty key", closed, "POST", "/v1/chat/completions", chatBody, []string{"Authorization", "Bearer "}, 401, typeAuthentication, "", codeKey, "No API key"},
		{"another scheme", closed, "GET", "/v1/models", "", []string{"Authorization", "Basic sk-acme"}, 401, typeAuthentication, "", codeKey, "No API key"},
		{"wrong key", closed, "POST", "/v1/chat/completions", chatBody, []string{"Authorization", "Bearer sk-acm"}, 401, typeAuthentication, "", codeKey, "not valid"},
		{"wrong x-api-key", closed, "POST", "/complete", chatBody, []string{"x-api-key", "sk-x"}, 401, typeAuthentication, "", codeKey, "not valid"},
		{"group not allowed", closed, "POST", "/v1/chat/completions", strings.Replace(chatBody, "quality", "team/a", 1), []string{"x-api-key", "sk-acme"}, 404, typeRequest, "model", "model_not_found", `"team/a"`},
		{"acting without the right", closed, "POST", "/v1/chat/completions", chatBody, []string{"x-api-key", "sk-acme", headerTenant, "broker"}, 403, typePermission, "", "tenant_not_allowed", "another tenant"},
		{"acting in the body without the right", closed, "POST", "/complete", `{"model":"quality","messages":[{}],"tenant_id":"broker"}`, []string{"x-api-key", "sk-acme"}, 403, typePermission, "", "tenant_not_allowed", "another tenant"},
		{"acting for nobody", closed, "POST", "/v1/chat/completions", chatBody, []string{"x-api-key", "sk-broker", headerTenant, "ghost"}, 404, typeRequest, "", "tenant_not_found", `"ghost"`},

		{"no admin token configured", open, "GET", "/admin/deployments", "", []string{"Authorization", "Bearer "}, 403, typePermission, "", "admin_disabled", "server.admin_token (SWITCHYARD_ADMIN_TOKEN)"},
		{"no admin token sent", admin, "GET", "/admin/plugins", "", nil, 401, typeAuthentication, "", "invalid_admin_token", "admin token"},
		{"wrong admin token", admin, "GET", "/admin/deployments", "", []string{"Authorization", "Bearer roo"}, 401, typeAuthentication, "", "invalid_admin_token", "admin token"},
		{"admin token as an API key", admin, "GET", "/admin/deployments", "", []string{"x-api-key", "root"}, 401, typeAuthentication, "", "invalid_admin_token", "admin token"},
		{"panic", admin, "GET", "/admin/plugins", "", []string{"Authorization", "Bearer root", "x-request-id", "r-1"}, 500, typeServer, "", codeInternal, "(r-1)"},
		{"what can't be marshalled", broken, "GET", "/admin/plugins", "", []string{"Authorization", "Bearer root"}, 500, typeServer, "", codeInternal, "failed on this request"},

		{"no snapshot", starting, "POST", "/v1/chat/completions", chatBody, nil, 503, typeServer, "", "not_ready", "starting"},
		{"not ready", starting, "GET", "/readyz", "", nil, 503, typeServer, "", "not_ready", "No snapshot yet."},
		{"no metrics", open, "GET", "/metrics", "", nil, 404, typeRequest, "", "unknown_url", "/metrics"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t, tc.set)
			w := f.do(tc.method, tc.path, tc.body, append([]string{headerRetries, "0"}, tc.header...)...)
			p := readProblem(t, w.Body.String())
			if w.Code != tc.status || p.Error.Type != tc.typ || text(p.Error.Param) != tc.param || text(p.Error.Code) != tc.code {
				t.Errorf("got %d %s\nwant %d %q %q %q", w.Code, w.Body, tc.status, tc.typ, tc.param, tc.code)
			}
			if !strings.Contains(p.Error.Message, tc.message) {
				t.Errorf("the message %q does not contain %q", p.Error.Message, tc.message)
			}
			if got := w.Header().Get("Content-Type"); got != jsonType {
				t.Errorf("content type %q", got)
			}
			if got := w.Header().Get("Www-Authenticate"); (got != "") != (tc.status == 401) {
				t.Errorf("www-authenticate %q with status %d", got, w.Code)
			}
			if tc.status == 405 && w.Header().Get("Allow") == "" {
				t.Error("405 without Allow")
			}
			for _, secret := range []string{"sk-", "root", "roo"} {
				if strings.Contains(w.Body.String(), secret) || strings.Contains(f.log.String(), "sk-") {
					t.Errorf("a secret shows in the answer or the log: %s %s", w.Body, f.log)
				}
			}
		})
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func TestAuthorized(t *testing.T) {
	t.Parallel()
	acme := &gateway.Tenant{Name: "acme", Tags: []string{"default", "eu"}}
	globex := &gateway.Tenant{Name: "globex", Tags: []string{"globex"}}
	keys := []*gateway.Key{keyOf("acme", acme, false), keyOf("broker", &gateway.Tenant{Name: "broker"}, true), keyOf("globex", globex, false)}
	simple := func(tenant string) string {
		return `{"model":"quality","messages":[{"role":"user","content":"Hi"}],"tenant_id":"` + tenant + `","tags":["x"]}`
	}
	for _, tc := range []struct {
		name, path, body string
		keys             []*gateway.Key
		header           []string
		tenant, key      string
		tags             string
	}{
		{"bearer", "/v1/chat/completions", chatBody, keys, []string{"Authorization", "Bearer sk-acme"}, "acme", "acme", "default eu"},
		{"lower case scheme", "/v1/chat/completions", chatBody, keys, []string{"Authorization", "bearer  sk-acme "}, "acme", "acme", "default eu"},
		{"x-api-key", "/v1/chat/completions", chatBody, keys, []string{"x-api-key", "sk-acme"}, "acme", "acme", "default eu"},
		{"x-api-key beside basic", "/v1/chat/completions", chatBody, keys, []string{"Authorization", "Basic eDp5", "x-api-key", "sk-acme"}, "acme", "acme", "default eu"},
		{"own name", "/complete", simple("acme"), keys, []string{"x-api-key", "sk-acme"}, "acme", "acme", "x"},
		{"acting, header", "/v1/chat/completions", chatBody, keys, []string{"x-api-key", "sk-broker", headerTenant, "globex"}, "globex", "broker", "globex"},
		{"acting, body", "/complete", simple("globex"), keys, []string{"x-api-key", "sk-broker"}, "globex", "broker", "x"},
		{"acting, body over header", "/complete", simple("globex"), keys, []string{"x-api-key", "sk-broker", headerTenant, "acme"}, "globex", "broker", "x"},
		{"not acting", "/complete", simple(""), keys, []string{"x-api-key", "sk-broker"}, "broker", "broker", "x"},
		{"tags in the header instead of the tenant's", "/v1/chat/completions", chatBody, keys, []string{"x-api-key", "sk-acme", headerTags, "us, x"}, "acme", "acme", "us x"},
		{"open", "/v1/chat/completions", chatBody, nil, nil, "", "", ""},
		{"open, key ignored", "/v1/chat/completions", chatBody, nil, []string{"Authorization", "Bearer whatever"}, "", "", ""},
		{"open, any name", "/complete", simple("anyone"), nil, nil, "anyone", "", "x"},
		{"open, any name in the header", "/v1/chat/completions", chatBody, nil, []string{headerTenant, "anyone"}, "anyone", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t, setting{keys: tc.keys})
			if w := f.do("POST", tc.path, tc.body, tc.header...); w.Code != 200 {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			q := (<-f.records).Request
			key := ""
			if q.Key != nil {
				key = q.Key.Name
			}
			if q.TenantName != tc.tenant || key != tc.key || strings.Join(q.Tags, " ") != tc.tags {
				t.Errorf("tenant %q, key %q, tags %q", q.TenantName, key, q.Tags)
			}
			if tc.keys != nil && (q.Tenant == nil || q.Tenant.Name != tc.tenant) {
				t.Errorf("tenant %+v", q.Tenant)
			}
		})
	}
}

func TestTenantsModels(t *testing.T) {
	t.Parallel()
	f := newFixture(t, setting{keys: []*gateway.Key{keyOf("acme", &gateway.Tenant{Name: "acme", Models: map[string]bool{"quality": true}}, false)}})
	w := f.do("GET", "/v1/models", "", "x-api-key", "sk-acme")
	if got := w.Body.String(); !strings.Contains(got, `"quality"`) || strings.Contains(got, "team") {
		t.Errorf("got %s", got)
	}
}

func TestRequestHeaders(t *testing.T) {
	t.Parallel()
	f := newFixture(t, setting{})
	all := []string{headerRetries, "3", headerTimeout, "90", headerStreamTimeout, "2.5", headerSession, "s1", headerTags, "a, b,,c ", "x-request-id", "trace-1"}
	w := f.chat(chatBody, all...)
	q := (<-f.records).Request
	if q.NumRetries == nil || *q.NumRetries != 3 || q.Timeout != 90*time.Second || q.StreamTimeout == nil || *q.StreamTimeout != 2500*time.Millisecond ||
		q.Session != "s1" || strings.Join(q.Tags, " ") != "a b c" || q.ID != "trace-1" || w.Header().Get("x-request-id") != "trace-1" {
		t.Errorf("headers were read as %+v", q)
	}

	f.chat(chatBody, headerTimeout, "1m30s", headerStreamTimeout, "500ms")
	q = (<-f.records).Request
	if q.Timeout != 90*time.Second || q.StreamTimeout == nil || *q.StreamTimeout != 500*time.Millisecond {
		t.Errorf("durations were read as %+v", q)
	}

	body := `{"model":"quality","messages":[{"role":"user","content":"Hi"}],"num_retries":1,"timeout":5,"stream_timeout":1,"user":"u","tags":["t"]}`
	f.chat(body, all...)
	q = (<-f.records).Request
	if *q.NumRetries != 1 || q.Timeout != 5*time.Second || *q.StreamTimeout != time.Second || q.Session != "u" || strings.Join(q.Tags, " ") != "t" {
		t.Errorf("the body does not win over the headers: %+v", q)
	}

	for _, odd := range []string{"", "two words", "tab\there", "ü", strings.Repeat("x", 129)} {
		got := f.chat(chatBody, "x-request-id", odd).Header().Get("x-request-id")
		if q := (<-f.records).Request; got == odd || len(got) != len("req-")+32 || q.ID != got {
			t.Errorf("request ID %q became %q, and %q inside", odd, got, q.ID)
		}
	}
	longest := strings.Repeat("x", 128)
	if got := f.chat(chatBody, "x-request-id", longest).Header().Get("x-request-id"); got != longest {
		t.Errorf("a request ID of 128 characters became %q", got)
	}
	<-f.records
}
