package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var files embed.FS

// migrations bring the schema forward, one number at a time. One that was released never changes,
// and none leads back.
var migrations = readMigrations(files)

// applicationID is in the header of our files, so that no other one is taken for ours.
const applicationID = 0x53594A31

// conversions are what migrations do beside their SQL, after it, in the same transaction.
var conversions = map[int]func(ctx context.Context, tx *sql.Tx) error{3: packEntries}

func readMigrations(from fs.FS) []string {
	names, err := fs.Glob(from, "migrations/*.sql")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	var all []string
	for i, name := range names {
		text, err := fs.ReadFile(from, name)
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		if n, bad := strconv.Atoi(number); err != nil || bad != nil || n != i+1 {
			panic(fmt.Sprintf("migration %s is not number %d: %v", name, i+1, err)) // what is embedded is wrong
		}
		all = append(all, string(text))
	}
	return all
}

// migrate applies what the file does not have yet, each migration in its own transaction.
func migrate(ctx context.Context, db *sql.DB, migrations []string) error {
	var version, app, tables int
	for pragma, to := range map[string]*int{"PRAGMA user_version": &version, "PRAGMA application_id": &app, "SELECT count(*) FROM sqlite_schema": &tables} {
		if err := db.QueryRowContext(ctx, pragma).Scan(to); err != nil {
			return fmt.Errorf("reading its version: %w", err)
		}
	}
	switch {
	case app != applicationID && tables > 0:
		return fmt.Errorf("it is a database of another program (application_id %#x)", app)
	case version > len(migrations):
		return fmt.Errorf("its schema has version %d and this program knows versions up to %d: a newer Switchyard has written it", version, len(migrations))
	}
	// It stays with the file. Readers then see the last commit while a write is under way.
	if _, err := db.ExecContext(ctx, "PRAGMA journal_mode = WAL"); err != nil {
		return err
	}
	for n := version + 1; n <= len(migrations); n++ {
		if err := apply(ctx, db, n, migrations[n-1]); err != nil {
			return fmt.Errorf("migration %d: %w", n, err)
		}
	}
	return nil
}

func apply(ctx context.Context, db *sql.DB, number int, text string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, text)
	if convert := conversions[number]; err == nil && convert != nil {
		err = convert(ctx, tx)
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, "PRAGMA user_version = "+strconv.Itoa(number))
	}
	if err != nil {
		_ = tx.Rollback() // the reason is err
		return err
	}
	return tx.Commit()
}
