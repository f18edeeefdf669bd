package compiler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/host/internal/threads"
)

// Bounds are what compiling one module may use.
type Bounds struct {
	Memory     int64         // bytes beyond those of the bare process
	CPU        time.Duration // processor time, rounded up to seconds
	Timeout    time.Duration // on the clock, from the start of the process
	Processors int           // that it keeps busy at a time, at least one
	// Beside says that the processors are wanted for requests: it takes one, and more only while nobody else comes. Where all
	// of them compile, a thread that wakes up does not always get one at once, in spite of the priorities: now and then it
	// waits for the clock's next tick, which is milliseconds.
	Beside bool
}

// Usage is what it did use.
type Usage struct {
	CPU    time.Duration
	Memory int64 // bytes; 0 when the process did not come to tell
}

// Command starts a program which runs Main: its path and arguments.
type Command []string

// environment is all that a child gets: whatever secrets the parent has in its own stay there.
func (o *order) environment() []string {
	busy := o.busy()
	if o.beats() {
		busy++
	}
	return []string{"GOMAXPROCS=" + strconv.Itoa(busy), "GOTRACEBACK=none"}
}

// leave is how long a process that was killed, or has closed its answer, may take to go.
const leave = 5 * time.Second

// lateError says that the clock's limit was reached.
type lateError time.Duration

func (l lateError) Error() string {
	return fmt.Sprintf("compiling it took more than %s, the limit", time.Duration(l))
}

// errHungry ends a process that has next to nothing of the processors.
var errHungry = errors.New("it had no processor")

// Compile does a job in a process of its own, and ends that when ctx does. The process waits for all others; where these
// leave next to nothing to it for half of the time that it has, another one, which has a share of its own, gets the
// other half. The error is a *RefusalError, or ctx's, or says that the clock's limit was reached or the process failed:
// another time it may not.
func (c Command) Compile(ctx context.Context, j *Job, b *Bounds) (Usage, error) {
	return c.patiently(ctx, j, b, b.Timeout/2)
}

// patiently is Compile with the time after which it looks whether the process is hungry.
func (c Command) patiently(ctx context.Context, j *Job, b *Bounds, patience time.Duration) (Usage, error) {
	defer threads.ShortTurns()()
	bounded, cancel := context.WithTimeoutCause(ctx, b.Timeout, lateError(b.Timeout))
	defer cancel()
	used, err := c.run(bounded, &order{Job: *j, Bounds: *b}, patience)
	if errors.Is(err, errHungry) {
		if err := empty(j.Work); err != nil {
			return used, fmt.Errorf("compiling it again: %w", err)
		}
		var more Usage
		more, err = c.run(bounded, &order{Job: *j, Bounds: *b, Urgent: true}, b.Timeout)
		used = Usage{CPU: used.CPU + more.CPU, Memory: more.Memory}
	}
	if late, ok := errors.AsType[lateError](err); ok {
		err = fmt.Errorf("%w, of which it had a processor for %s", late, used.CPU.Round(time.Millisecond))
	}
	return used, err
}

// empty removes what a process has left in its work folder.
func empty(work string) error {
	left, err := os.ReadDir(work)
	for _, e := range left {
		err = errors.Join(err, os.RemoveAll(filepath.Join(work, e.Name())))
	}
	return err
}

// run starts one process and waits for it. The error is errHungry if it has had its time of patience and hardly a
// processor.
func (c Command) run(ctx context.Context, o *order, patience time.Duration) (Usage, error) {
	head, err := encodeOrder(o)
	if err != nil {
		return Usage{}, fmt.Errorf("ordering it to be compiled: %w", err)
	}
	bounded, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd := exec.CommandContext(bounded, c[0], c[1:]...)
	cmd.Env, cmd.WaitDelay = o.environment(), leave
	stdout, stderr := &limited{max: maxAnswer}, &limited{max: 4 << 10}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return Usage{}, fmt.Errorf("starting the compiler: %w", err)
	}
	// See start. The thread waits, too.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := start(cmd, o.Urgent); err != nil {
		if bounded.Err() != nil {
			return Usage{}, context.Cause(bounded)
		}
		return Usage{}, fmt.Errorf("starting the compiler: %w", err) // the pipes are closed
	}
	look := time.AfterFunc(patience, func() {
		if hungry(cmd.Process.Pid, patience) {
			cancel(errHungry)
		}
	})
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		// A process that reads no more has a reason, which counts.
		if _, err := stdin.Write(head); err == nil {
			_, _ = stdin.Write(o.Module)
		}
	}()
	err = cmd.Wait()
	look.Stop()
	<-sent // Wait has closed the pipe
	u := Usage{CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
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
	case o.outOfTime(cmd.ProcessState):
		return u, refuse(fmt.Sprintf("compiling it took more than %s of processor time, the limit", o.CPU))
	case starved(a.Error) || err != nil && starved(stderr.kept.String()):
		return u, refuse(fmt.Sprintf("compiling it took more than %s of memory, the limit", size(o.Memory)))
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
