package modgen

// op is an instruction that takes operands and gives one result.
type op struct {
	code   []byte
	params []ValueType
	nan    byte // which kind of float it may make a NaN of: F32, F64 or 0
	guard  guard
	lanes  int // of an immediate lane index, or 0
}

// guard makes an operation's last operand such that it seldom traps.
type guard byte

const (
	safe    guard = iota
	nonzero       // the divisor
	small         // to be truncated to an integer
)

// operations by the type of their result.
var operations = func() map[ValueType][]op {
	ops := map[ValueType][]op{}
	add := func(result ValueType, first, last int, nan byte, params ...ValueType) {
		for code := first; code <= last; code++ {
			o := op{code: []byte{byte(code)}, params: params, nan: nan}
			if code > 0xff { // those with a prefix
				o.code = unsigned([]byte{byte(code >> 16)}, uint64(code&0xffff))
			}
			ops[result] = append(ops[result], o)
		}
	}
	add(I32, 0x6a, 0x6c, 0, I32, I32) // add sub mul
	add(I32, 0x71, 0x78, 0, I32, I32) // and … rotr
	add(I32, 0x46, 0x4f, 0, I32, I32) // comparisons
	add(I32, 0x45, 0x45, 0, I32)      // eqz
	add(I32, 0x67, 0x69, 0, I32)      // clz ctz popcnt
	add(I32, 0xc0, 0xc1, 0, I32)      // extensions of the sign
	add(I32, 0x50, 0x50, 0, I64)
	add(I32, 0x51, 0x5a, 0, I64, I64)
	add(I32, 0x5b, 0x60, 0, F32, F32)
	add(I32, 0x61, 0x66, 0, F64, F64)
	add(I32, 0xa7, 0xa7, 0, I64)         // wrap
	add(I32, 0xbc, 0xbc, 0, F32)         // reinterpret
	add(I32, 0xfc0000, 0xfc0001, 0, F32) // saturating
	add(I32, 0xfc0002, 0xfc0003, 0, F64)

	add(I64, 0x7c, 0x7e, 0, I64, I64)
	add(I64, 0x83, 0x8a, 0, I64, I64)
	add(I64, 0x79, 0x7b, 0, I64)
	add(I64, 0xc2, 0xc4, 0, I64)
	add(I64, 0xac, 0xad, 0, I32)
	add(I64, 0xbd, 0xbd, 0, F64)
	add(I64, 0xfc0004, 0xfc0005, 0, F32)
	add(I64, 0xfc0006, 0xfc0007, 0, F64)

	add(F32, 0x92, 0x97, F32, F32, F32) // add … max
	add(F32, 0x98, 0x98, 0, F32, F32)   // copysign
	add(F32, 0x8b, 0x8c, 0, F32)        // abs neg
	add(F32, 0x8d, 0x91, F32, F32)      // ceil … sqrt
	add(F32, 0xb2, 0xb3, 0, I32)
	add(F32, 0xb4, 0xb5, 0, I64)
	add(F32, 0xb6, 0xb6, F32, F64)
	add(F32, 0xbe, 0xbe, 0, I32)

	add(F64, 0xa0, 0xa5, F64, F64, F64)
	add(F64, 0xa6, 0xa6, 0, F64, F64)
	add(F64, 0x99, 0x9a, 0, F64)
	add(F64, 0x9b, 0x9f, F64, F64)
	add(F64, 0xb7, 0xb8, 0, I32)
	add(F64, 0xb9, 0xba, 0, I64)
	add(F64, 0xbb, 0xbb, F64, F32)
	add(F64, 0xbf, 0xbf, 0, I64)

	guarded := func(result ValueType, first, last int, how guard, params ...ValueType) {
		from := len(ops[result])
		add(result, first, last, 0, params...)
		for i := range ops[result][from:] {
			ops[result][from+i].guard = how
		}
	}
	guarded(I32, 0x6d, 0x70, nonzero, I32, I32)
	guarded(I64, 0x7f, 0x82, nonzero, I64, I64)
	guarded(I32, 0xa8, 0xa9, small, F32)
	guarded(I32, 0xaa, 0xab, small, F64)
	guarded(I64, 0xae, 0xaf, small, F32)
	guarded(I64, 0xb0, 0xb1, small, F64)

	vectors(add)
	lanes := func(result ValueType, code, lanes int, params ...ValueType) {
		add(result, 0xfd0000+code, 0xfd0000+code, 0, params...)
		ops[result][len(ops[result])-1].lanes = lanes
	}
	for i, l := range []struct {
		lanes int
		typ   ValueType
	}{{16, I32}, {8, I32}, {4, I32}, {2, I64}, {4, F32}, {2, F64}} {
		code := []int{21, 24, 27, 29, 31, 33}[i]
		lanes(l.typ, code, l.lanes, V128)
		if l.lanes > 4 {
			code++
			lanes(l.typ, code, l.lanes, V128) // unsigned
		}
		lanes(V128, code+1, l.lanes, V128, l.typ)
	}
	return ops
}()

