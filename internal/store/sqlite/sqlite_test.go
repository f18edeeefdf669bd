package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/storetest"
)

func openTest(tb testing.TB, path string) *Store {
	tb.Helper()
	s, err := Open(context.Background(), path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { closing(tb, s) })
	return s
}

func closing(tb testing.TB, c io.Closer) {
	tb.Helper()
	if err := c.Close(); err != nil {
		tb.Error(err)
	}
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return openTest(t, filepath.Join(t.TempDir(), "s.db")) })
}

func TestFilesAreTheOwners(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "deep & odd?#%20")
	path := filepath.Join(dir, "switch yard.db")
	s := openTest(t, path)
	if err := s.CreateTenant(t.Context(), &store.Tenant{Name: "acme"}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v, %v", e.Name(), info.Mode(), err)
		}
		names[e.Name()] = true
	}
	if !names["switch yard.db"] || !names["switch yard.db-wal"] || !names["switch yard.db.lock"] || len(names) > 4 {
		t.Errorf("files: %v", names)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has the mode %v, %v", info.Mode(), err)
	}
}

func TestRefusals(t *testing.T) {
	refused := func(name, path, want string) {
		t.Helper()
		s, err := Open(t.Context(), path)
		if err == nil {
			closing(t, s)
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "s.db")
	s := openTest(t, path)
	refused("a second process", path, "another process has it open")
	if _, err := s.writer.ExecContext(t.Context(), "PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	closing(t, s)
	refused("a newer schema", path, "schema has version 99 and this program knows versions up to 3")

	foreign := filepath.Join(dir, "foreign.db")
	db, err := connect(foreign, "deferred")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE cats (name TEXT)"); err != nil {
		t.Fatal(err)
	}
	closing(t, db)
	before, err := os.ReadFile(foreign)
	if err != nil {
		t.Fatal(err)
	}
	refused("another program's file", foreign, "database of another program")
	if after, err := os.ReadFile(foreign); err != nil || string(after) != string(before) {
		t.Error("another program's file was changed")
	}

	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database\n", 99)), 0o644); err != nil {
		t.Fatal(err)
	}
	refused("no database", text, "not a database")

	shared := filepath.Join(dir, "shared")
	if err := os.Mkdir(shared, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(shared, 0o777); err != nil {
		t.Fatal(err)
	}
	refused("a folder for all", filepath.Join(shared, "s.db"), "others may write to its folder")
}

// Writers and readers at once: nobody meets a lock, and what was written is there.
func TestHammer(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "s.db"))
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			name := string(rune('a' + w))
			if err := s.CreateTenant(t.Context(), &store.Tenant{Name: name}); err != nil {
				t.Error(err)
			}
			for range 15 {
				e := store.Entry{ID: store.NewEntryID(now()), Tenant: name, Model: "m", Cost: 1, Priced: true}
				if err := s.Record(t.Context(), &store.Batch{Journal: [16]byte{byte(w)}, Entries: []store.Entry{e}}); err != nil {
					t.Error(err)
				}
				if err := s.AddBlocks(t.Context(), []store.Block{{Tenant: name, Data: []byte("x")}}, nil); err != nil {
					t.Error(err)
				}
				if _, err := s.ListKeys(t.Context(), ""); err != nil {
					t.Error(err)
				}
				if _, err := s.Usage(t.Context(), &store.UsageQuery{To: 1 << 20, By: []store.Dimension{store.ByTenant}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	all, err := s.Usage(t.Context(), &store.UsageQuery{To: 1 << 20})
	if err != nil || all[0].Requests != 60 || all[0].Cost != 60 {
		t.Errorf("sums: %+v, %v", all, err)
	}
}

// A transaction that fails leaves no number behind that others would use.
func TestNamesOfFailedTransactions(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "s.db"))
	e := store.Entry{ID: store.NewEntryID(now()), Tenant: "acme", Model: "m", RequestID: "r"}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := s.writer.ExecContext(ctx, "CREATE TRIGGER no BEFORE INSERT ON entry_blocks BEGIN SELECT raise(ABORT, 'no'); END"); err != nil {
		t.Fatal(err)
	}
	if err := s.Record(ctx, &store.Batch{Entries: []store.Entry{e}}); err == nil {
		t.Fatal("it was recorded")
	}
	if _, err := s.writer.ExecContext(ctx, "DROP TRIGGER no"); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := s.AddBlocks(ctx, []store.Block{{Tenant: "bolt"}}, nil); err == nil {
		t.Fatal("it was added")
	}
	for range 2 {
		if err := s.Record(t.Context(), &store.Batch{Entries: []store.Entry{e}}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Entries(t.Context(), &store.EntryQuery{Tenant: "acme", Limit: 9})
	if err != nil || len(got) != 1 || got[0] != e {
		t.Errorf("entries: %+v, %v", got, err)
	}
}

// A database that is full takes nothing, whole batches or none, and all when it has room again.
func TestFull(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "s.db"))
	var pages int
	if err := s.writer.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		t.Helper()
		if _, err := s.writer.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages + 2)
	batch := &store.Batch{Journal: [16]byte{1}, Segment: 5}
	for i := range 500 {
		batch.Entries = append(batch.Entries, store.Entry{ID: store.NewEntryID(now()), Tenant: "acme", Key: fmt.Sprint(i % 7), RequestID: strings.Repeat("r", 100), Cost: 1})
	}
	sums := func() int64 {
		t.Helper()
		all, err := s.Usage(t.Context(), &store.UsageQuery{To: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		return all[0].Requests
	}
	if err := s.Record(t.Context(), batch); err == nil || !strings.Contains(err.Error(), "full") {
		t.Fatalf("recorded: %v", err)
	}
	if segment, _, err := s.Position(t.Context(), batch.Journal); err != nil || segment != 0 || sums() != 0 {
		t.Errorf("half a batch was recorded: position %d, %d entries, %v", segment, sums(), err)
	}
	limit(1 << 30)
	if err := s.Record(t.Context(), batch); err != nil || sums() != 500 {
		t.Errorf("with room again: %d entries, %v", sums(), err)
	}
}

// What durability and safety rest on is really set; SQLite ignores what it does not know.
func TestPragmas(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "s.db"))
	for _, c := range []struct {
		db     *sql.DB
		pragma string
		want   string
	}{
		{s.writer, "journal_mode", "wal"}, {s.writer, "synchronous", "2"}, {s.writer, "foreign_keys", "1"}, {s.writer, "busy_timeout", "5000"},
		{s.writer, "trusted_schema", "0"}, {s.writer, "journal_size_limit", "67108864"}, {s.reader, "query_only", "1"}, {s.reader, "busy_timeout", "5000"},
	} {
		var got string
		if err := c.db.QueryRowContext(t.Context(), "PRAGMA "+c.pragma).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s is %s, want %s, %v", c.pragma, got, c.want, err)
		}
	}
}
