package e2e

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/switchyard-gateway/switchyard/internal/simulator"
)

func readFile(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestSimplePair is POST /complete and POST /complete/stream, before all dialects.
func TestSimplePair(t *testing.T) {
	t.Parallel()
	v := startVendors(t)
	r := startRouter(t, accounts(v.addr, "fast")+groups("retries: 0", "fast"))
	const tools = `"tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}}]`
	for _, dialect := range dialects {
		group := dialect + "-fast"
		a := r.post("/complete", ask(group, "marker:S tokens:6", `"tenant_id":"anybody"`))
		if err := marked(a.json("content"), "S", 6); err != nil || a.status != http.StatusOK || a.json("tool_calls") != "[]" || a.json("model") != "m-"+dialect ||
			a.json("usage.completion_tokens") != "6" || keys(a.body) != "content tool_calls model usage" {
			t.Errorf("%s: %+v, %v", dialect, a, err)
		}
		a = r.post("/complete", ask(group, "marker:S get_weather", `"tenant_id":"anybody"`, tools))
		if call := gjson.Get(a.body, "tool_calls.0"); a.status != http.StatusOK || a.json("content") != "" || a.json("tool_calls.#") != "1" ||
			call.Get("type").Str != "function" || call.Get("id").Str == "" || call.Get("function.name").Str != "get_weather" ||
			!strings.HasPrefix(gjson.Get(call.Get("function.arguments").Str, "city").Str, "S") {
			t.Errorf("%s: %+v", dialect, a)
		}
		s := r.open(t.Context(), "/complete/stream", ask(group, "marker:S tokens:6", `"tenant_id":"anybody"`))
		lines, err := s.rest()
		if err != nil || s.header.Get("Content-Type") != "application/x-ndjson" || len(lines) < 2 {
			t.Fatalf("%s: %v, %v, %v", dialect, s.header, lines, err)
		}
		text, last := "", gjson.Parse(lines[len(lines)-1])
		for _, line := range lines[:len(lines)-1] {
			if keys(line) != "type text" || gjson.Get(line, "type").Str != "chunk" {
				t.Errorf("%s: line %s", dialect, line)
			}
			text += gjson.Get(line, "text").Str
		}
		if err := marked(text, "S", 6); err != nil || last.Get("type").Str != "done" || last.Get("model").Str != "m-"+dialect ||
			last.Get("usage.completion_tokens").Int() != 6 || last.Get("finish_reason").Str != "stop" {
			t.Errorf("%s: %v, %v", dialect, lines, err)
		}
	}
	var requests []struct{ Path, Body string }
	getJSON(t, "http://"+v.addr+"/_sim/requests", &requests)
	for _, q := range requests {
		if strings.Contains(q.Body, "tenant_id") {
			t.Errorf("the vendor saw %s", q.Body)
		}
	}
}

// keys are the member names of an object, in order.
func keys(object string) string {
	var names []string
	gjson.Parse(object).ForEach(func(name, _ gjson.Result) bool {
		names = append(names, name.Str)
		return true
	})
	return strings.Join(names, " ")
}

func TestOperations(t *testing.T) {
	t.Parallel()
	v := startVendors(t)
	r := startRouter(t, accounts(v.addr, "fast", "down")+groups("retries: 0", "fast", "down"))
	for path, want := range map[string]string{
		"/healthz":                  `{"status":"ok","version":"`,
		"/readyz":                   `{"status":"ready"}`,
		"/v1/models":                `{"object":"list","data":[{"id":"openai-fast","object":"model","created":1735689600,"owned_by":"switchyard"},`,
		"/v1/models/anthropic-fast": `{"id":"anthropic-fast","object":"model","created":1735689600,"owned_by":"switchyard"}`,
	} {
		a, err := send(t.Context(), http.MethodGet, r.url+path, "")
		if err != nil || a.status != http.StatusOK || !strings.HasPrefix(a.body, want) || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v, %v", path, a, err)
		}
	}
	r.post("/complete", ask("openai-fast", "tokens:7"))
	r.post("/complete", ask("openai-down", "x"))
	m := r.scrape()
	for _, tc := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"switchyard_requests_total", []string{"group", "openai-fast", "status", "200", "code", ""}, 1},
		{"switchyard_requests_total", []string{"group", "openai-down", "status", "503", "code", "overloaded"}, 1},
		{"switchyard_attempts_total", []string{"deployment", "openai-fast/m-openai", "result", "ok"}, 1},
		{"switchyard_tokens_total", []string{"deployment", "openai-fast/m-openai", "kind", "completion"}, 7},
		{"switchyard_in_flight", nil, 0},
		{"switchyard_snapshots", nil, 1},
	} {
		if err := want(tc.name, series(t, m, tc.name, tc.labels...), tc.want); err != nil {
			t.Error(err)
		}
	}
	a, err := send(t.Context(), http.MethodGet, r.url+"/admin/deployments", "", "Authorization", "Bearer "+adminToken)
	if err != nil || a.json("deployments.#") != "6" || a.json(`deployments.#(id=="openai-fast/m-openai").successes`) != "1" ||
		a.json(`deployments.#(id=="openai-down/m-openai").failures`) != "1" {
		t.Errorf("%v, %v", a, err)
	}
}

// TestKeyHeader: a credential goes into the header that the operator names, and nowhere else.
func TestKeyHeader(t *testing.T) {
	t.Parallel()
	const key = "sk-for-the-vendor"
	v := startVendors(t)
	r := startRouter(t, strings.ReplaceAll(accounts(v.addr, "fast"), "api_key: simulated", "api_key: "+key+", header: X-Custom-Key")+groups("retries: 0", "fast"))
	for _, dialect := range dialects {
		// Vendors that know only their own header refuse this one; what they got is what counts.
		r.post("/complete", ask(dialect+"-fast", "x"), "Authorization", "Bearer sk-of-the-client", "X-Api-Key", "sk-of-the-client")
		r.post("/v1/chat/completions", ask(dialect+"-fast", "x", streamed), "Authorization", "Bearer sk-of-the-client")
	}
	var requests []simulator.Request
	getJSON(t, "http://"+v.addr+"/_sim/requests", &requests)
	if len(requests) != 2*len(dialects) {
		t.Errorf("the vendors had %d requests", len(requests))
	}
	for _, q := range requests {
		if got := q.Header["x-custom-key"]; got != key {
			t.Errorf("%s: X-Custom-Key: %q", q.Path, got)
		}
		for _, name := range []string{"authorization", "x-api-key", "api-key"} {
			if _, ok := q.Header[name]; ok || strings.Contains(q.Path, "key=") {
				t.Errorf("%s: the vendor had a credential in %s too", q.Path, name)
			}
		}
	}
}
