package decisionlog

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/sqlite"
)

func openStore(tb testing.TB) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.Open(context.Background(), filepath.Join(tb.TempDir(), "s.db"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

func closing(tb testing.TB, l *Log) {
	tb.Helper()
	if err := l.Close(context.Background()); err != nil {
		tb.Error(err)
	}
}

// memory is a sink that may refuse.
type memory struct {
	mu     sync.Mutex
	next   int64
	blocks []store.Block
	refuse error
	asked  int // to add
	trims  int
}

func (m *memory) AddBlocks(_ context.Context, blocks []store.Block, replaced []int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asked++; m.refuse != nil {
		return m.refuse
	}
	m.blocks = slices.DeleteFunc(m.blocks, func(b store.Block) bool { return slices.Contains(replaced, b.ID) })
	for _, b := range blocks {
		m.next++
		b.ID = m.next
		m.blocks = append(m.blocks, b)
	}
	return nil
}

func (m *memory) ListBlocks(_ context.Context, tenant string) (infos []store.BlockInfo, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.blocks {
		if b.Tenant == tenant {
			infos = append(infos, store.BlockInfo{ID: b.ID, First: b.First, Last: b.Last, Count: b.Count, Bytes: int64(len(b.Data))})
		}
	}
	return infos, nil
}

func (m *memory) BlockData(_ context.Context, id int64) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.blocks {
		if b.ID == id {
			return b.Data, nil
		}
	}
	return nil, store.ErrNotFound
}

func (m *memory) TrimBlocks(_ context.Context, bytes int64, oldest time.Time) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trims++
	before := len(m.blocks)
	m.blocks = slices.DeleteFunc(m.blocks, func(b store.Block) bool { return b.Last.Before(store.FirstEntryID(oldest)) })
	return before - len(m.blocks), nil
}

func (m *memory) set(refuse error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = refuse
}

func scan(t *testing.T, l *Log, tenant string, last int) (ids []store.EntryID) {
	t.Helper()
	if err := l.Scan(t.Context(), tenant, last, func(r *Record) error { ids = append(ids, r.Entry.ID); return nil }); err != nil {
		t.Fatal(err)
	}
	return ids
}

