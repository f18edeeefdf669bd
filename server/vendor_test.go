package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// vendor answers upstream requests in the tests.
type vendor func(ctx context.Context, r *upstream.Request) (*upstream.Response, error)

func (v vendor) Do(ctx context.Context, r *upstream.Request) (*upstream.Response, error) {
	return v(ctx, r)
}

// adapter is a provider plugin of the OpenAI dialect: it sets the model and reads errors.
type adapter struct{ drops []string }

func (*adapter) Describe() *abi.Description {
	return &abi.Description{Dialect: "openai", Passthrough: []string{"openai"}}
}

func (a *adapter) Request(_ context.Context, in *abi.RequestInput, out *abi.RequestOutput, buf []byte) ([]byte, error) {
	*out = abi.RequestOutput{
		RequestMode: abi.ModePassthrough, ResponseMode: abi.ModePassthrough, Path: []byte("/" + in.Endpoint.String()),
		Edits: abi.Edits{}.Append(abi.EditSet, "model", string(jsonraw.AppendString(nil, in.Model))),
	}
	if in.Flags&abi.FlagStream != 0 {
		out.Framing = abi.FramingSSE
	}
	for _, name := range a.drops {
		out.Dropped = out.Dropped.Append(name)
	}
	return buf, nil
}

func (*adapter) Response(_ context.Context, in *abi.ResponseInput, out *abi.ResponseOutput, buf []byte) ([]byte, error) {
	problem := jsonraw.Value(in.Body).Get("error")
	if in.Status < 400 && problem.Absent() {
		*out = abi.ResponseOutput{AsIs: true}
		return buf, nil
	}
	ref := &abi.Refusal{
		Status: in.Status, Type: problem.Get("type").Text(), Code: problem.Get("code").Text(), Param: problem.Get("param").Text(),
		Message: problem.Get("message").Text(),
	}
	if in.Status >= 500 || in.Status == 429 {
		ref.Class = abi.ClassRetry
	}
	return buf, ref
}

func (*adapter) Stream(context.Context, *abi.StreamInput, *abi.StreamOutput, []byte) ([]byte, error) {
	return nil, errors.New("the tests pass streams through")
}

// answer is a vendor's whole answer.
func answer(status int, body string, header ...string) (*upstream.Response, error) {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &upstream.Response{Status: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}, nil
}

const (
	chatAnswer  = `{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o-2024","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":4,"total_tokens":14}}`
	embedAnswer = `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,0.2]}],"model":"e","usage":{"prompt_tokens":3,"total_tokens":3}}`
	textAnswer  = `{"id":"t1","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":"Hello","finish_reason":"stop"}]}`

	roleChunk   = `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`
	helChunk    = `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024","choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}`
	loChunk     = `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024","choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":null}]}`
	finishChunk = `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`
	usageChunk  = `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}}`
)

// events frames chunks as a vendor's stream.
func events(chunks ...string) string {
	var b strings.Builder
	for _, c := range chunks {
		b.WriteString("data: " + c + "\n\n")
	}
	return b.String()
}

var helloStream = events(roleChunk, helChunk, loChunk, finishChunk, usageChunk, "[DONE]")

// hello is the vendor that answers everything well.
func hello(_ context.Context, r *upstream.Request) (*upstream.Response, error) {
	streamed, _ := jsonraw.Value(r.Body).Get("stream").Bool()
	switch {
	case streamed:
		return answer(200, helloStream)
	case r.Path == "/embeddings":
		return answer(200, embedAnswer)
	case r.Path == "/completions":
		return answer(200, textAnswer)
	default:
		return answer(200, chatAnswer)
	}
}

// refuse is a vendor that answers everything with an error.
func refuse(status int, code, message string, header ...string) vendor {
	return func(context.Context, *upstream.Request) (*upstream.Response, error) {
		body := `{"error":{"message":"` + message + `","type":"vendor_error","code":"` + code + `"}}`
		return answer(status, body, header...)
	}
}

