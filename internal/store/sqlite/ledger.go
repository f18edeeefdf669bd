package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/switchyard-gateway/switchyard/internal/store"
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
		_, err := s.prepared(ctx, tx, setPosition).ExecContext(ctx, b.Journal[:], b.Segment, b.Offset)
		return err
	})
	if err == nil {
		s.names.keep()
	}
	return err
}

const setPosition = `INSERT INTO journals (id, segment, offset) VALUES (?, ?, ?)
	ON CONFLICT DO UPDATE SET segment = excluded.segment, offset = excluded.offset`

var addDay = `INSERT INTO days (day, tenant, key, grp, deployment, provider, model, surface,
	requests, failed, unpriced, prompt, completion, cached, cache_write, reasoning, cost, latency) VALUES ` + marks(18) + `
	ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, failed = failed + excluded.failed, unpriced = unpriced + excluded.unpriced,
	prompt = prompt + excluded.prompt, completion = completion + excluded.completion, cached = cached + excluded.cached,
	cache_write = cache_write + excluded.cache_write, reasoning = reasoning + excluded.reasoning, cost = cost + excluded.cost, latency = latency + excluded.latency`

// dayKey is what sums are kept by.
type dayKey struct {
	day                                                      store.Day
	tenant, key, group, deployment, provider, model, surface int64
}

func marks(n int) string { return "(" + strings.Repeat("?, ", n-1) + "?)" }

// addEntries packs entries into blocks and adds those that were not there to the sums of their days.
func (s *Store) addEntries(ctx context.Context, tx *sql.Tx, entries []store.Entry) error {
	all := s.packs.room(len(entries))
	defer clear(all)
	for i := range entries {
		all[i].e = &entries[i]
		for n, name := range namesOf(&entries[i]) {
			var err error
			if all[i].names[n], err = s.names.number(ctx, tx, *name); err != nil {
				return err
			}
		}
	}
	w := s.blockWriter(ctx, tx)
	fresh, err := w.add(ctx, all)
	if err != nil {
		return err
	}
	sums := map[dayKey]*store.Usage{}
	for i := range fresh {
		e, n := fresh[i].e, &fresh[i].names
		k := dayKey{store.DayOf(e.ID.Time()), n[0], n[1], n[2], n[3], n[4], n[5], n[6]}
		if sums[k] == nil {
			sums[k] = &store.Usage{}
		}
		sums[k].Add(e.Usage())
	}
	return s.addDays(ctx, tx, sums)
}

func (s *Store) addDays(ctx context.Context, tx *sql.Tx, sums map[dayKey]*store.Usage) error {
	add := s.prepared(ctx, tx, addDay)
	for k, u := range sums {
		if _, err := add.ExecContext(ctx, k.day, k.tenant, k.key, k.group, k.deployment, k.provider, k.model, k.surface, u.Requests, u.Failed, u.Unpriced,
			u.Prompt, u.Completion, u.Cached, u.CacheWrite, u.Reasoning, u.Cost, u.Latency.Microseconds()); err != nil {
			return err
		}
	}
	return nil
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
