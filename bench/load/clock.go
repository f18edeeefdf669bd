package load

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Processor returns how long a process has run on any processor, all its threads together, those that have ended included.
func Processor(pid int) (time.Duration, error) {
	var ts unix.Timespec
	// The clock id of another process's processor time, as clock_getcpuclockid(3) makes it.
	if err := unix.ClockGettime(int32(^pid<<3|2), &ts); err != nil {
		return 0, fmt.Errorf("reading the processor time of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// clocks are processor times at one moment.
type clocks struct {
	watched map[int]time.Duration // by process
	own     time.Duration         // of this process
	machine time.Duration         // of all
}

func readClocks(watch map[string][]int) (c clocks, err error) {
	c.watched = map[int]time.Duration{}
	for _, pids := range watch {
		for _, pid := range pids {
			if d, err := Processor(pid); err == nil { // else it has ended, as children do that compile
				c.watched[pid] = d
			}
		}
	}
	if c.own, err = Processor(os.Getpid()); err != nil {
		return c, err
	}
	c.machine, err = busy()
	return c, err
}

// since attributes the time from an earlier moment to this one: seconds by name, "load" for this process, "others" for
// what is not watched.
func (c clocks) since(before clocks, watch map[string][]int) map[string]float64 {
	took := map[string]float64{"load": (c.own - before.own).Seconds()}
	for name, pids := range watch {
		for _, pid := range pids {
			if now, lives := c.watched[pid]; lives {
				took[name] += (now - before.watched[pid]).Seconds()
			}
		}
	}
	others := (c.machine - before.machine).Seconds()
	for _, seconds := range took {
		others -= seconds
	}
	took["others"] = max(0, others) // the machine's clock is coarser than the others
	return took
}

// busy is for how long the machine's processors have worked for anybody, to hundredths of a second.
func busy() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("reading the processors' times: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	var sum int64
	// After the word "cpu": user, nice, system, idle, iowait, irq, softirq, steal.
	for i, f := range strings.Fields(line) {
		if i == 0 || i == 4 || i == 5 || i > 8 {
			continue
		}
		v, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading the processors' times: %w", err)
		}
		sum += v
	}
	return time.Duration(sum) * 10 * time.Millisecond, nil
}

// sleepUntil blocks the thread until t, to within a few microseconds: the runtime's timers are rounded to a millisecond
// when nothing else happens.
func sleepUntil(t time.Time) {
	for d := time.Until(t); d > 0; d = time.Until(t) {
		ts := unix.NsecToTimespec(int64(d))
		_ = unix.Nanosleep(&ts, nil) // a signal ends it early; the loop goes on
	}
}

// sharpTimers makes the kernel's timers for the calling thread as exact as they can be.
func sharpTimers() error {
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("setting the timer slack: %w", err)
	}
	return nil
}
