package compiler

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/switchyard-gateway/switchyard/host/internal/threads"
)

// drum starts a thread that keeps a child out of the way, and returns its number.
//
// A processor on which only idle threads run counts as free: others are sent there. One that has just had more than its
// share has to wait all the same, and the kernel looks again at the clock's next tick only, milliseconds later. So the child
// stays on one processor, and a thread of it that is not idle wakes up there every so often, for no time at all, which has
// the kernel choose anew. It also sees then whether anybody else was there: see pace.
func (o *order) drum() (thread int) {
	started := make(chan int)
	d := new(drummer)
	o.drummer = d
	go func() {
		runtime.LockOSThread() // for good
		all := processors()
		at := os.Getpid() // children beside each other begin on different ones
		one := func() []int {
			if len(all) < 2 {
				return nil
			}
			n := at % len(all)
			return all[n : n+1]
		}
		stayOn(one())
		started <- unix.Gettid()
		p := pace{processors: 1, turns: turns}
		every, then, used := beatEvery, clock(unix.CLOCK_MONOTONIC), ofProcess
		had := used()
		for {
			rest(every)
			now, has := clock(unix.CLOCK_MONOTONIC), used()
			var to step
			every, to = d.beat(&p, now-then, has-had)
			switch to {
			case stay:
				then, had = now, has
				continue
			case widen:
				if len(all) > 1 {
					used = spread(all)
				}
			case move:
				at++
				stayOn(one())
			case narrow:
				stayOn(one())
				used = ofProcess
			}
			then, had = clock(unix.CLOCK_MONOTONIC), used()
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

// stayOn takes all threads of this process to some processors, if any are given. Where it is not allowed to, they stay where
// they are.
func stayOn(list []int) {
	if len(list) == 0 {
		return
	}
	only := setOf(list)
	_ = threads.Each(func(thread int) error { return unix.SchedSetaffinity(thread, &only) })
}

func setOf(list []int) (set unix.CPUSet) {
	for _, n := range list {
		set.Set(n)
	}
	return set
}

// spread lets all threads of this process run on some processors, and has those that want to run begin on different ones: the
// kernel is slow to take an idle thread elsewhere. It returns what tells their processor time.
func spread(list []int) func() time.Duration {
	whole := setOf(list)
	self, running := unix.Gettid(), 0
	var members []int
	_ = threads.Each(func(thread int) error {
		stat, _ := os.ReadFile("/proc/self/task/" + strconv.Itoa(thread) + "/stat")
		if _, fields, _ := strings.Cut(string(stat), ") "); thread != self && strings.HasPrefix(fields, "R") {
			n := running % len(list)
			one := setOf(list[n : n+1])
			running++
			_ = unix.SchedSetaffinity(thread, &one)
		}
		members = append(members, thread)
		return unix.SchedSetaffinity(thread, &whole)
	})
	return func() (all time.Duration) {
		for _, thread := range members {
			all += clock(int32(^thread<<3 | 6)) // the clock of a thread, as pthread_getcpuclockid has it
		}
		return all
	}
}

// ofProcess is the processor time of this process, but for what its threads on other processors had since the last tick.
func ofProcess() time.Duration { return clock(unix.CLOCK_PROCESS_CPUTIME_ID) }

// turns counts how often the machine's processors went from one thread to another. It leaves out those that threads of this
// process gave up, or had to, and is 0 when it can't be told.
func turns() int64 {
	var own unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &own) != nil {
		return 0
	}
	stat, _ := os.ReadFile("/proc/stat")
	return turnsOfOthers(stat, &own)
}

// turnsOfOthers reads /proc/stat. Some systems have the count there and don't keep it.
func turnsOfOthers(stat []byte, own *unix.Rusage) int64 {
	for line := range bytes.Lines(stat) {
		if text, ok := bytes.CutPrefix(line, []byte("ctxt ")); ok {
			if n, _ := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64); n > 0 {
				return n - int64(own.Nvcsw) - int64(own.Nivcsw) //nolint:unconvert // 32 bits on some systems
			}
		}
	}
	return 0
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
