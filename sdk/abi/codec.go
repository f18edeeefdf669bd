package abi

import (
	"encoding/binary"
	"errors"
	"math"
)

// ErrShort is returned by every Decode when the bytes end before the layout does, or when a
// length inside points past the end.
var ErrShort = errors.New("abi: message is shorter than its layout")

var le = binary.LittleEndian

// reader walks a message; the first overrun makes every later read return zero and done fail.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.take(2); b != nil {
		return le.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return le.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return le.Uint64(b)
	}
	return 0
}

func (r *reader) f64() float64     { return math.Float64frombits(r.u64()) }
func (r *reader) bytes16() []byte  { return r.take(int(r.u16())) }
func (r *reader) bytes32() []byte  { return r.take(int(r.u32())) }
func (r *reader) string16() string { return string(r.bytes16()) }

func (r *reader) done() error {
	if r.bad {
		return ErrShort
	}
	return nil
}

// cut16 and cut32 split a string with its length before it off b. They are small enough to be inlined, which matters in
// the messages that guests decode: there a call costs as much as all else about a field.
func cut16(b []byte) (s, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := 2 + int(le.Uint16(b))
	if n > len(b) {
		return nil, nil, false
	}
	return b[2:n:n], b[n:], true
}

func cut32(b []byte) (s, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := 4 + uint64(le.Uint32(b))
	if n > uint64(len(b)) {
		return nil, nil, false
	}
	return b[4:n:n], b[n:], true
}

func appendBytes16[T ~string | ~[]byte](dst []byte, s T) []byte {
	n := min(len(s), math.MaxUint16)
	dst = le.AppendUint16(dst, uint16(n))
	return append(dst, s[:n]...)
}

func appendBytes32[T ~string | ~[]byte](dst []byte, s T) []byte {
	dst = le.AppendUint32(dst, uint32(len(s)))
	return append(dst, s...)
}

// Pack joins an address and a length as calls return them.
func Pack(ptr, size uint32) uint64 { return uint64(ptr)<<32 | uint64(size) }

// Unpack splits what Pack joined.
func Unpack(v uint64) (ptr, size uint32) { return uint32(v >> 32), uint32(v) }

// Pairs is an encoded list of name/value pairs (u16 length and bytes, twice, repeated). The
// zero value is an empty list.
type Pairs []byte

// Append returns the list with one pair more.
func (p Pairs) Append(name, value string) Pairs {
	return appendBytes16(appendBytes16(p, name), value)
}

// Valid reports whether the encoding is whole.
func (p Pairs) Valid() bool {
	r := reader{b: p}
	for len(r.b) > 0 && !r.bad {
		r.bytes16()
		r.bytes16()
	}
	return !r.bad
}

// All yields the pairs in order; it ends early on a broken encoding. The slices alias the list.
func (p Pairs) All(yield func(name, value []byte) bool) {
	r := reader{b: p}
	for len(r.b) > 0 {
		name, value := r.bytes16(), r.bytes16()
		if r.bad || !yield(name, value) {
			return
		}
	}
}

// Get returns the first value of a name, compared without regard to ASCII case, as HTTP header
// names are.
func (p Pairs) Get(name string) []byte {
	r := reader{b: p}
	for len(r.b) > 0 {
		n, v := r.bytes16(), r.bytes16()
		if r.bad {
			return nil
		}
		if equalFold(n, name) {
			return v
		}
	}
	return nil
}

func equalFold(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := a[i], b[i]
		if x != y && (lower(x) != lower(y)) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
