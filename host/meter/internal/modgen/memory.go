package modgen

import "slices"

// access is an instruction on memory: its code and how many bytes it is naturally aligned to, as a power of two.
type access struct {
	code  []byte
	align int
	lane  int // how many lanes a lane access has to choose from, or 0
}

var loads = map[ValueType][]access{
	I32: {{[]byte{0x28}, 2, 0}, {[]byte{0x2c}, 0, 0}, {[]byte{0x2d}, 0, 0}, {[]byte{0x2e}, 1, 0}, {[]byte{0x2f}, 1, 0}},
	I64: {
		{[]byte{0x29}, 3, 0}, {[]byte{0x30}, 0, 0}, {[]byte{0x31}, 0, 0}, {[]byte{0x32}, 1, 0}, {[]byte{0x33}, 1, 0},
		{[]byte{0x34}, 2, 0}, {[]byte{0x35}, 2, 0},
	},
	F32: {{[]byte{0x2a}, 2, 0}},
	F64: {{[]byte{0x2b}, 3, 0}},
	V128: {
		{[]byte{0xfd, 0}, 4, 0}, {[]byte{0xfd, 1}, 3, 0}, {[]byte{0xfd, 2}, 3, 0}, {[]byte{0xfd, 3}, 3, 0},
		{[]byte{0xfd, 4}, 3, 0}, {[]byte{0xfd, 5}, 3, 0}, {[]byte{0xfd, 6}, 3, 0}, {[]byte{0xfd, 7}, 0, 0},
		{[]byte{0xfd, 8}, 1, 0}, {[]byte{0xfd, 9}, 2, 0}, {[]byte{0xfd, 10}, 3, 0}, {[]byte{0xfd, 92}, 2, 0},
		{[]byte{0xfd, 93}, 3, 0}, {[]byte{0xfd, 84}, 0, 16}, {[]byte{0xfd, 85}, 1, 8}, {[]byte{0xfd, 86}, 2, 4},
		{[]byte{0xfd, 87}, 3, 2},
	},
}

var stores = map[ValueType][]access{
	I32: {{[]byte{0x36}, 2, 0}, {[]byte{0x3a}, 0, 0}, {[]byte{0x3b}, 1, 0}},
	I64: {{[]byte{0x37}, 3, 0}, {[]byte{0x3c}, 0, 0}, {[]byte{0x3d}, 1, 0}, {[]byte{0x3e}, 2, 0}},
	F32: {{[]byte{0x38}, 2, 0}},
	F64: {{[]byte{0x39}, 3, 0}},
	V128: {
		{[]byte{0xfd, 11}, 4, 0}, {[]byte{0xfd, 88}, 0, 16}, {[]byte{0xfd, 89}, 1, 8}, {[]byte{0xfd, 90}, 2, 4},
		{[]byte{0xfd, 91}, 3, 2},
	},
}

func (b body) access(a access) {
	code := unsigned(slices.Clone(a.code), uint64(b.pick(a.align+1)))
	switch b.pick(24) {
	default:
		code = unsigned(code, b.bits(1))
	case 1, 2, 3, 4:
		code = unsigned(code, b.bits(2))
	case 23:
		code = unsigned(code, b.bits(4))
	}
	if a.lane > 0 {
		code = append(code, byte(b.pick(a.lane)))
	}
	b.emit(code...)
}

// masked pushes a number which is seldom above a mask.
func (b body) masked(mask int32, depth int) {
	b.value(I32, depth)
	if !b.one(24) {
		b.i32(mask)
		b.emit(0x71)
	}
}

// load reads a value from memory.
func (b body) load(typ ValueType, depth int) {
	ways := loads[typ]
	if b.memory == nil || len(ways) == 0 {
		b.query(typ, depth)
		return
	}
	a := ways[b.pick(len(ways))]
	b.masked(0x7fff, depth)
	if a.lane > 0 {
		b.value(V128, depth)
	}
	b.access(a)
}

