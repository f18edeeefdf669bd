package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func openTest(t *testing.T, dir string, o Options) *Journal {
	t.Helper()
	j, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closing(t, j) })
	return j
}

func closing(tb testing.TB, j *Journal) {
	tb.Helper()
	if err := j.Close(); err != nil {
		tb.Error(err)
	}
}

// drain reads everything from a position on.
func drain(t *testing.T, j *Journal, from Position) ([]string, Position) {
	t.Helper()
	var got []string
	for {
		next, err := j.Next(from, 1000, func(rec []byte) { got = append(got, string(rec)) })
		if err != nil {
			t.Fatal(err)
		}
		if next == from {
			return got, next
		}
		from = next
	}
}

func put(t *testing.T, j *Journal, recs ...string) {
	t.Helper()
	for _, r := range recs {
		if err := j.Append([]byte(r)); err != nil {
			t.Fatalf("append %q: %v", r, err)
		}
	}
}

func numbered(from, to int) (recs []string) {
	for i := from; i < to; i++ {
		recs = append(recs, fmt.Sprintf("record %d %s", i, strings.Repeat("x", i%90)))
	}
	return recs
}

func TestRecordsComeBackInOrderAcrossSegmentsAndRestarts(t *testing.T) {
	dir := t.TempDir()
	small := Options{SegmentBytes: 700}
	j := openTest(t, dir, small)
	id := j.ID()
	put(t, j, numbered(0, 100)...)
	got, at := drain(t, j, Position{})
	if !slices.Equal(got, numbered(0, 100)) {
		t.Fatalf("got %q", got)
	}
	put(t, j, numbered(100, 150)...)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Append([]byte("late")); !errors.Is(err, ErrClosed) {
		t.Errorf("append after Close: %v", err)
	}

	j = openTest(t, dir, small)
	if j.ID() != id {
		t.Error("the journal changed its identity")
	}
	put(t, j, numbered(150, 160)...)
	if got, _ := drain(t, j, Position{}); !slices.Equal(got, numbered(0, 160)) {
		t.Errorf("from the beginning: %q", got)
	}
	got, at = drain(t, j, at)
	if !slices.Equal(got, numbered(100, 160)) {
		t.Errorf("from the middle: %q", got)
	}
	before := j.Stats()
	if err := j.Release(at); err != nil {
		t.Fatal(err)
	}
	after := j.Stats()
	files, _ := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if len(files) != after.Segments || after.Segments != 1 || after.Bytes >= before.Bytes {
		t.Errorf("after the release: %d files, %+v", len(files), after)
	}
	put(t, j, "more")
	if err := j.Release(Position{Segment: 1 << 40}); err != nil { // what is written to stays
		t.Fatal(err)
	}
	if got, _ := drain(t, j, at); !slices.Equal(got, []string{"more"}) {
		t.Errorf("after the release: %q", got)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	openTest(t, dir, Options{})
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("second Open: %v", err)
	}
}

func TestSizesOfRecords(t *testing.T) {
	j := openTest(t, t.TempDir(), Options{})
	for _, size := range []int{0, MaxRecord + 1} {
		if err := j.Append(make([]byte, size)); err == nil {
			t.Errorf("a record of %d bytes was taken", size)
		}
	}
	largest := bytes.Repeat([]byte("y"), MaxRecord)
	put(t, j, "a", string(largest), "b")
	if got, _ := drain(t, j, Position{}); !slices.Equal(got, []string{"a", string(largest), "b"}) {
		t.Error("the largest record did not come back")
	}
}

