package store

import (
	"context"
	"time"
)

// Block is a run of a tenant's recorded decisions, packed together; internal/store/decision knows
// what is inside.
type Block struct {
	ID          int64 // made by the store, ascending
	Tenant      string
	First, Last EntryID // of the decisions inside
	Count       int
	Data        []byte
}

// Decisions keeps blocks of decisions.
type Decisions interface {
	// AddBlocks stores blocks, each with a new ID, and deletes those that they replace, at once.
	AddBlocks(ctx context.Context, blocks []Block, replaced []int64) error
	// ListBlocks returns a tenant's blocks without their Data, the oldest first.
	ListBlocks(ctx context.Context, tenant string) ([]BlockInfo, error)
	// BlockData returns what is inside a block. ErrNotFound when it was trimmed or replaced since it
	// was listed.
	BlockData(ctx context.Context, id int64) ([]byte, error)
	// TrimBlocks deletes, for each tenant, the oldest blocks beyond so many bytes, and blocks whose
	// last decision is older than a time. It returns how many it deleted.
	TrimBlocks(ctx context.Context, bytes int64, oldest time.Time) (int, error)
}

// BlockInfo describes a block.
type BlockInfo struct {
	ID          int64
	First, Last EntryID
	Count       int
	Bytes       int64
}
