package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// numbered is an entry with the numbers of its names.
type numbered struct {
	e     *store.Entry
	names entryNames
}

// packs is memory for packing, which is used again. One transaction uses it at a time.
type packs struct {
	entries []numbered
	block   entryBlock
}

func (p *packs) room(n int) []numbered {
	p.entries = slices.Grow(p.entries[:0], n)[:n]
	return p.entries
}

// add packs entries into blocks, those left out that are in a block already. It returns the
// others, in another order, where all had been.
func (w *blockWriter) add(ctx context.Context, all []numbered) (fresh []numbered, err error) {
	slices.SortFunc(all, func(a, b numbered) int { return cmp.Or(cmp.Compare(a.names[0], b.names[0]), a.e.ID.Compare(b.e.ID)) })
	all = slices.CompactFunc(all, func(a, b numbered) bool { return a.names[0] == b.names[0] && a.e.ID == b.e.ID })
	fresh = all[:0]
	for len(all) > 0 {
		n := 1
		for n < len(all) && n < maxEntries && all[n].names[0] == all[0].names[0] {
			n++
		}
		run := all[:n]
		all = all[n:]
		if run, err = w.unknown(ctx, run); err != nil {
			return nil, err
		}
		if len(run) == 0 {
			continue
		}
		w.block.reset()
		for i := range run {
			w.block.add(run[i].e, &run[i].names)
		}
		if err = w.store(ctx, run[0].names[0]); err != nil {
			return nil, err
		}
		fresh = append(fresh, run...)
	}
	return fresh, nil
}

// blockWriter writes blocks within a transaction, with which its statements end.
type blockWriter struct {
	overlapping, newest, insert, update *sql.Stmt
	block                               *entryBlock
}

const (
	overlappingBlocks = "SELECT ids FROM entry_blocks WHERE tenant = ? AND last >= ? AND first <= ?"
	newestBlock       = "SELECT id, count, ids, data FROM entry_blocks WHERE id = (SELECT id FROM entry_blocks WHERE tenant = ? ORDER BY last DESC LIMIT 1) AND count < ?"
	insertBlock       = "INSERT INTO entry_blocks (tenant, first, last, count, ids, data) VALUES (?, ?, ?, ?, ?, ?)"
	updateBlock       = "UPDATE entry_blocks SET first = ?, last = ?, count = ?, ids = ?, data = ? WHERE id = ?"
)

func (s *Store) blockWriter(ctx context.Context, tx *sql.Tx) *blockWriter {
	return &blockWriter{
		overlapping: s.prepared(ctx, tx, overlappingBlocks), newest: s.prepared(ctx, tx, newestBlock), insert: s.prepared(ctx, tx, insertBlock), update: s.prepared(ctx, tx, updateBlock),
		block: &s.packs.block,
	}
}

// unknown leaves those of a tenant's entries that are in none of its blocks. Their IDs ascend.
func (w *blockWriter) unknown(ctx context.Context, run []numbered) ([]numbered, error) {
	rows, err := w.overlapping.QueryContext(ctx, run[0].names[0], run[0].e.ID[:], run[len(run)-1].e.ID[:])
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var ids sql.RawBytes
		if err := rows.Scan(&ids); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		known := entryBlock{ids: ids}
		run = slices.DeleteFunc(run, func(n numbered) bool { return known.has(&n.e.ID) })
	}
	return run, errors.Join(rows.Err(), rows.Close())
}

