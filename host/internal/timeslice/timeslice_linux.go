package timeslice

import (
	"os"
	"strconv"
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

// changeAll gives all threads turns of a length, but those that have long ones. A thread gets that of the one that makes it:
// when a whole round finds none with another length, there is none.
func changeAll(d time.Duration) {
	for tried := map[int]bool{}; ; {
		before := len(tried)
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return
		}
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if now := length(id); err == nil && now != 0 && now != d && now != long && !tried[id] {
				tried[id] = true
				change(id, d)
			}
		}
		if len(tried) == before {
			return
		}
	}
}
