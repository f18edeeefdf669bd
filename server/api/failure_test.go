package api

import (
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/server/api/internal/endpoint"
)

// broken is a body that can't be read.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// send sends a body that need not be one.
func (w *world) send(c call, secret string, body io.Reader) *answer {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), c.method, c.path, body)
	r.Header.Set("Authorization", "Bearer "+secret)
	if r.Header.Set("Content-Type", "application/json"); c.media != "" {
		r.Header.Set("Content-Type", c.media)
	}
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	return &answer{rec.Code, rec.Header(), rec.Body.String()}
}

var documented = regexp.MustCompile("`([a-z_]+)`: ")

// Every failure that is described is provoked here, on every route that has it, and nothing else comes of it.
func TestEveryFailureIsDescribedAndHappens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	expect := func(c call, a *answer, status int, code string) {
		t.Helper()
		if a.status != status || a.code() != code || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %d %s %v, want %d %s", c.method, c.path, a.status, a.body, a.header["Content-Type"], status, code)
		}
	}
	right := func(c call) string {
		if strings.HasPrefix(c.path, "/admin/") {
			return adminToken
		}
		return w.secret
	}
	_, complete := w.tenant("acme", "complete")
	all := append(w.tenantCalls(), w.adminCalls()...)

	// Of access.
	for _, c := range w.tenantCalls() {
		expect(c, w.try(c, "", ""), 401, "invalid_api_key")
		expect(c, w.try(c, "", complete), 403, "missing_scope")
		expect(c, w.try(c, "?tenant=acme", w.rival), 403, "tenant_not_allowed")
		expect(c, w.try(c, "", adminToken), 400, "tenant_required")
		expect(c, w.try(c, "?tenant=nobody", adminToken), 404, "tenant_not_found")
	}
	for _, c := range w.adminCalls() {
		expect(c, w.try(c, "", ""), 401, "invalid_admin_token")
		w.token = ""
		expect(c, w.try(c, "", ""), 403, "admin_disabled")
		w.token = adminToken
	}
	// Of reading the request.
	for _, c := range all {
		expect(c, w.try(c, "?nonsense=1", right(c)), 422, "invalid_value")
		if c.body == "" {
			continue
		}
		expect(c, w.send(c, right(c), broken{os.ErrDeadlineExceeded}), 408, "request_timeout")
		expect(c, w.send(c, right(c), broken{io.ErrUnexpectedEOF}), 400, "invalid_body")
		expect(c, w.send(c, right(c), strings.NewReader(strings.Repeat(" ", 4<<20))), 413, "request_too_large")
		wrong := c
		wrong.media = "text/plain"
		expect(c, w.try(wrong, "", right(c)), 415, "unsupported_media_type")
		if c.media == "" {
			expect(c, w.send(c, right(c), strings.NewReader(`{"`)), 400, "invalid_body")
			expect(c, w.send(c, right(c), strings.NewReader(`{"nonsense":1}`)), 422, "invalid_value")
		}
	}
	// Of what is not there.
	for _, c := range all {
		for part, code := range map[string]string{
			"/tenants/acme": "tenant_not_found", "/keys/" + w.key: "key_not_found", "/policies/cheap": "policy_not_found", "/versions/2": "version_not_found",
			"/" + w.decision: "decision_not_found", "/" + w.replay: "replay_not_found",
		} {
			missing := c
			missing.path = strings.Replace(c.path, part, strings.Repeat("0", len(part)), 1)
			if missing.path = strings.Replace(c.path, part, part[:strings.LastIndex(part, "/")+1]+strings.Repeat("9", 32), 1); part == "/versions/2" {
				missing.path = strings.Replace(c.path, part, "/versions/99", 1)
			}
			if missing.path == c.path || c.media != "" || part == "/policies/cheap" && strings.Contains(c.path, "/versions/") {
				continue
			}
			if strings.Contains(c.body, `"version"`) {
				code = "version_not_found"
			}
			expect(missing, w.try(missing, "", right(c)), 404, code)
		}
	}
	// Of the things themselves.
	for _, c := range []struct {
		call
		status int
		code   string
	}{
		{call{"POST", "/admin/tenants", `{"name":"acme"}`, ""}, 409, "already_exists"},
		{call{"POST", "/admin/tenants", `{"name":"filed"}`, ""}, 409, "configured"},
		{call{"PATCH", "/admin/tenants/filed", `{}`, ""}, 409, "configured"},
		{call{"PATCH", "/admin/tenants/acme", `{"revision":9}`, ""}, 409, "revision_conflict"},
		{call{"DELETE", "/admin/tenants/filed", "", ""}, 409, "configured"},
		{call{"POST", "/admin/tenants/filed/keys", `{"name":"k","scopes":["usage"]}`, ""}, 409, "configured"},
		{call{"POST", "/admin/tenants/acme/keys", `{"name":"key-complete","scopes":["usage"]}`, ""}, 409, "already_exists"},
		{call{"PATCH", "/admin/tenants/acme/keys/" + w.key, `{"name":"key-complete"}`, ""}, 409, "already_exists"},
		{call{"PATCH", "/admin/tenants/acme/keys/" + w.key, `{"revision":9}`, ""}, 409, "revision_conflict"},
		{call{"PATCH", "/admin/tenants/filed/keys/file", `{}`, ""}, 409, "configured"},
		{call{"DELETE", "/admin/tenants/filed/keys/file", "", ""}, 409, "configured"},
		{call{"POST", "/admin/tenants/filed/keys/file/rotate", "", ""}, 409, "configured"},
		{call{"GET", "/admin/tenants/nobody/keys/" + w.key, "", ""}, 404, "tenant_not_found"},
		{call{"POST", "/v1/policies/cheap", "no module", mediaWASM}, 422, "policy_refused"},
		{call{"DELETE", "/v1/policies/cheap", "", ""}, 409, "in_use"},
		{call{"DELETE", "/v1/policies/cheap/versions/1", "", ""}, 409, "in_use"},
		{call{"POST", "/v1/policies/cheap/canary", `{"version":1,"share_percent":1}`, ""}, 409, "in_use"},
		{call{"POST", "/v1/policies/cheap/replay", `{"version":1}`, ""}, 409, "replay_running"},
	} {
		expect(c.call, w.try(c.call, "", right(c.call)), c.status, c.code)
	}
	w.tenant("shut")
	w.want(204, nil, "DELETE", "/admin/tenants/shut", adminToken, "")
	for _, c := range []call{{"PATCH", "/admin/tenants/shut", `{}`, ""}, {"POST", "/admin/tenants/shut/keys", `{"name":"k","scopes":["usage"]}`, ""}} {
		expect(c, w.try(c, "", adminToken), 409, "tenant_closed")
	}
	closing := call{"DELETE", "/admin/tenants/rival", "", ""}
	w.conflict = true
	expect(closing, w.try(closing, "", adminToken), 409, "revision_conflict")
	for _, path := range []string{"activate", "canary", "rollback", "deactivate"} {
		c := call{"POST", "/v1/policies/cheap/" + path, `{}`, ""}
		switch path {
		case "activate":
			c.body = `{"version":2}`
		case "canary":
			c.body = `{"version":2,"share_percent":5}`
		}
		expect(c, w.try(c, "", w.secret), 409, "revision_conflict")
	}
	c := call{"POST", "/v1/policies/cheap", module, mediaWASM}
	expect(c, w.try(c, "", w.secret), 409, "revision_conflict")
	w.conflict = false
	// Of the router.
	w.replays.err = errors.New("the moon is full")
	_ = w.store.Close()
	for _, c := range all {
		if c.path == "/v1/replays" { // comes from memory
			continue
		}
		a := w.try(c, "", right(c))
		expect(c, a, 500, "internal_error")
		if strings.Contains(a.body, "sql") || strings.Contains(a.body, "moon") {
			t.Errorf("%s %s tells too much: %s", c.method, c.path, a.body)
		}
	}

	if a := w.do("GET", "/v1/policies?tenant=acme", adminToken, ""); a.status != 500 {
		t.Errorf("the admin for a tenant that can't be read: %d %s", a.status, a.body)
	}

	w.failed["GET /v1/replays internal_error"] = true
	for path, operations := range described(t, w.fixture).Paths {
		for method, op := range operations {
			if len(w.ofRoute(method, path)) == 0 {
				continue // the server's
			}
			happens := w.ofRoute(method, path)
			for status, r := range op.Responses {
				for _, m := range documented.FindAllStringSubmatch(r.Description, -1) {
					if !happens[m[1]] {
						t.Errorf("%s %s: %s %s is described and did not happen", method, path, status, m[1])
					}
					delete(happens, m[1])
				}
			}
			for code := range happens {
				t.Errorf("%s %s: %s has happened and is not described", method, path, code)
			}
		}
	}
}

