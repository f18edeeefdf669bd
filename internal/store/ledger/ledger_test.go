package ledger

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/journal"
)

func closing(tb testing.TB, l *Ledger) {
	tb.Helper()
	if err := l.Close(context.Background()); err != nil {
		tb.Error(err)
	}
}

func sample() store.Entry {
	return store.Entry{
		ID: store.EntryID{1, 2, 3}, RequestID: "req-1", Tenant: "acme", Key: "key_1", Group: "fast", Deployment: "openai/gpt-4o", Provider: "openai",
		Model: "gpt-4o", Surface: "openai.chat", Policy: "cheap", Version: 3, Status: 200, Error: "", Stream: true, Attempts: 2,
		Latency: 1234567 * time.Microsecond, FirstToken: 70 * time.Millisecond, Counted: true, Priced: true,
		Tokens: store.Tokens{Prompt: 100, Completion: 200, Cached: 50, CacheWrite: 3, Reasoning: 20}, Cost: 1234,
	}
}

func TestRecords(t *testing.T) {
	absurd := sample()
	absurd.Tokens = store.Tokens{Prompt: math.MaxInt64, Completion: -1}
	absurd.Cost, absurd.Latency, absurd.Model, absurd.Group = math.MaxInt64, math.MaxInt64, strings.Repeat("é", 300), "a\xffb\x00c"
	cut := absurd
	cut.Tokens = store.Tokens{Prompt: maxCount}
	cut.Cost, cut.Latency, cut.Model, cut.Group = maxCost, 24*time.Hour, strings.Repeat("é", 128), "abc"
	for _, c := range []struct {
		name     string
		in, want store.Entry
	}{{"full", sample(), sample()}, {"empty", store.Entry{}, store.Entry{}}, {"absurd", absurd, cut}} {
		b := AppendRecord(nil, &c.in)
		var got store.Entry
		if err := DecodeRecord(b, &got); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
		for n := range b {
			if DecodeRecord(b[:n], &got) == nil {
				t.Errorf("%s: its first %d bytes are a record", c.name, n)
			}
		}
		if DecodeRecord(append(b, 0), &got) == nil {
			t.Errorf("%s: with a byte behind it is a record", c.name)
		}
	}
}

func FuzzRecord(f *testing.F) {
	e := sample()
	f.Add(AppendRecord(nil, &e))
	f.Add(AppendRecord(nil, &store.Entry{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var e store.Entry
		if DecodeRecord(b, &e) != nil {
			return
		}
		if again := AppendRecord(nil, &e); !bytes.Equal(again, b) {
			t.Errorf("%x was read and is written as %x", b, again)
		}
	})
}

// memory is a sink that keeps entries, and refuses when told to.
type memory struct {
	mu      sync.Mutex
	pos     journal.Position
	entries map[store.EntryID]int
	unread  [][]byte
	calls   int
	refuse  error
}

func (m *memory) Position(context.Context, [16]byte) (uint64, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pos.Segment, m.pos.Offset, m.refuse
}

func (m *memory) Record(_ context.Context, b *store.Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if m.refuse != nil {
		return m.refuse
	}
	if m.entries == nil {
		m.entries = map[store.EntryID]int{}
	}
	for i := range b.Entries {
		m.entries[b.Entries[i].ID]++
	}
	m.unread = append(m.unread, b.Unread...)
	m.pos = journal.Position{Segment: b.Segment, Offset: b.Offset}
	return nil
}

func (m *memory) set(refuse error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = refuse
}

func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.entries)
}

// Requests go on while the sink refuses; when it takes entries again it gets all of them, once.
func TestSinkAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &memory{refuse: errors.New("locked")}
		dir := t.TempDir()
		l, err := Open(dir, sink, Options{Journal: journal.Options{SegmentBytes: 1000}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			if err := l.Record(&store.Entry{ID: store.EntryID{byte(i)}}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		if s := l.Stats(); s.Failures < 5 || s.Failures > 20 || s.Error != "locked" || s.Recorded != 0 || s.Journal.Segments < 3 {
			t.Errorf("while it refuses: %+v", s)
		}
		if err := l.Flush(t.Context()); err == nil || err.Error() != "locked" {
			t.Errorf("flush: %v", err)
		}
		sink.set(nil)
		time.Sleep(maxPause)
		synctest.Wait()
		if s := l.Stats(); s.Recorded != 100 || s.Error != "" || s.Journal.Segments > 1 || sink.count() != 100 {
			t.Errorf("when it takes entries again: %+v", s)
		}

		// What it refuses at the end stays for the next process.
		sink.set(errors.New("locked"))
		if err := l.Record(&store.Entry{ID: store.EntryID{200}}); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(t.Context()); err == nil || !strings.Contains(err.Error(), "stays in the journal") {
			t.Errorf("close: %v", err)
		}
		if err := l.Record(&store.Entry{}); !errors.Is(err, journal.ErrClosed) {
			t.Errorf("after close: %v", err)
		}
		if err := l.Flush(t.Context()); !errors.Is(err, journal.ErrClosed) {
			t.Errorf("flush after close: %v", err)
		}
		sink.set(nil)
		l, err = Open(dir, sink, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if sink.entries[store.EntryID{200}] != 1 || sink.count() != 101 {
			t.Errorf("%d entries", sink.count())
		}
		for id, n := range sink.entries {
			if n != 1 {
				t.Errorf("entry %v came %d times", id[0], n)
			}
		}
	})
}

// Entries that come together go together.
func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &memory{}
		l, err := Open(t.TempDir(), sink, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer closing(t, l)
		for i := range 50 {
			if err := l.Record(&store.Entry{ID: store.EntryID{byte(i)}}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if sink.count() != 50 || sink.calls < 2 || sink.calls > 5 {
			t.Errorf("%d entries in %d batches", sink.count(), sink.calls)
		}
	})
}

// A record of another version goes to the sink as it is.
// While many entries come, more of them share a transaction; when few do, they are in the store soon.
func TestManyEntriesWaitLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &memory{}
		const gather = 100 * time.Millisecond
		l, err := Open(t.TempDir(), sink, Options{Gather: gather})
		if err != nil {
			t.Fatal(err)
		}
		defer closing(t, l)
		time.Sleep(gather)
		id := byte(0)
		record := func(n int) {
			for range n {
				e := sample()
				id++
				e.ID[0] = id
				if err := l.Record(&e); err != nil {
					t.Error(err)
				}
			}
		}
		calls := func(what string, after time.Duration, want int) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			sink.mu.Lock()
			defer sink.mu.Unlock()
			if sink.calls != want {
				t.Errorf("%s: %d batches, want %d", what, sink.calls, want)
			}
		}
		record(1)
		calls("one entry", gather, 1)
		calls("nothing", gather, 1)
		record(busyEntries)
		calls("many", gather, 2)
		record(busyEntries)
		calls("many again", (busyGather-1)*gather, 2)
		calls("after longer", gather, 3)
		record(1)
		calls("one after many", busyGather*gather, 4)
		calls("nothing again", gather, 4)
		record(1)
		calls("one after one", gather, 5)
	})
}

func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Open(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := sample()
	for _, rec := range [][]byte{{9, 9, 9}, AppendRecord(nil, &e)} {
		if err := j.Append(rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	sink := &memory{}
	l, err := Open(dir, sink, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := l.Stats(); !slices.EqualFunc(sink.unread, [][]byte{{9, 9, 9}}, bytes.Equal) || s.Unread != 1 || s.Recorded != 1 {
		t.Errorf("unread %x, %+v", sink.unread, s)
	}
}
