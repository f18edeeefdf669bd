package guestlog

import (
	"bytes"
	"log/slog"
	"strings"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// maxSaid is how much of a guest's last words is kept for the message of a trap.
const maxSaid = 1 << 10

// Output is a guest's stdout or stderr. Complete lines go to the log; the beginning of what was written during the
// current call is kept, and from the line on that reports a panic if there is one. It is used by one goroutine, that of
// the guest.
type Output struct {
	to     *slog.Logger
	lines  *Lines
	stream string
	line   []byte
	said   []byte
}

// Init says where complete lines go. It must be called before anything is written.
func (o *Output) Init(to *slog.Logger, lines *Lines, stream string) {
	o.to, o.lines, o.stream = to, lines, stream
}

// Reset forgets what earlier calls wrote.
func (o *Output) Reset() {
	if len(o.said) > 0 {
		o.said = o.said[:0]
	}
}

// Write takes bytes as the guest writes them. It never fails.
func (o *Output) Write(b []byte) (int, error) {
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

func (o *Output) finishLine() {
	if len(bytes.TrimSpace(o.line)) > 0 {
		if isLastWords(o.line) {
			o.said = o.said[:0]
		}
		if len(o.said) > 0 && len(o.said) < maxSaid {
			o.said = append(o.said, ' ')
		}
		o.said = append(o.said, o.line[:min(len(o.line), maxSaid-len(o.said))]...)
		o.lines.Write(o.to, slog.LevelInfo, o.stream, o.line)
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

// Text returns what was kept, an unfinished line included, without Go's list of goroutines.
func (o *Output) Text() string {
	if len(o.line) > 0 {
		o.finishLine()
	}
	said, _, _ := strings.Cut(string(o.said), " goroutine ")
	return Visible(said)
}
