// Package ledger brings what requests have used to the store: import it to record an answered
// request so that nothing that was answered is missing, or counted twice, even after kill -9.
//
// [Ledger.Record] writes the entry to a journal, which costs one write(2), and returns. A goroutine
// takes entries from the journal to the store in batches, each with the journal's position in the
// same transaction, and deletes what was taken over. While the store is locked, full or away, the
// journal grows within its bound, and requests notice nothing.
package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/journal"
)

// Sink takes batches over; a store.Ledger is one.
type Sink interface {
	Position(ctx context.Context, journal [16]byte) (segment uint64, offset int64, err error)
	Record(ctx context.Context, b *store.Batch) error
}

// Options of a ledger. A zero field stands for its default.
type Options struct {
	Journal journal.Options
	// Gather is how long the first entry of a batch waits for others, and a fifth of how long it does while many come.
	// Default 200 ms.
	Gather time.Duration
	// BatchBytes bounds a batch, in bytes of the journal. Default 1 MiB.
	BatchBytes int
	Log        *slog.Logger
}

// Pauses before a batch that the store has refused is tried again.
const (
	firstPause = 100 * time.Millisecond
	maxPause   = 10 * time.Second
)

// A transaction costs as much as hundreds of entries. When one takes over busyEntries, the next waits busyGather times as long,
// so that many entries share it; when there are few, they are in the store soon.
const (
	busyEntries = 256
	busyGather  = 5
)

// Stats are counted since Open.
type Stats struct {
	Journal  journal.Stats
	Recorded uint64 // entries that the store has taken over
	Unread   uint64 // records that could not be decoded
	Failures uint64 // batches that the store refused, which are tried again
	Error    string // of the last one
}

// Ledger records entries. It is safe for concurrent use.
type Ledger struct {
	journal *journal.Journal
	sink    Sink
	opts    Options
	buffers sync.Pool // *[]byte
	flush   chan chan error
	ctx     context.Context // of the drainer's calls; Close ends it
	stop    context.CancelFunc
	done    chan struct{}

	// The drainer's.
	at    journal.Position
	ready bool // at was read from the sink
	taken int  // entries since the drainer last woke up
	batch store.Batch
	names names

	mu    sync.Mutex
	stats Stats
}

// Open opens the journal in a folder and begins to bring to the sink what is in it, entries of an
// earlier process included. The ledger does not close the sink.
func Open(dir string, sink Sink, o Options) (*Ledger, error) {
	if o.Gather <= 0 {
		o.Gather = 200 * time.Millisecond
	}
	if o.BatchBytes <= 0 {
		o.BatchBytes = 1 << 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	j, err := journal.Open(dir, o.Journal)
	if err != nil {
		return nil, err
	}
	l := &Ledger{
		journal: j, sink: sink, opts: o, flush: make(chan chan error), done: make(chan struct{}), names: names{},
		buffers: sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }},
	}
	l.batch.Journal = j.ID()
	l.ctx, l.stop = context.WithCancel(context.Background())
	go l.drain()
	return l, nil
}

// Record leaves an entry in the journal. Call it before the last byte of the answer is sent: once
// it returns nil the entry reaches the store exactly once. Its errors are those of
// [journal.Journal.Append], which are counted in Stats; a request goes on whatever it returns.
// Texts longer than 256 bytes are cut.
func (l *Ledger) Record(e *store.Entry) error {
	buf := l.buffers.Get().(*[]byte)
	*buf = AppendRecord((*buf)[:0], e)
	err := l.journal.Append(*buf)
	l.buffers.Put(buf)
	return err
}

// Flush brings everything that was recorded before it to the store. It returns the store's error
// if the store refuses.
func (l *Ledger) Flush(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case l.flush <- answer:
	case <-l.done:
		return journal.ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Stats returns the ledger's figures.
func (l *Ledger) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Journal = l.journal.Stats()
	return s
}

// Close brings what is left to the store, unless ctx ends or the store refuses; then it stays in
// the journal for the next process. Entries that come later are refused. Close it once.
func (l *Ledger) Close(ctx context.Context) error {
	flushed := l.Flush(ctx)
	l.stop()
	<-l.done
	if err := l.journal.Close(); err != nil {
		return err
	}
	if flushed != nil {
		return fmt.Errorf("closing the ledger, the rest stays in the journal: %w", flushed)
	}
	return nil
}

// drain is the goroutine that takes entries to the sink.
func (l *Ledger) drain() {
	defer close(l.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	pause, gather := time.Duration(0), l.opts.Gather
	ready := l.journal.Ready()
	for {
		select {
		case <-l.ctx.Done():
			return
		case answer := <-l.flush:
			answer <- l.all()
			continue
		case <-ready: // gather what comes with it
			ready = nil
			timer.Reset(gather)
			continue
		case <-timer.C:
		}
		ready = l.journal.Ready()
		l.taken = 0
		if err := l.all(); err != nil {
			pause = min(max(firstPause, 2*pause), maxPause)
			timer.Reset(pause)
			ready = nil
			continue
		}
		pause, gather = 0, l.opts.Gather
		if l.taken >= busyEntries {
			gather *= busyGather
		}
	}
}

// all takes everything over that the journal has.
func (l *Ledger) all() error {
	for {
		more, err := l.step()
		if err != nil {
			l.mu.Lock()
			first := l.stats.Error == ""
			l.stats.Failures++
			l.stats.Error = err.Error()
			l.mu.Unlock()
			if first {
				l.opts.Log.Error("the usage ledger does not take entries over, they wait in the journal", "error", err)
			}
			return err
		}
		if !more {
			return nil
		}
	}
}

// step takes one batch over.
func (l *Ledger) step() (more bool, err error) {
	if !l.ready {
		if l.at.Segment, l.at.Offset, err = l.sink.Position(l.ctx, l.journal.ID()); err != nil {
			return false, err
		}
		l.ready = true
	}
	b := &l.batch
	b.Entries, b.Unread = b.Entries[:0], nil
	to, err := l.journal.Next(l.at, l.opts.BatchBytes, func(rec []byte) {
		var e store.Entry
		if decode(rec, &e, l.names) != nil {
			b.Unread = append(b.Unread, append([]byte(nil), rec...))
			return
		}
		b.Entries = append(b.Entries, e)
	})
	if err != nil || to == l.at {
		return false, err
	}
	if len(b.Entries)+len(b.Unread) > 0 {
		b.Segment, b.Offset = to.Segment, to.Offset
		if err := l.sink.Record(l.ctx, b); err != nil {
			return false, err
		}
	}
	l.at = to
	l.taken += len(b.Entries)
	l.mu.Lock()
	l.stats.Recorded += uint64(len(b.Entries))
	l.stats.Unread += uint64(len(b.Unread))
	l.stats.Error = ""
	l.mu.Unlock()
	if len(b.Unread) > 0 {
		l.opts.Log.Error("the journal has records that this version can't read, they are kept in the store", "records", len(b.Unread))
	}
	if err := l.journal.Release(to); err != nil {
		l.opts.Log.Warn("the journal keeps what it no longer needs", "error", err)
	}
	return true, nil
}
