package console

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// standIn answers as a router would: by method and path, in turn where there are several answers. It notes what it is asked.
type standIn struct {
	t       *testing.T
	server  *httptest.Server
	answers map[string][]string // "STATUS BODY"

	mu    sync.Mutex
	asked []string // "METHOD PATH?QUERY SECRET BODY"
	hook  func(request string)
}

func stand(t *testing.T, answers map[string][]string) *standIn {
	t.Helper()
	s := &standIn{t: t, answers: answers}
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	return s
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	what := r.Method + " " + r.URL.RequestURI()
	said := what + " " + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		said += s.form(r)
	} else if body, err := io.ReadAll(r.Body); err != nil {
		s.t.Error(err)
	} else if len(body) > 0 {
		said += " " + string(body)
	}
	s.mu.Lock()
	s.asked = append(s.asked, said)
	list := s.answers[what]
	if len(list) > 1 {
		s.answers[what] = list[1:]
	}
	s.mu.Unlock()
	if s.hook != nil {
		s.hook(what)
	}
	if len(list) == 0 {
		list = []string{"404 no such route"}
	}
	status, body, _ := strings.Cut(list[0], " ")
	code := 0
	if _, err := fmt.Sscan(status, &code); err != nil {
		s.t.Error(err)
	}
	w.WriteHeader(code)
	fmt.Fprint(w, body)
}

// form is an upload's parts by name.
func (s *standIn) form(r *http.Request) (parts string) {
	if err := r.ParseMultipartForm(1 << 20); err != nil {
		s.t.Error(err)
		return ""
	}
	for _, name := range []string{"module", "config"} {
		for _, file := range r.MultipartForm.File[name] {
			f, err := file.Open()
			if err != nil {
				s.t.Error(err)
				continue
			}
			content, err := io.ReadAll(f)
			if err != nil {
				s.t.Error(err)
			}
			parts += fmt.Sprintf(" %s(%s)=%q", name, file.Filename, content)
		}
	}
	if note := r.MultipartForm.Value["note"]; note != nil {
		parts += fmt.Sprintf(" note=%q", note)
	}
	return parts
}

// secrets are the environment of whoever may do everything.
func secrets(name string) (string, bool) {
	s, ok := map[string]string{keyVariable: "key", adminVariable: "admin"}[name]
	return s, ok
}

// run runs a command line against the router.
func (s *standIn) run(ctx context.Context, getenv Lookup, args ...string) (stdout, stderr string, err error) {
	at := []string{"--url", s.server.URL + "/"}
	if end := slices.Index(args, "--"); end >= 0 { // flags go before it
		return execute(ctx, getenv, slices.Concat(args[:end], at, args[end:])...)
	}
	return execute(ctx, getenv, append(args, at...)...)
}