// store stores the block, within the tenant's newest one if that has few entries.
func (w *blockWriter) store(ctx context.Context, tenant int64) error {
	b := w.block
	var newest entryBlock
	switch err := w.newest.QueryRowContext(ctx, tenant, fewEntries).Scan(&newest.id, &newest.count, &newest.ids, &newest.data); {
	case err == nil:
		if b, err = merged(&newest, b); err != nil {
			return err
		}
		_, err = w.update.ExecContext(ctx, b.first(), b.last(), b.count, b.ids, b.data, b.id)
		return err
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	_, err := w.insert.ExecContext(ctx, tenant, b.first(), b.last(), b.count, b.ids, b.data)
	return err
}

// Entries reads the blocks that end last first, until no earlier one can hold what is asked for.
func (s *Store) Entries(ctx context.Context, q *store.EntryQuery) ([]store.Entry, error) {
	all, err := s.entries(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("listing entries of tenant %q: %w", q.Tenant, err)
	}
	return all, nil
}

func (s *Store) entries(ctx context.Context, q *store.EntryQuery) ([]store.Entry, error) {
	if q.Limit <= 0 {
		return nil, nil
	}
	before := q.Before
	if before == (store.EntryID{}) {
		before = lastEntryID
	}
	rows, err := s.reader.QueryContext(ctx, `SELECT last, ids, data FROM entry_blocks
		WHERE tenant = (SELECT id FROM names WHERE name = ?) AND first < ? ORDER BY last DESC`, q.Tenant, before[:])
	if err != nil {
		return nil, err
	}
	var all []numbered
	for rows.Next() {
		var last []byte
		var b entryBlock
		if err := rows.Scan(&last, &b.ids, &b.data); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		if len(all) >= q.Limit {
			slices.SortFunc(all, func(a, b numbered) int { return b.e.ID.Compare(a.e.ID) })
			all = all[:q.Limit]
			if end := store.EntryID(last); end.Before(all[q.Limit-1].e.ID) {
				break
			}
		}
		if err := b.each(func(id, packed []byte) error {
			n := numbered{e: &store.Entry{}}
			if !store.EntryID(id).Before(before) {
				return nil
			}
			err := unpack(id, packed, n.e, &n.names)
			all = append(all, n)
			return err
		}); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b numbered) int { return b.e.ID.Compare(a.e.ID) })
	return s.named(ctx, q.Tenant, all[:min(len(all), q.Limit)])
}

// lastEntryID is behind every other.
var lastEntryID = func() (id store.EntryID) {
	for i := range id {
		id[i] = 0xff
	}
	return id
}()

// named puts names in the place of their numbers.
func (s *Store) named(ctx context.Context, tenant string, all []numbered) ([]store.Entry, error) {
	known := map[int64]string{}
	out := make([]store.Entry, len(all))
	for i := range all {
		out[i] = *all[i].e
		for n, to := range namesOf(&out[i]) {
			if n == 0 {
				*to = tenant
				continue
			}
			number := all[i].names[n]
			name, ok := known[number]
			if !ok {
				if err := s.reader.QueryRowContext(ctx, "SELECT name FROM names WHERE id = ?", number).Scan(&name); err != nil {
					return nil, fmt.Errorf("name %d: %w", number, err)
				}
				known[number] = name
			}
			*to = name
		}
	}
	return out, nil
}

// trimAtOnce is how many blocks are deleted or cut in one transaction, so that others get their turn.
const trimAtOnce = 500

func (s *Store) TrimEntries(ctx context.Context, oldest time.Time) (int, error) {
	limit := store.FirstEntryID(oldest)
	deleted := 0
	for _, step := range []func(context.Context, *sql.Tx, store.EntryID) (entries, blocks int, err error){dropBlocks, cutBlocks} {
		for blocks := trimAtOnce; blocks == trimAtOnce; {
			var entries int
			err := s.write(ctx, "trimming the ledger", func(tx *sql.Tx) (err error) {
				entries, blocks, err = step(ctx, tx, limit)
				return err
			})
			if err != nil {
				return deleted, err
			}
			deleted += entries
		}
	}
	return deleted, nil
}

