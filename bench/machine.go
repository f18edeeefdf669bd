package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/switchyard-gateway/switchyard/bench/report"
)

// describe records what ran and where.
func (b *bench) describe(ctx context.Context) {
	b.report.Started = time.Now().UTC().Truncate(time.Second)
	b.report.Machine = report.Machine{Processors: runtime.NumCPU(), Go: runtime.Version(), Kernel: kernel(), Model: model()}
	b.report.Commit = said(ctx, b.root, "git", "describe", "--always", "--dirty")
	for _, v := range [][]string{{b.setup.Router, "version"}, {"/usr/sbin/nginx", "-v"}, {"node", "--version"}} {
		if text := said(ctx, b.root, v[0], v[1:]...); text != "" {
			b.report.Versions = append(b.report.Versions, text)
		}
	}
}

// said is what a program says of itself, or nothing.
func said(ctx context.Context, dir, program string, args ...string) string {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(out))
}

func kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}

func model() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