func (b body) store(depth int) {
	if b.memory == nil {
		b.emit(0x01)
		return
	}
	typ := numeric[b.pick(5)]
	a := stores[typ][b.pick(len(stores[typ]))]
	b.masked(0x7fff, depth)
	b.value(typ, depth)
	b.access(a)
}

// bulkMemory fills, copies, initialises or drops.
func (b body) bulkMemory(depth int) {
	if b.memory == nil {
		b.emit(0x01)
		return
	}
	length := []int32{0xff, 0x3fff, 0xf}[b.pick(3)]
	place := int32(0x7fff)
	if b.memory.min > largePages/2 && b.one(2) {
		length, place = 0x1fffff, 0xfffff
	}
	segment := 0
	if len(b.data) > 0 {
		segment = b.pick(len(b.data))
	}
	switch b.pick(4) {
	case 0, 3:
		b.masked(place, depth)
		b.value(I32, depth)
		b.masked(length, depth)
		b.emit(0xfc, 11, 0)
	case 1:
		b.masked(place, depth)
		b.masked(place, depth)
		b.masked(length, depth)
		b.emit(0xfc, 10, 0, 0)
	case 2:
		if len(b.data) == 0 {
			break
		}
		if b.one(4) {
			b.emit(0xfc, 9, byte(segment))
			break
		}
		b.masked(place, depth)
		b.masked(3, depth)
		b.masked(7, depth)
		b.emit(0xfc, 8, byte(segment), 0)
	}
}

// bulkTable sets, fills, copies, initialises or drops.
func (b body) bulkTable(depth int) {
	if len(b.tables) == 0 {
		b.emit(0x01)
		return
	}
	t := b.pick(len(b.tables))
	typ := b.tables[t].typ
	same := func(i int) bool { return b.tables[i].typ == typ }
	switch b.pick(6) {
	case 0, 5:
		b.masked(3, depth)
		b.value(typ, depth)
		b.index(0x26, t)
	case 1:
		b.masked(3, depth)
		b.value(typ, depth)
		b.masked(3, depth)
		b.emit(0xfc, 17, byte(t))
	case 2:
		b.masked(3, depth)
		b.masked(3, depth)
		b.masked(3, depth)
		b.emit(0xfc, 14, byte(t), byte(b.which(len(b.tables), same)))
	case 3:
		if e := b.which(len(b.elements), func(i int) bool { return b.elements[i].typ == typ }); e >= 0 {
			b.masked(3, depth)
			b.masked(1, depth)
			b.masked(1, depth)
			b.emit(0xfc, 12, byte(e), byte(t))
		}
	case 4:
		b.emit(0xfc, 13, byte(b.pick(len(b.elements))))
	}
}

// query asks a table or the memory, or makes it grow.
func (b body) query(typ ValueType, depth int) {
	switch typ {
	case FuncRef, ExternRef:
		if t := b.which(len(b.tables), func(i int) bool { return b.tables[i].typ == typ }); t >= 0 {
			b.masked(3, depth)
			b.index(0x25, t)
			return
		}
	case I32:
		switch b.pick(6) {
		case 1, 2:
			ref := []ValueType{FuncRef, ExternRef}[b.pick(2)]
			b.value(ref, depth)
			b.emit(0xd1) // is_null
			return
		case 3:
			if b.memory != nil {
				b.emit(0x3f, 0)
				return
			}
		case 4:
			if b.memory != nil {
				b.masked(1, depth)
				b.emit(0x40, 0)
				return
			}
		case 5:
			if len(b.tables) > 0 {
				t := b.pick(len(b.tables))
				if b.one(2) {
					b.emit(0xfc, 16, byte(t))
					return
				}
				b.value(b.tables[t].typ, depth)
				b.masked(3, depth)
				b.emit(0xfc, 15, byte(t))
				return
			}
		}
	}
	b.leaf(typ)
}
