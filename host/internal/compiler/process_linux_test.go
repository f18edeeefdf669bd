package compiler

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// confinement is what a process finds about itself.
type confinement struct {
	Leader bool  // of its own process group
	Nice   []int // of each thread
	Idle   int   // threads with the policy SCHED_IDLE
	// Processors is how many each thread may use.
	Processors []int
	Limits     map[int][]uint64 // soft, hard
	Mapped     uint64           // in bytes
	OOMScore   string
	Drummer    bool // the order knows of one
}

// confined has the calling process confine itself.
func confined(beside, urgent bool) (c confinement, err error) {
	bounds := Bounds{Memory: 100 << 20, CPU: 2500 * time.Millisecond, Processors: 2, Beside: beside}
	o := order{Bounds: bounds, Urgent: urgent}
	if err := o.confine(); err != nil {
		return c, err
	}
	c.Drummer = o.drummer != nil
	if c.Mapped, err = mapped(); err != nil {
		return c, err
	}
	c.Leader = syscall.Getpgrp() == os.Getpid()
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return c, err
	}
	for _, t := range threads {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			return c, err
		}
		n, err := syscall.Getpriority(syscall.PRIO_PROCESS, tid)
		if err != nil {
			return c, err
		}
		c.Nice = append(c.Nice, 20-n) // the system call returns it so
		stat, err := os.ReadFile("/proc/self/task/" + t.Name() + "/stat")
		if err != nil {
			return c, err
		}
		_, fields, _ := strings.Cut(string(stat), ") ") // behind the name, which is the second
		if strings.Fields(fields)[41-3] == "5" {
			c.Idle++
		}
		var may unix.CPUSet
		if err := unix.SchedGetaffinity(tid, &may); err != nil {
			return c, err
		}
		c.Processors = append(c.Processors, may.Count())
	}
	c.Limits = map[int][]uint64{}
	for _, which := range []int{syscall.RLIMIT_CORE, syscall.RLIMIT_CPU, syscall.RLIMIT_DATA} {
		var l syscall.Rlimit
		if err := syscall.Getrlimit(which, &l); err != nil {
			return c, err
		}
		c.Limits[which] = []uint64{l.Cur, l.Max}
	}
	score, err := os.ReadFile("/proc/self/oom_score_adj")
	c.OOMScore = strings.TrimSpace(string(score))
	return c, err
}

func TestConfinement(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		nice   int
		awake  int // threads that are not idle, -1 for all
		beside bool
	}{"confined": {19, 0, false}, "beside requests": {19, 1, true}, "hurried": {10, -1, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := confinementOf(t, name)
			if !c.Leader {
				t.Error("it is in another's process group")
			}
			if len(c.Nice) < 2 {
				t.Error("too few threads to tell")
			}
			if awake := len(c.Nice) - c.Idle; awake != tc.awake && (tc.awake >= 0 || c.Idle > 0) {
				t.Errorf("%d of %d threads wait for all others", c.Idle, len(c.Nice))
			}
			for _, n := range c.Processors {
				if want := len(processors()); tc.beside && n != 1 || !tc.beside && n != want {
					t.Errorf("the threads may use %v of %d processors", c.Processors, want)
					break
				}
			}
			for _, n := range c.Nice {
				if n != tc.nice {
					t.Errorf("the threads have priorities %v", c.Nice)
				}
			}
			if c.Drummer != tc.beside {
				t.Errorf("the order has a drummer: %t", c.Drummer)
			}
			if c.OOMScore != "1000" {
				t.Errorf("OOM score %q", c.OOMScore)
			}
			for which, want := range map[int][]uint64{syscall.RLIMIT_CORE: {0, 0}, syscall.RLIMIT_CPU: {3, 4}} {
				if l := c.Limits[which]; !slices.Equal(l, want) {
					t.Errorf("limit %d is %v, want %v", which, l, want)
				}
			}
			if l := c.Limits[syscall.RLIMIT_DATA]; len(l) != 2 || l[0] != l[1] || l[0] < c.Mapped+80<<20 || l[0] > c.Mapped+120<<20 {
				t.Errorf("%v bytes, of which %d are in use", l, c.Mapped)
			}
		})
	}
}

// confinementOf has a process confine itself in a role. Compile would lower its priority as well.
func confinementOf(t *testing.T, role string) (c confinement) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "confined")
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", role, path)
	if err := start(cmd, role == "hurried"); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	return c
}
