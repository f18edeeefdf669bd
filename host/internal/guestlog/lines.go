// Package guestlog is what guests have to say: import it to put their lines into a log, so many a second, escaped, and to
// keep the last words of one that traps.
package guestlog

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Lines is how the lines of one plugin get into the log, so many in a second. It is safe for concurrent use.
type Lines struct {
	Who   slog.Attr // says whose lines they are
	Limit int       // lines in a second, over all instances and ways to write

	second  atomic.Int64
	lines   atomic.Int64
	dropped atomic.Int64
}

// Allow reports whether one more line may be logged now.
func (l *Lines) Allow(now time.Time) bool {
	if s := now.Unix(); l.second.Swap(s) != s {
		l.lines.Store(0)
	}
	if l.lines.Add(1) <= int64(l.Limit) {
		return true
	}
	l.dropped.Add(1)
	return false
}

// Write writes one line to a log, if it may. The stream says how the plugin wrote it.
func (l *Lines) Write(log *slog.Logger, level slog.Level, stream string, line []byte) {
	if !log.Enabled(context.Background(), level) || !l.Allow(time.Now()) {
		return
	}
	attrs := []slog.Attr{l.Who, slog.String("stream", stream)}
	if n := l.dropped.Swap(0); n > 0 {
		attrs = append(attrs, slog.Int64("lines_dropped_before", n))
	}
	log.LogAttrs(context.Background(), level, Visible(string(line[:min(len(line), abi.MaxLogLine)])), attrs...)
}

// Level is the log's name for one of abi's levels.
func Level(level uint32) slog.Level {
	switch level {
	case abi.LogDebug:
		return slog.LevelDebug
	case abi.LogInfo:
		return slog.LevelInfo
	case abi.LogWarn:
		return slog.LevelWarn
	}
	return slog.LevelError
}

// Visible returns s with control characters and broken UTF-8 escaped, so that it can stand in a log line or a header.
func Visible(s string) string {
	clean := true
	for _, c := range []byte(s) {
		if c < ' ' || c == 0x7f || c >= utf8.RuneSelf {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if (r == utf8.RuneError && n == 1) || !strconv.IsPrint(r) {
			q := strconv.Quote(s[:n])
			b.WriteString(q[1 : len(q)-1])
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}
