package sqlite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// someEntries are of 50 tenants with four keys each, over a month.
func someEntries(n int) []store.Entry {
	rnd := rand.New(rand.NewPCG(1, 1))
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	all := make([]store.Entry, n)
	for i := range all {
		tenant, deployment := rnd.IntN(50), rnd.IntN(8)
		all[i] = store.Entry{
			ID: store.NewEntryID(start.Add(time.Duration(i) * (30 * 24 * time.Hour / time.Duration(n)))), RequestID: fmt.Sprintf("req_%016x", rnd.Uint64()),
			Tenant: fmt.Sprintf("tenant-%d", tenant), Key: fmt.Sprintf("key_%d_%d", tenant, rnd.IntN(4)), Group: "quality",
			Deployment: fmt.Sprintf("provider/model-%d", deployment), Provider: "provider", Model: fmt.Sprintf("model-%d", deployment), Surface: "openai.chat",
			Status: 200, Attempts: 1, Latency: time.Second, Counted: true, Priced: true, Tokens: store.Tokens{Prompt: 500, Completion: 200}, Cost: 123456,
		}
	}
	return all
}

func fill(b *testing.B, s *Store, entries []store.Entry) {
	for i := uint64(1); len(entries) > 0; i++ {
		n := min(len(entries), 2000)
		if err := s.Record(context.Background(), &store.Batch{Segment: i, Entries: entries[:n]}); err != nil {
			b.Fatal(err)
		}
		entries = entries[n:]
	}
}

func BenchmarkRecord(b *testing.B) {
	s := openTest(b, filepath.Join(b.TempDir(), "s.db"))
	entries := someEntries(b.N)
	b.ResetTimer()
	fill(b, s, entries)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

func BenchmarkUsageOverAMillion(b *testing.B) {
	s := openTest(b, filepath.Join(b.TempDir(), "s.db"))
	fill(b, s, someEntries(1_000_000))
	from := store.DayOf(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
	for name, q := range map[string]*store.UsageQuery{
		"tenant-by-day-and-model": {From: from, To: from + 31, Tenant: "tenant-7", By: []store.Dimension{store.ByDay, store.ByModel}},
		"all-by-tenant":           {From: from, To: from + 31, By: []store.Dimension{store.ByTenant}},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if rows, err := s.Usage(b.Context(), q); err != nil || len(rows) < 50 {
					b.Fatal(len(rows), err)
				}
			}
		})
	}
	b.Run("spent", func(b *testing.B) {
		for b.Loop() {
			if rows, err := s.SpentOn(b.Context(), from+20); err != nil || len(rows) != 200 {
				b.Fatal(len(rows), err)
			}
		}
	})
	b.Run("page-of-entries", func(b *testing.B) {
		for b.Loop() {
			if rows, err := s.Entries(b.Context(), &store.EntryQuery{Tenant: "tenant-7", Limit: 100}); err != nil || len(rows) != 100 {
				b.Fatal(len(rows), err)
			}
		}
	})
}
