package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// A file of every version, with data, comes to the newest one with its data.
func TestMigrationsFromEveryVersion(t *testing.T) {
	for from := 1; from <= len(migrations); from++ {
		t.Run(fmt.Sprint(from), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s.db")
			db, err := connect(path, "immediate")
			if err != nil {
				t.Fatal(err)
			}
			for n := 1; n <= from; n++ {
				if err := migrate(t.Context(), db, migrations[:n]); err != nil {
					t.Fatal(err)
				}
				data, err := os.ReadFile(fmt.Sprintf("testdata/%04d.sql", n))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := db.ExecContext(t.Context(), string(data)); err != nil {
					t.Fatal(err)
				}
			}
			closing(t, db)
			s := openTest(t, path)
			for _, check := range []func(context.Context, *testing.T, *Store){checkVersion1, checkVersion2, checkVersion3}[:from] {
				check(t.Context(), t, s)
			}
			var broken int
			if err := s.writer.QueryRowContext(t.Context(), "SELECT count(*) FROM pragma_foreign_key_check").Scan(&broken); err != nil || broken > 0 {
				t.Errorf("%d references lead nowhere, %v", broken, err)
			}
			// And it can be written to.
			if err := s.Record(t.Context(), &store.Batch{Entries: []store.Entry{{ID: store.NewEntryID(now()), Tenant: "acme"}}}); err != nil {
				t.Error(err)
			}
		})
	}
}

func checkVersion1(ctx context.Context, t *testing.T, s *Store) {
	tenant, err := s.Tenant(ctx, "acme")
	if err != nil || tenant.Allow.Models[0] != "fast" || tenant.Limits.Concurrent != 4 || tenant.Revision != 3 || tenant.Updated.UnixMilli() != 1700000001000 {
		t.Errorf("tenant: %+v, %v", tenant, err)
	}
	key, err := s.Key(ctx, "acme", "key_1")
	if err != nil || key.Scopes != store.ScopeComplete|store.ScopeUsage || len(key.Secrets) != 1 || key.Secrets[0].Digest[31] != 0x20 || key.Secrets[0].Hint != "sy_abcde" {
		t.Errorf("key: %+v, %v", key, err)
	}
	version, err := s.Version(ctx, "acme", "cheap", 1)
	if err != nil || version.Module[0] != 0x21 || string(version.Config) != `{"a":1}` || version.State != store.VersionReady {
		t.Fatalf("version: %+v, %v", version, err)
	}
	if code, err := s.Module(ctx, version.Module); err != nil || string(code) != "\x00asm" {
		t.Errorf("module: %q, %v", code, err)
	}
	history, err := s.History(ctx, "acme", "cheap", 9)
	if err != nil || len(history) != 1 || history[0].To.Active != 1 {
		t.Errorf("history: %+v, %v", history, err)
	}
}

func checkVersion2(ctx context.Context, t *testing.T, s *Store) {
	if segment, offset, err := s.Position(ctx, [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}); err != nil || segment != 2 || offset != 4096 {
		t.Errorf("position: %d, %d, %v", segment, offset, err)
	}
	entries, err := s.Entries(ctx, &store.EntryQuery{Tenant: "acme", Limit: 9})
	if err != nil || len(entries) == 0 {
		t.Fatalf("entries: %+v, %v", entries, err)
	}
	oldest := entries[len(entries)-1]
	if want := (store.Entry{
		ID: oldest.ID, RequestID: "req", Tenant: "acme", Key: "key_1", Group: "fast", Deployment: "openai/gpt-4o", Provider: "openai", Model: "gpt-4o", Surface: "openai.chat",
		Status: 200, Attempts: 1, Latency: 800 * time.Millisecond, Counted: true, Priced: true, Tokens: store.Tokens{Prompt: 10, Completion: 5}, Cost: 1500,
	}); oldest != want {
		t.Errorf("entry: %+v", oldest)
	}
	if day := store.DayOf(oldest.ID.Time()); day != 19675 {
		t.Errorf("the entry is of day %d", day)
	}
	usage, err := s.Usage(ctx, &store.UsageQuery{Tenant: "acme", To: 1 << 20})
	if err != nil || usage[0].Requests != 1 || usage[0].Cost != 1500 {
		t.Errorf("usage: %+v, %v", usage, err)
	}
	if blocks, err := s.ListBlocks(ctx, "acme"); err != nil || len(blocks) != 1 || blocks[0].ID != 9 {
		t.Errorf("blocks: %+v, %v", blocks, err)
	}
}

func checkVersion3(ctx context.Context, t *testing.T, s *Store) {
	entries, err := s.Entries(ctx, &store.EntryQuery{Tenant: "acme", Limit: 1})
	if err != nil || len(entries) != 1 {
		t.Fatalf("entries: %+v, %v", entries, err)
	}
	if e, want := entries[0], (store.Entry{
		ID: entries[0].ID, RequestID: "req-3", Tenant: "acme", Key: "key_1", Group: "fast", Deployment: "openai/gpt-4o", Provider: "openai", Model: "gpt-4o", Surface: "openai.chat",
		Status: 504, Attempts: 2, Latency: 900 * time.Millisecond, FirstToken: 70 * time.Millisecond, Stream: true, Counted: true, Priced: true,
		Tokens: store.Tokens{Prompt: 20, Completion: 6, Cached: 1, CacheWrite: 2, Reasoning: 3}, Cost: 2500,
	}); e != want {
		t.Errorf("entry: %+v", e)
	}
}

// Entries of version 2, more than are packed at once, keep their tenants and their order.
func TestEntriesArePacked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	db, err := connect(path, "immediate")
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate(t.Context(), db, migrations[:2]); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `INSERT INTO names VALUES (1, 'acme'), (2, 'bolt'), (3, 'x');
		WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 4999)
		INSERT INTO entries SELECT unhex(printf('%032X', n)), 'r' || n, 1 + n % 5 / 4, 3, 3, 3, 3, 3, 3, 3, 0, 200, 3, 0, 1, 0, 0, n, 0, 0, 0, 0, n FROM n`); err != nil {
		t.Fatal(err)
	}
	closing(t, db)
	s := openTest(t, path)
	for tenant, want := range map[string]int{"acme": 4000, "bolt": 1000} {
		all, err := s.Entries(t.Context(), &store.EntryQuery{Tenant: tenant, Limit: 9999})
		if err != nil || len(all) != want {
			t.Fatalf("%s: %d entries, %v", tenant, len(all), err)
		}
		for i, e := range all {
			if n := int(e.Prompt); (tenant == "bolt") != (n%5 == 4) || e.RequestID != fmt.Sprintf("r%d", n) || i > 0 && !e.ID.Before(all[i-1].ID) {
				t.Fatalf("%s has %+v", tenant, e)
			}
		}
	}
}

// A migration that fails leaves the file at the version before it.
func TestFailedMigration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	db, err := connect(path, "immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, db)
	bad := []string{migrations[0], "CREATE TABLE half (id INTEGER); CREATE TABLE tenants (id INTEGER);"}
	if err := migrate(t.Context(), db, bad); err == nil {
		t.Fatal("it was applied")
	}
	var version, half int
	if err := db.QueryRowContext(t.Context(), "SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema WHERE name = 'half')").Scan(&version, &half); err != nil || version != 1 || half != 0 {
		t.Errorf("version %d, half of it there: %d, %v", version, half, err)
	}
	if err := migrate(t.Context(), db, migrations); err != nil {
		t.Error(err)
	}
}
