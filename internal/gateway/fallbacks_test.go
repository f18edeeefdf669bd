package gateway

import (
	"slices"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

func fallbackTo(names ...string) func(*Request) {
	return func(r *Request) { r.Fallbacks = append([]string{}, names...) }
}

// failing makes every deployment of the groups give the step.
func (w *world) failing(s step, groups ...string) {
	for _, name := range groups {
		for _, d := range w.find(name).Deployments {
			w.on(d.ID, s)
		}
	}
}

func TestFallbacks(t *testing.T) {
	t.Parallel()
	check(t, []rule{
		{"quality falls back to fast when its retries are used up", func(t *testing.T, w *world) {
			w.failing(status(500), "quality")
			e := w.do("quality")
			e.want(t, "quality/sonnet=500 quality/gpt=500 quality/sonnet=500 fast/haiku=200", "")
			if e.report.Fallbacks != 1 || e.report.Group != "fast" || e.report.Deployment != "fast/haiku" {
				t.Errorf("report %+v", e.report)
			}
			if got := e.report.AttemptList(); got != "quality/sonnet=500 upstream_error, quality/gpt=500 upstream_error, quality/sonnet=500 upstream_error, fast/haiku=ok" {
				t.Errorf("attempt list %q", got)
			}
		}},
		{"balanced falls back to fast", func(t *testing.T, w *world) {
			w.failing(status(503), "balanced")
			w.do("balanced").want(t, "balanced/sonnet=503 balanced/gpt=503 balanced/sonnet=503 fast/haiku=200", "")
		}},
		{"local, fast and economy have no fallback", func(t *testing.T, w *world) {
			for _, name := range []string{"local", "fast", "economy"} {
				w.failing(status(500), name)
				if e := w.do(name); e.err == nil || e.report.Fallbacks != 0 || e.report.Group != name {
					t.Errorf("%s: %v, %+v", name, e.err, e.report)
				}
			}
		}},
		{"an upstream that can't be reached is answered by the fallback", func(t *testing.T, w *world) {
			w.failing(broken(2), "quality")
			w.do("quality", streamed).want(t, "quality/sonnet=0 quality/gpt=0 quality/sonnet=0 fast/haiku=200", "")
		}},
		{"a client list replaces the configured one", func(t *testing.T, w *world) {
			w.failing(status(500), "quality")
			w.do("quality", fallbackTo("economy"), retries(0)).want(t, "quality/sonnet=500 economy/mini=200", "")
		}},
		{"a client list is the whole list: its groups' own fallbacks do not count", func(t *testing.T, w *world) {
			w.failing(status(500), "economy", "quality")
			e := w.do("economy", fallbackTo("quality"), retries(0))
			e.want(t, "economy/mini=500 quality/sonnet=500", "upstream_error")
		}},
		{"an empty client list means none", func(t *testing.T, w *world) {
			w.failing(status(500), "quality")
			w.do("quality", fallbackTo(), retries(0)).want(t, "quality/sonnet=500", "upstream_error")
		}},
		{"a client list goes on to its next name", func(t *testing.T, w *world) {
			w.failing(status(500), "quality", "economy")
			w.do("quality", fallbackTo("economy", "local"), retries(0)).want(t, "quality/sonnet=500 economy/mini=500 local/llama=200", "")
		}},
		{"a client's typed list leaves the general one as configured", func(t *testing.T, w *world) {
			w.failing(status(500), "quality")
			w.do("quality", retries(0), func(r *Request) { r.ContextWindowFallbacks = []string{"local"} }).
				want(t, "quality/sonnet=500 fast/haiku=200", "")
			w.on("quality/sonnet", refusing(400, "context_length_exceeded"))
			w.do("quality", retries(0), func(r *Request) { r.ContextWindowFallbacks = []string{"local"} }).
				want(t, "quality/sonnet=400 local/llama=200", "")
		}},
		{"disable_fallbacks switches them off", func(t *testing.T, w *world) {
			w.failing(status(500), "quality")
			w.do("quality", retries(0), fallbackTo("fast"), func(r *Request) { r.DisableFallbacks = true }).
				want(t, "quality/sonnet=500", "upstream_error")
		}},
		{"depth is at most 5", func(t *testing.T, w *world) {
			names := []string{"g0", "g1", "g2", "g3", "g4", "g5", "g6"}
			for i, n := range names {
				g := w.group(n, "x")
				g.Retries = 0
				if i+1 < len(names) {
					g.Fallbacks = []string{names[i+1]}
				}
			}
			w.failing(status(500), names...)
			e := w.do("g0")
			e.want(t, "g0/x=500 g1/x=500 g2/x=500 g3/x=500 g4/x=500 g5/x=500", "upstream_error")
			if e.report.Fallbacks != 5 {
				t.Errorf("%d fallbacks", e.report.Fallbacks)
			}
		}},
		{"a group is entered once per request", func(t *testing.T, w *world) {
			w.find("fast").Fallbacks = []string{"quality", "fast", "economy"}
			w.failing(status(500), "quality", "fast")
			w.do("quality", retries(0)).want(t, "quality/sonnet=500 fast/haiku=500 economy/mini=200", "")
		}},
		{"the retries of each group are its own", func(t *testing.T, w *world) {
			w.find("fast").Retries = 0
			w.failing(status(500), "quality", "fast")
			w.do("quality").want(t, "quality/sonnet=500 quality/gpt=500 quality/sonnet=500 fast/haiku=500", "upstream_error")
		}},
		{"context_window_fallbacks take context-window errors", func(t *testing.T, w *world) {
			w.find("quality").ContextWindowFallbacks = []string{"economy"}
			w.on("quality/sonnet", refusing(400, "context_length_exceeded"))
			w.do("quality").want(t, "quality/sonnet=400 economy/mini=200", "")
		}},
		{"content_policy_fallbacks take content-policy errors", func(t *testing.T, w *world) {
			w.find("quality").ContentPolicyFallbacks = []string{"local"}
			w.on("quality/sonnet", refusing(400, "content_filter"))
			w.do("quality").want(t, "quality/sonnet=400 local/llama=200", "")
		}},
		{"typed errors without a list of their type use the general list", func(t *testing.T, w *world) {
			for _, code := range []string{"context_length_exceeded", "content_filter"} {
				w := newWorld()
				w.on("quality/sonnet", refusing(400, code))
				w.do("quality").want(t, "quality/sonnet=400 fast/haiku=200", "")
			}
		}},
		{"typed lists do not take other errors", func(t *testing.T, w *world) {
			w.find("local").ContextWindowFallbacks = []string{"economy"}
			w.failing(status(500), "local")
			w.do("local", retries(0)).want(t, "local/llama=500", "upstream_error")
		}},
		{"a prompt that fits no deployment of the group falls back by the typed list", func(t *testing.T, w *world) {
			for _, d := range w.find("quality").Deployments {
				d.Context = 10
			}
			w.find("quality").ContextWindowFallbacks = []string{"economy"}
			long := func(r *Request) { r.PromptTokens = 11 }
			w.do("quality", long).want(t, "economy/mini=200", "")
			w.do("quality", long, func(r *Request) { r.DisableFallbacks = true }).want(t, "", "context_length_exceeded")
		}},
		{"what no deployment of the group can take is a 400 that does not fall back", func(t *testing.T, w *world) {
			for _, d := range w.find("quality").Deployments {
				d.AbilitiesKnown = true
			}
			e := w.do("quality", func(r *Request) { r.Features |= abi.FeatureTools })
			e.want(t, "", "unsupported_feature")
			if e.err.Status != 400 {
				t.Errorf("status %d", e.err.Status)
			}
		}},
		{"a tenant never reaches a group through a fallback that it may not use directly", func(t *testing.T, w *world) {
			acme := &Tenant{Name: "acme", Models: map[string]bool{"quality": true, "economy": true}}
			w.failing(status(500), "quality")
			as := func(r *Request) { r.Tenant = acme }
			w.do("quality", as, retries(0)).want(t, "quality/sonnet=500", "upstream_error")
			w.do("quality", as, retries(0), fallbackTo("economy")).want(t, "quality/sonnet=500 economy/mini=200", "")
		}},
		{"a client list with a group that is not there, or not for the tenant, is refused by name and place", func(t *testing.T, w *world) {
			acme := &Tenant{Name: "acme", Models: map[string]bool{"quality": true, "economy": true}}
			for _, change := range []func(*Request){
				fallbackTo("economy", "nowhere"), func(r *Request) { r.Tenant, r.Fallbacks = acme, []string{"economy", "fast"} },
			} {
				e := w.do("quality", change)
				e.want(t, "", "model_not_found")
				if e.err.Status != 400 || e.err.Param != "fallbacks[1]" {
					t.Errorf("%+v", e.err)
				}
			}
			e := w.do("quality", func(r *Request) { r.ContentPolicyFallbacks = []string{"nowhere"} })
			if e.want(t, "", "model_not_found"); e.err.Param != "content_policy_fallbacks[0]" {
				t.Errorf("%+v", e.err)
			}
		}},
		{"a forbidden group and an unknown one are refused alike", func(t *testing.T, w *world) {
			acme := &Tenant{Name: "acme", Models: map[string]bool{"quality": true}}
			as := func(r *Request) { r.Tenant = acme }
			a, b := w.do("fast", as), w.do("nowhere", as)
			a.want(t, "", "model_not_found")
			b.want(t, "", "model_not_found")
			a.err.Message, b.err.Message = "", ""
			if *a.err != *b.err || a.err.Status != 404 {
				t.Errorf("%+v and %+v", a.err, b.err)
			}
		}},
		{"when all fail the client gets the last upstream error", func(t *testing.T, w *world) {
			w.failing(status(500), "quality")
			w.failing(asking(529, "3"), "fast")
			e := w.do("quality", retries(0))
			e.want(t, "quality/sonnet=500 fast/haiku=529", "overloaded")
			if e.err.Message != "vendor said 529" || e.err.RetryAfter != 3*time.Second {
				t.Errorf("error %+v", e.err)
			}
		}},
		{"a fallback group that made no attempt does not hide the last upstream error", func(t *testing.T, w *world) {
			for _, d := range w.find("fast").Deployments {
				d.Account.Disabled = "no credential"
			}
			w.failing(status(500), "quality")
			w.do("quality", retries(0)).want(t, "quality/sonnet=500", "upstream_error")
		}},
		{"a 400 of a fallback group is the client's, no further group is tried", func(t *testing.T, w *world) {
			w.failing(status(500), "quality")
			w.failing(status(400), "fast")
			w.do("quality", retries(0), fallbackTo("fast", "economy")).want(t, "quality/sonnet=500 fast/haiku=400", "invalid_value")
		}},
		{"before the commit point a stream may fall back", func(t *testing.T, w *world) {
			w.failing(streaming(sse(roleEvent), piece{err: &upstreamCut}), "quality")
			e := w.do("quality", streamed, retries(0))
			e.want(t, "quality/sonnet=200 fast/haiku=200", "")
			if len(e.chunks) != 4 {
				t.Errorf("chunks %q", e.chunks)
			}
		}},
		{"after the commit point it is an in-band error, never a second answer", func(t *testing.T, w *world) {
			w.failing(streaming(sse(roleEvent, helloEvent), piece{err: &upstreamCut}), "quality")
			e := w.do("quality", streamed)
			e.want(t, "quality/sonnet=200", "bad_upstream_response")
			if e.before || !slices.Equal(e.chunks, []string{roleEvent, helloEvent}) {
				t.Errorf("chunks %q, before %t", e.chunks, e.before)
			}
		}},
		{"an error as the first event is retried elsewhere", func(t *testing.T, w *world) {
			w.on("quality/sonnet", streaming(sse(errorEvent)))
			w.do("quality", streamed).want(t, "quality/sonnet=200 quality/gpt=200", "")
		}},
		{"a client that leaves does not fall back", func(t *testing.T, w *world) {
			w.failing(hanging(), "quality")
			ctx, cancel := contextFor(3 * time.Second)
			defer cancel()
			e := w.doCtx(ctx, "quality")
			e.want(t, "quality/sonnet=0", "client_closed_request")
			if !e.report.Attempts[0].Canceled || !w.records[0].Err.Canceled() {
				t.Error("not marked as canceled")
			}
		}},
	})
}
