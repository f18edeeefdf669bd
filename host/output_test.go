package host

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
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
		if got := visible(in); got != want {
			t.Errorf("visible(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLineLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log logBuffer
		r := &record{plugin: "p"}
		to := slog.New(slog.NewTextHandler(&log, nil))
		for range maxLines + 10 {
			r.log(to, slog.LevelInfo, "log", []byte("line"))
		}
		if n := strings.Count(log.String(), "msg=line"); n != maxLines {
			t.Errorf("%d lines in a second, want %d", n, maxLines)
		}
		time.Sleep(time.Second) // of the bubble's time
		r.log(to, slog.LevelInfo, "log", []byte("later\x07"))
		contains(t, log.String(), `msg=later\a plugin=p stream=log lines_dropped_before=10`)
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
			var o output
			o.init(&Host{log: slog.New(slog.DiscardHandler)}, &record{}, "stderr")
			for rest := []byte(c.written); len(rest) > 0; rest = rest[min(step, len(rest)):] {
				if n, err := o.Write(rest[:min(step, len(rest))]); err != nil || n != min(step, len(rest)) {
					t.Fatalf("write: %d, %v", n, err)
				}
			}
			if got := o.text(); got != c.want {
				t.Errorf("%s, %d bytes at a time: %q, want %q", c.name, step, got, c.want)
			}
			o.reset()
			if got := o.text(); got != "" {
				t.Errorf("%s: %q after a reset", c.name, got)
			}
		}
	}
}

func TestGuestLog(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	g := withImport(newStrategy(1), abi.HostModule, abi.HostLog, typeLog)
	answer := g.functions[abi.ExportScore].body
	at := answersFrom + len(g.data)
	g.data = append(g.data, strings.Repeat("w", abi.MaxLogLine+5)...)
	line := func(level, ptr, size int32) []byte {
		return concat(constI32(level), constI32(ptr), constI32(size), call(0))
	}
	g.set(abi.ExportScore, typeI32toL, concat(
		line(abi.LogWarn, int32(at), abi.MaxLogLine+5), // too long
		line(abi.LogError, -8, 100),                    // outside memory: ignored
		line(abi.LogDebug, int32(at), 3),
		answer))
	f.write("a", g.encode())
	set := f.build(nil, strategySpec("a", "a"))
	if _, err := score(t, set.Strategy("a"), 1, 0); err != nil {
		t.Fatal(err)
	}
	contains(t, f.log.String(), "level=WARN msg="+strings.Repeat("w", abi.MaxLogLine)+" plugin=a stream=log", "level=DEBUG msg=www ")
	f.closed(set)
}
