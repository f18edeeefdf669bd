// Package journal keeps records in files until somebody has taken them over: import it to let a
// request leave a record that survives the end of the process, at the price of one write(2).
//
// A journal is a folder of numbered segments. [Journal.Append] adds a record to the newest one
// and returns once the kernel has it: a process that is killed at any moment loses no record whose
// Append returned nil. Appends that meet share one write. [Journal.Next] reads records back in
// order, [Journal.Release] deletes the segments that are no longer needed.
//
// An Append never waits for a disk that is full or does not answer. It then keeps the record in
// memory, within a bound, says so with [ErrHeld], and the journal writes it as soon as it can.
package journal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// MaxRecord is the length of the longest record, in bytes.
const MaxRecord = 64 << 10

// Errors of Append. All but ErrLost leave the record with the journal.
var (
	// ErrHeld means that the record is in memory only, because the disk is full or slow. It is
	// written later, unless the process ends first.
	ErrHeld = errors.New("journal: the record is held in memory, the disk does not take it")
	// ErrLost means that the record is gone: the disk takes nothing and the memory for held
	// records is used up.
	ErrLost = errors.New("journal: the record is lost, the disk does not take it and too many are held in memory")
	// ErrClosed means that the journal was closed before the record came.
	ErrClosed = errors.New("journal: it is closed")
)

// Options of a journal. A zero field stands for its default.
type Options struct {
	// SyncInterval is how often written records are forced to the disk itself: what a loss of
	// power can cost. Default one second.
	SyncInterval time.Duration
	// SyncAlways forces every write to the disk before Append returns.
	SyncAlways bool
	// SegmentBytes is the size at which a new segment begins. Default 8 MiB.
	SegmentBytes int64
	// MaxBytes bounds all segments together; beyond it the disk counts as full. Default 1 GiB.
	MaxBytes int64
	// HeldBytes bounds the records that are held in memory while the disk takes none. Default 8 MiB.
	HeldBytes int
}

func (o Options) withDefaults() Options {
	if o.SyncInterval <= 0 {
		o.SyncInterval = time.Second
	}
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 8 << 20
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 1 << 30
	}
	if o.HeldBytes <= 0 {
		o.HeldBytes = 8 << 20
	}
	return o
}

// ID tells journals apart. It is made with the first segment and stays as long as one is there.
type ID [16]byte

// Position is a place in a journal: the next record to read. The zero Position is its beginning.
type Position struct {
	Segment uint64
	Offset  int64 // in the segment's file
}

// Journal is an open journal. All methods are safe for concurrent use, except that Next and
// Release belong to one reader. The folder is locked until Close: one process has it at a time.
type Journal struct {
	dir   string
	opts  Options
	id    ID
	lock  *os.File
	fs    files
	ready chan struct{}
	stop  chan struct{}
	ended sync.WaitGroup
	read  reader

	mu       sync.Mutex
	turn     sync.Cond // a write has ended, or has lasted too long
	open     *batch    // what the next write will write
	spare    []*batch
	writing  bool      // somebody writes a batch; the fields below are the writer's, then
	began    time.Time // when the write began
	stalled  bool      // that write has lasted too long to wait for it
	degraded bool      // the last write failed; the watcher tries again
	closed   bool
	company  company
	dirty    bool   // written since the last sync
	newFiles bool   // the folder was changed since the last sync
	last     uint64 // number of the newest segment; the writer's
	active   *segment
	segments []*segment // on disk, oldest first; the last is active unless that is nil
	retired  []file     // full segments, to be synced and closed
	bytes    int64      // of all segments
	stats    Stats
}

// Open opens the journal in a folder, which is made if it is not there. Records of an earlier
// process are there to be read. It fails when another process has the folder.
func Open(dir string, o Options) (*Journal, error) {
	return open(dir, o, disk{})
}

func open(dir string, o Options, fs files) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the journal's folder: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	j := &Journal{
		dir: dir, opts: o.withDefaults(), lock: lock, fs: fs,
		ready: make(chan struct{}, 1), stop: make(chan struct{}), open: &batch{},
	}
	j.turn.L = &j.mu
	if err := j.start(); err != nil {
		lock.Close()
		return nil, fmt.Errorf("opening the journal in %q: %w", dir, err)
	}
	j.ended.Go(j.syncer)
	j.ended.Go(j.watcher)
	return j, nil
}

// start takes stock of the segments that are there and begins a new one. What an earlier process
// wrote stays untouched: its torn end, if any, is passed over when it is read.
func (j *Journal) start() error {
	segments, id, err := list(j.dir)
	if err != nil {
		return err
	}
	j.segments, j.id = segments, id
	if n := len(segments); n > 0 {
		j.last = segments[n-1].number
	} else {
		rand.Read(j.id[:])
	}
	for _, s := range segments {
		j.bytes += s.size
	}
	if err := j.begin(); err != nil {
		return err
	}
	j.signal()
	return nil
}

// lockFolder takes the folder for this process, until the file is closed.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the journal: %w", err)
	}
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		f.Close()
		return nil, fmt.Errorf("the journal in %q is in use by another process", dir)
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("locking the journal in %q: %w", dir, err)
	}
	return f, nil
}

// ID returns the journal's identity. A reader that keeps a Position keeps the ID with it: in
// another journal the position means nothing.
func (j *Journal) ID() ID { return j.id }

// Ready receives after records were written that the reader may not have seen.
func (j *Journal) Ready() <-chan struct{} { return j.ready }

func (j *Journal) signal() {
	select {
	case j.ready <- struct{}{}:
	default:
	}
}

// Stats are counted since Open.
type Stats struct {
	Appended uint64 // records that the disk has
	Held     uint64 // records in memory that the disk has not taken yet
	Lost     uint64 // records that are gone
	Writes   uint64 // that took records
	Failures uint64 // writes that failed
	Syncs    uint64
	Cut      uint64 // bytes of torn or damaged records that were passed over
	Segments int
	Bytes    int64  // of all segments
	Degraded bool   // the disk takes no records at the moment
	Error    string // of the last write or sync that failed
}

// Stats returns the journal's figures.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.stats
	s.Held = uint64(max(0, j.open.records-j.open.waiters))
	s.Segments, s.Bytes, s.Degraded = len(j.segments), j.bytes, j.degraded || j.stalled
	return s
}

// Close writes what is held, forces everything to the disk and gives the folder up. Appends that
// come later are refused with ErrClosed.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	for j.writing {
		j.turn.Wait()
	}
	err := j.flush()
	j.mu.Unlock()
	close(j.stop)
	j.ended.Wait()
	err = errors.Join(err, j.sync())
	if j.active != nil {
		err = errors.Join(err, j.active.file.Close())
	}
	j.read.close()
	return errors.Join(err, j.lock.Close())
}
