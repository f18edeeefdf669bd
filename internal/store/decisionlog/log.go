// Package decisionlog records routing decisions with their exact input: import it to explain later
// why a request went where it did, and to make the same decisions again with another policy.
//
// [Log.Add] writes down in memory what is other than in the tenant's decision before, which takes about
// a microsecond and never waits. A goroutine stores what has come together in blocks. Unlike the ledger,
// the log may lose the last seconds when the process is killed, and it drops decisions rather than
// take more memory than it may. It is bounded per tenant by size and age.
package decisionlog

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Options of a log. A zero field stands for its default.
type Options struct {
	// TenantBytes bounds what is stored of a tenant, packed. Default 64 MiB, about 180,000 decisions
	// among eight deployments.
	TenantBytes int64
	// MaxAge is how long decisions are kept. Default 30 days.
	MaxAge time.Duration
	// Interval is how long a decision waits for others to be packed with. Default ten seconds.
	Interval time.Duration
	// PendingBytes bounds the decisions in memory that are not stored yet. Default 32 MiB.
	PendingBytes int
	Log          *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.TenantBytes <= 0 {
		o.TenantBytes = 64 << 20
	}
	if o.MaxAge <= 0 {
		o.MaxAge = 30 * 24 * time.Hour
	}
	if o.Interval <= 0 {
		o.Interval = 10 * time.Second
	}
	if o.PendingBytes <= 0 {
		o.PendingBytes = 32 << 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// trimInterval is how often what is too old or too much is looked for, unless much has come since.
const trimInterval = 5 * time.Minute

// maxRecord is what a decision may take in memory. Ordinary ones take a few KiB; what is larger by far, because a client
// wrote very many tags, must not crowd out the decisions of others.
const maxRecord = 256 << 10

// leastRoom is what must be left of the memory for another decision.
const leastRoom = 4 << 10

// Stats are counted since Open.
type Stats struct {
	Added    uint64
	Stored   uint64
	Dropped  uint64 // for want of memory, or too large
	Failures uint64 // times that the store took nothing
	Pending  int    // bytes in memory
}

// shards are how many locks the tenants share.
const shards = 16

// Log is an open decision log. It is safe for concurrent use.
type Log struct {
	opts   Options
	sink   store.Decisions
	shards [shards]shard
	wake   chan struct{}
	ctx    context.Context // of the writer's calls; Close ends it
	stop   context.CancelFunc
	done   chan struct{}

	// reading is held for reading by those who follow a tenant's blocks, and for writing while blocks
	// are replaced.
	reading sync.RWMutex
	writing sync.Mutex // one store at a time; holds what follows
	unsaved []store.Block
	grown   int64          // bytes stored since the last trim
	small   map[string]int // blocks of a tenant that were stored since some were last merged

	added, stored, dropped, failures atomic.Uint64
	bytes                            atomic.Int64 // Stats.Pending
}

// shard holds the decisions of some tenants that are not packed yet.
type shard struct {
	mu      sync.Mutex
	pending map[string]*pending
	spare   []*pending // whose decisions were packed
}

// Of what a shard keeps to write into again: so many of at most that size.
const (
	maxSpare      = 2
	maxSpareBytes = 2 * targetBytes
	maxSpareSlots = 64
)

// begin makes room for a tenant's decisions. The caller holds the lock.
func (s *shard) begin(tenant string, id store.EntryID) *pending {
	p := &pending{}
	if n := len(s.spare); n > 0 {
		p, s.spare = s.spare[n-1], s.spare[:n-1]
	}
	p.first, p.last = id, id
	s.pending[tenant] = p
	return p
}

// recycle takes the memory of decisions back.
func (s *shard) recycle(p *pending) {
	if cap(p.framed) > maxSpareBytes || len(p.history.slots) > maxSpareSlots {
		return
	}
	p.history.begun = false
	*p = pending{framed: p.framed[:0], history: p.history}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.spare) < maxSpare {
		s.spare = append(s.spare, p)
	}
}

// pending is what is not packed of a tenant's decisions.
type pending struct {
	framed      []byte
	history     history
	size        int // in memory
	count       int
	first, last store.EntryID
}

// add appends a decision and returns how much memory that takes, or leaves all as it is: the decision is too large.
func (p *pending) add(r *Record, room int) (size int, ok bool) {
	before, slots := len(p.framed), p.history.used
	p.framed = p.history.appendFramed(p.framed, r)
	size = len(p.framed) - before
	grown := max(0, p.history.used-slots) * slotBytes
	if size > maxRecord || size+grown > room {
		p.framed, p.history = p.framed[:before], history{}
		if cap(p.framed) > maxSpareBytes {
			p.framed = slices.Clip(p.framed) // the next one leaves what has grown behind
		}
		return 0, false
	}
	p.count++
	p.size += size + grown
	if id := r.Entry.ID; id.Before(p.first) {
		p.first = id
	} else if p.last.Before(id) {
		p.last = id
	}
	return size + grown, true
}

// Open begins to store decisions in a sink, which the log does not close.
func Open(sink store.Decisions, o Options) *Log {
	l := &Log{
		opts: o.withDefaults(), sink: sink, wake: make(chan struct{}, 1), done: make(chan struct{}), small: map[string]int{},
	}
	for i := range l.shards {
		l.shards[i].pending = map[string]*pending{}
	}
	l.ctx, l.stop = context.WithCancel(context.Background())
	go l.run()
	return l
}

// Add records a decision, unless too many wait to be stored, or it is absurdly large; then it is counted as dropped. It
// does not keep the record.
func (l *Log) Add(r *Record) {
	room := l.opts.PendingBytes - int(l.bytes.Load())
	if room < leastRoom {
		l.dropped.Add(1)
		return
	}
	tenant := r.Entry.Tenant
	s := &l.shards[abi.Hash(tenant)%shards]
	s.mu.Lock()
	p := s.pending[tenant]
	if p == nil {
		p = s.begin(tenant, r.Entry.ID)
	}
	size, ok := p.add(r, room)
	waiting := int(l.bytes.Add(int64(size)))
	full := len(p.framed) >= targetBytes || waiting > l.opts.PendingBytes/2
	if p.count == 0 {
		delete(s.pending, tenant)
	}
	s.mu.Unlock()
	if ok {
		l.added.Add(1)
	} else {
		l.dropped.Add(1)
	}
	if full {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// run stores what has come, at the interval, or when a block is full.
func (l *Log) run() {
	defer close(l.done)
	tick, trim := time.NewTicker(l.opts.Interval), time.NewTicker(trimInterval)
	defer tick.Stop()
	defer trim.Stop()
	wake := l.wake
	for {
		var err error
		select {
		case <-l.ctx.Done():
			return
		case <-tick.C:
			err, wake = l.store(l.ctx, everything, 1), l.wake
		case <-wake:
			if err = l.store(l.ctx, l.due, blocksAtOnce); err != nil {
				wake = nil // what refuses is not asked again for each decision that comes
			}
		case <-trim.C:
			err = l.maintain(l.ctx)
		}
		if err != nil && l.ctx.Err() == nil {
			l.opts.Log.Warn("decisions are not stored, they wait in memory", "error", err)
		}
	}
}

// everything and due choose what is stored: all, or full blocks unless memory is short.
func everything(string, *pending) bool { return true }

func (l *Log) due(_ string, p *pending) bool { return len(p.framed) >= targetBytes || l.short() }

// short reports whether memory is.
func (l *Log) short() bool { return int(l.bytes.Load()) > l.opts.PendingBytes/2 }

// blocksAtOnce is how many full blocks go into one transaction, each of which waits for the disk.
const blocksAtOnce = 8

// store packs what is pending of some tenants, and stores what is packed if it is as many blocks or memory is short.
func (l *Log) store(ctx context.Context, which func(tenant string, p *pending) bool, least int) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	for i := range l.shards {
		for tenant, p := range l.shards[i].take(which) {
			b := store.Block{Tenant: tenant, First: p.first, Last: p.last, Count: p.count, Data: pack(p.framed)}
			l.unsaved = append(l.unsaved, b)
			l.bytes.Add(int64(len(b.Data) - p.size))
			l.shards[i].recycle(p)
		}
	}
	if len(l.unsaved) < least && !l.short() || len(l.unsaved) == 0 {
		return nil
	}
	if err := l.sink.AddBlocks(ctx, l.unsaved, nil); err != nil {
		l.failures.Add(1)
		return err
	}
	for i := range l.unsaved {
		b := &l.unsaved[i]
		l.stored.Add(uint64(b.Count))
		l.bytes.Add(int64(-len(b.Data)))
		l.small[b.Tenant]++
		l.grown += int64(len(b.Data))
	}
	l.unsaved = nil
	l.tidy(ctx)
	return nil
}

// take removes what is pending of some tenants.
func (s *shard) take(which func(tenant string, p *pending) bool) map[string]*pending {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := map[string]*pending{}
	for tenant, p := range s.pending {
		if which(tenant, p) {
			taken[tenant] = p
			delete(s.pending, tenant)
		}
	}
	return taken
}

// Flush stores everything that was added before it.
func (l *Log) Flush(ctx context.Context) error {
	if err := l.store(ctx, everything, 1); err != nil {
		return fmt.Errorf("storing decisions: %w", err)
	}
	return nil
}

// Stats returns the log's figures.
func (l *Log) Stats() Stats {
	return Stats{
		Added: l.added.Load(), Stored: l.stored.Load(), Dropped: l.dropped.Load(), Failures: l.failures.Load(), Pending: int(l.bytes.Load()),
	}
}

// Close stores what is pending, unless ctx ends first or the store refuses; then it is lost. Close
// it once, after the last Add.
func (l *Log) Close(ctx context.Context) error {
	l.stop()
	<-l.done
	return l.Flush(ctx)
}
