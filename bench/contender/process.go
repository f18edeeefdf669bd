package contender

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a program that was started for the benchmark, with all that it started in turn.
type Process struct {
	cmd  *exec.Cmd
	log  string        // file of what it says
	done chan struct{} // closed when it has ended
}

// Start runs a program in a process group of its own. What it says goes to the file logs/NAME.log below dir, with nobody
// between who would take processor time. It is not in dir itself: the router watches the folders that lead to its
// configurations. The program has of the environment what it needs to run, and env.
func Start(dir, name string, env []string, program string, args ...string) (*Process, error) {
	p := &Process{log: filepath.Join(dir, "logs", name+".log"), done: make(chan struct{})}
	if err := os.MkdirAll(filepath.Dir(p.log), 0o700); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	if err := os.RemoveAll(p.log); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	file, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	defer file.Close()
	p.cmd = exec.Command(program, args...) //nolint:noctx // Stop ends it, and all of its children
	p.cmd.Dir = dir
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}, env...)
	p.cmd.Stdout, p.cmd.Stderr = file, file
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is nobody's concern: one that ends early is missed by who waits for it
		close(p.done)
	}()
	return p, nil
}

// Line waits until the program has said a line that contains text, and returns it.
func (p *Process) Line(ctx context.Context, text string) (string, error) {
	for {
		said, err := os.ReadFile(p.log)
		if err != nil {
			return "", fmt.Errorf("waiting for %q: %w", text, err)
		}
		for line := range strings.Lines(string(said)) {
			if strings.Contains(line, text) && strings.HasSuffix(line, "\n") {
				return strings.TrimRight(line, "\r\n"), nil
			}
		}
		select {
		case <-time.After(time.Millisecond):
		case <-p.done:
			return "", fmt.Errorf("waiting for %q: the program has ended; see %s", text, p.log)
		case <-ctx.Done():
			return "", fmt.Errorf("waiting for %q: %w; see %s", text, ctx.Err(), p.log)
		}
	}
}

// Forget empties the log, so that a router that logs each request does not fill the disk.
func (p *Process) Forget() error { return os.Truncate(p.log, 0) }

// Stop ends the program and what it started, kindly at first.
func (p *Process) Stop() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(3 * time.Second):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // also children that outlive their parent
	<-p.done
}

// PIDs are the ids of the program and of its descendants that live now.
func (p *Process) PIDs() []int {
	parents := map[int]int{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return []int{p.cmd.Process.Pid}
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue
		}
		// The name in parentheses may hold anything, so what follows its end counts: state and parent.
		if fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]); len(fields) > 1 {
			parents[pid], _ = strconv.Atoi(string(fields[1]))
		}
	}
	found := []int{p.cmd.Process.Pid}
	for i := 0; i < len(found); i++ {
		for pid, parent := range parents {
			if parent == found[i] && !slices.Contains(found, pid) {
				found = append(found, pid)
			}
		}
	}
	return found
}

// Memory is the resident memory of the program and its descendants in bytes. Of several processes, pages that they share
// count once.
func (p *Process) Memory() int64 {
	pids := p.PIDs()
	if len(pids) == 1 {
		return field(pids[0], "status", "VmRSS:")
	}
	var sum int64
	for _, pid := range pids {
		sum += field(pid, "smaps_rollup", "Pss:")
	}
	return sum
}

// field reads a size off a file of /proc, 0 if the process has ended.
func field(pid int, file, name string) int64 {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), file))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == name {
			kib, _ := strconv.ParseInt(fields[1], 10, 64) // the kernel writes digits
			return kib << 10
		}
	}
	return 0
}

// preference is how far generator and vendor go before what is measured, as a nice value.
const preference = -10

// Prefer lets a process go before others, or takes that back: a load generator or a vendor that must be on time would
// be on another machine, where nobody competes with it. It needs root, and does nothing without.
func Prefer(pid int, on bool) error {
	if os.Geteuid() != 0 {
		return nil
	}
	value := 0
	if on {
		value = preference
	}
	threads, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "task"))
	if err != nil {
		return fmt.Errorf("looking for the threads of process %d: %w", pid, err)
	}
	for _, t := range threads {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			return fmt.Errorf("looking for the threads of process %d: %w", pid, err)
		}
		// A thread that has ended meanwhile needs nothing, and those to come inherit it.
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, tid, value); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("setting the priority of process %d: %w", pid, err)
		}
	}
	return nil
}
