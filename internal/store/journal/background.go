package journal

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// The watcher looks every watchInterval; a write that has lasted stallAfter is not waited for, nor is
// one with a sync, which takes longer on a busy disk, after syncStallAfter.
const (
	watchInterval  = 100 * time.Millisecond
	stallAfter     = 250 * time.Millisecond
	syncStallAfter = 2 * time.Second
)

// watcher releases those who wait for a write that does not end, and writes what is held once the
// disk takes it again.
func (j *Journal) watcher() {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-j.stop:
			return
		case <-tick.C:
			j.watch()
		}
	}
}

func (j *Journal) watch() {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.writing:
		patience := stallAfter
		if j.opts.SyncAlways {
			patience = syncStallAfter
		}
		if !j.stalled && time.Since(j.began) >= patience {
			j.stalled = true
			j.turn.Broadcast()
		}
	case j.open.records == 0:
		j.degraded = false // nothing is held: the next append finds out
	case j.degraded || j.open.waiters == 0:
		_ = j.flush() // counted; the next tick tries again
	}
}

// syncer forces to the disk what was written, at the interval.
func (j *Journal) syncer() {
	tick := time.NewTicker(j.opts.SyncInterval)
	defer tick.Stop()
	for {
		select {
		case <-j.stop:
			return
		case <-tick.C:
			_ = j.sync() // counted
		}
	}
}

// sync forces everything that was written to the disk, and closes the segments that are full. One
// goroutine at a time calls it.
func (j *Journal) sync() error {
	j.mu.Lock()
	retired, newFiles := j.retired, j.newFiles
	var active file
	if j.dirty && j.active != nil {
		active = j.active.file
	}
	j.retired, j.dirty, j.newFiles = nil, false, false
	j.mu.Unlock()
	var errs []error
	synced := len(retired)
	for _, f := range retired {
		errs = append(errs, f.Sync(), f.Close())
	}
	if active != nil {
		errs = append(errs, active.Sync())
		synced++
	}
	if newFiles {
		errs = append(errs, syncFolder(j.dir))
	}
	err := errors.Join(errs...)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stats.Syncs += uint64(synced)
	if err != nil {
		err = fmt.Errorf("syncing the journal: %w", err)
		j.stats.Error = err.Error()
	}
	return err
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
