package decisionlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// A tenant with little traffic fills no block within the interval. When smallRun of its latest blocks
// have less than smallBytes, they are merged: few large blocks take less room than many small ones.
const (
	smallRun   = 8
	smallBytes = 16 << 10
	// mergedBytes ends a merged block.
	mergedBytes = targetBytes
)

// tidy merges, and trims when what came since the last time may be too much of a tenant. What it can't do is done later:
// the decisions are stored. The caller holds writing.
func (l *Log) tidy(ctx context.Context) {
	err := l.merge(ctx)
	if l.grown > l.opts.TenantBytes/4 {
		err = errors.Join(err, l.trim(ctx))
	}
	if err != nil && ctx.Err() == nil {
		l.opts.Log.Warn("stored decisions are not tidied up", "error", err)
	}
}

// merge merges the small blocks of tenants that may have enough of them. The caller holds writing.
func (l *Log) merge(ctx context.Context) error {
	for tenant, n := range l.small {
		if n < smallRun || !l.reading.TryLock() { // somebody reads: later
			continue
		}
		err := l.mergeTenant(ctx, tenant)
		l.reading.Unlock()
		if err != nil {
			return fmt.Errorf("merging blocks of tenant %q: %w", tenant, err)
		}
		delete(l.small, tenant)
	}
	return nil
}

func (l *Log) mergeTenant(ctx context.Context, tenant string) error {
	blocks, err := l.sink.ListBlocks(ctx, tenant)
	if err != nil {
		return err
	}
	from := len(blocks)
	for from > 0 && blocks[from-1].Bytes < smallBytes {
		from--
	}
	if blocks = blocks[from:]; len(blocks) < smallRun {
		return nil
	}
	merged := store.Block{Tenant: tenant, First: blocks[0].First, Last: blocks[0].Last}
	var framed []byte
	var replaced []int64
	var u unpacker
	var d decoder
	var h history
	var rec Record
	for _, b := range blocks {
		data, err := l.sink.BlockData(ctx, b.ID)
		if err != nil {
			return err
		}
		more, err := u.unpack(data)
		if err != nil {
			return err
		}
		if len(replaced) > 0 && len(framed)+len(more) > mergedBytes {
			break
		}
		d.begin()
		if _, err := records(more, func(bytes []byte) (bool, error) {
			err := d.decode(bytes, &rec)
			framed = h.appendFramed(framed, &rec)
			return err == nil, err
		}); err != nil {
			return err
		}
		replaced = append(replaced, b.ID)
		merged.Count += b.Count
		if b.First.Before(merged.First) {
			merged.First = b.First
		}
		if merged.Last.Before(b.Last) {
			merged.Last = b.Last
		}
	}
	if len(replaced) < 2 {
		return nil
	}
	merged.Data = pack(framed)
	return l.sink.AddBlocks(ctx, []store.Block{merged}, replaced)
}

// maintain trims at the interval.
func (l *Log) maintain(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.trim(ctx); err != nil {
		return fmt.Errorf("trimming: %w", err)
	}
	return nil
}

// trim deletes what is too old or too much, whoever reads: a reader passes over what is gone. The caller holds writing.
func (l *Log) trim(ctx context.Context) error {
	_, err := l.sink.TrimBlocks(ctx, l.opts.TenantBytes, time.Now().Add(-l.opts.MaxAge))
	if err == nil {
		l.grown = 0
	}
	return err
}
