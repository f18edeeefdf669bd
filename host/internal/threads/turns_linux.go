package threads

import (
	"time"

	"golang.org/x/sys/unix"
)

// own means the calling thread.
const own = 0

// length returns how long a thread's turns are, 0 when it has come to its end, gets none by shares, or the kernel is older
// than lengths.
func length(thread int) time.Duration {
	a, err := unix.SchedGetAttr(thread, 0)
	if err != nil || a.Policy != unix.SCHED_NORMAL && a.Policy != unix.SCHED_BATCH {
		return 0
	}
	return time.Duration(a.Runtime)
}

// change gives a thread turns of a length, and leaves it the rest of what it has.
func change(thread int, d time.Duration) {
	a, err := unix.SchedGetAttr(thread, 0)
	if err != nil {
		return // it has come to its end
	}
	a.Runtime = uint64(d)
	_ = unix.SchedSetAttr(thread, a, 0) // it may end now, or be given another policy
}

// changeAll gives all threads turns of a length, but those that have long ones.
func changeAll(d time.Duration) {
	_ = Each(func(thread int) error { // without /proc there is nothing to change
		if now := length(thread); now != 0 && now != long {
			change(thread, d)
		}
		return nil
	})
}
