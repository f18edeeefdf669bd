package gateway

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

var upstreamCut = upstream.Error{Kind: upstream.Truncated, Op: "read the response body", Detail: "cut"}

func contextFor(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}

func (w *world) state(t *testing.T, id, want string) {
	t.Helper()
	if got := w.dep(id).Health.Status().State; got != want {
		t.Errorf("%s is %s, want %s", id, got, want)
	}
}

// cools checks that a deployment cools down for exactly d.
func (w *world) cools(t *testing.T, id string, d time.Duration) {
	t.Helper()
	w.state(t, id, "cooling")
	if got := w.dep(id).Health.CoolingFor(time.Now()); got != d {
		t.Errorf("%s cools down for %v, want %v", id, got, d)
	}
}

// cool makes a deployment cool down as after an attempt that failed with a status.
func (w *world) cool(id string, status int) {
	d, f := w.dep(id), fromRefusal(refusal(status, "")).failure()
	d.Health.CoolAfter(time.Now(), &f, d.Pausing(), false, true)
}

func TestCooldown(t *testing.T) {
	t.Parallel()
	nap := func(d time.Duration) { _ = sleep(context.Background(), d, false) } // of the fake clock
	check(t, []rule{
		{"a 429 cools down while another deployment is left, for 5 s", func(t *testing.T, w *world) {
			w.on("quality/sonnet", status(429))
			w.do("quality").want(t, "quality/sonnet=429 quality/gpt=200", "")
			w.cools(t, "quality/sonnet", 5*time.Second)
			w.do("quality").want(t, "quality/gpt=200", "")
		}},
		{"a 429 does not cool down when no other is left", func(t *testing.T, w *world) {
			w.on("local/llama", status(429))
			w.do("local", retries(0))
			w.state(t, "local/llama", "healthy")
		}},
		{"for Retry-After if the vendor says", func(t *testing.T, w *world) {
			w.on("quality/sonnet", asking(429, "42"))
			w.do("quality")
			w.cools(t, "quality/sonnet", 42*time.Second)
		}},
		{"for the configured cooldown before Retry-After", func(t *testing.T, w *world) {
			w.dep("quality/sonnet").Cooldown = ptr(11 * time.Second)
			w.on("quality/sonnet", asking(429, "42"))
			w.do("quality")
			w.cools(t, "quality/sonnet", 11*time.Second)
		}},
		{"a Retry-After counts for an hour at most", func(t *testing.T, w *world) {
			w.on("quality/sonnet", asking(429, "86400"))
			w.do("quality")
			w.cools(t, "quality/sonnet", time.Hour)
		}},
		{"cooldown 0 means never", func(t *testing.T, w *world) {
			w.dep("quality/sonnet").Cooldown = ptr(time.Duration(0))
			for _, s := range []step{status(429), status(401), status(500)} {
				w.on("quality/sonnet", s)
				for range 6 {
					w.do("quality")
				}
			}
			w.state(t, "quality/sonnet", "healthy")
		}},
		{"what never reached the vendor is not held against a deployment", func(t *testing.T, w *world) {
			w.on("quality/sonnet", broken(upstream.Refused))
			for range 12 {
				w.do("quality")
			}
			w.on("quality/sonnet", ok())
			w.provider.requestErr = errors.New("it trapped")
			for range 12 {
				w.do("quality")
			}
			w.state(t, "quality/sonnet", "healthy")
			w.provider.requestErr = nil
			w.do("quality").want(t, "quality/sonnet=200", "")
		}},
		{"one unknown model says nothing about a deployment that serves all", func(t *testing.T, w *world) {
			w.group("openai/*", "all").Deployments[0].Model = "*"
			w.on("gpt-none", status(404))
			w.do("openai/gpt-none").want(t, "openai/*/all=404", "model_not_found")
			if s := w.find("openai/*").Deployments[0].Health.Status().State; s != "healthy" {
				t.Errorf("it is %s", s)
			}
		}},
		{"401, 403 and 404 cool down for 60 s", func(t *testing.T, w *world) {
			for _, code := range []int{401, 403, 404} {
				w := newWorld()
				w.on("quality/sonnet", status(code))
				w.do("quality")
				w.cools(t, "quality/sonnet", time.Minute)
			}
		}},
		{"more than half of at least five attempts in the last minute", func(t *testing.T, w *world) {
			w.on("quality/sonnet", ok(), ok(), status(500), status(500), status(500))
			for range 4 {
				w.do("quality")
			}
			w.state(t, "quality/sonnet", "healthy")
			w.do("quality")
			w.cools(t, "quality/sonnet", 5*time.Second)
		}},
		{"exactly half is not more than half", func(t *testing.T, w *world) {
			w.on("quality/sonnet", ok(), ok(), ok(), status(500), status(500), status(500))
			for range 6 {
				w.do("quality")
			}
			w.state(t, "quality/sonnet", "healthy")
		}},
		{"four failures of four are too few", func(t *testing.T, w *world) {
			w.on("quality/sonnet", status(500))
			for range 4 {
				w.do("quality")
			}
			w.state(t, "quality/sonnet", "healthy")
		}},
		{"failures of more than a minute ago do not count", func(t *testing.T, w *world) {
			w.on("quality/sonnet", status(500))
			for range 8 {
				w.do("quality")
				nap(20 * time.Second)
			}
			w.state(t, "quality/sonnet", "healthy")
		}},
		{"the failure rate counts 429 of an only deployment too", func(t *testing.T, w *world) {
			w.on("local/llama", asking(429, "30"))
			for range 5 {
				w.do("local", retries(0))
			}
			w.cools(t, "local/llama", 30*time.Second)
		}},
		{"allowed_fails in a row", func(t *testing.T, w *world) {
			w.dep("quality/sonnet").AllowedFails = 2
			w.on("quality/sonnet", status(500), ok(), status(500), status(500))
			for range 3 {
				w.do("quality")
			}
			w.state(t, "quality/sonnet", "healthy")
			w.do("quality")
			w.cools(t, "quality/sonnet", 5*time.Second)
		}},
		{"errors of the client are no failure", func(t *testing.T, w *world) {
			w.dep("local/llama").AllowedFails = 1
			w.on("local/llama", status(400))
			for range 6 {
				w.do("local")
			}
			s := w.dep("local/llama").Health.Status()
			if s.State != "healthy" || s.Failures != 0 || s.ReqMinute != 6 {
				t.Errorf("status %+v", s)
			}
		}},
		{"a client that leaves is no failure", func(t *testing.T, w *world) {
			w.dep("local/llama").AllowedFails = 1
			w.on("local/llama", hanging())
			for range 6 {
				ctx, cancel := contextFor(time.Second)
				w.doCtx(ctx, "local")
				cancel()
			}
			if s := w.dep("local/llama").Health.Status(); s.State != "healthy" || s.Failures != 0 || s.Consecutive != 0 {
				t.Errorf("status %+v", s)
			}
		}},
		{"it comes back through a half-open trial", func(t *testing.T, w *world) {
			w.on("quality/sonnet", status(429), ok())
			w.do("quality")
			nap(5 * time.Second)
			w.state(t, "quality/sonnet", "half-open")
			e := w.do("quality")
			e.want(t, "quality/sonnet=200", "")
			if !e.report.Attempts[0].Trial {
				t.Error("the attempt was not marked as a trial")
			}
			if c := w.strategy.seen[len(w.strategy.seen)-1]; c[0].Flags&abi.CandidateTrial == 0 || c[1].Flags != 0 {
				t.Errorf("flags %b and %b", c[0].Flags, c[1].Flags)
			}
			w.state(t, "quality/sonnet", "healthy")
		}},
		{"one request at a time until one succeeds", func(t *testing.T, w *world) {
			w.on("quality/sonnet", status(429), after(10*time.Second, ok()))
			w.do("quality")
			nap(5 * time.Second)
			trial := make(chan ended)
			go func() { trial <- w.do("quality") }()
			nap(time.Second)
			w.do("quality").want(t, "quality/gpt=200", "")
			(<-trial).want(t, "quality/sonnet=200", "")
			w.do("quality").want(t, "quality/sonnet=200", "")
		}},
		{"a failed trial doubles the pause, up to 5 min", func(t *testing.T, w *world) {
			w.on("quality/sonnet", status(429))
			w.do("quality")
			for _, want := range []time.Duration{5, 10, 20, 40, 80, 160, 300, 300} {
				w.cools(t, "quality/sonnet", want*time.Second)
				nap(want * time.Second)
				w.do("quality").want(t, "quality/sonnet=429 quality/gpt=200", "")
			}
		}},
		{"a failed trial waits at least as long as the vendor asks, or the operator", func(t *testing.T, w *world) {
			w.on("quality/sonnet", status(429), asking(429, "100"))
			w.do("quality")
			nap(5 * time.Second)
			w.do("quality")
			w.cools(t, "quality/sonnet", 100*time.Second)
			w.dep("balanced/sonnet").Cooldown = ptr(8 * time.Minute)
			w.on("balanced/sonnet", status(429))
			w.do("balanced")
			nap(8 * time.Minute)
			w.do("balanced")
			w.cools(t, "balanced/sonnet", 8*time.Minute)
		}},
		{"a trial whose client leaves is given back", func(t *testing.T, w *world) {
			w.on("quality/sonnet", status(429), hanging(), ok())
			w.do("quality")
			nap(5 * time.Second)
			ctx, cancel := contextFor(time.Second)
			defer cancel()
			w.doCtx(ctx, "quality").want(t, "quality/sonnet=0", "client_closed_request")
			w.state(t, "quality/sonnet", "half-open")
			w.do("quality").want(t, "quality/sonnet=200", "")
		}},
		{"a trial that fails after cooldowns were switched off is given back", func(t *testing.T, w *world) {
			w.on("quality/sonnet", status(429), status(429), ok())
			w.do("quality")
			nap(5 * time.Second)
			w.dep("quality/sonnet").Cooldown = ptr(time.Duration(0))
			w.do("quality").want(t, "quality/sonnet=429 quality/gpt=200", "")
			w.do("quality").want(t, "quality/sonnet=200", "")
		}},
		{"a trial that was refused before the vendor was asked proves nothing", func(t *testing.T, w *world) {
			w.on("quality/sonnet", status(429), ok())
			w.do("quality")
			nap(5 * time.Second)
			w.provider.dropped = []string{"seed"}
			e := w.do("quality", func(r *Request) { r.StrictParams = true })
			e.want(t, "quality/sonnet=0 quality/gpt=0", "unsupported_parameter")
			w.state(t, "quality/sonnet", "half-open")
			w.provider.dropped = nil
			w.do("quality").want(t, "quality/sonnet=200", "")
		}},
		{"a trial that the vendor answers by blaming the client succeeds", func(t *testing.T, w *world) {
			w.on("quality/sonnet", status(429), status(400))
			w.do("quality")
			nap(5 * time.Second)
			w.do("quality").want(t, "quality/sonnet=400", "invalid_value")
			w.state(t, "quality/sonnet", "healthy")
		}},
		{"an answer to a request from before the cooldown does not end it", func(t *testing.T, w *world) {
			w.on("quality/sonnet", after(3*time.Second, ok()), asking(429, "60"))
			slow := make(chan ended)
			go func() { slow <- w.do("quality") }()
			nap(time.Second)
			w.do("quality").want(t, "quality/sonnet=429 quality/gpt=200", "")
			(<-slow).want(t, "quality/sonnet=200", "")
			w.state(t, "quality/sonnet", "cooling")
		}},
		{"all cooling down: the least recently cooled is tried anyway", func(t *testing.T, w *world) {
			w.find("quality").Fallbacks = nil
			w.on("quality/gpt", status(401), ok())
			w.cool("quality/gpt", 401)
			nap(time.Second)
			w.cool("quality/sonnet", 401)
			nap(time.Second)
			w.on("quality/gpt", ok())
			w.do("quality").want(t, "quality/gpt=200", "")
			if c := w.strategy.seen[0]; len(c) != 1 || c[0].Flags != abi.CandidateCooling || c[0].CoolingUntil == 0 {
				t.Errorf("candidates %+v", c)
			}
			w.state(t, "quality/gpt", "healthy")
			w.state(t, "quality/sonnet", "cooling")
		}},
		{"all cooling down: a second attempt takes the next", func(t *testing.T, w *world) {
			w.find("quality").Fallbacks = nil
			for _, id := range []string{"quality/sonnet", "quality/gpt"} {
				w.cool(id, 401)
				nap(time.Second)
			}
			w.on("quality/sonnet", status(500))
			w.do("quality").want(t, "quality/sonnet=500 quality/gpt=200", "")
			w.state(t, "quality/sonnet", "cooling")
		}},
		{"all cooling down with a healthy fallback group: that one is asked", func(t *testing.T, w *world) {
			for _, id := range []string{"quality/sonnet", "quality/gpt"} {
				w.cool(id, 401)
			}
			w.do("quality").want(t, "fast/haiku=200", "")
		}},
		{"all cooling down with a fallback group that is too: tried anyway", func(t *testing.T, w *world) {
			for _, id := range []string{"quality/sonnet", "quality/gpt", "fast/haiku", "fast/mini"} {
				w.cool(id, 401)
			}
			w.do("quality").want(t, "quality/sonnet=200", "")
		}},
		{"fail_open false: 503 with Retry-After", func(t *testing.T, w *world) {
			g := w.find("quality")
			g.FailOpen, g.Fallbacks = false, nil
			w.cool("quality/sonnet", 401)
			nap(15 * time.Second)
			w.cool("quality/gpt", 401)
			e := w.do("quality")
			e.want(t, "", "all_cooling_down")
			if e.err.Status != 503 || e.err.RetryAfter != 45*time.Second {
				t.Errorf("error %+v", e.err)
			}
		}},
		{"fail_open false: the fallback group answers", func(t *testing.T, w *world) {
			w.find("quality").FailOpen = false
			for _, id := range []string{"quality/sonnet", "quality/gpt"} {
				w.cool(id, 401)
			}
			w.do("quality").want(t, "fast/haiku=200", "")
		}},
		{"a pause that outlasts a cooldown claims the trial", func(t *testing.T, w *world) {
			w.find("quality").Fallbacks = nil
			w.on("quality/gpt", status(401), ok())
			w.cool("quality/gpt", 429)
			w.on("quality/sonnet", asking(500, "6"))
			e := w.do("quality")
			e.want(t, "quality/sonnet=500 quality/gpt=401 quality/sonnet=500", "upstream_error")
			if !e.report.Attempts[1].Trial {
				t.Error("no trial")
			}
		}},
		{"a cooldown outlives a change of the config", func(t *testing.T, w *world) {
			w.on("quality/sonnet", asking(429, "60"))
			w.do("quality")
			w.groups = nil
			w.group("quality", "sonnet", "gpt")
			w.publish()
			w.cools(t, "quality/sonnet", time.Minute)
			w.do("quality").want(t, "quality/gpt=200", "")
		}},
	})
}
