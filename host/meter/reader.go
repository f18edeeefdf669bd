package meter

// reader decodes a stretch of a module. After a malformed or missing byte it is bad, and stands at the end, so that
// every loop over it ends.
type reader struct {
	data []byte // the whole module: positions are those of the file
	pos  int
	end  int
	bad  bool
}

func (r *reader) more() bool { return r.pos < r.end }

func (r *reader) fail() {
	r.bad = true
	r.pos = r.end
}

func (r *reader) byte() byte {
	if r.pos >= r.end {
		r.fail()
		return 0
	}
	b := r.data[r.pos]
	r.pos++
	return b
}

func (r *reader) skip(n int) {
	if n > r.end-r.pos {
		r.fail()
		return
	}
	r.pos += n
}

// sub returns a reader of the next n bytes and moves behind them.
func (r *reader) sub(n uint32) reader {
	s := reader{data: r.data, pos: r.pos, end: r.pos}
	if uint64(n) > uint64(r.end-r.pos) {
		r.fail()
		s.bad = true
		return s
	}
	r.pos += int(n)
	s.end = r.pos
	return s
}

// u32 reads a LEB128 number.
func (r *reader) u32() uint32 {
	if r.pos < r.end && r.data[r.pos] < 0x80 {
		r.pos++
		return uint32(r.data[r.pos-1])
	}
	return r.longU32()
}

func (r *reader) longU32() uint32 {
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		if shift == 28 && b > 0x0f {
			break
		}
		v |= uint32(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	r.fail()
	return 0
}

// s33 reads the signed number of a block type.
func (r *reader) s33() int64 {
	var v int64
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		v |= int64(b&0x7f) << shift
		if b < 0x80 {
			if b&0x40 != 0 {
				v -= 1 << (shift + 7)
			}
			return v
		}
	}
	r.fail()
	return 0
}

// number skips a LEB128 number of at most n bytes.
func (r *reader) number(n int) {
	for range n {
		if r.byte() < 0x80 {
			return
		}
	}
	r.fail()
}

// count reads how many entries follow. Each takes a byte at least, so no count exceeds what is left.
func (r *reader) count() int {
	n := r.u32()
	if uint64(n) > uint64(r.end-r.pos) {
		r.fail()
		return 0
	}
	return int(n)
}

// name reads a length and that many bytes.
func (r *reader) name() []byte {
	s := r.sub(r.u32())
	return s.data[s.pos:s.end]
}

func appendU32(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func appendS64(b []byte, v int64) []byte {
	for v < -0x40 || v >= 0x40 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v)&0x7f)
}
