package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/internal/config"
	"github.com/switchyard-gateway/switchyard/internal/policies"
	"github.com/switchyard-gateway/switchyard/internal/replay"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/decisionlog"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// BenchmarkReplay replays 100,000 requests with eight deployments each through a policy in Go, from the store and with
// everything else as in a router, while no requests are under way and while some are all the time.
func BenchmarkReplay(b *testing.B) {
	const requests = 100_000
	h := hosttest.New(b)
	module, err := os.ReadFile(hosttest.Build(b, "../../examples/policies/prefer-region"))
	if err != nil {
		b.Fatal(err)
	}
	for _, bc := range []struct {
		name string
		busy bool
	}{{"idle", false}, {"busy", true}} {
		b.Run(bc.name, func(b *testing.B) {
			cfg := &config.Config{Store: config.Store{Dir: filepath.Join(b.TempDir(), "data"), EntriesAge: time.Hour}}
			s, err := openState(b.Context(), cfg, h, func() bool { return bc.busy }, slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() {
				if err := s.close(context.WithoutCancel(b.Context())); err != nil {
					b.Error(err)
				}
			})
			if err := s.store.CreateTenant(b.Context(), &store.Tenant{Name: "acme"}); err != nil {
				b.Fatal(err)
			}
			if _, err := s.policies.Upload(b.Context(), "acme", "home", &policies.Upload{Module: module, Config: []byte(`{"region":"eu"}`)}); err != nil {
				b.Fatal(err)
			}
			decide(b, s.decisions, requests)
			stored, err := s.decisions.Len(b.Context(), "acme")
			if err != nil || stored < requests*9/10 { // a bound of size may have cut some
				b.Fatalf("%d decisions are stored: %v", stored, err)
			}
			jobs := replays{s.replays, s.policies}
			used := processorTime(b)
			b.ResetTimer()
			for b.Loop() {
				job, err := jobs.Start(b.Context(), "acme", "home", 1, requests)
				for ; err == nil && job.State == replay.Running; job, err = jobs.Get("acme", job.ID) {
					<-time.After(10 * time.Millisecond)
				}
				if err != nil || job.State != replay.Done || job.Result.Requests != stored || len(job.Result.Faults) > 0 || job.Result.Moved == 0 {
					b.Fatalf("%+v: %v", job, err)
				}
			}
			b.ReportMetric(float64((processorTime(b)-used)/time.Duration(b.N))/1e9, "cpu-s/op")
			b.ReportMetric(float64(stored), "requests")
		})
	}
}

// decide records decisions of a tenant that another strategy has made.
func decide(b *testing.B, log *decisionlog.Log, requests int) {
	b.Helper()
	const deployments = 8
	rnd := rand.New(rand.NewPCG(1, 2))
	at := time.Now().Add(-time.Hour)
	pick := decisionlog.Pick{By: "latency", Calls: []decisionlog.Call{{Strategy: "latency", Fuel: 9000}}, Scores: make([]float64, deployments)}
	for i := range deployments {
		id := fmt.Sprintf("vendor%d/model-with-a-name-%d", i%4, i)
		pick.Candidates = append(pick.Candidates, abi.Candidate{
			IDHash: abi.Hash(id), ID: id, Provider: id[:7], Model: id[8:], Tags: []string{"eu\nprod", "us\nprod"}[i%2], Weight: 1, Samples: 100,
			PriceInput: 0.15 * float64(1+i), PriceOutput: 0.6 * float64(1+i), PriceCached: math.NaN(), Context: 128_000, MaxOutput: 16_384,
		})
	}
	for i := range requests {
		at = at.Add(time.Duration(rnd.IntN(50)) * time.Millisecond)
		for c := range pick.Candidates {
			o := &pick.Candidates[c]
			o.TTFT, o.TPOT, o.Total, o.InFlight, o.ReqMinute = 200+300*rnd.Float64(), 10+10*rnd.Float64(), 1000+3000*rnd.Float64(), rnd.Uint32N(9), rnd.Uint32N(300)
			o.TTFTP50, o.TTFTP95, o.TotalP50, o.TotalP95, o.TTFTPeak, o.TotalPeak = o.TTFT, 2*o.TTFT, o.Total, 2*o.Total, o.TTFT, o.Total
			pick.Scores[c] = o.Total
		}
		best := &pick.Candidates[0]
		for c := range pick.Candidates {
			if pick.Candidates[c].Total < best.Total {
				best = &pick.Candidates[c]
			}
		}
		pick.Header = abi.Header{
			Seed: rnd.Uint64(), Now: uint64(at.UnixMilli()), PromptTokens: rnd.Uint32N(4000), ExpectedOutput: 200, Messages: 3, RemainingMS: 600_000,
			Tenant: "acme", TenantHash: abi.Hash("acme"), Group: "quality", Endpoint: abi.EndpointChat, Dialect: 1, BodyBytes: 9000, PrefixHash: rnd.Uint64N(20),
		}
		log.Add(&decisionlog.Record{
			Entry: store.Entry{
				ID: store.NewEntryID(at), RequestID: fmt.Sprintf("req-%032x", rnd.Uint64()), Tenant: "acme", Key: "key_0123456789", Group: "quality", Deployment: best.ID,
				Provider: best.Provider, Model: best.Model, Surface: "openai.chat", Status: 200, Attempts: 1, Counted: true,
				Tokens: store.Tokens{Prompt: int64(pick.Header.PromptTokens), Completion: rnd.Int64N(400)},
			},
			Tries: []decisionlog.Try{{Group: "quality", Deployment: best.ID, Status: 200, Took: time.Second}},
			Picks: []decisionlog.Pick{pick},
		})
		if i%1000 == 999 {
			if err := log.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// processorTime is what the process has computed for, which says less of what else runs than time on the clock.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
