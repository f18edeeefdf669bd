package gateway

import (
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/limits"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// member is a request of a tenant and a key with limits.
func member(reg *limits.Registry, tenant, key store.Limits) func(*Request) {
	t := &Tenant{Name: "acme", Limits: reg.Tenant("acme", tenant)}
	k := &Key{ID: "ci", Tenant: t, Limits: reg.Key("acme", "ci", key)}
	return func(r *Request) { r.Tenant, r.TenantName, r.Key = t, t.Name, k }
}

// TestLimits lets one request in, which uses 30 tokens for 50 millionths of a dollar, and looks at what
// the next one is told.
func TestLimits(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		tenant, key store.Limits
		typ, code   string
		retry       time.Duration
		message     string
	}{
		{"requests of the tenant", store.Limits{RequestsPerMinute: 1}, store.Limits{}, "requests", "rate_limit_exceeded", time.Minute, `tenant "acme": 1 requests per minute`},
		{"requests of the key", store.Limits{RequestsPerMinute: 5}, store.Limits{RequestsPerMinute: 1}, "requests", "rate_limit_exceeded", time.Minute, `key "ci": 1 requests per minute`},
		{"tokens", store.Limits{}, store.Limits{TokensPerMinute: 30}, "tokens", "rate_limit_exceeded", 2 * time.Second, `key "ci": 30 tokens per minute`},
		{"a day", store.Limits{PerDay: 50_000}, store.Limits{}, "insufficient_quota", "insufficient_quota", 24 * time.Hour, `tenant "acme" is used up: 0.00005 USD a day`},
		{"a month", store.Limits{}, store.Limits{PerMonth: 49_999}, "insufficient_quota", "insufficient_quota", 31 * 24 * time.Hour, `key "ci" is used up: 0.000049999 USD a month`},
	} {
		check(t, []rule{{tc.name, func(t *testing.T, w *world) {
			var reg limits.Registry
			who := member(&reg, tc.tenant, tc.key)
			w.do("local", who).want(t, "local/llama=200", "")
			e := w.do("local", who)
			e.want(t, "", tc.code)
			if e.err == nil || e.err.Status != 429 || e.err.Type != tc.typ || e.err.RetryAfter != tc.retry || !strings.Contains(e.err.Message, tc.message) {
				t.Fatalf("%+v", e.err)
			}
			if len(w.up.calls) != 1 {
				t.Error("the vendor was asked")
			}
			time.Sleep(e.err.RetryAfter)
			w.do("local", who).want(t, "local/llama=200", "")
		}}})
	}
	check(t, []rule{
		{"concurrent", func(t *testing.T, w *world) {
			var reg limits.Registry
			who := member(&reg, store.Limits{Concurrent: 1}, store.Limits{})
			w.on("local/llama", after(time.Minute, ok()))
			var wg sync.WaitGroup
			wg.Go(func() { w.do("local", who).want(t, "local/llama=200", "") })
			synctest.Wait()
			e := w.do("local", who)
			if e.err == nil || e.err.Code != "rate_limit_exceeded" || e.err.Type != "requests" || e.err.RetryAfter != time.Second {
				t.Errorf("%+v", e.err)
			}
			w.do("local").want(t, "local/llama=200", "") // others are not held up
			wg.Wait()
			w.do("local", who).want(t, "local/llama=200", "")
		}},
		{"a limit is met before a group falls back, and leads to no fallback", func(t *testing.T, w *world) {
			var reg limits.Registry
			who := member(&reg, store.Limits{RequestsPerMinute: 1}, store.Limits{})
			w.do("quality", who)
			w.do("quality", who).want(t, "", "rate_limit_exceeded")
		}},
		{"the headroom is after the request's estimate, which its end corrects", func(t *testing.T, w *world) {
			var reg limits.Registry
			who := member(&reg, store.Limits{RequestsPerMinute: 10, TokensPerMinute: 1000}, store.Limits{})
			e := w.do("local", who, func(r *Request) { r.PromptTokens, r.MaxOutput = 100, 300 })
			want := limits.Headroom{Requests: limits.Room{Limit: 10, Remaining: 9, Reset: 6 * time.Second}, Tokens: limits.Room{Limit: 1000, Remaining: 600, Reset: 24 * time.Second}}
			if e.report.Limits != want {
				t.Errorf("%+v", e.report.Limits)
			}
			e = w.do("local", who, func(r *Request) { r.PromptTokens, r.MaxOutput = 100, 300 })
			if left := e.report.Limits.Tokens.Remaining; left != 1000-30-400 {
				t.Errorf("%d tokens are left", left)
			}
			if e := w.do("local"); e.report.Limits != (limits.Headroom{}) {
				t.Errorf("without limits %+v", e.report.Limits)
			}
		}},
		{"what fails is given back, but for its being a request", func(t *testing.T, w *world) {
			var reg limits.Registry
			who := member(&reg, store.Limits{RequestsPerMinute: 10, TokensPerMinute: 1000, PerDay: store.USD}, store.Limits{})
			w.on("local/llama", status(400), ok())
			w.do("local", who).want(t, "local/llama=400", "invalid_value")
			e := w.do("local", who, func(r *Request) { r.PromptTokens, r.MaxOutput = 0, 1 })
			if h := e.report.Limits; h.Requests.Remaining != 8 || h.Tokens.Remaining != 999 {
				t.Errorf("%+v", h)
			}
		}},
		{"of a vendor that is silent about tokens the estimate stands", func(t *testing.T, w *world) {
			var reg limits.Registry
			who := member(&reg, store.Limits{TokensPerMinute: 1000}, store.Limits{})
			w.on("local/llama", step{status: 200, body: `{"choices":[]}`})
			sized := func(r *Request) { r.PromptTokens, r.MaxOutput = 100, 300 }
			w.do("local", who, sized)
			if e := w.do("local", who, sized); e.report.Limits.Tokens.Remaining != 200 || e.report.Usage.Present {
				t.Errorf("%+v", e.report)
			}
		}},
		{"a tenant that is acted for pays, and so does the key", func(t *testing.T, w *world) {
			var reg limits.Registry
			one := store.Limits{RequestsPerMinute: 1}
			broker, globex, initech := &Tenant{Name: "broker", Limits: reg.Tenant("broker", one)}, &Tenant{Name: "globex", Limits: reg.Tenant("globex", one)}, &Tenant{Name: "initech"}
			key := &Key{ID: "b", Tenant: broker, Limits: reg.Key("broker", "b", store.Limits{RequestsPerMinute: 2})}
			as := func(t *Tenant) func(*Request) { return func(r *Request) { r.Tenant, r.Key = t, key } }
			w.do("local", as(globex)).want(t, "local/llama=200", "")
			w.do("local", as(globex)).want(t, "", "rate_limit_exceeded")
			w.do("local", as(broker)).want(t, "local/llama=200", "")
			w.do("local", as(initech)).want(t, "", "rate_limit_exceeded")
		}},
	})
}