// fixture is a server before a gateway before a vendor.
type fixture struct {
	*Server
	gw      *gateway.Gateway
	log     *buffer
	records chan gateway.Record // with copies of request and report
}

type setting struct {
	opts   Options
	vendor vendor
	drops  []string
	groups []*gateway.Group // besides "quality" and "team/*"
	keys   []*gateway.Key   // none: open
	bare   bool             // without a snapshot
}

func deploymentOf(id string, a *gateway.Account) *gateway.Deployment {
	return &gateway.Deployment{
		ID: id, Account: a, Model: "vendor-" + id, Weight: 1, PriceInput: 2.5, PriceOutput: 10, PriceCached: math.NaN(), Context: 128000, RPM: 500,
		Tags: []string{"eu"},
	}
}

func newFixture(t testing.TB, set setting) *fixture {
	t.Helper()
	if set.vendor == nil {
		set.vendor = hello
	}
	f := &fixture{log: &buffer{}, records: make(chan gateway.Record, 64)}
	logger := slog.New(slog.NewJSONHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	f.gw = gateway.New(gateway.Options{
		Upstream: set.vendor, Seed: func() uint64 { return 1 },
		Observe: func(rec *gateway.Record) {
			c := *rec
			req, rep := *rec.Request, *rec.Report
			c.Request, c.Report = &req, &rep
			f.records <- c
		},
	})
	target, err := upstream.NewTarget("http://vendor.test", nil)
	if err != nil {
		t.Fatal(err)
	}
	account := &gateway.Account{Name: "acct", Plugin: &adapter{drops: set.drops}, Target: target}
	groups := append([]*gateway.Group{
		{Name: "quality", Deployments: []*gateway.Deployment{deploymentOf("gpt", account)}},
		{Name: "team/*", Deployments: []*gateway.Deployment{deploymentOf("wild", account)}},
	}, set.groups...)
	for _, g := range groups {
		if g.Timeout == 0 {
			g.Timeout = time.Hour
		}
		for _, d := range g.Deployments {
			if d.Account == nil {
				d.Account = account
			}
			if d.Health == nil {
				d.Health = f.gw.Health(d.ID, d.Account.Name, d.Model)
			}
		}
	}
	var tenants []*gateway.Tenant
	for _, k := range set.keys {
		tenants = append(tenants, k.Tenant)
	}
	if !set.bare {
		f.gw.Publish(gateway.NewSnapshot(gateway.SnapshotSpec{ID: 7, Groups: groups, Tenants: tenants, Keys: set.keys, Open: len(set.keys) == 0}))
	}
	set.opts.Gateway, set.opts.Log = f.gw, logger
	f.Server = New(set.opts)
	t.Cleanup(func() {
		if n := f.gw.InFlight(); n != 0 {
			t.Errorf("%d requests are still counted as in flight", n)
		}
	})
	return f
}

// quiet turns the log off.
func (f *fixture) quiet() { f.Server.log = slog.New(slog.DiscardHandler) }

// do sends a request to the handler; header holds names and values in turn.
func (f *fixture) do(method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.Handler().ServeHTTP(w, r)
	return w
}

func (f *fixture) chat(body string, header ...string) *httptest.ResponseRecorder {
	return f.do("POST", "/v1/chat/completions", body, header...)
}

const chatBody = `{"model":"quality","messages":[{"role":"user","content":"Hi"}]}`

const streamBody = `{"model":"quality","messages":[{"role":"user","content":"Hi"}],"stream":true}`

// keyOf makes a key whose secret is "sk-" and the name.
func keyOf(name string, tenant *gateway.Tenant, actFor bool) *gateway.Key {
	k := &gateway.Key{Hash: sha256.Sum256([]byte("sk-" + name)), ID: name, Name: name, Tenant: tenant, Scopes: store.ScopeComplete}
	if actFor {
		k.Scopes |= store.ScopeActFor
	}
	return k
}

// buffer is a log that can be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
