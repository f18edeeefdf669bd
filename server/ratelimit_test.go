package server

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	quota "github.com/switchyard-gateway/switchyard/internal/limits" // limits is a type here
	"github.com/switchyard-gateway/switchyard/internal/store"
)

// limited is a key of a tenant with limits.
func limited(name string, l store.Limits) *gateway.Key {
	var reg quota.Registry
	return keyOf(name, &gateway.Tenant{Name: name, Limits: reg.Tenant(name, l)}, false)
}

// TestRateLimits sends requests along each surface until one is refused.
func TestRateLimits(t *testing.T) {
	t.Parallel()
	for _, surface := range []struct{ name, path, body string }{
		{"chat", "/v1/chat/completions", chatBody},
		{"stream", "/v1/chat/completions", streamBody},
		{"simple", "/complete", chatBody},
		{"simple stream", "/complete/stream", chatBody},
	} {
		for _, tc := range []struct {
			name      string
			limits    store.Limits
			typ, code string
			retry     [2]int // seconds, at least and at most
			shouldNot bool
			left      map[string]string // headers of the first answer
		}{
			{"requests", store.Limits{RequestsPerMinute: 1}, "requests", "rate_limit_exceeded", [2]int{59, 60}, false,
				map[string]string{"X-Ratelimit-Limit-Requests": "1", "X-Ratelimit-Remaining-Requests": "0", "X-Ratelimit-Reset-Requests": "1m0s", "X-Ratelimit-Limit-Tokens": ""}},
			{"tokens", store.Limits{TokensPerMinute: 3}, "tokens", "rate_limit_exceeded", [2]int{1, 60 * 60}, false,
				map[string]string{"X-Ratelimit-Limit-Tokens": "3", "X-Ratelimit-Remaining-Tokens": "0", "X-Ratelimit-Limit-Requests": ""}},
			{"budget", store.Limits{PerDay: 1}, "insufficient_quota", "insufficient_quota", [2]int{1, 24 * 60 * 60}, true,
				map[string]string{"X-Ratelimit-Limit-Tokens": "", "X-Ratelimit-Limit-Requests": ""}},
		} {
			t.Run(surface.name+" "+tc.name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, setting{keys: []*gateway.Key{limited("acme", tc.limits)}})
				w := f.do("POST", surface.path, surface.body, "X-Api-Key", "sk-acme")
				if w.Code != 200 {
					t.Fatalf("got %d %s", w.Code, w.Body)
				}
				for name, want := range tc.left {
					if got := w.Header().Get(name); got != want {
						t.Errorf("%s is %q, want %q", name, got, want)
					}
				}
				w = f.do("POST", surface.path, surface.body, "X-Api-Key", "sk-acme")
				var answer struct {
					Error struct{ Message, Type, Code string }
				}
				if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
					t.Fatal(err)
				}
				if e := answer.Error; w.Code != 429 || e.Type != tc.typ || e.Code != tc.code || !strings.Contains(e.Message, `tenant "acme"`) {
					t.Errorf("got %d %s", w.Code, w.Body)
				}
				retry, err := strconv.Atoi(w.Header().Get("Retry-After"))
				if err != nil || retry < tc.retry[0] || retry > tc.retry[1] {
					t.Errorf("Retry-After is %q", w.Header().Get("Retry-After"))
				}
				if got := w.Header().Get("X-Should-Retry") == "false"; got != tc.shouldNot {
					t.Errorf("X-Should-Retry: %q", w.Header().Get("X-Should-Retry"))
				}
				for name, want := range tc.left {
					if got := w.Header().Get(name); (got == "") != (want == "") {
						t.Errorf("refused with %s: %q", name, got)
					}
				}
			})
		}
	}
}

// TestScopes holds what a key may do on the routes of models.
func TestScopes(t *testing.T) {
	t.Parallel()
	reader := keyOf("reader", &gateway.Tenant{Name: "acme"}, false)
	reader.Scopes = store.ScopeUsage | store.ScopePolicy | store.ScopeActFor
	f := newFixture(t, setting{keys: []*gateway.Key{reader, keyOf("caller", &gateway.Tenant{Name: "acme"}, false)}})
	for _, tc := range []struct {
		method, path, body string
		reader             int
	}{
		{"POST", "/v1/chat/completions", chatBody, 403},
		{"POST", "/v1/chat/completions", streamBody, 403},
		{"POST", "/chat/completions", chatBody, 403},
		{"POST", "/v1/completions", `{"model":"quality","prompt":"Hi"}`, 403},
		{"POST", "/v1/embeddings", `{"model":"quality","input":"Hi"}`, 403},
		{"POST", "/complete", chatBody, 403},
		{"POST", "/complete/stream", chatBody, 403},
		{"POST", "/v1/chat/completions", `not even JSON`, 403},
		{"GET", "/v1/models", "", 200},
		{"GET", "/v1/models/quality", "", 200},
	} {
		w := f.do(tc.method, tc.path, tc.body, "Authorization", "Bearer sk-reader")
		if w.Code != tc.reader || w.Code == http.StatusForbidden && !strings.Contains(w.Body.String(), `"type":"permission_error","param":null,"code":"missing_scope"`) {
			t.Errorf("%s %s: %d %s", tc.method, tc.path, w.Code, w.Body)
		}
		if w := f.do(tc.method, tc.path, tc.body, "Authorization", "Bearer sk-caller"); w.Code == http.StatusForbidden {
			t.Errorf("%s %s with the scope: %s", tc.method, tc.path, w.Body)
		}
	}
}