// Whatever is added, in however many blocks, is scanned, found and listed, and by its tenant alone.
func TestReading(t *testing.T) {
	l := Open(openStore(t), Options{})
	defer closing(t, l)
	mine, other := newTraffic(3, 1), newTraffic(2, 1)
	other.tenant = "bolt"
	var ids []store.EntryID
	var r Record
	for i := range 1500 { // several full blocks, and many small ones
		mine.next(&r)
		l.Add(&r)
		ids = append(ids, r.Entry.ID)
		if i%5 == 0 {
			other.next(&r)
			l.Add(&r)
		}
		if i > 1000 && i%20 == 0 {
			if err := l.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n, err := l.Len(t.Context(), "acme"); err != nil || n != 1500 {
		t.Errorf("%d decisions, %v", n, err)
	}
	for _, last := range []int{0, 1, 7, 1499, 1500, 9999} {
		if got := scan(t, l, "acme", last); !slices.Equal(got, ids[max(0, 1500-last):]) {
			t.Errorf("the last %d: %d others", last, len(got))
		}
	}
	if got := scan(t, l, "nobody", 10); len(got) > 0 {
		t.Errorf("%d decisions of nobody", len(got))
	}
	for _, i := range []int{0, 700, 1499} {
		if got, err := l.Find(t.Context(), "acme", ids[i]); err != nil || got.Entry.ID != ids[i] || len(got.Picks[0].Candidates) != 3 {
			t.Errorf("decision %d: %v", i, err)
		}
	}
	if _, err := l.Find(t.Context(), "bolt", ids[0]); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another tenant's: %v", err)
	}

	sorted := slices.SortedFunc(slices.Values(ids), func(a, b store.EntryID) int { return b.Compare(a) })
	var pages []store.EntryID
	for before := (store.EntryID{}); len(pages) < 300; before = pages[len(pages)-1] {
		page, err := l.Recent(t.Context(), "acme", before, 50)
		if err != nil || len(page) != 50 {
			t.Fatalf("a page of %d, %v", len(page), err)
		}
		for _, r := range page {
			pages = append(pages, r.Entry.ID)
		}
	}
	if !slices.Equal(pages, sorted[:300]) {
		t.Error("the pages are not the newest decisions")
	}

	stop := errors.New("enough")
	if err := l.Scan(t.Context(), "acme", 9, func(*Record) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("stopped: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := l.Scan(ctx, "acme", 1500, func(*Record) error { n++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || n == 1500 {
		t.Errorf("canceled after %d: %v", n, err)
	}
}

// Requests do not end in the order in which they began, and all of them are found.
func TestFindsWhatCameInAnyOrder(t *testing.T) {
	l := Open(&memory{}, Options{})
	defer closing(t, l)
	var all []*Record
	tr := newTraffic(2, 0)
	for range 64 {
		r := &Record{}
		tr.next(r)
		all = append(all, r)
	}
	for i := range all {
		l.Add(all[(i*29+31)%64])
		if i%3 == 0 { // small blocks, some of which are merged
			if err := l.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, r := range all {
		if got, err := l.Find(t.Context(), "acme", r.Entry.ID); err != nil || got.Entry != r.Entry {
			t.Errorf("decision %d: %v", i, err)
		}
	}
}

// Blocks of a few decisions do not stay many.
func TestSmallBlocksAreMerged(t *testing.T) {
	sink := &memory{}
	l := Open(sink, Options{})
	defer closing(t, l)
	tr := newTraffic(4, 1)
	var ids []store.EntryID
	var r Record
	for range 300 {
		tr.next(&r)
		l.Add(&r)
		ids = append(ids, r.Entry.ID)
		if err := l.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := scan(t, l, "acme", 300); !slices.Equal(got, ids) {
		t.Errorf("%d decisions came back", len(got))
	}
	blocks, _ := sink.ListBlocks(t.Context(), "acme")
	if len(blocks) > 15 {
		t.Errorf("%d blocks for 300 decisions", len(blocks))
	}
	for _, b := range blocks {
		if b.Last.Before(b.First) || b.Count == 0 {
			t.Errorf("block %+v", b)
		}
	}
}

// What an earlier version has stored is read with what comes now, and merged with it.
func TestBlocksOfAnEarlierVersion(t *testing.T) {
	sink := &memory{}
	tr := newTraffic(3, 1)
	var want []*Record
	next := func() *Record {
		r := &Record{}
		tr.next(r)
		r.Picks[0].Candidates = slices.Clone(r.Picks[0].Candidates)
		want = append(want, r)
		return r
	}
	for i := range smallRun {
		b := store.Block{Tenant: "acme", Count: i + 1}
		var framed []byte
		for n := range b.Count {
			r := next()
			framed = appendFramed(framed, appendRecord1(r))
			if b.Last = r.Entry.ID; n == 0 {
				b.First = b.Last
			}
		}
		b.Data = pack1(framed)
		if err := sink.AddBlocks(t.Context(), []store.Block{b}, nil); err != nil {
			t.Fatal(err)
		}
	}
	l := Open(sink, Options{MaxAge: 100 * 365 * 24 * time.Hour})
	defer closing(t, l)
	check := func() {
		t.Helper()
		i := 0
		if err := l.Scan(t.Context(), "acme", 999, func(r *Record) error {
			if diff := cmp.Diff(want[i], r, exactly); diff != "" {
				t.Errorf("decision %d: %s", i, diff)
			}
			i++
			return nil
		}); err != nil || i != len(want) {
			t.Errorf("%d decisions of %d, %v", i, len(want), err)
		}
		for i, r := range want {
			if got, err := l.Find(t.Context(), "acme", r.Entry.ID); err != nil || !cmp.Equal(r, got, exactly) {
				t.Errorf("decision %d: %v", i, err)
			}
		}
	}
	check()
	for range smallRun {
		l.Add(next())
		if err := l.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(sink.blocks) >= smallRun || sink.blocks[0].Data[0] != blockVersion {
		t.Errorf("%d blocks, the first of version %d", len(sink.blocks), sink.blocks[0].Data[0])
	}
	check()
}

// While somebody reads, blocks are not merged; what is trimmed is passed over.
func TestReadersAndMaintenance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &memory{}
		l := Open(sink, Options{MaxAge: time.Hour})
		defer closing(t, l)
		tr := newTraffic(2, 1)
		tr.at = time.Now()
		var r Record
		add := func(n int) {
			for range n {
				tr.next(&r)
				l.Add(&r)
				if err := l.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		scan := func(meanwhile func()) (n int) {
			t.Helper()
			if err := l.Scan(t.Context(), "acme", 100, func(*Record) error {
				if n++; n == 1 {
					meanwhile()
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
			return n
		}
		add(7)
		if n := scan(func() { add(20) }); n != 7 {
			t.Errorf("%d decisions while others came", n)
		}
		if n := scan(func() { time.Sleep(2 * time.Hour) }); n == 0 || n > 20 {
			t.Errorf("%d decisions while they were trimmed", n)
		}
		if n := scan(func() {}); n != 0 {
			t.Errorf("%d decisions that are too old", n)
		}
	})
}

// A tenant's stored decisions pass their bound by a part of it, not by what comes until the next look at the clock.
func TestTrimmedAsItGrows(t *testing.T) {
	sink := &memory{}
	l := Open(sink, Options{TenantBytes: 100_000})
	defer closing(t, l)
	tr := newTraffic(8, 1)
	var r Record
	for range 300 {
		tr.next(&r)
		l.Add(&r)
		if err := l.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if sink.trims == 0 || sink.trims > 30 {
		t.Errorf("trimmed %d times", sink.trims)
	}
}

// A decision that is absurdly large takes nobody's room, and leaves no trace in those that follow.
func TestHugeDecision(t *testing.T) {
	l := Open(&memory{}, Options{})
	defer closing(t, l)
	tr := newTraffic(2, 1)
	var want []store.Entry
	var r Record
	for i := range 6 {
		tr.next(&r)
		if i%2 == 0 { // also the first of all
			huge := r
			huge.Entry.Deployment, huge.Entry.Prompt = "another", 1
			huge.Picks = slices.Clone(r.Picks)
			huge.Picks[0].Header.Tags = strings.Repeat("tag\n", 1<<20)
			l.Add(&huge)
		}
		l.Add(&r)
		want = append(want, r.Entry)
	}
	if s := l.Stats(); s.Added != 6 || s.Dropped != 3 || s.Pending > maxRecord {
		t.Errorf("%+v", s)
	}
	var got []store.Entry
	if err := l.Scan(t.Context(), "acme", 99, func(r *Record) error { got = append(got, r.Entry); return nil }); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v: %s", err, cmp.Diff(want, got))
	}
}

// Blocks of one tenant that can't be read keep nobody else's decisions from being stored and read.
func TestDamageStaysWithItsTenant(t *testing.T) {
	sink := &memory{}
	l := Open(sink, Options{})
	defer closing(t, l)
	for range smallRun {
		if err := sink.AddBlocks(t.Context(), []store.Block{{Tenant: "hurt", Count: 1, Data: []byte("?")}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	hurt, tr := newTraffic(2, 1), newTraffic(2, 1)
	hurt.tenant = "hurt"
	var r Record
	for range 2 * smallRun {
		hurt.next(&r)
		l.Add(&r)
		tr.next(&r)
		l.Add(&r)
		if err := l.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := scan(t, l, "acme", 100); len(got) != 2*smallRun {
		t.Errorf("%d decisions", len(got))
	}
}

// A store that takes nothing costs decisions, not memory; and nothing of what was kept.
func TestSinkAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &memory{refuse: errors.New("locked")}
		l := Open(sink, Options{PendingBytes: 100_000})
		tr := newTraffic(8, 1)
		var r Record
		for range 5000 {
			tr.next(&r)
			l.Add(&r)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Minute)
		s := l.Stats()
		if sink.asked > 20 {
			t.Errorf("it was asked %d times in 65 seconds", sink.asked)
		}
		if s.Pending > 100_000 || s.Dropped == 0 || s.Stored != 0 || s.Failures == 0 || s.Added+s.Dropped != 5000 {
			t.Errorf("while it refuses: %+v", s)
		}
		sink.set(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := l.Stats(); got.Stored != s.Added || got.Pending != 0 {
			t.Errorf("when it takes decisions again: %+v", got)
		}
		if got := scan(t, l, "acme", 9999); len(got) != int(s.Added) {
			t.Errorf("%d decisions of %d", len(got), s.Added)
		}
		sink.set(errors.New("locked"))
		tr.next(&r)
		l.Add(&r)
		if err := l.Close(t.Context()); err == nil {
			t.Error("closing lost a decision in silence")
		}
	})
}

func TestHammer(t *testing.T) {
	sink := openStore(t)
	l := Open(sink, Options{Interval: time.Millisecond})
	var wg sync.WaitGroup
	const workers, each = 6, 300
	for w := range workers {
		wg.Go(func() {
			tr := newTraffic(4, 1)
			tr.tenant = fmt.Sprintf("t%d", w%3)
			var r Record
			for i := range each {
				tr.next(&r)
				l.Add(&r)
				if i%100 == 50 {
					if err := l.Scan(t.Context(), tr.tenant, 1000, func(r *Record) error {
						if r.Entry.Tenant != tr.tenant {
							t.Errorf("%s reads of %s", tr.tenant, r.Entry.Tenant)
						}
						return nil
					}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	total := 0
	for w := range 3 {
		blocks, err := sink.ListBlocks(t.Context(), fmt.Sprintf("t%d", w))
		if err != nil {
			t.Fatal(err)
		}
		total += count(blocks)
	}
	if total != workers*each {
		t.Errorf("%d decisions of %d: %s", total, workers*each, cmp.Diff(l.Stats(), Stats{}))
	}
}

// Full blocks go to the store several at a time, and those that are fewer with the next tick.
func TestBlocksGoTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &memory{}
		l := Open(sink, Options{Interval: time.Minute})
		defer closing(t, l)
		tr := newTraffic(8, 1)
		var r Record
		fill := func(blocks int) {
			for range blocks {
				var h history
				for n := 0; n < targetBytes; {
					tr.next(&r)
					l.Add(&r)
					n += len(h.appendFramed(nil, &r))
				}
				synctest.Wait() // it is packed
			}
		}
		fill(blocksAtOnce - 1)
		if sink.asked != 0 || l.Stats().Pending == 0 {
			t.Errorf("%d times for fewer than %d blocks, %d bytes pending", sink.asked, blocksAtOnce, l.Stats().Pending)
		}
		fill(1)
		if sink.asked != 1 || len(sink.blocks) != blocksAtOnce {
			t.Errorf("%d times for %d blocks", sink.asked, len(sink.blocks))
		}
		fill(2)
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := l.Stats(); sink.asked != 2 || s.Stored != s.Added || s.Pending != 0 {
			t.Errorf("%d times, %+v", sink.asked, s)
		}
	})
}
