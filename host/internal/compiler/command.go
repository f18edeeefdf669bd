package compiler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds are what compiling one module may use.
type Bounds struct {
	Memory  int64         // bytes beyond those of the bare process
	CPU     time.Duration // processor time, rounded up to seconds
	Timeout time.Duration // on the clock, from the start of the process
}

// Usage is what it did use.
type Usage struct {
	CPU    time.Duration
	Memory int64 // bytes; 0 when the process did not come to tell
}

// Command starts a program which runs Main: its path and arguments.
type Command []string

// environment is all that a child gets: whatever secrets the parent has in its own stay there. It compiles on two
// processors, of which its priority leaves next to nothing to it while requests want them.
var environment = []string{"GOMAXPROCS=2", "GOTRACEBACK=none"}

// leave is how long a process that was killed, or has closed its answer, may take to go.
const leave = 5 * time.Second

// lateError says that the clock's limit was reached.
type lateError time.Duration

func (l lateError) Error() string {
	return fmt.Sprintf("compiling it took more than %s, the limit", time.Duration(l))
}

// Compile does a job in a process of its own, and ends that when ctx does. The error is a *RefusalError, or
// ctx's, or says that the clock's limit was reached or the process failed: another time it may not.
func (c Command) Compile(ctx context.Context, j *Job, b *Bounds) (Usage, error) {
	head, err := encodeOrder(&order{*j, *b})
	if err != nil {
		return Usage{}, fmt.Errorf("ordering it to be compiled: %w", err)
	}
	bounded, cancel := context.WithTimeoutCause(ctx, b.Timeout, lateError(b.Timeout))
	defer cancel()
	cmd := exec.CommandContext(bounded, c[0], c[1:]...)
	cmd.Env, cmd.WaitDelay = environment, leave
	stdout, stderr := &limited{max: maxAnswer}, &limited{max: 4 << 10}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return Usage{}, fmt.Errorf("starting the compiler: %w", err)
	}
	// See start. The thread waits, too.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := start(cmd); err != nil {
		return Usage{}, fmt.Errorf("starting the compiler: %w", err) // the pipes are closed
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		// A process that reads no more has a reason, which counts.
		if _, err := stdin.Write(head); err == nil {
			_, _ = stdin.Write(j.Module)
		}
	}()
	err = cmd.Wait()
	<-sent // Wait has closed the pipe
	u := Usage{CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if ctx.Err() != nil {
		return u, context.Cause(ctx)
	}
	if err != nil && bounded.Err() != nil {
		return u, context.Cause(bounded)
	}
	var a answer
	decoded := json.Unmarshal(stdout.kept.Bytes(), &a)
	if err == nil && (decoded != nil || !a.Done) {
		err = fmt.Errorf("it answered %q", plain(string(firstLine(stdout.kept.Bytes()))))
	}
	u.Memory = a.Memory
	switch {
	case err == nil && a.Error == "":
		return u, nil
	case b.outOfTime(cmd.ProcessState):
		return u, refuse(fmt.Sprintf("compiling it took more than %s of processor time, the limit", b.CPU))
	case starved(a.Error) || err != nil && starved(stderr.kept.String()):
		return u, refuse(fmt.Sprintf("compiling it took more than %s of memory, the limit", size(b.Memory)))
	case err == nil && a.Refused:
		return u, refuse(a.Error)
	case err == nil:
		return u, errors.New(plain(a.Error))
	}
	said := ""
	if line := firstLine(stderr.kept.Bytes()); len(line) > 0 {
		said = ": " + plain(string(line))
	}
	return u, fmt.Errorf("compiling it: the compiler ended after %s of processor time: %w%s", u.CPU.Round(time.Millisecond), err, said)
}

// starved reports whether Go's runtime, the system, or the race detector says that there is no more memory. Where Go's
// garbage collector does not look at what the system gave it, it says so by a fault.
func starved(text string) bool {
	return slices.ContainsFunc([]string{
		"out of memory", "cannot allocate memory", "ThreadSanitizer failed to allocate", "runtime.(*spanQueue).tryDrain(",
	}, func(said string) bool { return strings.Contains(text, said) })
}

func firstLine(b []byte) []byte {
	line, _, _ := bytes.Cut(bytes.TrimSpace(b), []byte("\n"))
	return line
}

// size writes a number of bytes in the largest unit that divides it.
func size(n int64) string {
	for _, u := range []struct {
		bytes int64
		name  string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + " " + u.name
		}
	}
	return strconv.FormatInt(n, 10) + " bytes"
}

// limited keeps the beginning of what is written to it and ignores the rest.
type limited struct {
	kept bytes.Buffer
	max  int
}

func (l *limited) Write(b []byte) (int, error) {
	l.kept.Write(b[:min(len(b), l.max-l.kept.Len())])
	return len(b), nil
}
