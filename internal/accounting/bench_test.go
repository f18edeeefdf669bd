package accounting

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/gateway/inspect"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/decisionlog"
	"github.com/switchyard-gateway/switchyard/internal/store/ledger"
	"github.com/switchyard-gateway/switchyard/internal/store/sqlite"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// BenchmarkBooks is what an answered request costs from the end of its answer until it is in the store, with all that
// the background does: processor time of the whole process.
func BenchmarkBooks(b *testing.B) {
	s, err := sqlite.Open(context.Background(), filepath.Join(b.TempDir(), "s.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	l, err := ledger.Open(b.TempDir(), s, ledger.Options{})
	if err != nil {
		b.Fatal(err)
	}
	d := decisionlog.Open(s, decisionlog.Options{})
	books := New(l, d, slog.New(slog.DiscardHandler))
	tenant := &gateway.Tenant{Name: "acme"}
	key := &gateway.Key{ID: "sha256-1d9eb6f32b54", Tenant: tenant}
	var cands []abi.Candidate
	for i, id := range []string{"one/bench-model", "two/bench-model"} {
		cands = append(cands, abi.Candidate{IDHash: abi.Hash(id), ID: id, Provider: id[:3], Model: id[4:], Weight: 1, Total: 1, TPOT: 0.1, TotalP50: 1, TotalP95: 1, Order: int32(i)})
	}
	usage := func() time.Duration {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	scores, calls := make([]float64, 2), []decision.Call{{Strategy: "latency", Fuel: 1000}}
	b.ReportAllocs()
	b.ResetTimer()
	from := usage()
	for i := range b.N {
		start := time.Now()
		won := &cands[i%2]
		won.Samples++
		won.ReqMinute++
		won.TokensMinute += 150
		won.Total += (float64(i%97)/50 - won.Total) * 0.1
		won.TPOT = won.Total / 30
		scores[i%2] = won.Total
		rec := &gateway.Record{
			ID:      store.NewEntryID(start),
			Request: &gateway.Request{ID: fmt.Sprintf("req-%032x", i*0x9e3779b97f4a7c), Tenant: tenant, TenantName: "acme", Facts: inspect.Facts{Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI}},
			Key:     key,
			Report: &gateway.Report{
				Group: "bench", Deployment: won.ID, Provider: won.Provider, Model: won.Model, Usage: abi.Usage{Present: true, Prompt: 120, Completion: 30},
				Attempts: []gateway.Attempt{{Group: "bench", Deployment: won.ID, Status: 200, Start: start, Duration: time.Millisecond}},
			},
			Start: start, Duration: time.Millisecond,
			Picks: []gateway.Pick{{
				Input:  decision.Input{Header: abi.Header{Seed: uint64(i) * 0x9e3779b97f4a7c15, Now: uint64(start.UnixMilli()), PromptTokens: 112, MaxOutput: 256, ExpectedOutput: 30, Messages: 3, RemainingMS: 599999.9, TenantHash: 7, PrefixHash: 9, Tenant: "acme", Group: "bench", Endpoint: 1, Dialect: 1, BodyBytes: 523}, Candidates: cands},
				Scores: scores, By: "latency", Calls: calls,
			}},
		}
		books.Enter(rec)
		books.Observe(rec)
	}
	if err := d.Close(context.Background()); err != nil {
		b.Error(err)
	}
	if err := l.Close(context.Background()); err != nil {
		b.Error(err)
	}
	b.ReportMetric(float64(usage()-from)/float64(b.N), "cpu-ns/op")
}
