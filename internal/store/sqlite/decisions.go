package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

func (s *Store) AddBlocks(ctx context.Context, blocks []store.Block, replaced []int64) error {
	s.names.mu.Lock()
	defer s.names.mu.Unlock()
	defer s.names.forget()
	err := s.write(ctx, fmt.Sprintf("adding %d blocks of decisions", len(blocks)), func(tx *sql.Tx) error {
		for _, id := range replaced {
			if _, err := tx.ExecContext(ctx, "DELETE FROM blocks WHERE id = ?", id); err != nil {
				return err
			}
		}
		for i := range blocks {
			b := &blocks[i]
			tenant, err := s.names.number(ctx, tx, b.Tenant)
			if err != nil {
				return err
			}
			if err := exec(ctx, tx, "INSERT INTO blocks (tenant, first, last, count, bytes, data) VALUES (?, ?, ?, ?, ?, ?)",
				tenant, b.First[:], b.Last[:], b.Count, len(b.Data), b.Data); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.names.keep()
	}
	return err
}

func (s *Store) ListBlocks(ctx context.Context, tenant string) ([]store.BlockInfo, error) {
	all, err := list(ctx, s.reader, func(r row) (b store.BlockInfo, err error) {
		var first, last []byte
		err = r.Scan(&b.ID, &first, &last, &b.Count, &b.Bytes)
		copy(b.First[:], first)
		copy(b.Last[:], last)
		return b, err
	}, "SELECT id, first, last, count, bytes FROM blocks WHERE tenant = (SELECT id FROM names WHERE name = ?) ORDER BY id", tenant)
	if err != nil {
		return nil, fmt.Errorf("listing decisions of tenant %q: %w", tenant, err)
	}
	return all, nil
}

func (s *Store) BlockData(ctx context.Context, id int64) ([]byte, error) {
	data, err := one(ctx, s.reader, func(r row) (b []byte, err error) { err = r.Scan(&b); return b, err }, "SELECT data FROM blocks WHERE id = ?", id)
	if err != nil {
		return nil, fmt.Errorf("block %d of decisions: %w", id, err)
	}
	return data, nil
}

func (s *Store) TrimBlocks(ctx context.Context, bytes int64, oldest time.Time) (int, error) {
	var deleted int64
	limit := store.FirstEntryID(oldest)
	err := s.write(ctx, "trimming decisions", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `DELETE FROM blocks WHERE last < ?1 OR id IN (
			SELECT id FROM (SELECT id, sum(bytes) OVER (PARTITION BY tenant ORDER BY id DESC) AS kept FROM blocks) WHERE kept > ?2)`, limit[:], bytes)
		if err != nil {
			return err
		}
		deleted, err = r.RowsAffected()
		return err
	})
	return int(deleted), err
}
