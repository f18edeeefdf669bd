//go:build !linux

package compiler

import (
	"os"
	"os/exec"
	"time"
)

// confine does nothing: elsewhere than on Linux only the clock, and Go's own memory limit, bound the child.
func (o *order) confine() error { return nil }

func start(cmd *exec.Cmd, _ bool) error { return cmd.Start() }

func (b *Bounds) outOfTime(*os.ProcessState) bool { return false }

// hungry is never known: here the process does not wait for all others.
func hungry(int, time.Duration) bool { return false }
