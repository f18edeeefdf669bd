package host

import (
	"bytes"
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// maxLines is how many lines a plugin may log in a second, over all its instances and ways to write.
const maxLines = 64

// lineLimit caps lines per second. The zero value is ready.
type lineLimit struct {
	second  atomic.Int64
	lines   atomic.Int64
	dropped atomic.Int64
}

// allow reports whether one more line may be logged now.
func (l *lineLimit) allow(now time.Time) bool {
	if s := now.Unix(); l.second.Swap(s) != s {
		l.lines.Store(0)
	}
	if l.lines.Add(1) <= maxLines {
		return true
	}
	l.dropped.Add(1)
	return false
}

// log writes one line of a plugin to the host's log.
func (r *record) log(log *slog.Logger, level slog.Level, stream string, line []byte) {
	if !log.Enabled(context.Background(), level) || !r.lines.allow(time.Now()) {
		return
	}
	attrs := []slog.Attr{slog.String("plugin", r.plugin), slog.String("stream", stream)}
	if n := r.lines.dropped.Swap(0); n > 0 {
		attrs = append(attrs, slog.Int64("lines_dropped_before", n))
	}
	log.LogAttrs(context.Background(), level, visible(string(line[:min(len(line), abi.MaxLogLine)])), attrs...)
}

func logLevel(level uint32) slog.Level {
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

// visible returns s with control characters and broken UTF-8 escaped, so that it can stand in a log line or a header.
func visible(s string) string {
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

// maxSaid is how much of a guest's last words is kept for the message of a trap.
const maxSaid = 1 << 10

// output is a guest's stdout or stderr. Complete lines go to the log; the beginning of what was written during the
// current call is kept, and from the line on that reports a panic if there is one. It is used by one goroutine, that of
// the guest.
type output struct {
	host   *Host
	record *record
	stream string
	line   []byte
	said   []byte
}

func (o *output) init(h *Host, r *record, stream string) { o.host, o.record, o.stream = h, r, stream }

// reset forgets what earlier calls wrote.
func (o *output) reset() {
	if len(o.said) > 0 {
		o.said = o.said[:0]
	}
}

// Write takes bytes as the guest writes them. It never fails.
func (o *output) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		part, rest, whole := bytes.Cut(b, []byte{'\n'})
		o.line = append(o.line, part[:min(len(part), abi.MaxLogLine-len(o.line))]...)
		if b = rest; whole {
			o.finishLine()
		}
	}
	return n, nil
}

func (o *output) finishLine() {
	if len(bytes.TrimSpace(o.line)) > 0 {
		if isLastWords(o.line) {
			o.said = o.said[:0]
		}
		if len(o.said) > 0 && len(o.said) < maxSaid {
			o.said = append(o.said, ' ')
		}
		o.said = append(o.said, o.line[:min(len(o.line), maxSaid-len(o.said))]...)
		o.record.log(o.host.log, slog.LevelInfo, o.stream, o.line)
	}
	o.line = o.line[:0]
}

// isLastWords reports whether a line is how a guest begins to die: Go, then Rust.
func isLastWords(line []byte) bool {
	for _, start := range []string{"panic: ", "fatal error: ", "thread '"} {
		if bytes.HasPrefix(line, []byte(start)) {
			return true
		}
	}
	return false
}

// text returns what was kept, an unfinished line included, without Go's list of goroutines.
func (o *output) text() string {
	if len(o.line) > 0 {
		o.finishLine()
	}
	said, _, _ := strings.Cut(string(o.said), " goroutine ")
	return visible(said)
}