// vectors adds the operations on vectors which have no immediate.
func vectors(add func(result ValueType, first, last int, nan byte, params ...ValueType)) {
	each := func(result ValueType, nan byte, params []ValueType, codes ...int) {
		for _, code := range codes {
			add(result, 0xfd0000+code, 0xfd0000+code, nan, params...)
		}
	}
	span := func(first, last int, nan byte, params ...ValueType) {
		add(V128, 0xfd0000+first, 0xfd0000+last, nan, params...)
	}
	one, two := []ValueType{V128}, []ValueType{V128, V128}
	span(14, 14, 0, two...) // swizzle
	span(15, 17, 0, I32)    // splats
	span(18, 18, 0, I64)
	span(19, 19, 0, F32)
	span(20, 20, 0, F64)
	span(35, 76, 0, two...) // comparisons
	span(77, 77, 0, one...)
	span(78, 81, 0, two...)
	span(82, 82, 0, V128, V128, V128)            // bitselect
	each(I32, 0, one, 83, 99, 131, 163, 195)     // any_true, all_true
	each(I32, 0, one, 100, 132, 164, 196)        // bitmask
	each(V128, F32, one, 94, 103, 104, 105, 106) // demote, roundings
	each(V128, F64, one, 95, 116, 117, 122, 148) // promote, roundings
	each(V128, 0, one, 96, 97, 98, 128, 129)     // abs neg popcnt
	each(V128, 0, one, 160, 161, 192, 193)       //
	each(V128, 0, one, 224, 225, 236, 237)       // of floats
	each(V128, 0, one, 124, 125, 126, 127)       // extadd_pairwise
	each(V128, 0, two, 101, 102, 133, 134)       // narrow
	each(V128, 0, one, 135, 136, 137, 138)       // extend
	each(V128, 0, one, 167, 168, 169, 170)       //
	each(V128, 0, one, 199, 200, 201, 202)       //
	for _, shift := range []int{107, 139, 171, 203} {
		span(shift, shift+2, 0, V128, I32)
	}
	span(110, 115, 0, two...) // i8x16
	span(118, 121, 0, two...)
	span(123, 123, 0, two...)
	span(130, 130, 0, two...) // i16x8
	span(142, 147, 0, two...)
	span(149, 153, 0, two...)
	span(155, 159, 0, two...)
	each(V128, 0, two, 174, 177, 181, 186) // i32x4
	span(182, 185, 0, two...)
	span(188, 191, 0, two...)
	each(V128, 0, two, 206, 209, 213) // i64x2
	span(214, 223, 0, two...)
	span(227, 227, F32, one...)
	span(228, 235, F32, two...)
	span(239, 239, F64, one...)
	span(240, 247, F64, two...)
	span(248, 255, 0, one...) // conversions, of and to integers
}

// Constants with corners in them, the first one plain.
var (
	interesting32 = []uint32{0, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x80000000, 0x7fc00000, 1, 0x4f000000, 0x7f7fffff, 0x40490fdb}
	interesting64 = []uint64{0, 0x3ff << 52, 0xbff << 52, 0x7ff << 52, 0xfff << 52, 1 << 63, 0x7ff8 << 48, 1, 0x43e << 52, 0x41e << 52, 0x400921fb54442d18}
)
