package decisionlog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// reader reads a tenant's blocks.
type reader struct {
	log    *Log
	unpack unpacker
	dec    decoder
}

// follow lists a tenant's blocks after storing what is pending of it. They are not replaced until
// the returned function is called.
func (l *Log) follow(ctx context.Context, tenant string) ([]store.BlockInfo, func(), error) {
	if err := l.store(ctx, func(name string, _ *pending) bool { return name == tenant }, 1); err != nil {
		return nil, nil, fmt.Errorf("storing decisions: %w", err)
	}
	l.reading.RLock()
	blocks, err := l.sink.ListBlocks(ctx, tenant)
	if err != nil {
		l.reading.RUnlock()
		return nil, nil, err
	}
	return blocks, l.reading.RUnlock, nil
}

// each calls yield with the records of a block, which must decode them all: each stands on those before it.
func (r *reader) each(ctx context.Context, id int64, yield func(rec []byte) (bool, error)) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, context.Cause(ctx)
	}
	data, err := r.log.sink.BlockData(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return true, nil // it was trimmed meanwhile
	}
	if err != nil {
		return false, err
	}
	framed, err := r.unpack.unpack(data)
	if err == nil {
		r.dec.begin()
		var on bool
		if on, err = records(framed, yield); err == nil {
			return on, nil
		}
	}
	return false, fmt.Errorf("decisions in block %d: %w", id, err)
}

// Len counts a tenant's decisions.
func (l *Log) Len(ctx context.Context, tenant string) (int, error) {
	blocks, done, err := l.follow(ctx, tenant)
	if err != nil {
		return 0, err
	}
	defer done()
	return count(blocks), nil
}

func count(blocks []store.BlockInfo) int {
	n := 0
	for _, b := range blocks {
		n += b.Count
	}
	return n
}

// Scan calls yield with the last so many decisions of a tenant, in about the order in which their
// requests ended, until it returns an error, which Scan's
// error wraps. A record and what it points to
// are yield's until it returns. What comes while a Scan is under way is not in it, and decisions that
// are trimmed meanwhile are passed over.
func (l *Log) Scan(ctx context.Context, tenant string, last int, yield func(*Record) error) error {
	blocks, done, err := l.follow(ctx, tenant)
	if err != nil {
		return err
	}
	defer done()
	skip := count(blocks) - last
	r := &reader{log: l}
	var rec Record
	for _, b := range blocks {
		if skip >= b.Count {
			skip -= b.Count
			continue
		}
		if _, err := r.each(ctx, b.ID, func(bytes []byte) (bool, error) {
			err := r.dec.decode(bytes, &rec)
			if skip--; skip >= 0 || err != nil {
				return err == nil, err
			}
			return true, yield(&rec)
		}); err != nil {
			return err
		}
	}
	return nil
}

// Find returns one decision of a tenant: store.ErrNotFound when it is not, or no longer, there.
func (l *Log) Find(ctx context.Context, tenant string, id store.EntryID) (*Record, error) {
	blocks, done, err := l.follow(ctx, tenant)
	if err != nil {
		return nil, err
	}
	defer done()
	r := &reader{log: l}
	var rec Record
	for _, b := range blocks {
		if id.Before(b.First) || b.Last.Before(id) {
			continue
		}
		on, err := r.each(ctx, b.ID, func(bytes []byte) (bool, error) {
			return idOf(bytes) != id, r.dec.decode(bytes, &rec)
		})
		if err != nil {
			return nil, err
		}
		if !on {
			return &rec, nil
		}
	}
	return nil, fmt.Errorf("decision %x of tenant %q: %w", id, tenant, store.ErrNotFound)
}

// Recent returns the latest decisions of a tenant whose ID is before one, which is zero for the
// very latest, the newest first.
func (l *Log) Recent(ctx context.Context, tenant string, before store.EntryID, limit int) ([]*Record, error) {
	blocks, done, err := l.follow(ctx, tenant)
	if err != nil {
		return nil, err
	}
	defer done()
	newest := func(a, b *Record) int { return b.Entry.ID.Compare(a.Entry.ID) }
	slices.SortFunc(blocks, func(a, b store.BlockInfo) int { return b.Last.Compare(a.Last) })
	r := &reader{log: l}
	var found []*Record
	var other Record
	for _, b := range blocks {
		if len(found) == limit && (limit <= 0 || b.Last.Before(found[limit-1].Entry.ID)) {
			break // and all that follow
		}
		if _, err := r.each(ctx, b.ID, func(bytes []byte) (bool, error) {
			rec := &other
			if id := idOf(bytes); before == (store.EntryID{}) || id.Before(before) {
				rec = &Record{}
				found = append(found, rec)
			}
			err := r.dec.decode(bytes, rec)
			return err == nil, err
		}); err != nil {
			return nil, err
		}
		slices.SortFunc(found, newest)
		found = found[:min(len(found), limit)]
	}
	return found, nil
}
