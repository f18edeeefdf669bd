package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// planner is an adapter that asks for a fixed plan.
type planner struct {
	provider
	plan abi.RequestOutput
}

func (p *planner) Request(_ context.Context, _ *abi.RequestInput, out *abi.RequestOutput, buf []byte) ([]byte, error) {
	*out = p.plan
	return buf, nil
}

// recorder is an Upstream that keeps the last request.
type recorder struct {
	canned
	last *upstream.Request
}

func (r *recorder) Do(ctx context.Context, req *upstream.Request) (*upstream.Response, error) {
	r.last = req
	return r.canned.Do(ctx, req)
}

// TestCredentialsFollowThePlan checks that the adapter chooses how, and the operator what.
func TestCredentialsFollowThePlan(t *testing.T) {
	t.Parallel()
	key := upstream.Credential{Key: "k", Scheme: upstream.AzureKey}
	aws := upstream.Credential{AccessKeyID: "a", SecretKey: "s", Region: "r"}
	for _, tc := range []struct {
		auth    abi.AuthScheme
		name    string
		cred    upstream.Credential
		scheme  upstream.Scheme
		service string
		none    bool
	}{
		{auth: abi.AuthNone, cred: key, none: true},
		{auth: abi.AuthBearer, cred: upstream.Credential{}, none: true},
		{auth: abi.AuthBearer, cred: key, scheme: upstream.Bearer},
		{auth: abi.AuthHeader, name: "x-key", cred: key, scheme: upstream.HeaderKey},
		{auth: abi.AuthQuery, name: "key", cred: key, scheme: upstream.QueryKey},
		{auth: abi.AuthAzure, cred: key, scheme: upstream.AzureKey},
		{auth: abi.AuthSigV4, name: "bedrock", cred: aws, scheme: upstream.SigV4, service: "bedrock"},
		{auth: 99, cred: key, scheme: upstream.NoAuth},
	} {
		up := &recorder{canned: canned{answer: completion}}
		w := newWorld()
		w.gw.opts.Upstream = up
		account := w.dep("local/llama").Account
		account.Credential = tc.cred
		account.Plugin = &planner{plan: abi.RequestOutput{
			Auth: tc.auth, AuthName: []byte(tc.name), Path: []byte("/v1/x"), Query: []byte("a=b"), Body: []byte("{}"),
			Headers: abi.Pairs{}.Append("A", "1").Append("B", "2"),
		}}
		if e := w.do("local"); e.err != nil {
			t.Fatal(e.err)
		}
		r := up.last
		if r.Path != "/v1/x?a=b" || !slices.Equal(r.Header, []upstream.Field{{Name: "A", Value: "1"}, {Name: "B", Value: "2"}}) || string(r.Body) != "{}" {
			t.Errorf("sent %+v", r)
		}
		if tc.none {
			if r.Auth != nil {
				t.Errorf("scheme %d: a credential is sent", tc.auth)
			}
			continue
		}
		if r.Auth == nil || r.Auth.Scheme != tc.scheme || r.Auth.Name != tc.name || r.Auth.Service != tc.service {
			t.Errorf("scheme %d: %+v", tc.auth, r.Auth)
		}
		if account.Credential.Name != tc.cred.Name {
			t.Error("the account's credential was changed")
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, body, code string }{
		{"an answer", completion, ""},
		{"embeddings", `{"data":[],"usage":null}`, ""},
		{"no error", `{"error":null,"choices":[]}`, ""},
		{"an error with status 200", `{"error":{"code":"content_filter"}}`, "content_filter"},
		{"an error beside choices", `{"choices":[],"error":{"code":"content_filter"}}`, "content_filter"},
		{"something else that its adapter lets pass", `{"object":"x"}`, ""},
		{"not JSON", `<html>`, "bad_upstream_response"},
	} {
		w := newWorld()
		w.on("local/llama", step{status: 200, body: tc.body})
		e := w.do("local", quick)
		e.want(t, "local/llama=200", tc.code)
		if tc.code == "" && e.body != tc.body {
			t.Errorf("%s: %s", tc.name, e.body)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	check(t, []rule{
		{"a fault of the adapter goes to another deployment", func(t *testing.T, w *world) {
			w.provider.requestErr = errors.New("trap: secret path")
			e := w.do("local")
			e.want(t, "local/llama=0", "plugin_error")
			if strings.Contains(e.err.Message, "secret") || e.err.Status != 502 {
				t.Errorf("the client reads %+v", e.err)
			}
		}},
		{"edits that can't be made are a fault of the adapter", func(t *testing.T, w *world) {
			w.provider.edits = abi.Edits{}.Append(abi.EditSet, "model", "not JSON")
			w.do("local").want(t, "local/llama=0", "plugin_error")
		}},
		{"a request that may not be sent, or is redirected, goes to another deployment", func(t *testing.T, w *world) {
			for _, kind := range []upstream.Kind{upstream.Refused, upstream.Redirected} {
				w.on("quality/sonnet", broken(kind))
				w.do("quality").want(t, "quality/sonnet=0 quality/gpt=200", "")
			}
		}},
		{"a status that the adapter takes for an answer is not one", func(t *testing.T, w *world) {
			w.on("local/llama", step{status: 299, body: completion}, step{status: 304, body: completion})
			w.do("local", quick).want(t, "local/llama=299", "")
			w.provider.passthrough = false
			w.dep("local/llama").Account.Plugin = &lenient{}
			w.do("local", quick).want(t, "local/llama=304", "bad_upstream_response")
		}},
		{"a disabled provider is not tried", func(t *testing.T, w *world) {
			w.dep("quality/sonnet").Account.Disabled = "no key"
			w.do("quality").want(t, "quality/gpt=200", "")
			w.dep("local/llama").Account.Disabled = "no key"
			e := w.do("local")
			e.want(t, "", "no_deployment")
			if e.err.Status != 503 || strings.Contains(e.err.Message, "key") {
				t.Errorf("the client reads %+v", e.err)
			}
		}},
		{"dropped parameters are named, those of the deployment that answered", func(t *testing.T, w *world) {
			w.provider.dropped = []string{"seed", "user", "logit_bias", "stream_options.include_usage"} // two are not in the body
			w.on("quality/sonnet", status(500))
			if e := w.do("quality"); !slices.Equal(e.report.Dropped, []string{"seed", "logit_bias"}) {
				t.Errorf("dropped %v", e.report.Dropped)
			}
		}},
		{"strict_params refuses what would be dropped, and no fallback is tried", func(t *testing.T, w *world) {
			w.provider.dropped = []string{"seed"}
			e := w.do("quality", func(r *Request) { r.StrictParams = true })
			e.want(t, "quality/sonnet=0 quality/gpt=0", "unsupported_parameter")
			if e.err.Param != "seed" || e.err.Status != 400 || len(w.up.calls) != 0 {
				t.Errorf("%+v, %d calls", e.err, len(w.up.calls))
			}
		}},
		{"a vendor's code is shown in headers only if it is a name", func(t *testing.T, w *world) {
			w.on("local/llama", refusing(500, "a\r\nSet-Cookie: x"))
			if e := w.do("local", quick); e.report.AttemptList() != "local/llama=500 status_500" {
				t.Errorf("%q", e.report.AttemptList())
			}
		}},
		{"a refusal without status, type or code gets them", func(t *testing.T, w *world) {
			w.provider.requestErr = &abi.Refusal{Message: "no", Status: 99}
			e := w.do("local")
			if e.err == nil || e.err.Status != 502 || e.err.Type != "server_error" || e.err.Code != "upstream_error" || e.err.Error() != "no" || e.err.Retried() {
				t.Errorf("%+v", e.err)
			}
		}},
		{"time in the gateway is told from time at the vendor", func(t *testing.T, w *world) {
			w.on("local/llama", asking(500, "3"), after(7e9, ok()))
			if e := w.do("local"); e.took != 10e9 || e.report.Overhead != 0 {
				t.Errorf("took %v, overhead %v", e.took, e.report.Overhead)
			}
		}},
	})
}

// lenient takes every status for an answer.
type lenient struct{ provider }

func (*lenient) Response(_ context.Context, _ *abi.ResponseInput, out *abi.ResponseOutput, buf []byte) ([]byte, error) {
	out.AsIs = true
	return buf, nil
}
