package wasm

// Reader decodes a stretch of a module. After a malformed or missing byte it is bad, and stands at the end, so that
// every loop over it ends; what it returned for such a byte means nothing. A copy of it looks ahead.
type Reader struct {
	data []byte // the whole module: positions are those of the file
	pos  int
	end  int
	bad  bool
}

// More reports whether there is anything left to read.
func (r *Reader) More() bool { return r.pos < r.end }

// Pos is where in the module the next byte stands.
func (r *Reader) Pos() int { return r.pos }

// End is where in the module the stretch ends.
func (r *Reader) End() int { return r.end }

// Bad reports whether something was malformed or missing.
func (r *Reader) Bad() bool { return r.bad }

// Fail makes the reader bad.
func (r *Reader) Fail() {
	r.bad = true
	r.pos = r.end
}

// Byte reads a byte.
func (r *Reader) Byte() byte {
	if r.pos >= r.end {
		r.Fail()
		return 0
	}
	b := r.data[r.pos]
	r.pos++
	return b
}

func (r *Reader) skip(n int) {
	if n > r.end-r.pos {
		r.Fail()
		return
	}
	r.pos += n
}

// sub returns a reader of the next n bytes and moves behind them.
func (r *Reader) sub(n uint32) Reader {
	s := Reader{data: r.data, pos: r.pos, end: r.pos}
	if uint64(n) > uint64(r.end-r.pos) {
		r.Fail()
		s.bad = true
		return s
	}
	r.pos += int(n)
	s.end = r.pos
	return s
}

// U32 reads a LEB128 number.
func (r *Reader) U32() uint32 {
	if r.pos < r.end && r.data[r.pos] < 0x80 {
		r.pos++
		return uint32(r.data[r.pos-1])
	}
	return r.longU32()
}

func (r *Reader) longU32() uint32 {
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		b := r.Byte()
		if shift == 28 && b > 0x0f {
			break
		}
		v |= uint32(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	r.Fail()
	return 0
}

// S33 reads the signed number of a block type.
func (r *Reader) S33() int64 {
	var v int64
	for shift := 0; shift < 35; shift += 7 {
		b := r.Byte()
		v |= int64(b&0x7f) << shift
		if b < 0x80 {
			if b&0x40 != 0 {
				v -= 1 << (shift + 7)
			}
			return v
		}
	}
	r.Fail()
	return 0
}

// number skips a LEB128 number of at most n bytes.
func (r *Reader) number(n int) {
	for range n {
		if r.Byte() < 0x80 {
			return
		}
	}
	r.Fail()
}

// Count reads how many entries follow. Each takes a byte at least, so no count exceeds what is left.
func (r *Reader) Count() int {
	n := r.U32()
	if uint64(n) > uint64(r.end-r.pos) {
		r.Fail()
		return 0
	}
	return int(n)
}

// name reads a length and that many bytes.
func (r *Reader) name() []byte {
	s := r.sub(r.U32())
	return s.data[s.pos:s.end]
}

// AppendU32 appends a LEB128 number.
func AppendU32(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// AppendS64 appends a signed LEB128 number.
func AppendS64(b []byte, v int64) []byte {
	for v < -0x40 || v >= 0x40 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v)&0x7f)
}
