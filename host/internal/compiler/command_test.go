//go:build linux

package compiler

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
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
)

func TestBounds(t *testing.T) {
	t.Parallel()
	large := module(bomb(400_000)) // seconds and a gigabyte
	for name, tc := range map[string]struct {
		bounds Bounds
		want   string
		lasts  bool
	}{
		"processor": {Bounds{Memory: 4 << 30, CPU: 900 * time.Millisecond, Timeout: time.Hour}, "compiling it took more than 900ms of processor time, the limit", true},
		"memory":    {Bounds{Memory: 64 << 20, CPU: time.Hour, Timeout: time.Hour}, "compiling it took more than 64 MiB of memory, the limit", true},
		"much":      {Bounds{Memory: 256 << 20, CPU: time.Hour, Timeout: time.Hour}, "compiling it took more than 256 MiB of memory, the limit", true},
		"clock":     {Bounds{Memory: 4 << 30, CPU: time.Hour, Timeout: 100 * time.Millisecond}, "compiling it took more than 100ms, the limit, of which it had a processor for ", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := as("compile").Compile(t.Context(), newJob(t, large), &tc.bounds)
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) || tc.lasts && err.Error() != tc.want {
				t.Errorf("%v, want %q", err, tc.want)
			}
			if _, refused := errors.AsType[*RefusalError](err); refused != tc.lasts {
				t.Errorf("%v is for ever: %v", err, refused)
			}
		})
	}
}

// TestHungry has a process that gets no processor, as on a machine where others want them all: another one, which does not
// wait for all others, does the job. Where that has nothing either, time is up.
func TestHungry(t *testing.T) {
	t.Parallel()
	j := newJob(t, module(small))
	if _, err := as("waits").patiently(t.Context(), j, &ample, 2*time.Second); err != nil {
		t.Fatal(err)
	}
	if left := results(t, j); len(left) != 2 {
		t.Errorf("it left %d files", len(left))
	}
	again := newJob(t, module(small))
	if err := Compile(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if want, got := results(t, again), results(t, j); !maps.Equal(got, want) {
		t.Error("what it left is not what a compiler leaves")
	}
}

// TestChildrenGoneWrong has processes that are no compiler.
func TestChildrenGoneWrong(t *testing.T) {
	t.Parallel()
	const ended = "compiling it: the compiler ended after "
	for name, tc := range map[string]struct {
		command Command
		want    []string
	}{
		"no such file":  {Command{"/no/such/file"}, []string{"starting the compiler: ", "/no/such/file", "no such file"}},
		"no program":    {Command{"/etc"}, []string{"starting the compiler: ", "permission denied"}},
		"ends at once":  {as("silent"), []string{ended, `it answered ""`}},
		"talks":         {as("garbage"), []string{ended, `it answered "\\x1b[31mwhat?"`}},
		"half":          {as("half"), []string{ended, "it answered"}},
		"early":         {as("early"), []string{ended, "it answered"}},
		"flood":         {as("flood"), []string{ended, `it answered "floodflood`}},
		"quits":         {as("quits"), []string{ended, `exit status 1: no more\x00 of this`}},
		"panics":        {as("panics"), []string{ended, "exit status 2: panic: a bug"}},
		"other command": {as("-test.run=^$"), []string{ended, "it answered"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bounds := ample
			if name == "flood" {
				bounds.Timeout = time.Second
				tc.want = []string{"more than 1s"}
			}
			_, err := tc.command.Compile(t.Context(), newJob(t, module(small)), &bounds)
			if err == nil {
				t.Fatal("it compiled")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if _, refused := errors.AsType[*RefusalError](err); refused || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is the module's fault, or more than a line", err)
			}
		})
	}
}

// pipe makes a named pipe on which processes say that they have started.
func pipe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// hanging waits for so many processes to hang and returns their ids, and a function that waits until all are dead.
func hanging(t *testing.T, path string, count int) (pids []int, dead func()) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(f)
	for range count {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids, func() {
		defer f.Close()
		if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
			t.Errorf("%q, %v", rest, err)
		}
	}
}

// TestCancel cancels a compilation whose process has another one: both die, and the first leaves no zombie.
func TestCancel(t *testing.T) {
	t.Parallel()
	path := pipe(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := as("breed", path).Compile(ctx, newJob(t, module(small)), &ample)
		done <- err
	}()
	pids, dead := hanging(t, path, 2)
	over := errors.New("no longer needed")
	cancel(over)
	if err := <-done; !errors.Is(err, over) {
		t.Errorf("the error is %v", err)
	}
	dead()
	for _, pid := range pids {
		if got, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil); !errors.Is(err, syscall.ECHILD) {
			t.Errorf("process %d was not waited for: %d, %v", pid, got, err)
		}
	}
}

// TestOrphan kills a parent: its child, which reads no input, dies too.
func TestOrphan(t *testing.T) {
	t.Parallel()
	path := pipe(t)
	parent := as("parent", path)
	cmd := exec.Command(parent[0], parent[1:]...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, dead := hanging(t, path, 1)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	dead()
	_ = cmd.Wait() // it was killed
}

// TestEndOfInput closes the child's input while it compiles: nobody waits for the answer.
func TestEndOfInput(t *testing.T) {
	t.Parallel()
	j := newJob(t, module(bomb(100_000)))
	head, err := encodeOrder(&order{Job: *j, Bounds: ample})
	if err != nil {
		t.Fatal(err)
	}
	compile := as("compile")
	cmd := exec.CommandContext(t.Context(), compile[0], compile[1:]...)
	cmd.Stdin = bytes.NewReader(append(head, j.Module...))
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitOrphan || len(out) > 0 {
		t.Errorf("%q, %v", out, err)
	}
}

// TestNoSecrets looks at all that a child knows of the parent's environment.
func TestNoSecrets(t *testing.T) {
	t.Setenv("VENDOR_API_KEY", "sk-secret")
	path := filepath.Join(t.TempDir(), "environ")
	_, err := as("environ", path).Compile(t.Context(), newJob(t, module(small)), &ample)
	if err == nil {
		t.Fatal("it compiled")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for pair := range strings.SplitSeq(strings.TrimSuffix(string(b), "\x00"), "\x00") {
		if name, _, _ := strings.Cut(pair, "="); name != "GOMAXPROCS" && name != "GOTRACEBACK" {
			t.Errorf("the child has %s", name)
		}
	}
}

// TestNothingIsLeft counts what this process has after children of all kinds.
func TestNothingIsLeft(t *testing.T) {
	count := func() (fds, goroutines int) {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(list), runtime.NumGoroutine()
	}
	round := func() {
		for _, c := range []Command{as("compile"), as("silent"), as("quits"), as("garbage"), {"/no/such/file"}} {
			_, err := c.Compile(t.Context(), newJob(t, module(small)), &ample)
			if (err == nil) != slices.Equal(c, as("compile")) {
				t.Errorf("%q: %v", c, err)
			}
		}
		late := ample
		late.Timeout = time.Millisecond
		if _, err := as("compile").Compile(t.Context(), newJob(t, module(bomb(100_000))), &late); err == nil {
			t.Error("it was in time")
		}
	}
	round() // the runtime opens files of its own at first
	fds, goroutines := count()
	for range 5 {
		round()
	}
	for _, g := count(); g > goroutines; _, g = count() {
		runtime.Gosched() // one may have done its work and not be gone yet
	}
	if f, _ := count(); f > fds {
		t.Errorf("%d open files became %d", fds, f)
	}
	if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); !errors.Is(err, syscall.ECHILD) {
		t.Errorf("process %d is left, %v", pid, err)
	}
}
