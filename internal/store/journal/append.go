package journal

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"time"
)

// batch is the records that one write writes. It returns to the journal when it is done and its
// last waiter has seen so.
type batch struct {
	buf     []byte
	records int
	waiters int
	done    bool
	err     error
}

// maxSpare is how large a buffer may be and be kept for the next batch.
const maxSpare = 1 << 20

// Append adds a record of 1 to MaxRecord bytes, which it copies. It returns nil once the kernel
// has the record, or with SyncAlways once the disk has; else an error that says what became of it.
//
// Whoever finds nobody writing writes for all who come by then. At most one caller is caught in
// a write that does not end; the others leave with ErrHeld when the watcher notices.
func (j *Journal) Append(rec []byte) error {
	if len(rec) == 0 || len(rec) > MaxRecord {
		return fmt.Errorf("journal: a record of %d bytes, it may have 1 to %d", len(rec), MaxRecord)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.closed:
		return ErrClosed
	case j.degraded || j.stalled:
		return j.hold(rec)
	}
	b := j.open
	b.buf = appendFrame(b.buf, rec)
	b.records++
	b.waiters++
	for !b.done && j.writing && !j.stalled {
		j.turn.Wait()
	}
	if !b.done && !j.writing && !j.degraded {
		j.lead()
	}
	err := ErrHeld
	if b.done {
		err = b.err
	}
	j.leave(b)
	return err
}

// hold keeps a record in memory until the disk takes it.
func (j *Journal) hold(rec []byte) error {
	if len(j.open.buf)+len(rec) > j.opts.HeldBytes {
		j.stats.Lost++
		return ErrLost
	}
	j.open.buf = appendFrame(j.open.buf, rec)
	j.open.records++
	return ErrHeld
}

// lead writes the open batch. The lock is given up meanwhile; nobody else may be writing.
func (j *Journal) lead() {
	j.writing, j.began = true, time.Now()
	gathered := j.company.wanted()
	if gathered {
		j.mu.Unlock()
		runtime.Gosched()
		j.mu.Lock()
	}
	b := j.open
	j.company.met(gathered, b.records > 1)
	j.open = j.fresh()
	b.waiters++
	j.mu.Unlock()
	err := j.write(b)
	j.mu.Lock()
	j.writing, j.stalled = false, false
	b.done = true
	if err == nil {
		j.degraded = false
		j.stats.Appended += uint64(b.records)
		j.stats.Writes++
		j.signal()
	} else {
		j.degraded = true
		j.stats.Failures++
		j.stats.Error = err.Error()
		j.requeue(b)
	}
	j.turn.Broadcast()
	j.leave(b)
}

// requeue puts a batch that could not be written before what came meanwhile.
func (j *Journal) requeue(b *batch) {
	if len(b.buf)+len(j.open.buf) > max(j.opts.HeldBytes, MaxRecord) {
		b.err = ErrLost
		j.stats.Lost += uint64(b.records)
	} else {
		b.err = ErrHeld
		j.open.buf = append(b.buf, j.open.buf...)
		j.open.records += b.records
		b.buf = nil
	}
}

func (j *Journal) fresh() *batch {
	if n := len(j.spare); n > 0 {
		b := j.spare[n-1]
		j.spare = j.spare[:n-1]
		return b
	}
	return &batch{}
}

// leave takes one waiter off a batch; the last one of a finished batch returns it.
func (j *Journal) leave(b *batch) {
	b.waiters--
	if !b.done || b.waiters > 0 {
		return
	}
	if cap(b.buf) > maxSpare {
		b.buf = nil
	}
	*b = batch{buf: b.buf[:0]}
	j.spare = append(j.spare, b)
}

var errFull = fmt.Errorf("the journal has reached its largest size: %w", syscall.ENOSPC)

// write puts a batch into the active segment, whole or not at all. It is the writer's.
func (j *Journal) write(b *batch) error {
	j.mu.Lock()
	active, size := j.active, j.bytes+int64(len(b.buf))
	j.mu.Unlock()
	another := active == nil || active.size >= j.opts.SegmentBytes
	if another {
		size += headerSize
	}
	if size > j.opts.MaxBytes {
		return errFull
	}
	if another {
		if err := j.begin(); err != nil {
			return err
		}
		active = j.active
	}
	if _, err := active.file.Write(b.buf); err != nil {
		err = fmt.Errorf("writing to the journal: %w", err)
		if cut := active.file.Truncate(active.size); cut != nil {
			// Its end is unknown: it is left as a crash leaves one, and the next write begins another.
			j.mu.Lock()
			j.retire()
			j.mu.Unlock()
			return errors.Join(err, cut)
		}
		return err
	}
	if j.opts.SyncAlways {
		if err := active.file.Sync(); err != nil {
			// The records are written, and will be read; only their place on the disk is in doubt.
			j.mu.Lock()
			j.stats.Error = fmt.Sprintf("syncing the journal: %v", err)
			j.mu.Unlock()
		}
	}
	j.mu.Lock()
	active.size += int64(len(b.buf))
	j.bytes += int64(len(b.buf))
	j.dirty = true
	j.mu.Unlock()
	return nil
}

// flush writes what is open, if anything is. Nobody may be writing.
func (j *Journal) flush() error {
	if j.open.records == 0 {
		return nil
	}
	b := j.open
	b.waiters++
	j.lead()
	err := b.err
	j.leave(b)
	return err
}
