package guestlog

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestVisible(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                "",
		"plain text":      "plain text",
		"a\nb\r\tc":       `a\nb\r\tc`,
		"\x1b[31mred\x00": `\x1b[31mred\x00`,
		"grün 日本":         "grün 日本",
		"bad \xff byte":   `bad \xff byte`,
		"\u202egnp.exe":   `\u202egnp.exe`,
	} {
		if got := Visible(in); got != want {
			t.Errorf("Visible(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLineLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		const maxLines = 64
		lines := &Lines{Who: slog.String("plugin", "p"), Limit: maxLines}
		to := slog.New(slog.NewTextHandler(&log, nil))
		for range maxLines + 10 {
			lines.Write(to, slog.LevelInfo, "log", []byte("line"))
		}
		if n := strings.Count(log.String(), "msg=line"); n != maxLines {
			t.Errorf("%d lines in a second, want %d", n, maxLines)
		}
		time.Sleep(time.Second) // of the bubble's time
		lines.Write(to, slog.LevelInfo, "log", []byte("later\x07"))
		if want := `msg=later\a plugin=p stream=log lines_dropped_before=10`; !strings.Contains(log.String(), want) {
			t.Errorf("%q does not say %q", log.String(), want)
		}
	})
}

func TestLastWords(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, written, want string }{
		{"nothing", "", ""},
		{"a line", "out of sorts\n", "out of sorts"},
		{"no line end", "out of sorts", "out of sorts"},
		{"chatter, then a panic", "working\nstill working\npanic: no route\n\ngoroutine 1 [running]:\nmain.main()\n\t/x/main.go:3\n", "panic: no route"},
		{"two lines", "panic: a\n\tpanic: b\n", `panic: a \tpanic: b`},
		{"Rust", "x\nthread 'main' panicked at src/lib.rs:1:2:\nindex out of bounds\n", "thread 'main' panicked at src/lib.rs:1:2: index out of bounds"},
		{"control bytes", "\x1b[2Jpanic", `\x1b[2Jpanic`},
		{"long", strings.Repeat("x", 5000) + "\n" + strings.Repeat("y", 5000) + "\n", strings.Repeat("x", maxSaid)},
	}
	for _, c := range cases {
		for _, step := range []int{1, 7, 1 << 20} {
			var o Output
			o.Init(slog.New(slog.DiscardHandler), new(Lines), "stderr")
			for rest := []byte(c.written); len(rest) > 0; rest = rest[min(step, len(rest)):] {
				if n, err := o.Write(rest[:min(step, len(rest))]); err != nil || n != min(step, len(rest)) {
					t.Fatalf("write: %d, %v", n, err)
				}
			}
			if got := o.Text(); got != c.want {
				t.Errorf("%s, %d bytes at a time: %q, want %q", c.name, step, got, c.want)
			}
			o.Reset()
			if got := o.Text(); got != "" {
				t.Errorf("%s: %q after a reset", c.name, got)
			}
		}
	}
}
