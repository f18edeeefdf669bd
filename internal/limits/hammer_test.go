package limits

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// TestHammer has hundreds of goroutines reserve and settle under tight limits of a tenant and of its
// keys, while limits are set anew, and holds that no limit is passed by more than one estimate, and
// that in the end every account has exactly what was settled.
func TestHammer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const (
			workers, keys, each = 300, 4, 40
			most                = 500 // tokens of an estimate, and its cost
		)
		tenantLimits := store.Limits{RequestsPerMinute: 3000, TokensPerMinute: 400_000, Concurrent: 50, PerDay: 600_000, PerMonth: 900_000}
		keyLimits := store.Limits{RequestsPerMinute: 1000, TokensPerMinute: 150_000, Concurrent: 20, PerDay: 250_000}
		var reg Registry
		tenant := reg.Tenant("acme", tenantLimits)
		start := time.Now()
		type sum struct{ requests, tokens, cost, open, peak atomic.Int64 }
		var all sum
		var of [keys]sum
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(w), 1))
				k := w % keys
				key := reg.Key("acme", string(rune('a'+k)), keyLimits)
				for range each {
					time.Sleep(time.Duration(rng.IntN(1000)) * time.Millisecond)
					e := Estimate{Tokens: 1 + rng.Int64N(most), Cost: store.Money(rng.Int64N(most))}
					r, x := Reserve(time.Now(), e, tenant, key)
					if x != nil {
						if x.RetryAfter <= 0 {
							t.Errorf("no time to wait: %+v", x)
						}
						continue
					}
					used, cost := rng.Int64N(e.Tokens+1), rng.Int64N(int64(e.Cost)+1)
					for _, s := range []*sum{&all, &of[k]} {
						s.requests.Add(1)
						for n := s.open.Add(1); ; {
							if p := s.peak.Load(); n <= p || s.peak.CompareAndSwap(p, n) {
								break
							}
						}
					}
					time.Sleep(time.Duration(rng.IntN(500)) * time.Millisecond)
					for _, s := range []*sum{&all, &of[k]} {
						s.open.Add(-1)
						s.tokens.Add(used)
						s.cost.Add(cost)
					}
					r.Settle(time.Now(), used, store.Money(cost))
				}
			})
		}
		wg.Wait()
		minutes := time.Since(start).Minutes()
		check := func(name string, s *sum, a *Account, l store.Limits) {
			if n := float64(s.requests.Load()); n > float64(l.RequestsPerMinute)*(1+minutes) {
				t.Errorf("%s: %v requests in %v minutes", name, n, minutes)
			}
			if n := float64(s.tokens.Load()); n > float64(l.TokensPerMinute)*(1+minutes)+most {
				t.Errorf("%s: %v tokens in %v minutes", name, n, minutes)
			}
			if s.peak.Load() > l.Concurrent {
				t.Errorf("%s: %d at a time", name, s.peak.Load())
			}
			if s.cost.Load() >= int64(l.PerDay)+most {
				t.Errorf("%s: spent %d", name, s.cost.Load())
			}
			if a.open != 0 || a.day.reserved != 0 || a.month.reserved != 0 || int64(a.day.spent) != s.cost.Load() || a.month.spent != a.day.spent {
				t.Errorf("%s: %d open, day %+v, month %+v, settled %d", name, a.open, a.day, a.month, s.cost.Load())
			}
			if s.requests.Load() == 0 {
				t.Errorf("%s: nothing was let in", name)
			}
		}
		check("tenant", &all, tenant, tenantLimits)
		for k := range keys {
			name := string(rune('a' + k))
			check(name, &of[k], reg.Key("acme", name, keyLimits), keyLimits)
		}
	})
}

// TestRoomForTen sends many at once against limits that have room for ten.
func TestRoomForTen(t *testing.T) {
	t.Parallel()
	e := Estimate{Tokens: 1000, Cost: 1000}
	for name, l := range map[string]store.Limits{
		"day": {PerDay: 10_000}, "month": {PerMonth: 10_000}, "tokens": {TokensPerMinute: 10_000}, "requests": {RequestsPerMinute: 10}, "concurrent": {Concurrent: 10},
		"a part of one more": {PerDay: 9_001, TokensPerMinute: 9_001},
	} {
		var reg Registry
		a := reg.Tenant("acme", l)
		var in atomic.Int64
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				if _, x := Reserve(noon, e, a, nil); x == nil {
					in.Add(1)
				}
			})
		}
		wg.Wait()
		if in.Load() != 10 {
			t.Errorf("%s: %d were let in", name, in.Load())
		}
	}
}

func TestNoAllocation(t *testing.T) {
	var reg Registry
	l := store.Limits{RequestsPerMinute: 1 << 30, TokensPerMinute: 1 << 40, Concurrent: 10, PerDay: store.USD, PerMonth: store.USD}
	tenant, key := reg.Tenant("acme", l), reg.Key("acme", "k", l)
	if n := testing.AllocsPerRun(100, func() {
		r, _ := Reserve(noon, Estimate{Tokens: 10, Cost: 10}, tenant, key)
		r.Settle(noon, 5, 0)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkReserve is a reservation with a tenant and a key, and its settlement.
func BenchmarkReserve(b *testing.B) {
	var reg Registry
	l := store.Limits{RequestsPerMinute: 1 << 40, TokensPerMinute: 1 << 50, Concurrent: 1 << 20, PerDay: 1 << 60, PerMonth: 1 << 60}
	b.Run("alone", func(b *testing.B) {
		tenant, key := reg.Tenant("acme", l), reg.Key("acme", "k", l)
		b.ReportAllocs()
		for b.Loop() {
			now := time.Now()
			r, _ := Reserve(now, Estimate{Tokens: 100, Cost: 10}, tenant, key)
			r.Settle(now, 50, 5)
		}
	})
	b.Run("many keys of one tenant", func(b *testing.B) {
		tenant := reg.Tenant("acme", l)
		var n atomic.Int64
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			key := reg.Key("acme", string(rune('a'+n.Add(1))), l)
			for pb.Next() {
				now := time.Now()
				r, _ := Reserve(now, Estimate{Tokens: 100, Cost: 10}, tenant, key)
				r.Settle(now, 50, 5)
			}
		})
	})
}
