package wasm

import (
	"math"
	"testing"
)

// TestU32 reads numbers in all lengths, and ones that are too long, too large or cut short.
func TestU32(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{ // -1: bad
		"\x00": 0, "\x7f": 127, "\x80\x01": 128, "\xff\xff\xff\xff\x0f": math.MaxUint32,
		"\x80\x80\x80\x80\x00": 0, "\x85\x80\x00": 5, // longer than needed
		"": -1, "\x80": -1, "\xff\xff\xff\xff": -1, "\xff\xff\xff\xff\x1f": -1, "\x80\x80\x80\x80\x80\x00": -1,
	} {
		r := Reader{data: []byte(in + "\x01"), end: len(in)}
		if got := int64(r.U32()); r.Bad() != (want < 0) || !r.Bad() && got != want || r.More() {
			t.Errorf("%x is %d, bad %v, and %d bytes of %d are read, want %d", in, got, r.Bad(), r.Pos(), len(in), want)
		}
	}
}

// TestNumbers reads what was appended.
func TestNumbers(t *testing.T) {
	t.Parallel()
	for shift := range 33 {
		for _, v := range []int64{1<<shift - 1, 1 << shift, -1 << shift, -1<<shift + 1} {
			if v < -1<<32 || v >= 1<<32 {
				continue
			}
			b := AppendS64(nil, v)
			r := Reader{data: b, end: len(b)}
			if got := r.S33(); got != v || r.Bad() || r.More() {
				t.Errorf("%d became %x and %d", v, b, got)
			}
			if v < 0 {
				continue
			}
			b = AppendU32(nil, uint32(v))
			r = Reader{data: b, end: len(b)}
			if got := r.U32(); got != uint32(v) || r.Bad() || r.More() {
				t.Errorf("%d became %x and %d", v, b, got)
			}
		}
	}
	for v, want := range map[int64]string{math.MaxInt64: "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", math.MinInt64: "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f"} {
		if got := AppendS64(nil, v); string(got) != want {
			t.Errorf("%d became %x, want %x", v, got, want)
		}
	}
}

// TestEnd reads past the end in every manner: it stays there, and the reader is bad.
func TestEnd(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(r *Reader) int{
		"byte":       func(r *Reader) int { r.skip(3); return int(r.Byte()) },
		"skip":       func(r *Reader) int { r.skip(4); return 0 },
		"count":      func(r *Reader) int { return r.Count() }, // 3 entries in 2 bytes
		"name":       func(r *Reader) int { return len(r.name()) },
		"sub":        func(r *Reader) int { s := r.sub(4); return s.End() - s.Pos() },
		"number":     func(r *Reader) int { r.Byte(); r.number(2); return 0 },
		"signed":     func(r *Reader) int { r.Byte(); return int(r.S33()) },
		"of a block": func(r *Reader) int { r.Fail(); return 0 },
	} {
		r := Reader{data: []byte("\x03\x80\x80\x01\x01"), end: 3}
		if got := read(&r); got != 0 || !r.Bad() || r.More() || r.Pos() != r.End() {
			t.Errorf("%s: %d, bad %v, at %d of %d", name, got, r.Bad(), r.Pos(), r.End())
		}
	}
}
