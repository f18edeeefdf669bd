package logbuffer

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// Text returns a handler that writes what a [slog.TextHandler] writes, in a third of the time, and gives warnings, and
// what is worse, no time to be lost: after each, everything is written out. Whoever logs very often may look for a method
//
//	HandleAttrs(at time.Time, level slog.Level, msg string, attrs []slog.Attr) error
//
// on the handler: it writes the same line without a record having to be made.
func Text(w *Writer, level slog.Leveler) slog.Handler {
	return &text{handler: handler{slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}), w}}
}

// text formats records of plain attributes itself. All others, and those of loggers with attributes or groups of their
// own, go to the embedded handler.
type text struct {
	handler
	second atomic.Pointer[second] // of the latest line
}

// second is what lines of one second have in common.
type second struct {
	unix       int64
	zone       *time.Location
	head, tail string // around the milliseconds
}

// lines are buffers for one each.
var lines = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}

// Handle implements slog.Handler.
func (h *text) Handle(ctx context.Context, r slog.Record) error {
	buf := lines.Get().(*[]byte)
	defer lines.Put(buf)
	line, ok := h.begin((*buf)[:0], r.Time, r.Level, r.Message)
	if ok {
		r.Attrs(func(a slog.Attr) bool {
			line, ok = appendAttr(line, a)
			return ok
		})
	}
	*buf = line
	if !ok {
		return h.handler.Handle(ctx, r)
	}
	return h.end(buf, r.Level)
}

// HandleAttrs does what Handle does with a record of these, and saves making it. It keeps none of them. Whether the level
// is enabled is the caller's business.
func (h *text) HandleAttrs(at time.Time, level slog.Level, msg string, attrs []slog.Attr) error {
	buf := lines.Get().(*[]byte)
	defer lines.Put(buf)
	line, ok := h.begin((*buf)[:0], at, level, msg)
	for i := 0; ok && i < len(attrs); i++ {
		line, ok = appendAttr(line, attrs[i])
	}
	*buf = line
	if !ok {
		r := slog.NewRecord(at, level, msg, 0)
		r.AddAttrs(attrs...)
		return h.handler.Handle(context.Background(), r)
	}
	return h.end(buf, level)
}

// end ends a line and writes it.
func (h *text) end(buf *[]byte, level slog.Level) error {
	*buf = append(*buf, '\n')
	_, err := h.w.Write(*buf)
	if err == nil && level >= slog.LevelWarn {
		err = h.w.Flush()
	}
	return err
}

// begin writes what stands before a line's attributes, unless that is not plain.
func (h *text) begin(b []byte, at time.Time, level slog.Level, msg string) (line []byte, ok bool) {
	if at.IsZero() {
		return b, false
	}
	b = h.time(b, at)
	switch level {
	case slog.LevelDebug:
		b = append(b, " level=DEBUG msg="...)
	case slog.LevelInfo:
		b = append(b, " level=INFO msg="...)
	case slog.LevelWarn:
		b = append(b, " level=WARN msg="...)
	case slog.LevelError:
		b = append(b, " level=ERROR msg="...)
	default:
		return b, false
	}
	return appendString(b, msg)
}

// time writes a time to the millisecond.
func (h *text) time(b []byte, t time.Time) []byte {
	s := h.second.Load()
	if unix := t.Unix(); s == nil || s.unix != unix || s.zone != t.Location() {
		s = &second{unix: unix, zone: t.Location(), head: t.Format("time=2006-01-02T15:04:05."), tail: t.Format("Z07:00")}
		h.second.Store(s)
	}
	ms := t.Nanosecond() / 1e6
	b = append(b, s.head...)
	b = append(b, byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	return append(b, s.tail...)
}

func appendAttr(b []byte, a slog.Attr) (_ []byte, ok bool) {
	b = append(b, ' ')
	if b, ok = appendString(b, a.Key); !ok {
		return b, false
	}
	b = append(b, '=')
	switch v := a.Value; v.Kind() {
	case slog.KindString:
		return appendString(b, v.String())
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10), true
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10), true
	case slog.KindFloat64:
		return strconv.AppendFloat(b, v.Float64(), 'g', -1, 64), true
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool()), true
	case slog.KindDuration:
		return append(b, v.Duration().String()...), true
	default:
		return b, false
	}
}

// plain has the bytes of ASCII that need no quotes.
var plain = func() (ok [utf8.RuneSelf]bool) {
	for c := range ok {
		ok[c] = c > ' ' && c != '"' && c != '='
	}
	return ok
}()

// appendString writes a text, in quotes if it needs them. What is not ASCII is not plain.
func appendString(b []byte, s string) (_ []byte, ok bool) {
	quote := s == ""
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return b, false
		}
		quote = quote || !plain[s[i]]
	}
	if quote {
		return strconv.AppendQuote(b, s), true
	}
	return append(b, s...), true
}
