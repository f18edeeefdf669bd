package modgen

import "slices"

// unsigned and signed append a number in LEB128.
func unsigned(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func signed(b []byte, v int64) []byte {
	for {
		low := byte(v) & 0x7f
		if v >>= 7; v == 0 && low&0x40 == 0 || v == -1 && low&0x40 != 0 {
			return append(b, low)
		}
		b = append(b, low|0x80)
	}
}

func text(b []byte, s string) []byte {
	return append(unsigned(b, uint64(len(s))), s...)
}

func sized(b, content []byte) []byte {
	return append(unsigned(b, uint64(len(content))), content...)
}

// list appends the encodings of items, their count first.
func list[T any](items []T, each func(b []byte, item T) []byte) []byte {
	b := unsigned(nil, uint64(len(items)))
	for _, item := range items {
		b = each(b, item)
	}
	return b
}

func (l limits) append(b []byte) []byte {
	return unsigned(unsigned(append(b, 1), uint64(l.min)), uint64(l.max))
}

// encode writes the module; counted adds the global that counts, and the code which does.
func (g *generator) encode(counted bool) []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id byte, items int, content []byte) {
		if items > 0 {
			b = sized(append(b, id), content)
		}
	}
	globals, exports, counter := g.globals, g.exports, -1
	if counted {
		counter = len(globals)
		globals = append(slices.Clip(globals), global{I64, true, []byte{0x42, 0}})
		exports = append(slices.Clip(exports), export{ExportExecuted, 3, counter})
	}
	section(1, len(g.types), list(g.types, func(b []byte, s Signature) []byte {
		return sized(sized(append(b, 0x60), s.Params), s.Results)
	}))
	section(2, len(g.imports), list(g.imports, func(b []byte, f Function) []byte {
		return unsigned(append(text(text(b, HostModule), f.Name), 0), uint64(g.typeIndex(f.Signature)))
	}))
	section(3, len(g.functions), list(g.functions, func(b []byte, f *function) []byte { return unsigned(b, uint64(g.typeIndex(f.Signature))) }))
	section(4, len(g.tables), list(g.tables, func(b []byte, t table) []byte { return t.append(append(b, t.typ)) }))
	if g.memory != nil {
		section(5, 1, g.memory.append([]byte{1}))
	}
	section(6, len(globals), list(globals, func(b []byte, gl global) []byte {
		mutable := byte(0)
		if gl.mutable {
			mutable = 1
		}
		return append(append(append(b, gl.typ, mutable), gl.init...), 0x0b)
	}))
	section(7, len(exports), list(exports, func(b []byte, e export) []byte {
		return unsigned(append(text(b, e.name), e.kind), uint64(e.index))
	}))
	if g.start >= 0 {
		section(8, 1, unsigned(nil, uint64(g.start)))
	}
	section(9, len(g.elements), list(g.elements, func(b []byte, e elements) []byte { return e.append(b) }))
	section(12, len(g.data), unsigned(nil, uint64(len(g.data))))
	section(10, len(g.functions), list(g.functions, func(b []byte, f *function) []byte { return sized(b, f.encode(counter)) }))
	section(11, len(g.data), list(g.data, func(b []byte, s segment) []byte {
		if !s.active {
			return sized(append(b, 1), s.bytes)
		}
		return sized(append(signed(append(b, 0, 0x41), int64(s.offset)), 0x0b), s.bytes)
	}))
	return b
}

func (e elements) append(b []byte) []byte {
	b = append(b, e.kind)
	if e.kind&1 == 0 {
		if e.kind&2 != 0 {
			b = unsigned(b, uint64(e.table))
		}
		b = append(b, 0x41, 0, 0x0b) // from offset 0
	}
	switch {
	case e.kind&4 == 0 && e.kind&3 != 0:
		b = append(b, 0) // functions
	case e.kind&4 != 0 && e.kind&3 != 0:
		b = append(b, e.typ)
	}
	return append(b, list(e.items, func(b []byte, f int) []byte {
		switch {
		case e.kind&4 == 0:
			return unsigned(b, uint64(f))
		case f < 0:
			return append(b, 0xd0, e.typ, 0x0b)
		}
		return append(unsigned(append(b, 0xd2), uint64(f)), 0x0b)
	})...)
}

// encode writes a function's locals and code; counter is the global that counts, or -1.
func (f *function) encode(counter int) []byte {
	var groups [][2]int // how many, of what type
	for _, typ := range f.locals[len(f.Params):] {
		if n := len(groups); n > 0 && groups[n-1][1] == int(typ) {
			groups[n-1][0]++
		} else {
			groups = append(groups, [2]int{1, int(typ)})
		}
	}
	b := list(groups, func(b []byte, group [2]int) []byte { return append(unsigned(b, uint64(group[0])), byte(group[1])) })
	at := 0
	for _, r := range f.runs {
		b = append(b, f.code[at:r.at]...)
		at = r.at
		if counter < 0 || r.count == 0 {
			continue
		}
		b = unsigned(append(b, 0x23), uint64(counter))
		b = append(signed(append(b, 0x42), int64(r.count)), 0x7c, 0x24)
		b = unsigned(b, uint64(counter))
	}
	return append(b, f.code[at:]...)
}
