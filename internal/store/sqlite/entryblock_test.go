package sqlite

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// FuzzEntryBlock reads damaged blocks: they are refused, or hold as many entries as they have IDs.
func FuzzEntryBlock(f *testing.F) {
	var b entryBlock
	for _, size := range []int{0, 90, 20_000} { // lengths of one, two and three bytes
		b.add(&store.Entry{ID: store.EntryID{byte(b.count)}, RequestID: string(bytes.Repeat([]byte{'r'}, size)), Cost: 1500}, &entryNames{1, 2, 300})
	}
	f.Add(b.ids, b.data)
	f.Fuzz(func(t *testing.T, ids, data []byte) {
		n := 0
		damaged := entryBlock{ids: ids, data: data}
		err := damaged.each(func(id, packed []byte) error {
			var e store.Entry
			var names entryNames
			n++
			return unpack(id, packed, &e, &names)
		})
		if err == nil && n*idSize != len(ids) {
			t.Errorf("%d entries of %d bytes of IDs", n, len(ids))
		}
	})
}

func TestEntryBlock(t *testing.T) {
	var b entryBlock
	var want []store.Entry
	for i, size := range []int{0, 30, 90, 127, 128, 16_000, 17_000} {
		e := store.Entry{
			ID: store.EntryID{byte(i)}, RequestID: string(bytes.Repeat([]byte{'r'}, size)), Version: 3, Status: 504, Attempts: 2, Latency: time.Hour, FirstToken: time.Second,
			Stream: i%2 == 0, Counted: i%3 == 0, Priced: i%5 == 0, Tokens: store.Tokens{Prompt: 1 << 40, Completion: 2, Cached: 3, CacheWrite: 4, Reasoning: 5}, Cost: store.Money(size),
		}
		want = append(want, e)
		b.add(&e, &entryNames{9, 1, 2, 3, 4, 5, 6, 7, 1 << 33})
	}
	i := 0
	if err := b.each(func(id, packed []byte) error {
		var e store.Entry
		var names entryNames
		err := unpack(id, packed, &e, &names)
		if e != want[i] || names != (entryNames{0, 1, 2, 3, 4, 5, 6, 7, 1 << 33}) {
			t.Errorf("entry %d: %+v, %v", i, e, names)
		}
		i++
		return err
	}); err != nil || i != len(want) {
		t.Errorf("%d entries, %v", i, err)
	}
	for i := range 9 {
		if id := (store.EntryID{byte(i)}); b.has(&id) != (i < len(want)) {
			t.Errorf("whether it has %d", i)
		}
	}
}

// Tenants whose requests come one by one do not have a block for each.
func TestFewEntriesShareABlock(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "s.db"))
	for i := range 3 * fewEntries {
		e := store.Entry{ID: store.NewEntryID(now()), Tenant: fmt.Sprint(i % 2)}
		if err := s.Record(t.Context(), &store.Batch{Segment: uint64(i), Entries: []store.Entry{e}}); err != nil {
			t.Fatal(err)
		}
	}
	counts, err := list(t.Context(), s.reader, func(r row) (n int, err error) { err = r.Scan(&n); return n, err }, "SELECT count FROM entry_blocks ORDER BY count")
	if err != nil || !slices.Equal(counts, []int{32, 32, 64, 64}) {
		t.Errorf("blocks of %d entries, %v", counts, err)
	}
}