// A crash can leave any beginning of what was being written, and a power cut other bytes too.
func TestTornEnds(t *testing.T) {
	whole := appendFrame(appendFrame(nil, []byte("first")), []byte("second"))
	for _, tc := range []struct {
		name string
		tail []byte
		want []string
	}{
		{"whole", whole, []string{"first", "second"}},
		{"in the length", whole[:2], nil},
		{"in the record", whole[:len(whole)-1], []string{"first"}},
		{"between", whole[:frameHead+5], []string{"first"}},
		{"zeros", append(slices.Clone(whole), make([]byte, 4096)...), []string{"first", "second"}},
		{"a bit", func() []byte { b := slices.Clone(whole); b[len(b)-2] ^= 4; return b }(), []string{"first"}},
		{"a length", func() []byte { b := slices.Clone(whole); b[frameHead+5] ^= 1; return b }(), []string{"first"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			j := openTest(t, dir, Options{})
			put(t, j, "zeroth")
			closing(t, j)
			f, err := os.OpenFile(path(dir, 1), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write(tc.tail); err != nil {
				t.Fatal(err)
			}
			f.Close()
			j = openTest(t, dir, Options{})
			put(t, j, "after")
			want := append(append([]string{"zeroth"}, tc.want...), "after")
			if got, _ := drain(t, j, Position{}); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			var kept int
			for _, r := range tc.want {
				kept += frameHead + len(r)
			}
			if cut := j.Stats().Cut; cut != uint64(len(tc.tail)-kept) {
				t.Errorf("%d bytes cut of %d", cut, len(tc.tail)-kept)
			}
		})
	}
}

func TestForeignAndUnfinishedSegments(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, Options{})
	put(t, j, "one")
	closing(t, j)
	for number, content := range map[uint64][]byte{5: nil, 6: header(j.ID(), 6)[:20], 7: make([]byte, headerSize)} {
		if err := os.WriteFile(path(dir, number), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	j = openTest(t, dir, Options{})
	if got, _ := drain(t, j, Position{}); !slices.Equal(got, []string{"one"}) {
		t.Errorf("got %q", got)
	}
	closing(t, j)
	for name, content := range map[string][]byte{"another journal": header(ID{1}, 9), "not a segment": bytes.Repeat([]byte("z"), 99), "another number": header(j.ID(), 8)} {
		if err := os.WriteFile(path(dir, 9), content, 0o600); err != nil {
			t.Fatal(err)
		}
		if j, err := Open(dir, Options{}); err == nil {
			closing(t, j)
			t.Errorf("%s was taken", name)
		}
	}
}

// Appenders, a reader that releases, and a tiny segment size: every record comes out once.
func TestHammer(t *testing.T) {
	j := openTest(t, t.TempDir(), Options{SegmentBytes: 2000})
	const workers, each = 8, 2000
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			var b [16]byte
			for i := range each {
				binary.LittleEndian.PutUint32(b[:], uint32(w))
				binary.LittleEndian.PutUint32(b[4:], uint32(i))
				if err := j.Append(b[:8+i%8]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	appended := make(chan struct{})
	go func() { wg.Wait(); close(appended) }()
	next := make([]uint32, workers) // each worker's records come in its order
	var at Position
	total := 0
	for last := false; ; {
		to, err := j.Next(at, 300, func(rec []byte) {
			w, i := binary.LittleEndian.Uint32(rec), binary.LittleEndian.Uint32(rec[4:])
			if next[w] != i {
				t.Fatalf("worker %d: record %d where %d should be", w, i, next[w])
			}
			next[w]++
			total++
		})
		if err != nil {
			t.Fatal(err)
		}
		if to != at {
			at = to
			if err := j.Release(at); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if last {
			break
		}
		select {
		case <-j.Ready():
		case <-appended:
			last = true
		}
	}
	if total != workers*each {
		t.Errorf("%d records of %d", total, workers*each)
	}
	if s := j.Stats(); s.Appended != workers*each || s.Lost+s.Held+s.Cut != 0 {
		t.Errorf("stats: %+v", s)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(appendFrame(appendFrame(nil, []byte("first")), []byte("second")))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var again []byte
		rest := b
		for {
			rec, n, ok := frame(rest)
			if !ok || n == 0 {
				break
			}
			if len(rec) == 0 || len(rec) > MaxRecord {
				t.Fatalf("a record of %d bytes", len(rec))
			}
			again = appendFrame(again, rec)
			rest = rest[n:]
		}
		if !bytes.HasPrefix(b, again) {
			t.Fatal("what was read is not what was there")
		}
	})
}
