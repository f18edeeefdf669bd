package compiler

import (
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/switchyard-gateway/switchyard/host/internal/threads"
)

// A processor on which only idle threads run counts as free: others are sent there. One that has just had more than its
// share has to wait all the same, and the kernel looks again at the clock's next tick only, milliseconds later. So a child
// beside requests stays on one processor, and a thread of it that is not idle wakes up there every so often, for no time at
// all, which has the kernel choose anew.
const (
	beatEvery = 200 * time.Microsecond
	// After so many beats, a child that had less than half of its processor goes to the next: another may be free.
	beatsToMove = 50
)

// drum starts that thread and returns its number.
func drum() (thread int) {
	started := make(chan int)
	go func() {
		runtime.LockOSThread() // for good
		stay := processors()
		at := os.Getpid() // children beside each other begin on different ones
		if len(stay) > 1 {
			moveTo(stay[at%len(stay)])
		}
		started <- unix.Gettid()
		then, used := clock(unix.CLOCK_MONOTONIC), clock(unix.CLOCK_PROCESS_CPUTIME_ID)
		for n := 1; ; n++ {
			rest(beatEvery)
			if n%beatsToMove > 0 || len(stay) < 2 {
				continue
			}
			now, more := clock(unix.CLOCK_MONOTONIC), clock(unix.CLOCK_PROCESS_CPUTIME_ID)
			if more-used < (now-then)/2 {
				at++
				moveTo(stay[at%len(stay)])
			}
			then, used = now, more
		}
	}()
	return <-started
}

// processors lists those that this process may use, none when that can't be told.
func processors() (list []int) {
	var may unix.CPUSet
	if unix.SchedGetaffinity(0, &may) != nil {
		return nil
	}
	for n := 0; len(list) < may.Count(); n++ {
		if may.IsSet(n) {
			list = append(list, n)
		}
	}
	return list
}

// moveTo takes all threads of this process to a processor. Where it is not allowed to, they stay on all.
func moveTo(processor int) {
	var only unix.CPUSet
	only.Set(processor)
	_ = threads.Each(func(thread int) error { return unix.SchedSetaffinity(thread, &only) })
}

// rest sleeps without telling Go's scheduler, which would give this thread's place to others. A signal ends it early.
func rest(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	_, _, _ = unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&t)), 0, 0)
}

func clock(which int32) time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(which, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
