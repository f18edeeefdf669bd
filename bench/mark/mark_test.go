package mark

import (
	"slices"
	"strings"
	"testing"
	"time"
)

type seen struct {
	sent int64
	n    int
}

// TestScanner cuts a stream with marks in two at every byte: what is found does not depend on where pieces end.
func TestScanner(t *testing.T) {
	want := []seen{{1700000000123456789, 0}, {1700000000123456790, 1}, {1, 999_999}}
	var text []byte
	for _, w := range want {
		text = append(text, `data: {"delta":"`...)
		at := len(text)
		text = append(text, strings.Repeat(".", Size)...)
		Put(text[at:], time.Unix(0, w.sent), w.n)
		text = append(text, `"}`...)
	}
	for cut := range len(text) + 1 {
		var s Scanner
		var got []seen
		found := func(sent int64, n int) { got = append(got, seen{sent, n}) }
		if !s.Scan(text[:cut], found) || !s.Scan(text[cut:], found) || !slices.Equal(got, want) {
			t.Fatalf("cut at %d: %v, want %v", cut, got, want)
		}
	}
}

func TestScannerRefuses(t *testing.T) {
	mark := make([]byte, Size)
	Put(mark, time.Now(), 7)
	for i := 1; i < Size; i++ {
		bad := slices.Clone(mark)
		bad[i] = 'x'
		if new(Scanner).Scan(bad, func(int64, int) {}) {
			t.Errorf("%s is no mark", bad)
		}
	}
}

func TestScannerForgets(t *testing.T) {
	mark := make([]byte, Size)
	Put(mark, time.Now(), 7)
	var s Scanner
	n := 0
	found := func(int64, int) { n++ }
	s.Scan(mark[:Size-1], found)
	s.Reset()
	if s.Scan(mark, found); n != 1 {
		t.Errorf("%d marks, want 1", n)
	}
}
