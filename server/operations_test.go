package server

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
)

func TestDeployments(t *testing.T) {
	t.Parallel()
	shared := func(order int32, weight float64) *gateway.Deployment {
		return &gateway.Deployment{ID: "both", Model: "m", Order: order, Weight: weight, Region: "eu-west-1", PriceInput: 0, PriceOutput: math.NaN(), PriceCached: math.NaN(), TPM: 9, MaxOutput: 8}
	}
	off := &gateway.Account{Name: "off", Disabled: "ANTHROPIC_API_KEY is not set", Plugin: &adapter{}}
	f := newFixture(t, setting{opts: Options{AdminToken: func() string { return "root" }}, groups: []*gateway.Group{
		{Name: "one", Deployments: []*gateway.Deployment{shared(1, 2)}},
		{Name: "two", Deployments: []*gateway.Deployment{shared(3, 4), {ID: "off", Account: off, Model: "x"}}},
	}})
	f.chat(chatBody)
	w := f.do("GET", "/admin/deployments", "", "Authorization", "Bearer root")
	var got struct {
		Snapshot    uint64
		Deployments []map[string]any
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if got.Snapshot != 7 || len(got.Deployments) != 4 {
		t.Fatalf("got %s", w.Body)
	}
	for i, members := range []map[string]string{
		{"id": `"gpt"`, "provider": `"acct"`, "model": `"vendor-gpt"`, "enabled": "true", "state": `"healthy"`, "successes": "1", "in_flight": "0",
			"price": `{"cached":null,"input":2.5,"output":10}`, "limits": `{"context":128000,"rpm":500}`,
			"groups": `[{"name":"quality","order":0,"tags":["eu"],"weight":1}]`},
		{"id": `"wild"`, "successes": "0"},
		{"id": `"both"`, "groups": `[{"name":"one","order":1,"weight":2},{"name":"two","order":3,"weight":4}]`, "price": `{"cached":null,"input":0,"output":null}`,
			"limits": `{"max_output":8,"tpm":9}`, "region": `"eu-west-1"`},
		{"id": `"off"`, "enabled": "false", "disabled_reason": `"ANTHROPIC_API_KEY is not set"`},
	} {
		for name, want := range members {
			if have, _ := json.Marshal(got.Deployments[i][name]); string(have) != want {
				t.Errorf("deployment %d: %s is %s, want %s", i, name, have, want)
			}
		}
	}
}

func TestAdminBeforeTheFirstSnapshot(t *testing.T) {
	t.Parallel()
	f := newFixture(t, setting{bare: true, opts: Options{AdminToken: func() string { return "root" }}})
	for path, want := range map[string]string{
		"/admin/deployments": `{"snapshot":0,"deployments":[]}`,
		"/admin/plugins":     `{"snapshot":0,"plugins":null,"limits":null,"reload":null}`,
	} {
		if w := f.do("GET", path, "", "Authorization", "Bearer root"); strings.TrimSpace(w.Body.String()) != want {
			t.Errorf("%s: got %s", path, w.Body)
		}
	}
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	keys := []*gateway.Key{keyOf("acme", &gateway.Tenant{Name: "acme"}, false)}
	long := strings.Repeat("m", 1000)
	for _, tc := range []struct {
		name, method, path, body string
		want                     map[string]any
	}{
		{"answer", "POST", "/v1/chat/completions", chatBody, map[string]any{
			"level": "INFO", "method": "POST", "route": "/v1/chat/completions", "status": 200.0, "tenant": "acme", "model": "quality", "stream": false,
			"deployment": "gpt", "attempts": 1.0, "fallbacks": 0.0, "request": "trace", "code": nil,
		}},
		{"alias", "GET", "/models/team/a", "", map[string]any{"route": "/models/*", "status": 200.0, "model": nil}},
		{"error", "POST", "/complete", `{"model":"` + long + `","messages":[{}]}`, map[string]any{
			"status": 404.0, "code": "model_not_found", "model": long[:128], "attempts": 0.0,
		}},
		{"no route", "GET", "/" + long, "", map[string]any{"route": "/" + long[:127], "status": 404.0, "code": "unknown_url"}},
		{"health", "GET", "/healthz", "", map[string]any{"level": "DEBUG", "status": 200.0}},
		{"options", "OPTIONS", "/complete", "", map[string]any{"level": "INFO", "status": 204.0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t, setting{keys: keys})
			f.do(tc.method, tc.path, tc.body, "x-api-key", "sk-acme", "x-request-id", "trace")
			var got map[string]any
			if err := json.Unmarshal([]byte(f.log.String()), &got); err != nil {
				t.Fatalf("not one line: %s", f.log)
			}
			if _, ok := got["duration"].(float64); !ok {
				t.Errorf("no duration: %v", got)
			}
			for name, want := range tc.want {
				if got[name] != want {
					t.Errorf("%s is %v, want %v", name, got[name], want)
				}
			}
			if s := f.log.String(); strings.Contains(s, "sk-") || strings.Contains(s, "Hi") {
				t.Errorf("a key or a body is in the log: %s", s)
			}
		})
	}
}
