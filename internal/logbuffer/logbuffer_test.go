package logbuffer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// output counts the writes to it.
type output struct {
	mu     sync.Mutex
	text   bytes.Buffer
	writes int
	err    error
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writes++
	o.text.Write(p)
	return len(p), o.err
}

func (o *output) is(t *testing.T, what string, writes int, text string) {
	t.Helper()
	synctest.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writes != writes || o.text.String() != text {
		t.Errorf("%s: %d writes, %q; want %d, %q", what, o.writes, o.text.String(), writes, text)
	}
}

func TestWhenLinesGoOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &output{}
		w := New(out)
		say := func(s string) {
			if n, err := io.WriteString(w, s); n != len(s) || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		}
		say("a")
		out.is(t, "the first", 1, "a")
		say("b")
		say("c")
		out.is(t, "those that follow", 1, "a")
		time.Sleep(pause)
		out.is(t, "a moment later", 2, "abc")
		time.Sleep(pause)
		say("d")
		out.is(t, "after a pause", 3, "abcd")
		say("e")
		if err := w.Flush(); err != nil {
			t.Error(err)
		}
		out.is(t, "flushed", 4, "abcde")
		say("f")
		time.Sleep(pause / 2)
		out.is(t, "half a moment after", 4, "abcde")
		time.Sleep(pause / 2)
		out.is(t, "a moment after", 5, "abcdef")
		long := strings.Repeat("x", full)
		say(long)
		out.is(t, "much", 6, "abcdef"+long)
		time.Sleep(time.Hour)
		out.is(t, "nothing more", 6, "abcdef"+long)
	})
}

func TestWarningsGoOutAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &output{}
		w := New(out)
		log := slog.New(Text(w, slog.LevelInfo)).With("a", 1).WithGroup("g")
		log.Info("one")
		log.Info("two")
		if strings.Contains(out.text.String(), "two") {
			t.Error("the second line went out at once")
		}
		log.Warn("three", "b", 2)
		got := out.text.String()
		if strings.Count(got, "\n") != 3 || !strings.Contains(got, "msg=two a=1") || !strings.Contains(got, "msg=three a=1 g.b=2") {
			t.Errorf("got %s", got)
		}
	})
}

func TestErrorsAreTold(t *testing.T) {
	t.Parallel()
	bad := errors.New("no space")
	w := New(&output{err: bad})
	if _, err := io.WriteString(w, "a"); !errors.Is(err, bad) {
		t.Error(err)
	}
	if err := w.Flush(); !errors.Is(err, bad) {
		t.Error(err)
	}
}

// TestHammer checks that lines are whole and those of one writer in order.
func TestHammer(t *testing.T) {
	t.Parallel()
	out := &output{}
	w := New(out)
	const writers, lines = 8, 2000
	var wg sync.WaitGroup
	for g := range writers {
		wg.Go(func() {
			for i := range lines {
				_, _ = fmt.Fprintf(w, "%d %d\n", g, i)
			}
		})
	}
	wg.Wait()
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	var next [writers]int
	for line := range strings.Lines(out.text.String()) {
		var g, i int
		if _, err := fmt.Sscanf(line, "%d %d\n", &g, &i); err != nil || i != next[g] {
			t.Fatalf("line %q, %v; want number %d", line, err, next[g])
		}
		next[g]++
	}
	for g, n := range next {
		if n != lines {
			t.Errorf("%d lines of writer %d", n, g)
		}
	}
	if out.writes > writers*lines/20 {
		t.Errorf("%d writes for %d lines", out.writes, writers*lines)
	}
}

func BenchmarkWrite(b *testing.B) {
	w := New(io.Discard)
	line := []byte(strings.Repeat("x", 250) + "\n")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _ = w.Write(line)
		}
	})
}
