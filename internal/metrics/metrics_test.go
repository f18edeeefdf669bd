package metrics

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/limits"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

func request(model string) *gateway.Request {
	r := &gateway.Request{}
	r.Model = model
	return r
}

func answered() *gateway.Record {
	return &gateway.Record{
		Request: request("quality"), Duration: 1500 * time.Millisecond,
		Report: &gateway.Report{
			Group: "fast", Deployment: "gpt", Fallbacks: 1, Overhead: 80 * time.Microsecond, Cost: 0.25,
			Usage: abi.Usage{Present: true, Prompt: 100, Completion: 20, Cached: 60},
			Attempts: []gateway.Attempt{
				{Deployment: "claude", Error: "overloaded", Status: 529},
				{Deployment: "gpt", TTFT: 300 * time.Millisecond},
			},
		},
	}
}

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func expect(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
}

// series counts the label sets of a metric.
func series(t *testing.T, m *Metrics, name string) int {
	t.Helper()
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == namespace+"_"+name {
			return len(f.GetMetric())
		}
	}
	return 0
}

func TestObserve(t *testing.T) {
	t.Parallel()
	m := New("1.2.3")
	m.Observe(answered())
	m.Observe(&gateway.Record{
		Request: request("quality"), Err: &gateway.Error{Status: 503, Code: "overloaded"},
		Report: &gateway.Report{Group: "quality", Deployment: "claude", Cost: math.NaN(), Attempts: []gateway.Attempt{
			{Deployment: "claude", Error: "overloaded"}, {Deployment: "claude", Error: "canceled", Canceled: true},
		}},
	})
	expect(t, scrape(t, m),
		`switchyard_requests_total{code="",group="fast",status="200"} 1`,
		`switchyard_requests_total{code="overloaded",group="quality",status="503"} 1`,
		`switchyard_request_duration_seconds_bucket{group="fast",le="1"} 0`,
		`switchyard_request_duration_seconds_bucket{group="fast",le="2"} 1`,
		`switchyard_time_to_first_token_seconds_sum{deployment="gpt"} 0.3`,
		`switchyard_attempts_total{deployment="claude",result="overloaded"} 2`,
		`switchyard_attempts_total{deployment="claude",result="canceled"} 1`,
		`switchyard_attempts_total{deployment="gpt",result="ok"} 1`,
		`switchyard_tokens_total{deployment="gpt",kind="prompt"} 100`,
		`switchyard_tokens_total{deployment="gpt",kind="completion"} 20`,
		`switchyard_tokens_total{deployment="gpt",kind="cached"} 60`,
		`switchyard_cost_usd_total{deployment="gpt"} 0.25`,
		`switchyard_fallbacks_total{group="fast"} 1`,
		`switchyard_overhead_seconds_bucket{le="0.0001"} 2`,
	)
}

