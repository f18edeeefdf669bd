package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// In a block's data each entry is
//
//	uvarint length | u8 flags | uvarints: key, group, deployment, provider, model, surface, policy, error (numbers of names),
//	version, status, attempts, latency µs, first token µs, prompt, completion, cached, cache write, reasoning, cost |
//	the rest: request ID
//
// in the order of the block's IDs. The tenant is the block's. It is not compressed: half of an entry is random IDs, and
// what the rest would shrink by costs more time than writing it.

// Flags of an entry.
const (
	flagStream = 1 << iota
	flagCounted
	flagPriced
)

// Bounds of a block. One that has fewer entries than fewEntries takes in those that come next, so that tenants with few
// requests don't have a block for each of them.
const (
	maxEntries = 1024
	fewEntries = 64
)

// entryNames are the numbers of an entry's names, the tenant's first, then as in a block.
type entryNames [9]int64

func namesOf(e *store.Entry) [9]*string {
	return [...]*string{&e.Tenant, &e.Key, &e.Group, &e.Deployment, &e.Provider, &e.Model, &e.Surface, &e.Policy, &e.Error}
}

// errEntryBlock means that a block is damaged.
var errEntryBlock = errors.New("a block of entries is damaged")

// entryBlock is a run of a tenant's entries, by their IDs ascending.
type entryBlock struct {
	id    int64 // 0: not stored yet
	ids   []byte
	data  []byte
	count int
}

const idSize = len(store.EntryID{})

func (b *entryBlock) first() []byte { return b.ids[:idSize] }
func (b *entryBlock) last() []byte  { return b.ids[len(b.ids)-idSize:] }

// reset empties a block and keeps its memory.
func (b *entryBlock) reset() { *b = entryBlock{ids: b.ids[:0], data: b.data[:0]} }

// add puts an entry at the end.
func (b *entryBlock) add(e *store.Entry, names *entryNames) {
	b.ids = append(b.ids, e.ID[:]...)
	b.count++
	at := len(b.data)
	b.data = append(b.data, 0, 0, flags(e)) // room for a length that takes two bytes
	for _, n := range names[1:] {
		b.data = binary.AppendUvarint(b.data, uint64(n))
	}
	for _, n := range [...]int64{
		int64(e.Version), int64(e.Status), int64(e.Attempts), e.Latency.Microseconds(), e.FirstToken.Microseconds(),
		e.Prompt, e.Completion, e.Cached, e.CacheWrite, e.Reasoning, int64(e.Cost),
	} {
		b.data = binary.AppendUvarint(b.data, uint64(n))
	}
	b.data = append(b.data, e.RequestID...)
	size := len(b.data) - at - 2
	if size < 1<<7 {
		b.data[at] = byte(size)
		b.data = slices.Delete(b.data, at+1, at+2)
		return
	}
	if size < 1<<14 {
		b.data[at], b.data[at+1] = byte(size)|0x80, byte(size>>7)
		return
	}
	var head [binary.MaxVarintLen64]byte
	b.data = slices.Replace(b.data, at, at+2, head[:binary.PutUvarint(head[:], uint64(size))]...)
}

func flags(e *store.Entry) (flags byte) {
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

// addPacked puts an entry of another block at the end.
func (b *entryBlock) addPacked(id, packed []byte) {
	b.ids = append(b.ids, id...)
	b.count++
	b.data = append(binary.AppendUvarint(b.data, uint64(len(packed))), packed...)
}

// has reports whether an entry is in the block.
func (b *entryBlock) has(id *store.EntryID) bool {
	low, high := 0, len(b.ids)/idSize
	for low < high {
		mid := (low + high) / 2
		switch c := bytes.Compare(b.ids[mid*idSize:(mid+1)*idSize], id[:]); {
		case c == 0:
			return true
		case c < 0:
			low = mid + 1
		default:
			high = mid
		}
	}
	return false
}

// each calls yield with every entry, in order.
func (b *entryBlock) each(yield func(id, packed []byte) error) error {
	ids, data := b.ids, b.data
	for len(ids) >= idSize {
		size, n := binary.Uvarint(data)
		if n <= 0 || size > uint64(len(data)-n) {
			return errEntryBlock
		}
		if err := yield(ids[:idSize], data[n:n+int(size)]); err != nil {
			return err
		}
		ids, data = ids[idSize:], data[n+int(size):]
	}
	if len(ids)+len(data) > 0 {
		return errEntryBlock
	}
	return nil
}

// merged is what two blocks hold together.
func merged(a, b *entryBlock) (*entryBlock, error) {
	all := &entryBlock{id: a.id}
	type packed struct{ id, data []byte }
	var list []packed
	for _, from := range []*entryBlock{a, b} {
		if err := from.each(func(id, data []byte) error { list = append(list, packed{id, data}); return nil }); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(list, func(x, y packed) int { return bytes.Compare(x.id, y.id) })
	for _, e := range list {
		all.addPacked(e.id, e.data)
	}
	return all, nil
}

// unpack reads an entry. Its names but the tenant's, as numbers, go to names.
func unpack(id, packed []byte, e *store.Entry, names *entryNames) error {
	if len(packed) == 0 {
		return errEntryBlock
	}
	*e = store.Entry{ID: store.EntryID(id), Stream: packed[0]&flagStream != 0, Counted: packed[0]&flagCounted != 0, Priced: packed[0]&flagPriced != 0}
	packed = packed[1:]
	var n [len(entryNames{}) - 1 + 11]int64
	for i := range n {
		v, size := binary.Uvarint(packed)
		if size <= 0 {
			return errEntryBlock
		}
		n[i], packed = int64(v), packed[size:]
	}
	copy(names[1:], n[:])
	f := n[len(names)-1:]
	e.Version, e.Status, e.Attempts = int(f[0]), int(f[1]), int(f[2])
	e.Latency, e.FirstToken = time.Duration(f[3])*time.Microsecond, time.Duration(f[4])*time.Microsecond
	e.Tokens = store.Tokens{Prompt: f[5], Completion: f[6], Cached: f[7], CacheWrite: f[8], Reasoning: f[9]}
	e.Cost, e.RequestID = store.Money(f[10]), string(packed)
	return nil
}
