package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// While something else has the database locked, requests are recorded all the same.
func TestDatabaseLocked(t *testing.T) {
	dir := t.TempDir()
	st, l, err := openBoth(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		closing(t, l)
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	other, err := sql.Open("sqlite", filepath.Join(dir, "s.db"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	sums := func() int64 {
		t.Helper()
		all, err := st.Usage(t.Context(), &store.UsageQuery{To: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		return all[0].Requests
	}
	const entries = 200
	for i := range entries {
		if err := l.Record(&store.Entry{ID: store.EntryID{byte(i)}, Tenant: "acme"}); err != nil {
			t.Fatal(err)
		}
	}
	if n := sums(); n != 0 {
		t.Errorf("%d entries in a database that is locked", n)
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	if err := l.Flush(t.Context()); err != nil || sums() != entries {
		t.Errorf("%d entries, %v", sums(), err)
	}
}

// BenchmarkRecord is what a request spends.
func BenchmarkRecord(b *testing.B) {
	l, err := Open(b.TempDir(), &memory{}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer closing(b, l)
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		e := sample()
		for pb.Next() {
			if err := l.Record(&e); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkDrain is how fast entries go from the journal to SQLite.
func BenchmarkDrain(b *testing.B) {
	dir := b.TempDir()
	l, err := Open(filepath.Join(dir, "journal"), &memory{refuse: fmt.Errorf("not yet")}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	e := sample()
	for range b.N {
		e.ID = store.NewEntryID(e.ID.Time())
		if err := l.Record(&e); err != nil {
			b.Fatal(err)
		}
	}
	_ = l.Close(context.Background()) // it stays in the journal
	st, l, err := openBoth(dir)
	if err != nil {
		b.Fatal(err)
	}
	l.opts.BatchBytes = 512 << 10
	b.ResetTimer()
	if err := l.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	b.StopTimer()
	closing(b, l)
	if err := st.Close(); err != nil {
		b.Error(err)
	}
}
