package gateway

import (
	"bytes"
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/limits"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// TestHammer sends requests of every outcome from many goroutines while snapshots are swapped.
// The bubble of synctest fails the test if a goroutine is left over.
func TestHammer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const workers, each, swaps = 64, 60, 100
		w := newWorld()
		var records, accounted, chosenNow, picks atomic.Int64
		w.gw.opts.Account = func(*Record) { accounted.Add(1) }
		w.gw.opts.Observe = func(r *Record) {
			records.Add(1)
			for i := range r.Picks {
				p := &r.Picks[i]
				if len(p.Scores) != len(p.Candidates) || p.Try >= len(r.Report.Attempts) || p.Try >= 0 && !slices.ContainsFunc(p.Candidates, func(c abi.Candidate) bool {
					return c.ID == r.Report.Attempts[p.Try].Deployment
				}) {
					t.Errorf("on record: %+v", p)
				}
				picks.Add(1)
			}
		}
		var reg limits.Registry
		acme := &Tenant{Name: "acme", Record: true, Limits: reg.Tenant("acme", store.Limits{Concurrent: 24, TokensPerMinute: 50_000}), Policy: chosen(func(hash uint64) *PolicyChoice {
			if hash%3 == 0 {
				return nil
			}
			chosenNow.Add(1)
			return &PolicyChoice{Name: "own", Version: "1", Plugin: w.strategy, Release: func() { chosenNow.Add(-1) }}
		})}
		key := &Key{ID: "k", Tenant: acme, Limits: reg.Key("acme", "k", store.Limits{RequestsPerMinute: 2000})}
		w.gw.opts.Seed = rand.Uint64
		w.strategy.score = func(h *abi.Header, c []abi.Candidate, out *abi.ScoreOutput) error {
			for i := range c {
				out.Scores[i] = float64(decision.Seed(h.Seed, i) % 100)
			}
			return nil
		}
		w.gw.opts.Upstream = &moody{v: w.up}
		var published, closed atomic.Int64
		publish := func() {
			published.Add(1)
			var once atomic.Int64
			groups := make([]*Group, len(w.groups))
			for i, g := range w.groups {
				groups[i] = &Group{Name: g.Name, Strategies: g.Strategies, Fallbacks: g.Fallbacks, Retries: 2, FailOpen: i%2 == 0}
				for _, d := range g.Deployments {
					groups[i].Deployments = append(groups[i].Deployments, &Deployment{
						ID: d.ID, Account: d.Account, Model: d.Model, Weight: 1, DefaultCooldown: time.Second, Health: d.Health, Timeout: 20 * time.Second,
					})
				}
			}
			w.gw.Publish(NewSnapshot(SnapshotSpec{Groups: groups, Open: true, OnClose: func() {
				closed.Add(1)
				if once.Add(1) > 1 {
					t.Error("a snapshot was closed twice")
				}
			}}))
		}
		publish()
		var wg sync.WaitGroup
		wg.Go(func() {
			for range swaps {
				publish()
				_ = sleep(context.Background(), time.Second, false)
			}
		})
		for i := range workers {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(i), 1))
				for range each {
					ctx, cancel := context.WithCancel(context.Background())
					if rng.IntN(4) == 0 {
						stop := time.AfterFunc(time.Duration(rng.IntN(3000))*time.Millisecond, cancel)
						defer stop.Stop()
					}
					w.hammerOnce(ctx, rng, key)
					cancel()
				}
			})
		}
		wg.Wait()
		w.gw.Close()
		if w.gw.Acquire() != nil {
			t.Error("a closed gateway has a snapshot")
		}
		if got := records.Load(); got != workers*each || accounted.Load() != got {
			t.Errorf("%d records of %d requests, %d accounted for", got, workers*each, accounted.Load())
		}
		if chosenNow.Load() != 0 || picks.Load() < 100 {
			t.Errorf("%d versions of policies are held, %d decisions on record", chosenNow.Load(), picks.Load())
		}
		if _, x := limits.Reserve(time.Now().Add(time.Hour), limits.Estimate{}, reg.Tenant("acme", store.Limits{Concurrent: 1}), reg.Key("acme", "k", store.Limits{Concurrent: 1})); x != nil {
			t.Errorf("requests that have ended are still held: %v", x)
		}
		if published.Load() != swaps+1 || closed.Load() != swaps+1 {
			t.Errorf("%d snapshots published, %d closed", published.Load(), closed.Load())
		}
		if n := w.gw.InFlight(); n != 0 || w.up.open != 0 {
			t.Errorf("%d requests in flight, %d bodies open", n, w.up.open)
		}
		var successes, failures uint64
		for _, g := range w.groups {
			for _, d := range g.Deployments {
				s := d.Health.Status()
				successes, failures = successes+s.Successes, failures+s.Failures
				if s.InFlight != 0 {
					t.Errorf("%s: %+v", d.ID, s)
				}
				if _, busy, _ := d.Health.Availability(time.Now()); busy {
					t.Errorf("the trial of %s was not given back", d.ID)
				}
			}
		}
		if successes < 100 || failures < 100 {
			t.Errorf("%d successes, %d failures: not much of a mix", successes, failures)
		}
	})
}

func (w *world) hammerOnce(ctx context.Context, rng *rand.Rand, key *Key) {
	snap := w.gw.Acquire()
	defer snap.Release()
	req := request(w.groups[rng.IntN(len(w.groups))].Name)
	if rng.IntN(2) == 0 {
		streamed(req)
	}
	if rng.IntN(2) == 0 {
		req.Tenant, req.TenantName, req.Key = key.Tenant, key.Tenant.Name, key
	}
	if rng.IntN(8) == 0 {
		req.Timeout = time.Second
	}
	res, err := w.gw.Do(ctx, snap, req)
	if err != nil || res.Stream == nil {
		return
	}
	switch rng.IntN(6) {
	case 0:
		res.Stream.Close()
	case 1:
		_ = res.Stream.Run(&sink{chunk: func(n int) error { return errorAt(n, 2) }})
		res.Stream.Close()
	default:
		_ = res.Stream.Run(&sink{})
		res.Stream.Close()
	}
	if rng.IntN(2) == 0 {
		runtime.Gosched()
	}
}

// moody is an Upstream that does a random one of all the things a vendor does.
type moody struct{ v *vendors }

func (m *moody) Do(ctx context.Context, r *upstream.Request) (*upstream.Response, error) {
	n := rand.IntN(12)
	s := [...]step{
		status(500), asking(429, "1"), status(401), status(400), broken(upstream.Reset), {hang: n == 5},
		streaming(sse(roleEvent), piece{err: &upstreamCut}), streaming(sse(helloEvent), piece{err: &upstreamCut}),
		streaming(sse(helloEvent), piece{wait: time.Second}, sse(finishEvent, done)), streaming(piece{hang: true}), wholeStream(), ok(),
	}[n]
	if n > 8 && n != 9 {
		s = ok()
		if bytes.Contains(r.Body, []byte(`"stream":true`)) {
			s = wholeStream()
		}
	}
	s.wait = time.Duration(rand.IntN(500)) * time.Millisecond
	one := &vendors{scripts: map[string][]step{r.Path[1:]: {s}}}
	resp, err := one.Do(ctx, r)
	if resp == nil {
		return nil, err
	}
	m.v.mu.Lock()
	m.v.open++
	m.v.mu.Unlock()
	resp.Body.(*body).v = m.v
	return resp, err
}
