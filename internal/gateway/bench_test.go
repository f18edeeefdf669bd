package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/limits"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// canned is an Upstream that gives one answer without further ado.
type canned struct{ answer string }

func (c *canned) Do(context.Context, *upstream.Request) (*upstream.Response, error) {
	return &upstream.Response{Status: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(c.answer))}, nil
}

// plain is the least that a provider and a strategy can be.
type plain struct{ model []byte }

var plainDescription = &abi.Description{Kind: abi.KindProvider, Passthrough: []string{"openai"}}

func (*plain) Describe() *abi.Description { return plainDescription }

func (p *plain) Request(_ context.Context, in *abi.RequestInput, out *abi.RequestOutput, buf []byte) ([]byte, error) {
	out.RequestMode, out.ResponseMode, out.Framing = abi.ModePassthrough, abi.ModePassthrough, abi.FramingSSE
	out.Path = plainPath
	out.Edits = p.model
	return buf, nil
}

var plainPath = []byte("/v1/chat/completions")

func (*plain) Response(context.Context, *abi.ResponseInput, *abi.ResponseOutput, []byte) ([]byte, error) {
	return nil, errors.ErrUnsupported
}

func (*plain) Stream(context.Context, *abi.StreamInput, *abi.StreamOutput, []byte) ([]byte, error) {
	return nil, errors.ErrUnsupported
}

func (*plain) HasFeedback() bool { return false }

func (*plain) Hash() string { return "0123456789abcdef" }

func (*plain) Feedback(context.Context, *abi.Feedback) error { return nil }

func (*plain) Score(_ context.Context, _ *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) (uint64, error) {
	out.Scores = out.Scores[:0]
	for i := range cands {
		out.Scores = append(out.Scores, float64(len(cands)-i))
	}
	return 1000, nil
}

func benchmarkWorld(answer string) (*Gateway, *Snapshot, *Request) {
	p := &plain{model: abi.Edits{}.Append(abi.EditSet, "model", strconv.Quote("gpt-4o"))}
	gw := New(Options{Upstream: &canned{answer: answer}})
	g := &Group{Name: "quality", Retries: 2, Strategies: []StrategyUse{{Name: "latency", Plugin: p, Weight: 1}}}
	for _, id := range []string{"a", "b", "c", "d"} {
		g.Deployments = append(g.Deployments, &Deployment{ID: id, Account: &Account{Name: "openai", Plugin: p}, Model: "gpt-4o", Weight: 1, Health: gw.Health(id, "openai", "gpt-4o")})
	}
	snap := NewSnapshot(SnapshotSpec{Groups: []*Group{g}, Open: true})
	gw.Publish(snap)
	req, err := Inspect(abi.EndpointChat, []byte(`{"model":"quality","messages":[{"role":"user","content":"`+strings.Repeat("word ", 400)+`"}],"temperature":0.2}`))
	if err != nil {
		panic(err)
	}
	return gw, snap, req
}

// BenchmarkDo is a request through a passthrough adapter, four deployments and one strategy,
// with all of it native: what the gateway itself costs.
func BenchmarkDo(b *testing.B) {
	gw, snap, req := benchmarkWorld(completion)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := gw.Do(context.Background(), snap, req); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDoPolicy is the same for a tenant with a policy.
func BenchmarkDoPolicy(b *testing.B) {
	gw, snap, req := benchmarkWorld(completion)
	req.Tenant = &Tenant{Name: "acme", Policy: PluginPolicy("own", &plain{})}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := gw.Do(context.Background(), snap, req); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDoLimits is the same for a tenant and a key with limits, with and without its decisions
// on record.
func BenchmarkDoLimits(b *testing.B) {
	for name, record := range map[string]bool{"plain": false, "recorded": true} {
		b.Run(name, func(b *testing.B) {
			gw, snap, req := benchmarkWorld(completion)
			var reg limits.Registry
			wide := store.Limits{RequestsPerMinute: 1 << 40, TokensPerMinute: 1 << 50, Concurrent: 8, PerDay: 1 << 60, PerMonth: 1 << 60}
			req.Tenant = &Tenant{Name: "acme", Limits: reg.Tenant("acme", wide), Record: record}
			req.Key = &Key{ID: "ci", Tenant: req.Tenant, Limits: reg.Key("acme", "ci", wide)}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := gw.Do(context.Background(), snap, req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkInspect reads a body of 2 KB.
func BenchmarkInspect(b *testing.B) {
	_, _, req := benchmarkWorld("")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Inspect(abi.EndpointChat, req.Body); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{}

func (discard) Chunk(abi.ChunkKind, []byte) error { return nil }
func (discard) Flush() error                      { return nil }

// BenchmarkStreamPassthrough reports what one chunk of a long stream costs.
func BenchmarkStreamPassthrough(b *testing.B) {
	const chunks = 1000
	var answer bytes.Buffer
	for range chunks {
		answer.WriteString("data: " + helloEvent + "\n\n")
	}
	answer.WriteString("data: " + finishEvent + "\n\ndata: [DONE]\n\n")
	gw, snap, req := benchmarkWorld(answer.String())
	streamed(req)
	body := req.Body
	b.ReportAllocs()
	for b.Loop() {
		req.Body = body // a stream lets go of it
		res, err := gw.Do(context.Background(), snap, req)
		if err != nil {
			b.Fatal(err)
		}
		err = res.Stream.Run(discard{})
		res.Stream.Close()
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*chunks), "ns/chunk")
}
