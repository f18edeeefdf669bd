package simulator_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/simulator"
)

func send(sim *simulator.Simulator, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	sim.ServeHTTP(w, r)
	return w
}

func TestControl(t *testing.T) {
	t.Parallel()
	sim := simulator.New(simulator.Options{Seed: 1})
	set := send(sim, http.MethodPost, "/_sim/profiles/mine", `{"key":"right","tokens":2,"faults":[{"kind":"status","status":500,"first":1}]}`)
	if set.Code != http.StatusNoContent {
		t.Fatalf("%d %s", set.Code, set.Body)
	}
	const path = "/openai/v1/chat/completions"
	for i, tc := range []struct {
		key  string
		want int
	}{{"wrong", 401}, {"right", 200}, {"right", 200}} {
		if w := send(sim, http.MethodPost, path, vendorCalls[0].whole, "X-Sim-Profile: mine", "Authorization: Bearer "+tc.key); w.Code != tc.want {
			t.Errorf("request %d: %d %s", i, w.Code, w.Body)
		}
	}
	send(sim, http.MethodGet, "/openai@fast/v1/models?api_key=hidden-key&x=1", "", "X-Api-Key: hidden-key", "Cookie: hidden-key")
	stats := send(sim, http.MethodGet, "/_sim/stats", "").Body.String()
	for field_, want := range map[string]string{"received": "4", "completed": "2", "refused": "2", "in_flight": "0", "profiles.mine": "3"} {
		if got := field(stats, field_); got != want {
			t.Errorf("%s is %s, want %s: %s", field_, got, want, stats)
		}
	}
	list := send(sim, http.MethodGet, "/_sim/requests", "").Body.String()
	for path, want := range map[string]string{
		"#": "4", "0.method": "POST", "0.path": "/openai/v1/chat/completions", "0.profile": "mine", "0.header.authorization": "(present)",
		"1.body": vendorCalls[0].whole, "3.header.x-api-key": "(present)", "3.path": "/openai@fast/v1/models?api_key=%28present%29&x=1",
	} {
		if got := field(list, path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if strings.Contains(list, "hidden-key") || strings.Contains(list, "Bearer") {
		t.Errorf("a credential is listed: %s", list)
	}
	if w := send(sim, http.MethodDelete, "/_sim/requests", ""); w.Code != http.StatusNoContent || len(sim.Requests(9)) != 0 {
		t.Errorf("after delete: %d, %v", w.Code, sim.Requests(9))
	}
}

func TestRequestListIsBounded(t *testing.T) {
	t.Parallel()
	sim := simulator.New(simulator.Options{})
	for range 300 {
		send(sim, http.MethodGet, "/openai@fast/v1/models", "")
	}
	send(sim, http.MethodPost, "/openai@fast/v1/chat/completions", strings.Repeat("x", 100<<10))
	all := sim.Requests(1000)
	if last := all[len(all)-1]; len(all) != 256 || len(last.Body) != 64<<10 || !last.Truncated {
		t.Errorf("%d requests, the last has %d bytes, truncated %v", len(all), len(last.Body), last.Truncated)
	}
}

func TestRefusedByControl(t *testing.T) {
	t.Parallel()
	sim := simulator.New(simulator.Options{})
	for _, tc := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"POST", "/_sim/profiles/x", `{"latencies":{}}`, 400, "latencies"},
		{"POST", "/_sim/profiles/x", `{"faults":[{"kind":"explode"}]}`, 400, `faults[0].kind: "explode"`},
		{"POST", "/_sim/profiles/x", `{} {}`, 400, "after the profile"},
		{"POST", "/_sim/profiles/a%2Fb", `{}`, 400, "profile name"},
		{"GET", "/_sim/nothing", "", 404, "no such control"},
		{"POST", "/gemini/v1/x", "", 404, `no vendor \"gemini\"`},
		{"POST", "/openai@nowhere/v1/x", "", 404, `no profile \"nowhere\"`},
	} {
		w := send(sim, tc.method, tc.path, tc.body)
		if got := strings.ReplaceAll(w.Body.String(), `\"`, `"`); w.Code != tc.status || !strings.Contains(got, strings.ReplaceAll(tc.says, `\"`, `"`)) {
			t.Errorf("%s %s: %d %s", tc.method, tc.path, w.Code, w.Body)
		}
	}
	if n := sim.Stats().Received; n != 0 {
		t.Errorf("%d requests counted", n)
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	sim := simulator.New(simulator.Options{})
	body := strings.Repeat("x", 32<<20+1)
	for _, c := range vendorCalls {
		if w := send(sim, http.MethodPost, strings.Replace(c.path, "@test", "@fast", 1), body); w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d", c.name, w.Code)
		}
	}
}
