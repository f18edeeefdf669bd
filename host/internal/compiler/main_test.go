//go:build linux

package compiler

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// say is what a role answers.
func say(text string) error {
	_, err := os.Stdout.WriteString(text)
	return err
}

// roles are what this binary can be started as, with the arguments that follow the role's name.
var roles = map[string]func(args []string) error{
	"compile": func([]string) error { return Main(os.Stdin, os.Stdout) },
	"silent":  func([]string) error { return nil },
	"garbage": func([]string) error { return say("\x1b[31mwhat?\n") },
	"half":    func([]string) error { return say(`{"Done":true,"Err`) },
	"early":   func([]string) error { return say(`{"Memory":1}`) },
	"liar":    func([]string) error { return say(`{"Done":true}`) },
	"quits":   func([]string) error { return fmt.Errorf("no more\x00 of this\nand so on") },
	"panics":  func([]string) error { panic("a bug") },
	"flood": func([]string) error {
		for {
			if _, err := os.Stdout.WriteString(strings.Repeat("flood", 1000)); err != nil {
				return err
			}
		}
	},
	"hang": func(args []string) error { return hang(args[0]) },
	"breed": func(args []string) error {
		if err := exec.Command("/proc/self/exe", "hang", args[0]).Start(); err != nil {
			return err
		}
		return hang(args[0])
	},
	"parent": func(args []string) error {
		_, err := Command{"/proc/self/exe", "hang", args[0]}.Compile(context.Background(), &Job{}, &Bounds{Timeout: time.Hour})
		return err
	},
	"environ": func(args []string) error {
		b, err := os.ReadFile("/proc/self/environ")
		if err != nil {
			return err
		}
		return os.WriteFile(args[0], b, 0o600)
	},
	"confined":        func(args []string) error { return confine(args[0], false, false) },
	"beside requests": func(args []string) error { return confine(args[0], true, false) },
	"hurried":         func(args []string) error { return confine(args[0], true, true) },
	"waits":           func([]string) error { return waits() },
}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if role := roles[os.Args[1]]; role != nil {
			if err := role(os.Args[2:]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// confine confines this process and writes to a file what it finds then.
func confine(path string, beside, urgent bool) error {
	c, err := confined(beside, urgent)
	if err != nil {
		return err
	}
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}

// waits is a compiler that leaves something in its work folder and gets no processor, unless it is urgent.
func waits() error {
	var read bytes.Buffer
	o, _, err := readHead(io.TeeReader(os.Stdin, &read))
	if err != nil {
		return err
	}
	if o.Urgent {
		return Main(io.MultiReader(&read, os.Stdin), os.Stdout)
	}
	if err := os.MkdirAll(filepath.Join(o.Work, "left", "over"), 0o700); err != nil {
		return err
	}
	for {
		if err := syscall.Pause(); err != nil && err != syscall.EINTR {
			return err
		}
	}
}

// as is a command that starts this binary in a role.
func as(role string, args ...string) Command { return append(Command{"/proc/self/exe", role}, args...) }

// hang says so through a pipe, and keeps that open until the process is killed.
func hang(pipe string) error {
	f, err := os.OpenFile(pipe, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(f, os.Getpid()); err != nil {
		return err
	}
	for {
		if err := syscall.Pause(); err != nil && err != syscall.EINTR {
			return err
		}
	}
}
