package note_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/note"
)

func TestLine(t *testing.T) {
	t.Parallel()
	var l note.Line
	for _, c := range []struct {
		want string
		got  *note.Line
	}{
		{"claude 412ms < gpt 12.3s", new(note.Line).New().Name([]byte("claude")).Text(" ").Millis(411.6).Text(" < ").Name([]byte("gpt")).Text(" ").Millis(12_345)},
		{"$0", new(note.Line).New().USD(0)},
		{"$0.00042", new(note.Line).New().USD(0.00042)},
		{"$0.0000125", new(note.Line).New().USD(0.0000125)},
		{"$1.5", new(note.Line).New().USD(1.5)},
		{"$120", new(note.Line).New().USD(120)},
		{"$0.00000001", new(note.Line).New().USD(1e-8)},
		{"$1000000000", new(note.Line).New().USD(1e300)},
		{"60s", new(note.Line).New().Millis(60_000)},
		{"10ms", new(note.Line).New().Millis(9.6)},
		{"0.001 0.01 1 1234.5", new(note.Line).New().Number(0.001).Text(" ").Number(0.0099).Text(" ").Number(0.9996).Text(" ").Number(1234.5)},
		{"-7 of 0.333", new(note.Line).New().Int(-7).Text(" of ").Number(1. / 3)},
		{"a?b?", new(note.Line).New().Name([]byte("a\nb\x7f"))},
		{"é??日", new(note.Line).New().Name([]byte("é\xff\xc3日"))},
		{strings.Repeat("é", 16), new(note.Line).New().Name([]byte(strings.Repeat("é", 40)))},
		{"", l.New().Text("gone").New()},
	} {
		if c.got.String() != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestLineIsCut(t *testing.T) {
	t.Parallel()
	for pad := range note.MaxLine + 4 {
		l := new(note.Line).New().Text(strings.Repeat("x", pad)).Text("日本").Name([]byte("日本")).Int(123).Millis(1e300).USD(1e300)
		if s := l.String(); len(s) > note.MaxLine || !utf8.ValidString(s) {
			t.Fatalf("after %d bytes: %d bytes, %q", pad, len(s), s)
		}
	}
	s := new(note.Line).New().Text(strings.Repeat("x", note.MaxLine-2)).Int(123).String()
	if strings.ContainsAny(s, "123") {
		t.Errorf("half a number at the end of %q", s)
	}
}

func TestLineDoesNotAllocate(t *testing.T) {
	var l note.Line
	l.New()
	name := []byte("claude")
	if n := testing.AllocsPerRun(100, func() { l.New().Name(name).Text(" ").Millis(12_345).USD(0.0042).Number(0.7).Int(9) }); n != 0 {
		t.Errorf("%v allocations a line", n)
	}
}
