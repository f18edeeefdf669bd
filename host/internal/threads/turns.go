// Package threads says how the threads of this process share the processors with others: import it where heavy work goes
// on beside requests.
//
// Linux gives a processor to the thread with the shortest turn among those that have not had their share, and from version
// 6.12 on each thread may ask for a length. What a thread gets in all stays the same, so that one which holds a lock, or
// which the collector waits for, is never starved, as it would be with a low priority. Elsewhere nothing happens.
package threads

import (
	"runtime"
	"sync"
	"time"
)

// What is asked for: the ends of what Linux grants. Its usual turn is some milliseconds.
const (
	short = 100 * time.Microsecond
	long  = 100 * time.Millisecond
)

// usual is the length of a turn that nobody has asked for, 0 when the system knows of none.
var usual = sync.OnceValue(func() time.Duration { return length(own) })

// process counts who wants all threads to have short turns.
var process struct {
	sync.Mutex
	wanted int
}

// LongTurns runs work, which keeps a processor busy for milliseconds, so that a thread that wakes up meanwhile goes first.
func LongTurns(work func()) {
	if usual() == 0 {
		work()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	change(own, long)
	defer func() {
		process.Lock()
		defer process.Unlock()
		if process.wanted > 0 {
			change(own, short)
		} else {
			change(own, usual())
		}
	}()
	work()
}

// ShortTurns gives all threads of this process short turns until end is called: one that wakes up for a moment then goes before
// others that are in the middle of theirs. It is for a while in which another process works for this one, as more turns cost
// a little.
func ShortTurns() (end func()) {
	if usual() == 0 {
		return func() {}
	}
	process.Lock()
	defer process.Unlock()
	if process.wanted++; process.wanted == 1 {
		changeAll(short)
	}
	return func() {
		process.Lock()
		defer process.Unlock()
		if process.wanted--; process.wanted == 0 {
			changeAll(usual())
		}
	}
}