func TestPolicyYields(t *testing.T) {
	t.Parallel()
	m := New("")
	rec := answered()
	rec.Request.Tenant = &gateway.Tenant{Name: "acme"}
	rec.Report.Scoring = []gateway.Scoring{
		{Strategy: "tags", Failed: gateway.FailedFault},
		{Strategy: "own@1", Policy: true},
		{Strategy: "own@1", Policy: true, Failed: gateway.FailedFault},
		{Strategy: "own@1", Policy: true, Failed: gateway.FailedBreaker},
		{Strategy: "own@1", Policy: true, Failed: gateway.FailedBreaker},
	}
	m.Observe(rec)
	m.Observe(answered())
	expect(t, scrape(t, m),
		`switchyard_policy_yields_total{reason="fault",tenant="acme"} 1`,
		`switchyard_policy_yields_total{reason="breaker_open",tenant="acme"} 2`,
	)
	if n := series(t, m, "policy_yields_total"); n != 2 {
		t.Errorf("%d series", n)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	m := New("1.2.3")
	flying := int64(3)
	m.WatchInFlight(func() int64 { return flying })
	m.WatchSnapshots(func() int64 { return 2 })
	m.WatchPlugins(func() (modules, instances int) { return 4, 7 })
	m.Admitted("openai", "abc", nil)
	m.Admitted("openai", "", errors.New("not a module"))
	m.Reverted("openai")
	m.Faulted("latency", "score")
	m.Faulted("latency", "feedback")
	m.Breaker("latency", "tenants.acme.policy", true)
	m.Breaker("latency", "models.fast.strategy[0]", false)
	states := []State{
		{Plugin: "latency", Fuel: 3000, Open: map[string]bool{"tenants.acme.policy": true, "models.fast.strategy[0]": false}},
		{Plugin: "latency", Fuel: 1000, Open: map[string]bool{"tenants.acme.policy": false}},
	}
	m.WatchStates(func() []State { return states })
	m.Waited("openai", 2*time.Millisecond)
	m.Published(41)
	m.Published(42)
	m.Refused()
	text := scrape(t, m)
	expect(t, text,
		`switchyard_plugin_reloads_total{result="ok"} 1`,
		`switchyard_plugin_reloads_total{result="refused"} 1`,
		`switchyard_plugin_reloads_total{result="reverted"} 1`,
		`switchyard_plugin_faults_total{export="score",plugin="latency"} 1`,
		`switchyard_plugin_faults_total{export="feedback",plugin="latency"} 1`,
		`switchyard_plugin_breaker_trips_total{plugin="latency"} 1`,
		`switchyard_plugin_breaker_open{key="tenants.acme.policy",plugin="latency"} 1`,
		`switchyard_plugin_breaker_open{key="models.fast.strategy[0]",plugin="latency"} 0`,
		`switchyard_plugin_fuel_total{plugin="latency"} 4000`,
		`switchyard_plugin_wait_seconds_count{plugin="openai"} 1`,
		`switchyard_config_reloads_total{result="ok"} 2`,
		`switchyard_config_reloads_total{result="refused"} 1`,
		`switchyard_snapshot_id 42`,
		`switchyard_snapshots 2`,
		`switchyard_plugin_modules 4`,
		`switchyard_plugin_instances 7`,
		`switchyard_in_flight 3`,
	)
	for _, part := range []string{`switchyard_build_info{goversion="go1`, `version="1.2.3"} 1`, "go_goroutines ", "process_open_fds "} {
		if !strings.Contains(text, part) {
			t.Errorf("missing: %s", part)
		}
	}
	flying, states = 0, nil
	text = scrape(t, m)
	expect(t, text, `switchyard_in_flight 0`)
	if strings.Contains(text, "breaker_open{") || strings.Contains(text, "fuel_total{") {
		t.Errorf("a plugin that is gone is still there: %s", text)
	}
}

// TestCardinality has clients ask for ever new models and vendors invent ever new codes.
func TestCardinality(t *testing.T) {
	t.Parallel()
	m := New("")
	for i := range 1000 {
		model := fmt.Sprintf("model-%d", i)
		m.Observe(&gateway.Record{
			Request: request(model), Report: &gateway.Report{Group: model, Cost: math.NaN()},
			Err: &gateway.Error{Status: 404, Code: "model_not_found"},
		})
		code := fmt.Sprintf("code_%d", i)
		m.Observe(&gateway.Record{
			Request: request("quality"), Err: &gateway.Error{Status: 502, Code: code},
			Report: &gateway.Report{Group: "quality", Cost: math.NaN(), Attempts: []gateway.Attempt{{Deployment: "gpt", Error: code}}},
		})
	}
	if n := series(t, m, "requests_total"); n > maxCodes+2 {
		t.Errorf("%d series of requests", n)
	}
	if n := series(t, m, "attempts_total"); n > maxCodes+1 {
		t.Errorf("%d series of attempts", n)
	}
	expect(t, scrape(t, m),
		`switchyard_requests_total{code="model_not_found",group="unknown",status="404"} 1000`,
		`switchyard_attempts_total{deployment="gpt",result="code_0"} 1`,
		`switchyard_attempts_total{deployment="gpt",result="other"} 901`,
	)
}

func TestVocabulary(t *testing.T) {
	t.Parallel()
	v := vocabulary{limit: 2}
	for _, tc := range []struct{ word, want string }{
		{"", ""}, {"two words", "two words"}, {"new\nline", other}, {"ümlaut", other}, {strings.Repeat("x", 65), other},
		{"b-1.c_D", "b-1.c_D"}, {"third", other}, {"two words", "two words"},
	} {
		if got := v.admit(tc.word); got != tc.want {
			t.Errorf("%q is %q, want %q", tc.word, got, tc.want)
		}
	}
}

func TestHammer(t *testing.T) {
	t.Parallel()
	m := New("")
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 200 {
				rec := answered()
				rec.Report.Attempts[0].Error = fmt.Sprintf("code %d %d", w, i)
				m.Observe(rec)
				m.Published(uint64(i))
			}
		})
	}
	for range 5 {
		_ = scrape(t, m)
	}
	wg.Wait()
	expect(t, scrape(t, m), `switchyard_requests_total{code="",group="fast",status="200"} 1600`)
	if n := series(t, m, "attempts_total"); n > maxCodes+2 {
		t.Errorf("%d series of attempts", n)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	m := New("1")
	m.WatchInFlight(func() int64 { return 0 })
	m.WatchSnapshots(func() int64 { return 0 })
	m.WatchPlugins(func() (modules, instances int) { return 0, 0 })
	m.WatchStates(func() []State { return []State{{Plugin: "p", Open: map[string]bool{"k": true}}} })
	m.Breaker("p", "k", true)
	m.WatchTenancy(func() Tenancy { return Tenancy{Budgets: []Budget{{"acme", "day", 1, 2}}} })
	m.Observe(answered())
	m.Observe(refused("acme", limits.Tokens))
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func BenchmarkObserve(b *testing.B) {
	m, rec := New(""), answered()
	b.ReportAllocs()
	for b.Loop() {
		m.Observe(rec)
	}
}