// dropBlocks deletes blocks that lie wholly before an ID.
func dropBlocks(ctx context.Context, tx *sql.Tx, limit store.EntryID) (entries, blocks int, err error) {
	counts, err := list(ctx, tx, func(r row) (n int, err error) { err = r.Scan(&n); return n, err },
		"DELETE FROM entry_blocks WHERE id IN (SELECT id FROM entry_blocks WHERE last < ? LIMIT ?) RETURNING count", limit[:], trimAtOnce)
	for _, n := range counts {
		entries += n
	}
	return entries, len(counts), err
}

// cutBlocks deletes entries before an ID from blocks that have later ones, too.
func cutBlocks(ctx context.Context, tx *sql.Tx, limit store.EntryID) (entries, blocks int, err error) {
	all, err := list(ctx, tx, func(r row) (b entryBlock, err error) { err = r.Scan(&b.id, &b.count, &b.ids, &b.data); return b, err },
		"SELECT id, count, ids, data FROM entry_blocks WHERE first < ?1 AND last >= ?1 LIMIT ?2", limit[:], trimAtOnce)
	if err != nil {
		return 0, 0, err
	}
	for i := range all {
		var rest entryBlock
		if err := all[i].each(func(id, packed []byte) error {
			if !store.EntryID(id).Before(limit) {
				rest.addPacked(id, packed)
			}
			return nil
		}); err != nil {
			return 0, 0, err
		}
		if err := exec(ctx, tx, "UPDATE entry_blocks SET first = ?, count = ?, ids = ?, data = ? WHERE id = ?", rest.first(), rest.count, rest.ids, rest.data, all[i].id); err != nil {
			return 0, 0, err
		}
		entries += all[i].count - rest.count
	}
	return entries, len(all), nil
}

// packEntries belongs to migration 3: it takes the entries of version 2 over into blocks.
func packEntries(ctx context.Context, tx *sql.Tx) error {
	w := &blockWriter{block: &entryBlock{}}
	var err error
	for query, to := range map[string]**sql.Stmt{newestBlock: &w.newest, insertBlock: &w.insert, updateBlock: &w.update} {
		if *to, err = tx.PrepareContext(ctx, query); err != nil {
			return err
		}
	}
	tenant, after := int64(-1), []byte{}
	for {
		all, err := list(ctx, tx, scanVersion2, `SELECT id, request, tenant, key, grp, deployment, provider, model, surface, policy, error,
			version, status, flags, attempts, latency, first_token, prompt, completion, cached, cache_write, reasoning, cost FROM entries
			WHERE (tenant, id) > (?, ?) ORDER BY tenant, id LIMIT ?`, tenant, after, maxEntries)
		if err != nil {
			return err
		}
		for i := range all {
			w.block.add(all[i].e, &all[i].names)
			if i+1 == len(all) || all[i+1].names[0] != all[i].names[0] {
				if err := w.store(ctx, all[i].names[0]); err != nil {
					return err
				}
				w.block.reset()
			}
		}
		if len(all) < maxEntries {
			break
		}
		last := &all[len(all)-1]
		tenant, after = last.names[0], last.e.ID[:]
	}
	_, err = tx.ExecContext(ctx, "DROP TABLE entries")
	return err
}

func scanVersion2(r row) (numbered, error) {
	n := numbered{e: &store.Entry{}}
	e := n.e
	var id []byte
	var flags, latency, first int64
	dest := []any{&id, &e.RequestID}
	for i := range n.names {
		dest = append(dest, &n.names[i])
	}
	err := r.Scan(append(dest, &e.Version, &e.Status, &flags, &e.Attempts, &latency, &first, &e.Prompt, &e.Completion, &e.Cached, &e.CacheWrite, &e.Reasoning, &e.Cost)...)
	copy(e.ID[:], id)
	e.Stream, e.Counted, e.Priced = flags&flagStream != 0, flags&flagCounted != 0, flags&flagPriced != 0
	e.Latency, e.FirstToken = time.Duration(latency)*time.Microsecond, time.Duration(first)*time.Microsecond
	return n, err
}