// TestGuess holds what a request reserves.
func TestGuess(t *testing.T) {
	t.Parallel()
	w := newWorld()
	g := w.group("g", "cheap", "dear", "unknown", "small")
	w.dep("g/dear").PriceOutput, w.dep("g/dear").Region = 8, "eu"
	w.dep("g/unknown").PriceInput, w.dep("g/unknown").PriceOutput = math.NaN(), math.NaN()
	w.dep("g/small").PriceInput, w.dep("g/small").Context = 1000, 5
	free := w.group("free", "only")
	w.dep("free/only").PriceInput, w.dep("free/only").PriceOutput = math.NaN(), math.NaN()
	for _, tc := range []struct {
		name   string
		group  *Group
		change func(*Request)
		want   limits.Estimate
	}{
		{"as many as the group's answers have", g, func(*Request) {}, limits.Estimate{Tokens: 10 + 256, Cost: 10_000 + 256*8_000}},
		{"as many as the client allows", g, func(r *Request) { r.MaxOutput = 1000 }, limits.Estimate{Tokens: 1010, Cost: 10_000 + 1000*8_000}},
		{"embeddings have no output", g, func(r *Request) { r.Endpoint = abi.EndpointEmbeddings }, limits.Estimate{Tokens: 10, Cost: 10_000}},
		{"of the deployments that the tenant may use", g, func(r *Request) {
			r.Tenant = &Tenant{Deployments: map[string]bool{"g/cheap": true, "g/unknown": true}}
		}, limits.Estimate{Tokens: 266, Cost: 10_000 + 256*2_000}},
		{"without a price it is free", free, func(*Request) {}, limits.Estimate{Tokens: 266}},
	} {
		req := request("g")
		req.PromptTokens = 10
		tc.change(req)
		if got := (&run{req: req}).guess(tc.group); got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.name, got, tc.want)
		}
	}
}

// TestParallelBudget sends many requests at once against a budget with room for ten.
func TestParallelBudget(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			var reg limits.Registry
			// An answer costs 50,000; with at most 20 tokens of output the estimate is 49,000.
			who := member(&reg, store.Limits{PerDay: 490_000}, store.Limits{})
			sized := func(r *Request) {
				r.PromptTokens, r.MaxOutput = 9, 20
				if stream {
					streamed(r)
				}
			}
			slow := streaming(piece{wait: time.Second, text: sse(helloEvent, finishEvent, usageEvent, done).text})
			if !stream {
				slow = after(time.Second, ok())
			}
			w.on("local/llama", slow)
			w.publish()
			var answered atomic.Int64
			var wg sync.WaitGroup
			for range 200 {
				wg.Go(func() {
					if e := w.do("local", who, sized); e.err == nil {
						answered.Add(1)
					} else if e.err.Code != "insufficient_quota" {
						t.Error(e.err)
					}
				})
			}
			wg.Wait()
			if n := answered.Load(); n != 10 {
				t.Errorf("%d were answered", n)
			}
		})
	}
}

