// Package logbuffer takes the writing of log lines off the path of requests: import it to put it between a slog handler
// and the file or pipe that lines go to.
//
// A line that comes when none was written lately goes out at once. Those that follow soon are gathered and go out
// together, a moment later or when they are many. Nothing is dropped: when the output is slower than the lines, whoever
// logs waits.
package logbuffer

import (
	"io"
	"sync"
	"time"
)

const (
	// pause is how long lines are gathered, and the most that a crash can lose.
	pause = 20 * time.Millisecond
	// full is how many bytes are gathered at most.
	full = 64 << 10
)

// Writer gathers what is written to it. It is safe for concurrent use; lines keep their order. Flush it when the last
// line has been logged.
type Writer struct {
	out io.Writer

	mu    sync.Mutex // of what follows
	buf   []byte
	last  time.Time   // of the latest write to out
	timer *time.Timer // set when there is something in buf
	armed bool

	writing sync.Mutex // while out is written to; taken before mu
	spare   []byte
	err     error
}

// New returns a writer to out.
func New(out io.Writer) *Writer { return &Writer{out: out} }

// Write takes one line, or several. The error is that of an earlier write to the output.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	w.buf = append(w.buf, p...)
	now := len(w.buf) >= full || !w.armed && time.Since(w.last) >= pause
	if !now && !w.armed {
		w.armed = true
		if w.timer == nil {
			w.timer = time.AfterFunc(pause, func() { _ = w.Flush() })
		} else {
			w.timer.Reset(pause)
		}
	}
	w.mu.Unlock()
	if now {
		return len(p), w.Flush()
	}
	return len(p), nil
}

// Flush writes out what was gathered before it was called.
func (w *Writer) Flush() error {
	w.writing.Lock()
	defer w.writing.Unlock()
	w.mu.Lock()
	lines := w.buf
	w.buf, w.last = w.spare[:0], time.Now()
	if w.armed {
		w.armed = false
		w.timer.Stop()
	}
	w.mu.Unlock()
	if len(lines) > 0 {
		if _, err := w.out.Write(lines); err != nil {
			w.err = err
		}
	}
	w.spare = lines
	return w.err
}
