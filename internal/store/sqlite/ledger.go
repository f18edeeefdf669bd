package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// Flags of an entry.
const (
	flagStream = 1 << iota
	flagCounted
	flagPriced
)

func (s *Store) Position(ctx context.Context, journal [16]byte) (segment uint64, offset int64, err error) {
	type position struct {
		segment uint64
		offset  int64
	}
	all, err := list(ctx, s.reader, func(r row) (p position, err error) { err = r.Scan(&p.segment, &p.offset); return p, err },
		"SELECT segment, offset FROM journals WHERE id = ?", journal[:])
	if err != nil {
		return 0, 0, fmt.Errorf("reading how far journal %x is recorded: %w", journal, err)
	}
	if len(all) == 0 {
		return 0, 0, nil
	}
	return all[0].segment, all[0].offset, nil
}

func (s *Store) Record(ctx context.Context, b *store.Batch) error {
	s.names.mu.Lock()
	defer s.names.mu.Unlock()
	defer s.names.forget()
	err := s.write(ctx, fmt.Sprintf("recording %d entries", len(b.Entries)), func(tx *sql.Tx) error {
		if err := s.addEntries(ctx, tx, b.Entries); err != nil {
			return err
		}
		for _, rec := range b.Unread {
			if _, err := tx.ExecContext(ctx, "INSERT INTO unread (record) VALUES (?)", rec); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO journals (id, segment, offset) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET segment = excluded.segment, offset = excluded.offset`, b.Journal[:], b.Segment, b.Offset)
		return err
	})
	if err == nil {
		s.names.keep()
	}
	return err
}

// dayKey is what sums are kept by.
type dayKey struct {
	day                                                      store.Day
	tenant, key, group, deployment, provider, model, surface int64
}

func marks(n int) string { return "(" + strings.Repeat("?, ", n-1) + "?)" }

// addEntries inserts entries and adds those that were not there to the sums of their days.
func (s *Store) addEntries(ctx context.Context, tx *sql.Tx, entries []store.Entry) error {
	// Statements end with the transaction.
	insert, err := tx.PrepareContext(ctx, `INSERT INTO entries (id, request, tenant, key, grp, deployment, provider, model, surface, policy, version, status, error, flags,
		attempts, latency, first_token, prompt, completion, cached, cache_write, reasoning, cost) VALUES `+marks(23)+" ON CONFLICT DO NOTHING")
	if err != nil {
		return err
	}
	sums := map[dayKey]*store.Usage{}
	for i := range entries {
		e := &entries[i]
		var ids [9]int64
		for n, name := range [...]string{e.Tenant, e.Key, e.Group, e.Deployment, e.Provider, e.Model, e.Surface, e.Policy, e.Error} {
			if ids[n], err = s.names.number(ctx, tx, name); err != nil {
				return err
			}
		}
		done, err := insert.ExecContext(ctx, e.ID[:], e.RequestID, ids[0], ids[1], ids[2], ids[3], ids[4], ids[5], ids[6], ids[7], e.Version, e.Status, ids[8], flags(e),
			e.Attempts, e.Latency.Microseconds(), e.FirstToken.Microseconds(), e.Prompt, e.Completion, e.Cached, e.CacheWrite, e.Reasoning, e.Cost)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			continue // recorded before
		}
		k := dayKey{store.DayOf(e.ID.Time()), ids[0], ids[1], ids[2], ids[3], ids[4], ids[5], ids[6]}
		if sums[k] == nil {
			sums[k] = &store.Usage{}
		}
		sums[k].Add(e.Usage())
	}
	return addDays(ctx, tx, sums)
}

func flags(e *store.Entry) (flags int) {
	if e.Stream {
		flags |= flagStream
	}
	if e.Counted {
		flags |= flagCounted
	}
	if e.Priced {
		flags |= flagPriced
	}
	return flags
}

func addDays(ctx context.Context, tx *sql.Tx, sums map[dayKey]*store.Usage) error {
	add, err := tx.PrepareContext(ctx, `INSERT INTO days (day, tenant, key, grp, deployment, provider, model, surface,
		requests, failed, unpriced, prompt, completion, cached, cache_write, reasoning, cost, latency) VALUES `+marks(18)+`
		ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, failed = failed + excluded.failed, unpriced = unpriced + excluded.unpriced,
		prompt = prompt + excluded.prompt, completion = completion + excluded.completion, cached = cached + excluded.cached,
		cache_write = cache_write + excluded.cache_write, reasoning = reasoning + excluded.reasoning, cost = cost + excluded.cost, latency = latency + excluded.latency`)
	if err != nil {
		return err
	}
	for k, u := range sums {
		if _, err := add.ExecContext(ctx, k.day, k.tenant, k.key, k.group, k.deployment, k.provider, k.model, k.surface, u.Requests, u.Failed, u.Unpriced,
			u.Prompt, u.Completion, u.Cached, u.CacheWrite, u.Reasoning, u.Cost, u.Latency.Microseconds()); err != nil {
			return err
		}
	}
	return nil
}

const entryQuery = `SELECT id, request, (SELECT name FROM names WHERE id = e.tenant), (SELECT name FROM names WHERE id = key), (SELECT name FROM names WHERE id = grp),
	(SELECT name FROM names WHERE id = deployment), (SELECT name FROM names WHERE id = provider), (SELECT name FROM names WHERE id = model),
	(SELECT name FROM names WHERE id = surface), (SELECT name FROM names WHERE id = policy), (SELECT name FROM names WHERE id = error),
	version, status, flags, attempts, latency, first_token, prompt, completion, cached, cache_write, reasoning, cost FROM entries AS e `

func scanEntry(r row) (e store.Entry, err error) {
	var id []byte
	var flags, latency, first int64
	err = r.Scan(&id, &e.RequestID, &e.Tenant, &e.Key, &e.Group, &e.Deployment, &e.Provider, &e.Model, &e.Surface, &e.Policy, &e.Error,
		&e.Version, &e.Status, &flags, &e.Attempts, &latency, &first, &e.Prompt, &e.Completion, &e.Cached, &e.CacheWrite, &e.Reasoning, &e.Cost)
	copy(e.ID[:], id)
	e.Stream, e.Counted, e.Priced = flags&flagStream != 0, flags&flagCounted != 0, flags&flagPriced != 0
	e.Latency, e.FirstToken = time.Duration(latency)*time.Microsecond, time.Duration(first)*time.Microsecond
	return e, err
}

func (s *Store) Entries(ctx context.Context, q *store.EntryQuery) ([]store.Entry, error) {
	before := q.Before
	if before == (store.EntryID{}) {
		for i := range before {
			before[i] = 0xff
		}
	}
	all, err := list(ctx, s.reader, scanEntry, entryQuery+"WHERE e.tenant = (SELECT id FROM names WHERE name = ?) AND e.id < ? ORDER BY e.id DESC LIMIT ?",
		q.Tenant, before[:], q.Limit)
	if err != nil {
		return nil, fmt.Errorf("listing entries of tenant %q: %w", q.Tenant, err)
	}
	return all, nil
}

// trimAtOnce is how many entries are deleted in one transaction, so that others get their turn.
const trimAtOnce = 5000

func (s *Store) TrimEntries(ctx context.Context, oldest time.Time) (int, error) {
	limit := store.FirstEntryID(oldest)
	for deleted := 0; ; {
		var n int64
		err := s.write(ctx, "trimming the ledger", func(tx *sql.Tx) error {
			r, err := tx.ExecContext(ctx, "DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE id < ? ORDER BY id LIMIT ?)", limit[:], trimAtOnce)
			if err != nil {
				return err
			}
			n, err = r.RowsAffected()
			return err
		})
		if deleted += int(n); err != nil || n < trimAtOnce {
			return deleted, err
		}
	}
}

// names are the numbers of names, for whoever writes. Those that a transaction adds count for
// others once it is committed.
type names struct {
	mu    sync.Mutex // held for a whole transaction
	known map[string]int64
	added map[string]int64
}

// maxNames bounds what is remembered; names beyond it are looked up anew.
const maxNames = 50_000

func loadNames(ctx context.Context, q queryer) (*names, error) {
	type pair struct {
		id   int64
		name string
	}
	all, err := list(ctx, q, func(r row) (p pair, err error) { err = r.Scan(&p.id, &p.name); return p, err },
		"SELECT id, name FROM names ORDER BY id DESC LIMIT ?", maxNames/2)
	n := &names{known: map[string]int64{}, added: map[string]int64{}}
	for _, p := range all {
		n.known[p.name] = p.id
	}
	return n, err
}

func (n *names) number(ctx context.Context, tx *sql.Tx, name string) (int64, error) {
	if id, ok := n.known[name]; ok {
		return id, nil
	}
	if id, ok := n.added[name]; ok {
		return id, nil
	}
	var id int64
	err := tx.QueryRowContext(ctx, "INSERT INTO names (name) VALUES (?) ON CONFLICT DO UPDATE SET name = name RETURNING id", name).Scan(&id)
	if err == nil {
		n.added[name] = id
	}
	return id, err
}

// keep takes over what a transaction added that is committed.
func (n *names) keep() {
	if len(n.known)+len(n.added) > maxNames {
		clear(n.known)
	}
	maps.Copy(n.known, n.added)
}

// forget begins anew for the next transaction.
func (n *names) forget() { clear(n.added) }