// TestRestrictions holds that a tenant's requests go only where it may, whoever says otherwise.
func TestRestrictions(t *testing.T) {
	t.Parallel()
	set := func(names ...string) map[string]bool {
		m := map[string]bool{}
		for _, n := range names {
			m[n] = true
		}
		return m
	}
	regions := map[string]string{"quality/sonnet": "us", "quality/gpt": "eu", "fast/haiku": "eu", "fast/mini": ""}
	for _, tc := range []struct {
		name   string
		tenant Tenant
		trace  string // with all vendors down and two retries
		code   string
	}{
		{"nothing restricted", Tenant{}, "quality/sonnet quality/gpt quality/sonnet fast/haiku fast/mini fast/haiku", "upstream_error"},
		{"deployments", Tenant{Deployments: set("quality/gpt", "fast/mini")}, "quality/gpt quality/gpt quality/gpt fast/mini fast/mini fast/mini", "upstream_error"},
		{"regions: none is none of them", Tenant{Regions: set("eu")}, "quality/gpt quality/gpt quality/gpt fast/haiku fast/haiku fast/haiku", "upstream_error"},
		{"no region is none, though it were named", Tenant{Regions: set("us", "")}, "quality/sonnet quality/sonnet quality/sonnet", "upstream_error"},
		{"both", Tenant{Regions: set("eu"), Deployments: set("quality/gpt", "quality/sonnet", "fast/mini")}, "quality/gpt quality/gpt quality/gpt", "upstream_error"},
		{"groups too", Tenant{Models: set("quality"), Deployments: set("quality/gpt", "fast/mini")}, "quality/gpt quality/gpt quality/gpt", "upstream_error"},
		{"a group without a deployment that it may use is not there", Tenant{Deployments: set("fast/mini")}, "", "model_not_found"},
		{"an empty set is nothing", Tenant{Regions: set()}, "", "model_not_found"},
		{"a pin elsewhere", Tenant{Regions: set("eu"), Pins: map[string]string{"quality": "quality/sonnet"}}, "quality/gpt quality/gpt quality/gpt fast/haiku fast/haiku fast/haiku", "upstream_error"},
	} {
		check(t, []rule{{tc.name, func(t *testing.T, w *world) {
			for id, region := range regions {
				w.dep(id).Region, w.dep(id).Cooldown = region, new(time.Duration)
				w.on(id, status(500))
			}
			tenant := tc.tenant
			own := &strategy{name: "own"} // a policy that would have every deployment
			tenant.Policy = PluginPolicy("own", own)
			who := func(r *Request) { r.Tenant = &tenant }
			e := w.do("quality", who)
			var trace []string
			for _, a := range e.report.Attempts {
				trace = append(trace, a.Deployment)
			}
			if got := strings.Join(trace, " "); got != tc.trace || e.err == nil || e.err.Code != tc.code {
				t.Errorf("%q, %v", got, e.err)
			}
			for _, seen := range own.seen {
				if slices.ContainsFunc(seen, func(c abi.Candidate) bool { return tenant.Deployments != nil && !tenant.Deployments[c.ID] }) {
					t.Errorf("it was asked about %+v", seen)
				}
			}
			snap := w.gw.Acquire()
			defer snap.Release()
			there := tc.code != "model_not_found"
			if snap.Serves(&tenant, "quality") != there || slices.Contains(snap.Models(&tenant), "quality") != there {
				t.Errorf("models %q", snap.Models(&tenant))
			}
			e = w.do("fast", who, func(r *Request) { r.Fallbacks = []string{"quality"} })
			if !there && tenant.Deployments != nil && (e.err == nil || e.err.Param != "fallbacks[0]") {
				t.Errorf("a client's fallback: %v", e.err)
			}
		}}})
	}
	check(t, []rule{{"another deployment is left only if the tenant may use it", func(t *testing.T, w *world) {
		w.on("fast/haiku", status(429))
		e := w.do("fast", quick, only, func(r *Request) { r.Tenant = &Tenant{Deployments: set("fast/haiku")} })
		e.want(t, "fast/haiku=429", "rate_limit_exceeded")
		if s := w.dep("fast/haiku").Health.Status(); s.State != "healthy" {
			t.Errorf("it cools down though it is the tenant's only one: %+v", s)
		}
	}}})
}
