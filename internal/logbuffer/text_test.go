package logbuffer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"
)

type masked struct{}

func (masked) LogValue() slog.Value { return slog.StringValue("***") }

// Every record reads as slog writes it.
func TestTextIsThatOfSlog(t *testing.T) {
	at := time.Date(2026, 5, 4, 3, 2, 1, 99_999_999, time.FixedZone("", 5400))
	records := []slog.Record{
		slog.NewRecord(at, slog.LevelInfo, "request", 0),
		slog.NewRecord(at.UTC(), slog.LevelDebug, "two words", 0),
		slog.NewRecord(at.Add(time.Millisecond), slog.LevelWarn, "", 0),
		slog.NewRecord(at.Add(time.Hour), slog.LevelError, "größe", 0),
		slog.NewRecord(at.Add(3*time.Nanosecond), slog.LevelInfo+1, "odd", 0),
		slog.NewRecord(time.Time{}, slog.LevelInfo, "no time", 0),
	}
	for _, a := range []slog.Attr{
		slog.String("request", "req-1"), slog.String("", ""), slog.String("a key", `quoted "so"`), slog.String("path", `\a=b`), slog.String("line", "a\nb\x7f"),
		slog.String("umlaut", "ä"), slog.String("bad", "\xff"), slog.Int("n", -7), slog.Uint64("u", math.MaxUint64), slog.Float64("f", 1.5e-9), slog.Float64("nan", math.NaN()),
		slog.Bool("b", true), slog.Duration("d", 1234567*time.Microsecond), slog.Time("t", at), slog.Any("error", errors.New("it broke")), slog.Any("nil", nil),
		slog.Any("secret", masked{}), slog.Group("g", slog.Int("a", 1)), slog.Group("empty"), slog.Any("list", []string{"a", "b"}), {},
	} {
		r := slog.NewRecord(at, slog.LevelInfo, "request", 0)
		r.AddAttrs(slog.Int("before", 1), a, slog.Int("after", 1))
		records = append(records, r)
	}
	all := slog.NewRecord(at, slog.LevelInfo, "all", 0)
	for _, r := range records {
		r.Attrs(func(a slog.Attr) bool { all.AddAttrs(a); return true })
	}
	for _, r := range append(records, all) {
		same(t, r)
	}
}

func same(t *testing.T, r slog.Record) {
	t.Helper()
	var want, got bytes.Buffer
	w := New(&got)
	level := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, derive := range []func(slog.Handler) slog.Handler{
		func(h slog.Handler) slog.Handler { return h },
		func(h slog.Handler) slog.Handler { return h.WithAttrs([]slog.Attr{slog.String("of", "logger")}) },
		func(h slog.Handler) slog.Handler { return h.WithGroup("group") },
	} {
		h := Text(w, slog.LevelDebug)
		for range 2 { // the second time its second is known
			for _, to := range []slog.Handler{derive(slog.NewTextHandler(&want, level)), derive(h)} {
				if err := to.Handle(context.Background(), r); err != nil {
					t.Error(err)
				}
			}
			if h, ok := derive(h).(*text); ok {
				var attrs []slog.Attr
				r.Attrs(func(a slog.Attr) bool { attrs = append(attrs, a); return true })
				if err := errors.Join(slog.NewTextHandler(&want, level).Handle(context.Background(), r), h.HandleAttrs(r.Time, r.Level, r.Message, attrs)); err != nil {
					t.Error(err)
				}
			}
		}
	}
	if err := w.Flush(); err != nil || got.String() != want.String() {
		t.Errorf("%v\n%s is not\n%s", err, got.String(), want.String())
	}
}

func FuzzText(f *testing.F) {
	f.Add("request", "model", "gpt-4o", int64(1), int64(99))
	f.Add("", "a b", "\x00=\"", int64(0), int64(-1))
	f.Fuzz(func(t *testing.T, msg, key, value string, sec, nano int64) {
		r := slog.NewRecord(time.Unix(sec%(1<<33), nano).UTC(), slog.LevelInfo, msg, 0)
		r.AddAttrs(slog.String(key, value), slog.Int64(key, sec), slog.Duration(value, time.Duration(nano)))
		same(t, r)
	})
}

func TestTextHonoursItsLevel(t *testing.T) {
	var out bytes.Buffer
	w := New(&out)
	log := slog.New(Text(w, slog.LevelWarn))
	log.Info("quiet")
	log.Warn("loud")
	if got := out.String(); strings.Contains(got, "quiet") || !strings.Contains(got, "loud") {
		t.Error(got)
	}
}

func BenchmarkLine(b *testing.B) {
	attrs := []slog.Attr{
		slog.String("request", "req-625703b0208bbeb92fe2df5a48ddcc94"), slog.String("method", "POST"), slog.String("route", "/v1/chat/completions"), slog.Int("status", 200),
		slog.Duration("duration", 1234567), slog.String("tenant", "acme"), slog.String("model", "bench"), slog.Bool("stream", false),
		slog.String("deployment", "one/bench-model"), slog.Int("attempts", 1), slog.Int("fallbacks", 0),
	}
	plain := Text(New(io.Discard), slog.LevelInfo)
	record := func(h slog.Handler) func() {
		return func() {
			r := slog.NewRecord(time.Now(), slog.LevelInfo, "request", 0)
			r.AddAttrs(attrs...)
			_ = h.Handle(context.Background(), r)
		}
	}
	for name, f := range map[string]func(){
		"slog":  record(slog.NewTextHandler(New(io.Discard), nil)),
		"text":  record(plain),
		"attrs": func() { _ = plain.(*text).HandleAttrs(time.Now(), slog.LevelInfo, "request", attrs) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}
