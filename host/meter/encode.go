package meter

import "encoding/binary"

// Type indices of the appended functions, behind the module's own.
const (
	typeNothing = iota // () → ()
	typeFuel           // (i64) → ()
	typeLength         // (i32) → (i32)
	typeRange          // (i32 i32 i32) → ()
	addedTypes
)

// The appended globals, behind the module's own.
const (
	globalFuel = iota
	globalReserve
	globalStack
	addedGlobals
)

// encode writes the module anew.
func (m *rewriter) encode() []byte {
	out := make([]byte, 0, len(m.src)+len(m.inserts)*20+1024)
	out = append(out, m.src[:8]...)
	for _, id := range [...]byte{
		secType, secImport, secFunction, secTable, secMemory, secGlobal, secExport, secElement, secDataCount, secCode, secData,
	} {
		out = m.writeSection(out, id)
	}
	return out
}

// writeSection writes a section; one that is empty and was not there is left out.
func (m *rewriter) writeSection(out []byte, id byte) []byte {
	var entry []byte // what follows the module's own entries
	added := 0
	switch id {
	case secType:
		added = addedTypes
		entry = append(entry, typeFunction, 0, 0)
		entry = append(entry, typeFunction, 1, typeI64, 0)
		entry = append(entry, typeFunction, 1, typeI32, 1, typeI32)
		entry = append(entry, typeFunction, 3, typeI32, typeI32, typeI32, 0)
	case secFunction:
		for fn, used := range m.used {
			if used {
				added++
				entry = appendU32(entry, uint32(len(m.types)+addedType[fn])) //nolint:gosec // fewer than the module's bytes
			}
		}
	case secTable, secMemory:
		return m.writeResources(out, id)
	case secGlobal:
		added = addedGlobals
		entry = append(entry, typeI64, 1, opI64Const, 0, opEnd)
		entry = append(entry, typeI64, 1, opI64Const, 0, opEnd)
		entry = append(entry, typeI32, 1, opI32Const, 0, opEnd)
	case secExport:
		for i, name := range [...]string{ExportFuel, ExportReserve, ExportStack} {
			entry = appendExport(entry, name, 3, m.globals+i)
		}
		added = addedGlobals
		if m.present[secStart] {
			entry = appendExport(entry, ExportStart, 0, int(m.start))
			added++
		}
	case secCode:
		return m.writeCode(out)
	default:
		if m.present[id] {
			p := m.payload[id]
			out = append(out, id)
			out = appendU32(out, uint32(p.to-p.from)) //nolint:gosec // decode bounds the module
			out = append(out, m.src[p.from:p.to]...)
		}
		return out
	}
	e := m.entries[id]
	count := appendU32(nil, uint32(m.counts[id]+added)) //nolint:gosec // fewer than the module's bytes
	out = append(out, id)
	out = appendU32(out, uint32(len(count)+e.to-e.from+len(entry))) //nolint:gosec // decode bounds the module
	out = append(out, count...)
	out = append(out, m.src[e.from:e.to]...)
	return append(out, entry...)
}

func appendExport(b []byte, name string, kind byte, index int) []byte {
	b = append(b, byte(len(name)))
	b = append(b, name...)
	b = append(b, kind)
	return appendU32(b, uint32(index)) //nolint:gosec // fewer than the module's bytes
}

func (m *rewriter) writeResources(out []byte, id byte) []byte {
	list := m.memories[min(m.importedMems, len(m.memories)):]
	if id == secTable {
		list = m.tables[m.importedTabs:]
		if len(m.memories) == 0 { // see coder.refill
			list = append(list[:len(list):len(list)], resource{element: typeFuncref, limited: true})
		}
	}
	if len(list) == 0 {
		return out
	}
	body := appendU32(nil, uint32(len(list))) //nolint:gosec // fewer than the module's bytes
	for _, s := range list {
		if id == secTable {
			body = append(body, s.element)
		}
		if s.limited {
			body = appendU32(append(body, 1), s.min)
			body = appendU32(body, s.max)
		} else {
			body = appendU32(append(body, 0), s.min)
		}
	}
	out = append(out, id)
	out = appendU32(out, uint32(len(body))) //nolint:gosec // fewer than the module's bytes
	return append(out, body...)
}

// writeCode writes the code section. Its length is written last, in five bytes.
func (m *rewriter) writeCode(out []byte) []byte {
	out = append(out, secCode, 0, 0, 0, 0, 0)
	start := len(out)
	count := len(m.bodies)
	for _, used := range m.used {
		if used {
			count++
		}
	}
	out = appendU32(out, uint32(count)) //nolint:gosec // fewer than the module's bytes
	c := m.newCoder()
	for i := range m.bodies {
		b := &m.bodies[i]
		end := len(m.inserts)
		if i+1 < len(m.bodies) {
			end = m.bodies[i+1].insert
		}
		c.function(m, b, m.inserts[b.insert:end])
		out = appendU32(out, uint32(len(c.buf))) //nolint:gosec // a small multiple of the module
		out = append(out, c.buf...)
	}
	for fn, used := range m.used {
		if used {
			c.appended(m, fn)
			out = appendU32(out, uint32(len(c.buf))) //nolint:gosec // a few bytes
			out = append(out, c.buf...)
		}
	}
	padded(out[start-5:start], uint32(len(out)-start)) //nolint:gosec // a small multiple of the module
	return out
}

// padded writes a LEB128 number in five bytes.
func padded(b []byte, v uint32) {
	binary.LittleEndian.PutUint32(b, v&0x7f|v>>7&0x7f<<8|v>>14&0x7f<<16|v>>21&0x7f<<24|0x80808080)
	b[4] = byte(v >> 28)
}
