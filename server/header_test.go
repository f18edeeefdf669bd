package server

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// constant is a vendor that gives one good answer.
func constant(body string) vendor {
	return func(context.Context, *upstream.Request) (*upstream.Response, error) {
		return answer(http.StatusOK, body)
	}
}

// exhausted is the vendor's status by model.
func exhausted(status map[string]int) vendor {
	return func(ctx context.Context, r *upstream.Request) (*upstream.Response, error) {
		if s := status[jsonraw.Value(r.Body).Get("model").Text()]; s != 0 {
			return refuse(s, "overloaded", "Busy.", "Retry-After", "7")(ctx, r)
		}
		return hello(ctx, r)
	}
}

func TestResponseHeaders(t *testing.T) {
	t.Parallel()
	fallback := func() []*gateway.Group {
		return []*gateway.Group{
			{Name: "first", Deployments: []*gateway.Deployment{{ID: "a", Model: "ma"}}, Fallbacks: []string{"quality"}},
			{Name: "alone", Deployments: []*gateway.Deployment{{ID: "b\r\nä%", Model: "mb"}}},
		}
	}
	busy := exhausted(map[string]int{"ma": 503, "mb": 429})
	request := func(model, rest string) string {
		return `{"model":"` + model + `","messages":[{"role":"user","content":"Hi"}]` + rest + `}`
	}
	const absent = "-"
	for _, tc := range []struct {
		name   string
		set    setting
		body   string
		status int
		want   map[string]string
	}{
		{"answer", setting{}, request("quality", ""), 200, map[string]string{
			"deployment": "gpt", "provider": "acct", "attempts": "1", "attempt-list": "gpt=ok", "fallbacks": "0", "cost-usd": "0.000065", "dropped-params": absent,
			"retry-after": absent, "x-should-retry": absent,
		}},
		{"stream", setting{}, request("quality", `,"stream":true`), 200, map[string]string{
			"deployment": "gpt", "provider": "acct", "attempts": "1", "attempt-list": "gpt=ok", "fallbacks": "0", "cost-usd": absent,
			"cache-control": "no-cache", "x-accel-buffering": "no",
		}},
		{"fallback", setting{vendor: busy, groups: fallback()}, request("first", `,"num_retries":0`), 200, map[string]string{
			"deployment": "gpt", "attempts": "2", "attempt-list": "a=503 overloaded, gpt=ok", "fallbacks": "1",
		}},
		{"dropped parameters", setting{drops: []string{"logit_bias", "sëed"}}, request("quality", `,"logit_bias":{},"sëed":1`), 200, map[string]string{
			"dropped-params": "logit_bias,s%C3%ABed",
		}},
		{"error", setting{vendor: busy, groups: fallback()}, request("alone", `,"timeout":5`), 429, map[string]string{
			"deployment": "b%0D%0A%C3%A4%", "attempts": "1", "attempt-list": "b%0D%0A%C3%A4%=429 overloaded", "fallbacks": "0", "cost-usd": absent,
			"retry-after": "7", "x-should-retry": "false",
		}},
		{"error whose retries are the client's", setting{vendor: busy, groups: fallback()}, request("alone", `,"num_retries":0`), 429, map[string]string{
			"attempts": "1", "retry-after": "7", "x-should-retry": absent,
		}},
		{"error that nobody retries", setting{vendor: refuse(400, "", "No.")}, request("quality", ""), 400, map[string]string{
			"attempts": "1", "retry-after": absent, "x-should-retry": absent,
		}},
		{"unknown model", setting{}, request("nope", ""), 404, map[string]string{
			"attempts": "0", "fallbacks": "0", "deployment": absent, "provider": absent, "attempt-list": absent,
		}},
		{"starting", setting{bare: true}, request("quality", ""), 503, map[string]string{
			"retry-after": "1", "x-should-retry": absent, "attempts": absent,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newFixture(t, tc.set).chat(tc.body)
			if w.Code != tc.status {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			for name, want := range tc.want {
				got, there := w.Header()[http.CanonicalHeaderKey(name)]
				if !there {
					got, there = w.Header()[http.CanonicalHeaderKey("x-switchyard-"+name)]
				}
				switch {
				case want == absent && there, want != absent && (len(got) != 1 || got[0] != want):
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if us := w.Header().Get("x-switchyard-overhead-us"); !tc.set.bare && (us == "" || strings.Trim(us, "0123456789") != "") {
				t.Errorf("x-switchyard-overhead-us is %q", us)
			}
		})
	}
}

func FuzzHeaderValue(f *testing.F) {
	f.Add("plain text")
	f.Add("a\r\nset-cookie: x")
	f.Add(strings.Repeat("ä", maxHeaderValue))
	f.Fuzz(func(t *testing.T, s string) {
		v := headerValue(s)
		if len(v) > maxHeaderValue {
			t.Errorf("%d bytes", len(v))
		}
		for i := range len(v) {
			if v[i] < ' ' || v[i] > '~' {
				t.Fatalf("%q has a byte that is not fit for a header", v)
			}
		}
		if again := headerValue(v); again != v {
			t.Errorf("%q changes to %q when it is sanitised again", v, again)
		}
	})
}
