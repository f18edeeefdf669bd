package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for something that should happen at once. It is no performance limit: a wait that reaches
// it has failed.
const patience = 30 * time.Second

// process is a child with its output. It is killed at the end of the test if it still runs.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdout transcript
	stderr transcript
	exited chan struct{} // closed once it has ended
	err    error         // of the wait, after exited
}

// start runs the binary.
func start(t testing.TB, args ...string) *process {
	t.Helper()
	return startCommand(t, nil, exec.Command(binary, args...))
}

// startCommand runs a command. env is added to the environment of the test.
func startCommand(t testing.TB, env []string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, exited: make(chan struct{})}
	p.stdout.init()
	p.stderr.init()
	cmd.Stdout, cmd.Stderr, cmd.Env = &p.stdout, &p.stderr, append(clean(os.Environ()), env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%v\nstdout:\n%s\nstderr:\n%s", cmd.Args[1:], tail(p.stdout.String()), tail(p.stderr.String()))
		}
	})
	return p
}

// clean leaves out what would change how the router behaves.
func clean(env []string) []string {
	var kept []string
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, "SWITCHYARD_") && !strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			kept = append(kept, e)
		}
	}
	return kept
}

func tail(s string) string { return s[max(0, len(s)-4000):] }

// kill ends the process without giving it a say, as kill -9 does, and waits for its end.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.exited
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// code waits for the process to end by itself and returns its exit code.
func (p *process) code() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("%v is still running", p.cmd.Args[1:])
	}
	if exit, ok := errors.AsType[*exec.ExitError](p.err); ok {
		return exit.ExitCode()
	} else if p.err != nil {
		p.t.Fatal(p.err)
	}
	return 0
}

// line waits until the output has a line with the text, and returns it from there on.
func (p *process) line(out *transcript, text string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	found, ok := out.find(ctx, p.exited, text)
	if !ok {
		p.t.Fatalf("%v did not say %q\nstdout:\n%s\nstderr:\n%s", p.cmd.Args[1:], text, tail(p.stdout.String()), tail(p.stderr.String()))
	}
	return found
}

// run runs the binary to its end.
func run(t testing.TB, env []string, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	if stdin != "" {
		cmd.Stdin = strings.NewReader(stdin)
	}
	p := startCommand(t, env, cmd)
	code = p.code()
	return code, p.stdout.String(), p.stderr.String()
}

// transcript is what a process has written so far.
type transcript struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	change chan struct{} // closed at the next write
}

func (b *transcript) init() { b.change = make(chan struct{}) }

func (b *transcript) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.change)
	b.change = make(chan struct{})
	return b.buf.Write(p)
}

func (b *transcript) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// find waits for a whole line that has the text and returns it from the text on. It gives up when ctx ends, or ended is
// closed.
func (b *transcript) find(ctx context.Context, ended <-chan struct{}, text string) (string, bool) {
	for last := false; ; {
		b.mu.Lock()
		all, change := b.buf.String(), b.change
		b.mu.Unlock()
		for line := range strings.Lines(all) {
			if _, after, ok := strings.Cut(line, text); ok && strings.HasSuffix(line, "\n") {
				return text + strings.TrimSuffix(after, "\n"), true
			}
		}
		if last {
			return "", false
		}
		select {
		case <-change:
		case <-ended:
			last = true
		case <-ctx.Done():
			return "", false
		}
	}
}

// eventually waits until the condition is nil, asking again and again, and fails the test with what it said last.
func eventually(t testing.TB, within time.Duration, what string, condition func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waiting for %s: %v", what, err)
		}
	}
}

// want makes an error of two values that differ.
func want[T comparable](what string, got, wanted T) error {
	if got == wanted {
		return nil
	}
	return fmt.Errorf("%s is %v, want %v", what, got, wanted)
}
