package compiler

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/switchyard-gateway/switchyard/host/internal/threads"
)

// confine lets the calling process, a child of its own, be the first to wait and the first to go, and bounds what it may
// use.
func (o *order) confine() error {
	if syscall.Getpgrp() != os.Getpid() {
		if err := syscall.Setpgid(0, 0); err != nil {
			return fmt.Errorf("leaving the process group: %w", err)
		}
	}
	yield := o.yieldToAll
	if o.Urgent {
		yield = yieldToMost
	}
	if err := yield(); err != nil {
		return fmt.Errorf("lowering the priority: %w", err)
	}
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0) // some containers don't allow even this
	makeThreads()
	now, err := mapped()
	if err != nil {
		return err
	}
	over := make(chan os.Signal, 1)
	signal.Notify(over, syscall.SIGXCPU)
	go func() {
		<-over
		os.Exit(exitTime)
	}()
	// What is mapped already, and never touched, is not the module's doing.
	memory := now + uint64(o.Memory)
	for _, l := range []struct {
		which     int
		soft, max uint64
	}{
		{syscall.RLIMIT_CORE, 0, 0},
		{syscall.RLIMIT_CPU, o.seconds(), o.seconds() + 1}, // a signal, then death
		{syscall.RLIMIT_DATA, memory, memory},
	} {
		if err := syscall.Setrlimit(l.which, &syscall.Rlimit{Cur: l.soft, Max: l.max}); err != nil {
			return fmt.Errorf("setting limit %d to %d: %w", l.which, l.soft, err)
		}
	}
	return nil
}

// makeThreads has Go's runtime make more threads than it will need, which it keeps. Where C's library makes them, each has a
// stack of 8 MiB, and that there is none for another thread does not tell that it was the module which took the memory.
func makeThreads() {
	const threads = 16
	var made, gone sync.WaitGroup
	over := make(chan struct{})
	made.Add(threads)
	for range threads {
		gone.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			made.Done()
			<-over
		})
	}
	made.Wait()
	close(over)
	gone.Wait()
}

// yieldToAll gives every thread of the calling process, which leads its process group, the lowest priority: a processor that
// others want is theirs at once. Nice 19 alone would leave a thread the rest of its turn, which is milliseconds. The nice
// value still counts for input and output, and among the idle. Threads inherit both, and a privilege is needed to go back.
func (o *order) yieldToAll() error {
	if err := syscall.Setpriority(syscall.PRIO_PGRP, 0, 19); err != nil { // of each thread in the group
		return err
	}
	drummer := 0
	if o.beats() {
		drummer = o.drum()
	}
	return threads.Each(func(thread int) error {
		if thread == drummer {
			return nil
		}
		return idle(thread)
	})
}

// yieldToMost lowers the priority of the calling process, which leads its process group, so that it has about a tenth of a
// processor that another wants all the time.
func yieldToMost() error {
	const share = 10
	now, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	if err != nil {
		return err
	}
	return syscall.Setpriority(syscall.PRIO_PGRP, 0, max(20-now, share)) // the system call returns it so; going back is not allowed
}

// hungry reports whether a process has had less than a quarter of a processor for so long.
func hungry(process int, d time.Duration) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(process) + "/stat")
	_, text, _ := strings.Cut(string(stat), ") ") // behind the name, which is the second field
	fields := strings.Fields(text)
	const user, system, first = 14, 15, 3
	if err != nil || len(fields) <= system-first {
		return false
	}
	used := time.Duration(0)
	for _, ticks := range []string{fields[user-first], fields[system-first]} {
		n, err := strconv.Atoi(ticks)
		if err != nil {
			return false
		}
		used += time.Duration(n) * 10 * time.Millisecond // what /proc counts in
	}
	return used < d/4
}

// idle lets a thread run only when no other wants the processor.
func idle(thread int) error {
	a, err := unix.SchedGetAttr(thread, 0)
	if err == nil {
		a.Policy = unix.SCHED_IDLE
		err = unix.SchedSetAttr(thread, a, 0)
	}
	if err != nil {
		return fmt.Errorf("scheduling thread %d: %w", thread, err)
	}
	return nil
}

// exitTime is the exit code of a child that used up its processor time.
const exitTime = 4

// seconds is the limit of processor time as the system keeps it.
func (b *Bounds) seconds() uint64 { return uint64(math.Ceil(b.CPU.Seconds())) }

// mapped returns how much memory counts for RLIMIT_DATA now, in bytes.
func mapped() (uint64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmData:"); ok {
			kib, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("/proc/self/status has no VmData")
}

// start starts a command in a process group of its own, so that a terminal's Ctrl-C reaches the parent only. It stays in
// the parent's session: where each session has its share of the processors, its low priority counts within that. The
// command dies with the calling thread, which must stay locked to its goroutine until the command has ended.
func start(cmd *exec.Cmd, urgent bool) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		return err
	}
	if !urgent {
		// It goes lower itself, and insists; until then it would take milliseconds of its start at the parent's priority. Its
		// drummer could not leave a lower one.
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, cmd.Process.Pid, 19)
	}
	return nil
}

// outOfTime reports whether a command ended for the processor time that it used.
func (b *Bounds) outOfTime(s *os.ProcessState) bool {
	status, ok := s.Sys().(syscall.WaitStatus)
	killed := ok && status.Signaled() && status.Signal() == syscall.SIGKILL
	return s.ExitCode() == exitTime || killed && s.UserTime()+s.SystemTime() >= time.Duration(b.seconds())*time.Second
}
