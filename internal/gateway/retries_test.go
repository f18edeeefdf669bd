package gateway

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

func TestRetries(t *testing.T) {
	t.Parallel()
	check(t, []rule{
		{"an answer needs one attempt", func(t *testing.T, w *world) {
			e := w.do("quality")
			e.want(t, "quality/sonnet=200", "")
			if e.body != completion {
				t.Errorf("body %s", e.body)
			}
			if u := e.report.Usage; u.Prompt != 10 || u.Completion != 20 || u.Cached != 4 {
				t.Errorf("usage %+v", u)
			}
			if want := (6*1 + 4*1 + 20*2) / 1e6; e.report.Cost != want {
				t.Errorf("cost %v, want %v", e.report.Cost, want)
			}
		}},
		{"retries 2 means at most three attempts in the group", func(t *testing.T, w *world) {
			w.on("local/llama", status(500))
			w.do("local").want(t, "local/llama=500 local/llama=500 local/llama=500", "upstream_error")
		}},
		{"at most retries+1 attempts in the group in all, whatever the number of deployments", func(t *testing.T, w *world) {
			w.group("wide", "a", "b", "c", "d", "e")
			for _, n := range []string{"a", "b", "c", "d"} {
				w.on("wide/"+n, status(500))
			}
			w.do("wide").want(t, "wide/a=500 wide/b=500 wide/c=500", "upstream_error")
		}},
		{"precedence: request before deployment", func(t *testing.T, w *world) {
			w.on("local/llama", status(500))
			w.dep("local/llama").Retries = new(3)
			w.do("local", retries(1)).want(t, "local/llama=500 local/llama=500", "upstream_error")
		}},
		{"precedence: deployment before group", func(t *testing.T, w *world) {
			w.on("local/llama", status(500))
			w.dep("local/llama").Retries = new(0)
			w.do("local").want(t, "local/llama=500", "upstream_error")
		}},
		{"num_retries 0 means one attempt", func(t *testing.T, w *world) {
			w.on("quality/sonnet", status(500))
			w.do("quality", retries(0), func(r *Request) { r.DisableFallbacks = true }).want(t, "quality/sonnet=500", "upstream_error")
		}},
		{"409, 429, 5xx and 529 are retryable", func(t *testing.T, w *world) {
			for _, code := range []int{408, 409, 429, 500, 502, 503, 504, 529} {
				w := newWorld()
				w.on("local/llama", status(code), ok())
				e := w.do("local")
				if e.err != nil || len(e.report.Attempts) != 2 {
					t.Errorf("status %d: %v, %s", code, e.err, e.trace())
				}
			}
		}},
		{"connection errors are retryable", func(t *testing.T, w *world) {
			for _, kind := range []upstream.Kind{upstream.Unreachable, upstream.Reset, upstream.Timeout, upstream.Truncated, upstream.Malformed, upstream.Unknown} {
				w := newWorld()
				w.on("local/llama", broken(kind), ok())
				w.do("local").want(t, "local/llama=0 local/llama=200", "")
			}
		}},
		{"an answer that can't be read is retryable", func(t *testing.T, w *world) {
			w.on("local/llama", step{status: 200, body: "<html>"}, ok())
			w.do("local").want(t, "local/llama=200 local/llama=200", "")
		}},
		{"an error status whose body breaks off keeps its meaning", func(t *testing.T, w *world) {
			s := asking(429, "20")
			s.pieces = []piece{{text: `{"err`, err: &upstream.Error{Kind: upstream.Truncated}}}
			w.on("quality/sonnet", s)
			w.do("quality").want(t, "quality/sonnet=429 quality/gpt=200", "")
			if s := w.dep("quality/sonnet").Health.Status(); s.State != "cooling" {
				t.Errorf("state %s", s.State)
			}
		}},
		{"a timeout of the attempt is retryable", func(t *testing.T, w *world) {
			w.dep("quality/sonnet").Timeout = 7 * time.Second
			w.on("quality/sonnet", hanging())
			e := w.do("quality")
			e.want(t, "quality/sonnet=0 quality/gpt=200", "")
			e.tookBetween(t, 7*time.Second, 7*time.Second)
		}},
		{"401 and 403 are retried only if another deployment is left", func(t *testing.T, w *world) {
			for _, code := range []int{401, 403} {
				w := newWorld()
				w.on("quality/sonnet", status(code))
				w.do("quality").want(t, "quality/sonnet="+http3(code)+" quality/gpt=200", "")
				w.on("local/llama", status(code))
				e := w.do("local")
				e.want(t, "local/llama="+http3(code), "upstream_auth")
				if e.err.Status != 502 {
					t.Errorf("the client got %d", e.err.Status)
				}
			}
		}},
		{"404 is final for the deployment, the next is tried", func(t *testing.T, w *world) {
			w.on("quality/sonnet", status(404))
			w.do("quality").want(t, "quality/sonnet=404 quality/gpt=200", "")
			w.on("local/llama", status(404))
			w.do("local").want(t, "local/llama=404", "model_not_found")
		}},
		{"400 and 422 are not retried and do not fall back", func(t *testing.T, w *world) {
			for _, code := range []int{400, 422} {
				w := newWorld()
				w.on("quality/sonnet", status(code))
				w.do("quality").want(t, "quality/sonnet="+http3(code), "invalid_value")
			}
		}},
		{"context-window overflow and content policy are not retried", func(t *testing.T, w *world) {
			for _, code := range []string{"context_length_exceeded", "content_filter"} {
				w := newWorld()
				w.on("local/llama", refusing(400, code))
				w.do("local").want(t, "local/llama=400", code)
			}
		}},
		{"every attempt scores again, with the history in the input", func(t *testing.T, w *world) {
			w.on("quality/sonnet", status(500))
			w.on("quality/gpt", status(500), ok())
			w.do("quality", retries(3)).want(t, "quality/sonnet=500 quality/gpt=500 quality/sonnet=500 quality/gpt=200", "")
			h := w.strategy.headers
			if len(h) != 4 || h[0].Attempt != 0 || h[0].LastError != "" || h[3].Attempt != 3 || h[3].LastError != "upstream_error" {
				t.Errorf("headers %+v", h)
			}
			if h[0].Seed == h[1].Seed {
				t.Error("two attempts have one seed")
			}
			if c := w.strategy.seen[2]; len(c) != 1 || c[0].Flags&abi.CandidateFailed == 0 {
				t.Errorf("third attempt's candidates %+v", c)
			}
		}},
		{"the deployment that just failed is excluded while another is left", func(t *testing.T, w *world) {
			w.strategy.score = func(_ *abi.Header, c []abi.Candidate, out *abi.ScoreOutput) error {
				for i := range c {
					if c[i].ID == "quality/sonnet" {
						out.Scores[i] = -1
					}
				}
				return nil
			}
			w.on("quality/sonnet", status(500))
			w.on("quality/gpt", status(500))
			w.do("quality", func(r *Request) { r.DisableFallbacks = true }).
				want(t, "quality/sonnet=500 quality/gpt=500 quality/sonnet=500", "upstream_error")
		}},
		{"a retry of another healthy deployment does not wait", func(t *testing.T, w *world) {
			w.on("quality/sonnet", asking(500, "60"))
			w.do("quality").tookBetween(t, 0, 0)
		}},
		{"another deployment is left means one that has not failed in this request", func(t *testing.T, w *world) {
			w.on("quality/sonnet", status(500), ok())
			w.on("quality/gpt", asking(500, "3"))
			e := w.do("quality")
			e.want(t, "quality/sonnet=500 quality/gpt=500 quality/sonnet=200", "")
			e.tookBetween(t, 3*time.Second, 3*time.Second)
		}},
		{"otherwise it waits for Retry-After in seconds", func(t *testing.T, w *world) {
			w.on("local/llama", asking(429, "20"), ok())
			w.do("local").tookBetween(t, 20*time.Second, 20*time.Second)
		}},
		{"otherwise it waits for Retry-After as a date", func(t *testing.T, w *world) {
			w.on("local/llama", asking(503, time.Now().Add(4*time.Second).UTC().Format(http.TimeFormat)), ok())
			w.do("local").tookBetween(t, 4*time.Second, 4*time.Second)
		}},
		{"a Retry-After beyond the deadline ends the attempts at once", func(t *testing.T, w *world) {
			w.on("local/llama", asking(429, "60"))
			e := w.do("local", within(30*time.Second))
			e.want(t, "local/llama=429", "rate_limit_exceeded")
			e.tookBetween(t, 0, 0)
		}},
		{"else it waits full-jitter exponential from 0.5 s to 8 s", func(t *testing.T, w *world) {
			w.on("local/llama", status(500))
			w.dep("local/llama").Cooldown = ptr(time.Duration(0))
			w.do("local", retries(8))
			calls := w.up.calls
			bound, spread := 500*time.Millisecond, time.Duration(0)
			for i := 1; i < len(calls); i++ {
				wait := calls[i].at.Sub(calls[i-1].at)
				if wait <= 0 || wait > bound {
					t.Errorf("wait %d is %v, want up to %v", i, wait, bound)
				}
				bound, spread = min(2*bound, 8*time.Second), max(spread, wait)
			}
			if len(calls) != 9 || spread <= 500*time.Millisecond {
				t.Errorf("%d calls, longest wait %v", len(calls), spread)
			}
		}},
		{"a Retry-After above 8 s goes to a fallback group at once", func(t *testing.T, w *world) {
			w.group("solo", "a").Fallbacks = []string{"fast"}
			w.on("solo/a", asking(429, "9"))
			e := w.do("solo")
			e.want(t, "solo/a=429 fast/haiku=200", "")
			e.tookBetween(t, 0, 0)
		}},
		{"a Retry-After up to 8 s is waited for, fallback group or not", func(t *testing.T, w *world) {
			w.group("solo", "a").Fallbacks = []string{"fast"}
			w.on("solo/a", asking(429, "8"), ok())
			w.do("solo").tookBetween(t, 8*time.Second, 8*time.Second)
		}},
		{"one deadline covers retries and fallbacks", func(t *testing.T, w *world) {
			for _, id := range []string{"quality/sonnet", "quality/gpt", "fast/haiku", "fast/mini"} {
				w.on(id, after(8*time.Second, status(500)))
			}
			e := w.do("quality", within(20*time.Second))
			e.tookBetween(t, 16*time.Second, 20*time.Second)
			if e.err == nil {
				t.Error("no error")
			}
		}},
		{"the deadline: request timeout before the group's", func(t *testing.T, w *world) {
			w.on("local/llama", hanging())
			w.find("local").Timeout = time.Minute
			e := w.do("local", within(3*time.Second))
			e.want(t, "local/llama=0", "timeout")
			e.tookBetween(t, 3*time.Second, 3*time.Second)
			if e.err.Status != 504 {
				t.Errorf("status %d", e.err.Status)
			}
			w.do("local").tookBetween(t, time.Minute, time.Minute)
		}},
		{"the deadline: 600 s if nobody says", func(t *testing.T, w *world) {
			w.on("local/llama", hanging())
			w.find("local").Timeout = 0
			w.do("local").tookBetween(t, 600*time.Second, 600*time.Second)
		}},
		{"a first-token timeout is separate and retryable", func(t *testing.T, w *world) {
			w.find("quality").StreamTimeout = 5 * time.Second
			w.on("quality/sonnet", streaming(sse(roleEvent), piece{hang: true}))
			w.on("quality/gpt", hanging(), wholeStream())
			e := w.do("quality", streamed)
			e.want(t, "quality/sonnet=200 quality/gpt=0 quality/sonnet=200 fast/haiku=200", "")
			e.tookBetween(t, 15*time.Second, 17*time.Second)
		}},
		{"stream_timeout: request before deployment before group", func(t *testing.T, w *world) {
			g := w.find("local")
			g.Retries, g.StreamTimeout = 0, 9*time.Second
			w.on("local/llama", hanging())
			w.do("local", streamed).tookBetween(t, 9*time.Second, 9*time.Second)
			w.dep("local/llama").StreamTimeout = ptr(7 * time.Second)
			w.do("local", streamed).tookBetween(t, 7*time.Second, 7*time.Second)
			w.do("local", streamed, func(r *Request) { r.StreamTimeout = ptr(2 * time.Second) }).tookBetween(t, 2*time.Second, 2*time.Second)
		}},
		{"stream_timeout does not limit a stream that has begun", func(t *testing.T, w *world) {
			w.find("local").StreamTimeout = 5 * time.Second
			w.on("local/llama", streaming(sse(helloEvent), piece{wait: time.Minute}, sse(loEvent, finishEvent, done)))
			w.do("local", streamed).want(t, "local/llama=200", "")
		}},
		{"stream_timeout does not concern unstreamed requests", func(t *testing.T, w *world) {
			w.find("local").StreamTimeout = 5 * time.Second
			w.on("local/llama", after(time.Minute, ok()))
			w.do("local").want(t, "local/llama=200", "")
		}},
		{"order: lowest first, the next when it is exhausted", func(t *testing.T, w *world) {
			g := w.group("tiered", "b1", "a1", "a2")
			g.Deployments[0].Order = 1
			w.on("tiered/a1", status(500))
			w.on("tiered/a2", status(500))
			w.do("tiered").want(t, "tiered/a1=500 tiered/a2=500 tiered/b1=200", "")
		}},
		{"order: exhausted includes cooling down", func(t *testing.T, w *world) {
			g := w.group("tiered", "b1", "a1")
			g.Deployments[0].Order = 1
			w.on("tiered/a1", asking(429, "30"))
			w.do("tiered").want(t, "tiered/a1=429 tiered/b1=200", "")
			w.do("tiered").want(t, "tiered/b1=200", "")
		}},
		{"order: the next is tried before other groups, though retries are few", func(t *testing.T, w *world) {
			g := w.group("tiered", "a1", "a2", "a3", "b1", "c1")
			g.Fallbacks = []string{"fast"}
			g.Deployments[3].Order, g.Deployments[4].Order = 1, 2
			for _, n := range []string{"a1", "a2", "a3", "b1"} {
				w.on("tiered/"+n, status(500))
			}
			w.do("tiered").want(t, "tiered/a1=500 tiered/b1=500 tiered/c1=200", "")
			w.do("tiered", retries(3)).want(t, "tiered/a1=500 tiered/a2=500 tiered/b1=500 tiered/c1=200", "")
		}},
		{"order: a later order that is cooling down is not moved on to", func(t *testing.T, w *world) {
			g := w.group("tiered", "a1", "a2", "b1")
			g.Deployments[2].Order = 1
			w.on("tiered/b1", status(401))
			w.on("tiered/a1", status(500))
			w.publish()
			w.cool("tiered/b1", 401)
			w.do("tiered", retries(1)).want(t, "tiered/a1=500 tiered/a2=200", "")
		}},
		{"a client that leaves while it waits ends the attempts", func(t *testing.T, w *world) {
			w.on("local/llama", asking(500, "20"))
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			e := w.doCtx(ctx, "local")
			e.tookBetween(t, 2*time.Second, 2*time.Second)
			if e.err == nil || !e.err.Canceled() {
				t.Errorf("error %v", e.err)
			}
		}},
	})
}

func http3(code int) string {
	return string([]byte{byte('0' + code/100), byte('0' + code/10%10), byte('0' + code%10)})
}
