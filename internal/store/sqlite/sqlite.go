// Package sqlite is the store in one SQLite file: import it to open that file. It needs no cgo and
// no server.
//
// There is one connection for writing, so that writes queue up in Go and never meet inside SQLite,
// and a few for reading, which see the last commit while a write is under way. Each commit is
// forced to the disk before it counts.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// Store is an open file. It implements [store.Store].
type Store struct {
	lock   *os.File
	writer *sql.DB
	reader *sql.DB
	// The writer's.
	names      *names
	packs      packs
	statements map[string]*sql.Stmt
}

var _ store.Store = (*Store)(nil)

// readers is how many queries run at once.
const readers = 4

// Open opens a file, makes it if it is not there, and brings its schema up to date. A folder that
// it makes is for the owner only, and so is the file. It fails when another process has the file
// open, when a newer version has written it, and when others may write to its folder.
func Open(ctx context.Context, path string) (*Store, error) {
	s := &Store{}
	if err := s.open(ctx, path); err != nil {
		return nil, fmt.Errorf("opening the database %q: %w", path, errors.Join(err, s.Close()))
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, path string) error {
	if err := private(path); err != nil {
		return err
	}
	var err error
	if s.lock, err = lockFile(path + ".lock"); err != nil {
		return err
	}
	if s.writer, err = connect(path, "immediate", "synchronous(FULL)", "journal_size_limit(67108864)"); err != nil {
		return err
	}
	s.writer.SetMaxOpenConns(1)
	if err := migrate(ctx, s.writer, migrations); err != nil {
		return err
	}
	if s.reader, err = connect(path, "deferred", "query_only(1)"); err != nil {
		return err
	}
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	if s.names, err = loadNames(ctx, s.writer); err != nil {
		return err
	}
	s.statements = map[string]*sql.Stmt{}
	for _, query := range []string{addDay, setPosition, overlappingBlocks, newestBlock, insertBlock, updateBlock} {
		if s.statements[query], err = s.writer.PrepareContext(ctx, query); err != nil {
			return err
		}
	}
	return nil
}

// prepared returns a statement within a transaction, with which it ends. Preparing those that each batch of entries needs
// would take as long as running them, so they are prepared once.
func (s *Store) prepared(ctx context.Context, tx *sql.Tx, query string) *sql.Stmt {
	return tx.StmtContext(ctx, s.statements[query])
}

// private makes folder and file so that nobody else can read them, and refuses a folder in which
// others could put another file in its place.
func private(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if mode := info.Mode(); mode.Perm()&0o022 != 0 && mode&fs.ModeSticky == 0 {
		return fmt.Errorf("others may write to its folder: the mode of %q is %s", dir, mode.Perm())
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Chmod(0o600) // SQLite gives its other files the mode of this one
}

func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		f.Close()
		return nil, errors.New("another process has it open")
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("locking it: %w", err)
	}
	return f, nil
}

// connect returns a pool of connections that begin transactions in this way and have these pragmas.
func connect(path, begin string, pragmas ...string) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	q := url.Values{
		"_pragma": append([]string{"busy_timeout(5000)", "foreign_keys(1)", "trusted_schema(0)"}, pragmas...),
		"_txlock": {begin},
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: abs, RawQuery: q.Encode()}
	return sql.Open("sqlite", u.String())
}

// Close ends all connections once their work is done, and gives the file up. Calls that come later
// return an error. It may be called again.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.reader, s.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.lock != nil {
		if err := s.lock.Close(); !errors.Is(err, os.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// write runs f in a transaction. doing is for the error.
func (s *Store) write(ctx context.Context, doing string, f func(tx *sql.Tx) error) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err == nil {
		if err = f(tx); err == nil {
			err = tx.Commit()
		} else {
			_ = tx.Rollback() // the reason is err; a canceled context has done it already
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// queryer is a pool, or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// list runs a query and scans each row.
func list[T any](ctx context.Context, q queryer, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		all = append(all, v)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// one runs a query for a single row; without one it is ErrNotFound.
func one[T any](ctx context.Context, q queryer, scan func(row) (T, error), query string, args ...any) (T, error) {
	v, err := scan(q.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	return v, err
}

// row is what one scan reads.
type row interface{ Scan(dest ...any) error }

// exec runs a statement that must change a row; when it changes none it is ErrNotFound.
func exec(ctx context.Context, tx *sql.Tx, query string, args ...any) error {
	r, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return taken(err)
	}
	n, err := r.RowsAffected()
	if err == nil && n == 0 {
		err = store.ErrNotFound
	}
	return err
}

// taken turns the error of a row that is already there into ErrExists.
func taken(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) && (e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY) {
		return store.ErrExists
	}
	return err
}

// now is the time as it is stored.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