func execute(ctx context.Context, getenv Lookup, args ...string) (stdout, stderr string, err error) {
	root := &cobra.Command{Use: "switchyard", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(NewTenant(getenv), NewPolicy(getenv), NewDecision(getenv), NewUsage(getenv))
	var out, errs strings.Builder
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetArgs(args)
	err = root.ExecuteContext(ctx)
	return out.String(), errs.String(), err
}

// squeezed has one space where a table has many, and none at the ends of lines.
func squeezed(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n")
}

func TestCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	module, config := filepath.Join(dir, "own.wasm"), filepath.Join(dir, "own.yaml")
	for path, text := range map[string]string{module: "\x00asm", config: "region: eu"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const policy = `{"name":"own","active_version":2,"canary":{"version":3,"share_percent":12.5}}`
	for _, tc := range []struct {
		args   string
		answer string // to what is asked
		asked  string
		out    string
	}{
		{
			"tenant list", `200 {"tenants":[{"name":"acme","state":"active","source":"store"},{"name":"b","state":"suspended","source":"config"}]}`,
			"GET /admin/tenants admin", "TENANT STATE FROM\nacme active store\nb suspended config",
		},
		{"tenant create acme", "201 {}", `POST /admin/tenants admin {"allow":{},"limits":{},"name":"acme"}`, ""},
		{
			"tenant create acme --requests-per-minute 5 --tokens-per-minute 6 --concurrent-requests 7 --usd-per-day 0.5 --usd-per-month 8 --models a,b --deployments p/m --regions eu", "201 {}",
			`POST /admin/tenants admin {"allow":{"deployments":["p/m"],"models":["a","b"],"regions":["eu"]},` +
				`"limits":{"concurrent_requests":7,"requests_per_minute":5,"tokens_per_minute":6,"usd_per_day":0.5,"usd_per_month":8},"name":"acme"}`, "",
		},
		{"tenant key acme ci", `201 {"secret":"sk-1"}`, `POST /admin/tenants/acme/keys admin {"name":"ci","scopes":["complete"]}`, "sk-1"},
		{"tenant key acme/../b ci --scopes policy,usage", `201 {"secret":"sk-1"}`, `POST /admin/tenants/acme%2F..%2Fb/keys admin {"name":"ci","scopes":["policy","usage"]}`, "sk-1"},
		{"tenant close acme", "204 ", "DELETE /admin/tenants/acme admin", ""},
		{"policy list", `200 {"policies":[` + policy + `,{"name":"b"}]}`, "GET /v1/policies key", "POLICY ACTIVE CANARY\nown 2 3 (12.5 %)\nb - -"},
		{"policy list --tenant a&b", `200 {"policies":[]}`, "GET /v1/policies?tenant=a%26b admin", "POLICY ACTIVE CANARY"},
		{
			"policy versions own", `200 {"versions":[{"version":2,"state":"withdrawn","module_sha256":"0123456789abcdef","by":"ci","created_at":"2026-01-02T03:04:05Z","note":"new prices"}]}`,
			"GET /v1/policies/own/versions key", "VERSION STATE MODULE UPLOADED BY NOTE\n2 withdrawn 0123456789ab 2026-01-02T03:04:05Z ci new prices",
		},
		{"policy upload own " + module, `201 {"version":4}`, `POST /v1/policies/own key module(own.wasm)="\x00asm"`, "own@4"},
		{
			"policy upload own " + module + " --note why --config " + config, `201 {"version":4}`,
			`POST /v1/policies/own key module(own.wasm)="\x00asm" config(own.yaml)="region: eu" note=["why"]`, "own@4",
		},
		{
			"policy activate own 2 --reason good", `200 {"policy":` + policy + `,"replaced":"old@7"}`,
			`POST /v1/policies/own/activate key {"reason":"good","version":2}`, "own: active 2, canary 3 (12.5 %), in place of old@7",
		},
		{"policy canary own 3 --share 12.5 --reason try", "200 " + policy, `POST /v1/policies/own/canary key {"reason":"try","share_percent":12.5,"version":3}`, "own: active 2, canary 3 (12.5 %)"},
		{"policy canary own 3", "200 " + policy, `POST /v1/policies/own/canary key {"share_percent":5,"version":3}`, "own: active 2, canary 3 (12.5 %)"},
		{"policy rollback own", `200 {"name":"own","active_version":1}`, `POST /v1/policies/own/rollback key {}`, "own: active 1, canary -"},
		{"policy deactivate own --tenant acme", `200 {"name":"own"}`, `POST /v1/policies/own/deactivate?tenant=acme admin {}`, "own: active -, canary -"},
		{"policy delete own", "204 ", "DELETE /v1/policies/own key", ""},
		{"policy delete own 3", "204 ", "DELETE /v1/policies/own/versions/3 key", ""},
		{
			"policy figures own", `200 {"versions":[{"version":3,"serves":"canary","calls":90,"refusals":1,"faults":{"trap":2,"fuel":1},"fuel":{"median":800,"max":900},` +
				`"last_fault":{"at":"2026-01-02T03:04:05Z","message":"unreachable"},"canary":{"canary":{"requests":10,"errors":2,"mean_latency_ms":15.4,"p95_latency_ms":20,"mean_cost_usd":0.25},` +
				`"rest":{"requests":90,"rejections":3},"verdict":"3 faults"}},{"version":2,"serves":"active"}]}`,
			"GET /v1/policies/own/figures key", "VERSION SERVES CALLS FAULTS REFUSALS FUEL MEDIAN FUEL MAX\n3 canary 90 3 1 800 900\n2 active 0 0 0 0 0\n\n3: last fault at 2026-01-02T03:04:05Z: unreachable\n" +
				"\n3 AS CANARY REQUESTS ERRORS REJECTED MEAN P95 MEAN COST\ncanary 10 2 0 15 ms 20 ms $0.250000\nthe rest 90 0 3 0 ms 0 ms $0.000000\ntaken out: 3 faults",
		},
		{
			"decision list --last 2", `200 {"decisions":[{"id":"ab","at":"T","group":"g","deployment":"p/m","policy":"own","version":2,"status":200},{"id":"cd","at":"U","group":"h","status":503}]}`,
			"GET /v1/decisions?limit=2 key", "DECISION AT GROUP DEPLOYMENT POLICY STATUS\nab T g p/m own@2 200\ncd U h - - 503",
		},
		{"decision explain ab --tenant acme", `200 {"explanation":["One.","Two."]}`, "GET /v1/decisions/ab?tenant=acme admin", "One.\nTwo."},
		{
			"usage --by day,key --from 2026-01-01 --to 2026-01-31",
			`200 {"rows":[{"day":"2026-01-02","key":"ci","requests":12345678901,"failed":1,"prompt_tokens":20,"completion_tokens":5,"cost_usd":0.000000001}],"total":{"requests":2,"failed":1,"prompt_tokens":20,"completion_tokens":5,"cost_usd":0.5}}`,
			"GET /v1/usage?by=day%2Ckey&from=2026-01-01&to=2026-01-31 key",
			"DAY KEY REQUESTS FAILED PROMPT TOKENS COMPLETION TOKENS COST USD\n2026-01-02 ci 12345678901 1 20 5 0.000000001\ntotal 2 1 20 5 0.5",
		},
		{"usage --by= --tenant acme", `200 {"rows":[],"total":{"requests":2}}`, "GET /v1/usage?&tenant=acme admin", "REQUESTS FAILED PROMPT TOKENS COMPLETION TOKENS COST USD\n2"},
	} {
		request := strings.Join(strings.SplitN(tc.asked, " ", 3)[:2], " ")
		s := stand(t, map[string][]string{request: {tc.answer}})
		out, errs, err := s.run(t.Context(), secrets, strings.Split(tc.args, " ")...)
		if err != nil || errs != "" || squeezed(out) != tc.out {
			t.Errorf("%s: %v %q\n%s\nwant\n%s", tc.args, err, errs, squeezed(out), tc.out)
		}
		if diff := cmp.Diff([]string{tc.asked}, s.asked); diff != "" {
			t.Errorf("%s: asked (-want +got)\n%s", tc.args, diff)
		}
	}
}

// TestAddress: the flag says where the router is, else the environment.
func TestAddress(t *testing.T) {
	t.Parallel()
	byFlag, byVariable := stand(t, map[string][]string{"GET /v1/policies": {"200 {}"}}), stand(t, map[string][]string{"GET /v1/policies": {"200 {}"}})
	getenv := func(name string) (string, bool) {
		if name == urlVariable {
			return byVariable.server.URL, true
		}
		return secrets(name)
	}
	if _, _, err := byFlag.run(t.Context(), getenv, "policy", "list"); err != nil || len(byFlag.asked) != 1 || len(byVariable.asked) != 0 {
		t.Errorf("by flag: %v", err)
	}
	if _, _, err := execute(t.Context(), getenv, "policy", "list"); err != nil || len(byVariable.asked) != 1 {
		t.Errorf("by variable: %v", err)
	}
}

// TestExplainLatest needs to know which decision is the latest one.
func TestExplainLatest(t *testing.T) {
	t.Parallel()
	s := stand(t, map[string][]string{
		"GET /v1/decisions?limit=1": {`200 {"decisions":[{"id":"ab"}]}`, `200 {"decisions":[]}`},
		"GET /v1/decisions/ab":      {`200 {"explanation":["So."]}`},
	})
	if out, _, err := s.run(t.Context(), secrets, "decision", "explain"); err != nil || out != "So.\n" {
		t.Errorf("%q %v", out, err)
	}
	if _, _, err := s.run(t.Context(), secrets, "decision", "explain"); err == nil || err.Error() != "no decision is recorded" {
		t.Errorf("without decisions: %v", err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	module := filepath.Join(t.TempDir(), "own.wasm")
	if err := os.WriteFile(module, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := stand(t, map[string][]string{
		"POST /v1/policies/own": {`422 {"error":{"message":"The policy was not admitted.","code":"policy_refused","reasons":[{"code":"x","message":"Too large.","place":""},` +
			`{"message":"is no region","place":"config:7: region"}]}}`},
		"GET /v1/policies":              {"502 <html>", "200 <html>", "200 {}"},
		"GET /v1/policies/own/versions": {`200 {"versions":[]}`},
		"DELETE /v1/policies/own":       {`409 {"error":{"message":"It serves.","code":"in_use"}}`},
	})
	for _, tc := range []struct {
		args, want string
		env        Lookup
	}{
		{"policy upload own " + module, "422 policy_refused: The policy was not admitted.\n  Too large.\n  config:7: region: is no region", secrets},
		{"policy delete own", "409 in_use: It serves.", secrets},
		{"policy list", "the router answered with status 502 Bad Gateway", secrets},
		{"policy list", "reading the answer of GET /v1/policies: invalid character '<' looking for beginning of value", secrets},
		{"policy replay own", `policy "own" has no versions: upload one`, secrets},
		{"policy upload own /nowhere/own.wasm", "reading the module: open /nowhere/own.wasm: no such file or directory", secrets},
		{"policy upload own " + module + " --config /nowhere/own.yaml", "reading the config: open /nowhere/own.yaml: no such file or directory", secrets},
		{"policy activate own latest", `"latest" is no version: versions are numbered from 1`, secrets},
		{"policy canary own 0", `"0" is no version: versions are numbered from 1`, secrets},
		{"policy delete own -- -1", `"-1" is no version: versions are numbered from 1`, secrets},
		{"policy activate own", "accepts 2 arg(s), received 1", secrets},
		{"policy rollback own 1", "accepts 1 arg(s), received 2", secrets},
		{"policy list", "environment variable SWITCHYARD_API_KEY is not set", only(adminVariable)},
		{"policy list --tenant acme", "environment variable SWITCHYARD_ADMIN_TOKEN is not set", only(keyVariable)},
		{"tenant list", "environment variable SWITCHYARD_ADMIN_TOKEN is not set", only(keyVariable)},
		{"decision list", "environment variable SWITCHYARD_API_KEY is not set", only(adminVariable)},
		{"usage", "environment variable SWITCHYARD_API_KEY is not set", only(adminVariable)},
	} {
		out, _, err := s.run(t.Context(), tc.env, strings.Split(tc.args, " ")...)
		if err == nil || err.Error() != tc.want || out != "" {
			t.Errorf("%s: %q %v, want %s", tc.args, out, err, tc.want)
		}
	}
	s.server.Close()
	if _, _, err := s.run(t.Context(), secrets, "policy", "list"); err == nil || !strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "key") {
		t.Errorf("without a router: %v", err)
	}
}

// only is an environment with one secret; the other is empty.
func only(variable string) Lookup {
	return func(name string) (string, bool) {
		s, ok := secrets(name)
		if name != variable {
			s = ""
		}
		return s, ok
	}
}

const result = `{"requests":60,"from":"2026-01-02T03:04:05Z","to":"2026-01-02T04:04:05Z","moved":15,"moved_share":0.25,"cost_usd":{"before":2,"after":1.5,"known":50,"unknown":10},` +
	`"latency_ms":{"before":6000,"after":12000,"known":60},"rejected":{"before":0,"after":1},"unrouted":{"before":2,"after":3},"faults":{"refusal":1,"fault":2},` +
	`"fuel":{"calls":60,"min":1,"median":2,"max":3},"deployments":[{"name":"a","before":60,"after":45},{"name":"b","before":0,"after":15}],` +
	`"largest":[{"id":"ab","before":"a","after":"","reason":"no region"},{"id":"cd","before":"a","after":"b","cost_usd":-0.5,"latency_ms":12}],"method":"By reckoning."}`

func job(state string, done int, result string) string {
	return fmt.Sprintf(`{"id":"r1","policy":"own","version":3,"state":%q,"done":%d,"total":60,"result":%s,"error":"it broke"}`, state, done, result)
}

func TestReplay(t *testing.T) {
	t.Parallel()
	answers := func() map[string][]string {
		return map[string][]string{
			"GET /v1/policies/own/versions": {`200 {"versions":[{"version":3},{"version":2}]}`},
			"POST /v1/policies/own/replay":  {"202 " + job("running", 0, "null")},
			"GET /v1/replays/r1":            {"200 " + job("running", 20, "null"), "200 " + job("done", 60, result)},
		}
	}
	s := stand(t, answers())
	out, progress, err := s.run(t.Context(), secrets, "policy", "replay", "own")
	if err != nil || progress != "\r0 of 60 requests\r20 of 60 requests\r60 of 60 requests\n" {
		t.Errorf("%v %q", err, progress)
	}
	if want := `{"last":10000,"version":3}`; !strings.HasSuffix(s.asked[1], want) {
		t.Errorf("asked %q, want %s: the latest version", s.asked, want)
	}
	const want = `own@3 60 requests, 2026-01-02 03:04:05Z to 2026-01-02 04:04:05Z
elsewhere 15 (25.0 %)
cost $2.0000 → $1.5000 (10 requests not known)
mean latency 100 ms → 200 ms
refused 0 → 1
without a deployment 2 → 3
faults map[fault:2 refusal:1]
fuel min 1, median 2, max 3

DEPLOYMENT BEFORE AFTER
a 60 45
b 0 15

DECISION FROM TO COST LATENCY REASON
ab a - - - no region
cd a b $-0.500000 +12 ms

By reckoning.`
	if diff := cmp.Diff(want, squeezed(out)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	s = stand(t, answers())
	out, _, err = s.run(t.Context(), secrets, "policy", "replay", "own", "--version", "2", "--last", "7", "--json")
	var decoded struct{ Moved int }
	if err != nil || json.Unmarshal([]byte(out), &decoded) != nil || decoded.Moved != 15 {
		t.Errorf("as JSON: %v %s", err, out)
	}
	if want := `POST /v1/policies/own/replay key {"last":7,"version":2}`; s.asked[0] != want {
		t.Errorf("asked %q, want %s first", s.asked, want)
	}

	failed := answers()
	failed["GET /v1/replays/r1"] = []string{"200 " + job("failed", 30, "null")}
	if out, _, err := stand(t, failed).run(t.Context(), secrets, "policy", "replay", "own"); err == nil || err.Error() != "replay r1: failed it broke" || out != "" {
		t.Errorf("a replay that failed: %q %v", out, err)
	}
}

// TestReplayInterrupted has Ctrl-C come while the replay runs: the router is told.
func TestReplayInterrupted(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ answer, want string }{
		{"200 " + job("canceled", 20, "null"), "the replay was canceled"},
		{`503 {"error":{"message":"Busy.","code":"busy"}}`, "canceling the replay: 503 busy: Busy."},
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		s := stand(t, map[string][]string{
			"POST /v1/policies/own/replay": {"202 " + job("running", 0, "null")},
			"GET /v1/replays/r1":           {"200 " + job("running", 20, "null")},
			"DELETE /v1/replays/r1":        {tc.answer},
		})
		s.hook = func(request string) {
			if request == "GET /v1/replays/r1" {
				interrupt()
			}
		}
		out, _, err := s.run(ctx, secrets, "policy", "replay", "own", "--version", "3")
		if err == nil || err.Error() != tc.want || out != "" {
			t.Errorf("%q %v, want %s", out, err, tc.want)
		}
		if last := s.asked[len(s.asked)-1]; last != "DELETE /v1/replays/r1 key" {
			t.Errorf("the last request was %s", last)
		}
		interrupt()
	}
}
