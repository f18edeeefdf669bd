package compiler

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// confinement is what a process finds about itself.
type confinement struct {
	Leader   bool             // of its own process group
	Nice     []int            // of each thread
	Idle     []bool           // whether it has the policy SCHED_IDLE
	Limits   map[int][]uint64 // soft, hard
	Mapped   uint64           // in bytes
	OOMScore string
}

// confined has the calling process confine itself.
func confined(urgent bool) (c confinement, err error) {
	if err := (&order{Bounds: Bounds{Memory: 100 << 20, CPU: 2500 * time.Millisecond}, Urgent: urgent}).confine(); err != nil {
		return c, err
	}
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
		c.Idle = append(c.Idle, strings.Fields(fields)[41-3] == "5")
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
		urgent bool
		nice   int
	}{"confined": {false, 19}, "hurried": {true, 10}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := confinementOf(t, name)
			if !c.Leader {
				t.Error("it is in another's process group")
			}
			if len(c.Nice) < 2 {
				t.Error("too few threads to tell")
			}
			if slices.Contains(c.Idle, tc.urgent) {
				t.Errorf("which threads wait for all others: %v", c.Idle)
			}
			for _, n := range c.Nice {
				if n != tc.nice {
					t.Errorf("the threads have priorities %v", c.Nice)
				}
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
	if out, err := exec.CommandContext(t.Context(), "/proc/self/exe", role, path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
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