// ofRoute is which failures have happened on a route.
func (f *fixture) ofRoute(method, path string) map[string]bool {
	codes := map[string]bool{}
	for seen := range f.failed {
		if code, ok := strings.CutPrefix(seen, strings.ToUpper(method)+" "+path+" "); ok {
			codes[code] = true
		}
	}
	return codes
}

func TestFailureBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		call
		want string
	}{
		{call{"POST", "/v1/policies/cheap", "no module", mediaWASM}, `{"error":{"message":"The policy was not admitted: it does not begin as a module; the note is too long.","type":"invalid_request_error",` +
			`"param":null,"code":"policy_refused","reasons":[{"code":"invalid_module","message":"it does not begin as a module","place":"module"},` +
			`{"code":"too_large","message":"the note is too long","place":"note"}]}}`},
		{call{"POST", "/v1/policies/cheap/activate", `{"version":0}`, ""}, `{"error":{"message":"version: expected number >= 1.","type":"invalid_request_error","param":"version","code":"invalid_value"}}`},
		{call{"POST", "/v1/policies/cheap/activate", "", ""}, `{"error":{"message":"Request body is required.","type":"invalid_request_error","param":null,"code":"invalid_body"}}`},
		{call{"GET", "/v1/policies/nosuch", "", ""}, `{"error":{"message":"The tenant has no such policy.","type":"invalid_request_error","param":null,"code":"policy_not_found"}}`},
		{call{"GET", "/v1/decisions?limit=9999", "", ""}, `{"error":{"message":"limit: expected number <= 200.","type":"invalid_request_error","param":"limit","code":"invalid_value"}}`},
	} {
		if a := w.try(c.call, "", w.secret); strings.TrimSpace(a.body) != c.want {
			t.Errorf("%s %s: %s\nwant %s", c.method, c.path, a.body, c.want)
		}
	}
	if k := endpoint.Internal.Say("%s", "x"); k.GetStatus() != 500 || fmt.Sprint(k) != "x" {
		t.Errorf("%v", k)
	}
}
