package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

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
			for _, check := range []func(context.Context, *testing.T, *Store){checkVersion1, checkVersion2}[:from] {
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
	if err != nil || len(entries) != 1 || entries[0].Deployment != "openai/gpt-4o" || entries[0].Cost != 1500 || !entries[0].Priced || entries[0].Error != "" {
		t.Fatalf("entries: %+v, %v", entries, err)
	}
	if day := store.DayOf(entries[0].ID.Time()); day != 19675 {
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
