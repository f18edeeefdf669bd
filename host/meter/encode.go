package meter

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/switchyard-gateway/switchyard/host/meter/internal/wasm"
)

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
	globalDeep
	addedGlobals
)

// encode writes the module anew.
func (m *rewriter) encode() []byte {
	out := make([]byte, 0, len(m.src)+len(m.inserts)*20+1024)
	out = append(out, m.src[:8]...)
	for _, id := range [...]byte{
		wasm.SecType, wasm.SecImport, wasm.SecFunction, wasm.SecTable, wasm.SecMemory, wasm.SecGlobal, wasm.SecExport,
		wasm.SecElement, wasm.SecDataCount, wasm.SecCode, wasm.SecData,
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
	case wasm.SecType:
		added = addedTypes
		entry = append(entry, wasm.TypeFunction, 0, 0)
		entry = append(entry, wasm.TypeFunction, 1, wasm.TypeI64, 0)
		entry = append(entry, wasm.TypeFunction, 1, wasm.TypeI32, 1, wasm.TypeI32)
		entry = append(entry, wasm.TypeFunction, 3, wasm.TypeI32, wasm.TypeI32, wasm.TypeI32, 0)
	case wasm.SecFunction:
		for fn, used := range m.used {
			if used {
				added++
				entry = wasm.AppendU32(entry, uint32(len(m.Types)+addedType[fn]))
			}
		}
		for range m.inits {
			added++
			entry = wasm.AppendU32(entry, uint32(len(m.Types)+typeRange))
		}
	case wasm.SecTable, wasm.SecMemory:
		return m.writeResources(out, id)
	case wasm.SecGlobal:
		added = addedGlobals
		entry = append(entry, wasm.TypeI64, 1, wasm.OpI64Const, 0, wasm.OpEnd)
		entry = append(entry, wasm.TypeI64, 1, wasm.OpI64Const, 0, wasm.OpEnd)
		entry = append(entry, wasm.TypeI32, 1, wasm.OpI32Const, 0, wasm.OpEnd)
		entry = append(entry, wasm.TypeI32, 1, wasm.OpI32Const, 0, wasm.OpEnd)
	case wasm.SecExport:
		for i, name := range [...]string{ExportFuel, ExportReserve, ExportStack, ExportDeep} {
			entry = appendExport(entry, name, 3, m.Globals+i)
		}
		added = addedGlobals
		if m.Start >= 0 {
			entry = appendExport(entry, ExportStart, 0, m.Start)
			added++
		}
	case wasm.SecCode:
		return m.writeCode(out)
	default:
		if payload, present := m.Section(id); present {
			out = append(out, id)
			out = wasm.AppendU32(out, uint32(len(payload)))
			out = append(out, payload...)
		}
		return out
	}
	n, own := m.Entries(id)
	count := wasm.AppendU32(nil, uint32(n+added))
	out = append(out, id)
	out = wasm.AppendU32(out, uint32(len(count)+len(own)+len(entry)))
	out = append(out, count...)
	out = append(out, own...)
	return append(out, entry...)
}

func appendExport(b []byte, name string, kind byte, index int) []byte {
	b = append(b, byte(len(name)))
	b = append(b, name...)
	b = append(b, kind)
	return wasm.AppendU32(b, uint32(index))
}

func (m *rewriter) writeResources(out []byte, id byte) []byte {
	var list []wasm.Resource
	switch {
	case id == wasm.SecTable:
		list = m.Tables[m.ImportedTables:]
	case m.ImportedMemories == 0: // see pages
		memory := wasm.Resource{Limited: true}
		if len(m.Memories) > 0 {
			memory.Min = m.Memories[0].Min
		}
		_, memory.Max = m.pages()
		list = append(list, memory)
	}
	if len(list) == 0 {
		return out
	}
	body := wasm.AppendU32(nil, uint32(len(list)))
	for _, s := range list {
		if id == wasm.SecTable {
			body = append(body, s.Element)
		}
		if s.Limited {
			body = wasm.AppendU32(append(body, 1), s.Min)
			body = wasm.AppendU32(body, s.Max)
		} else {
			body = wasm.AppendU32(append(body, 0), s.Min)
		}
	}
	out = append(out, id)
	out = wasm.AppendU32(out, uint32(len(body)))
	return append(out, body...)
}

// writeCode writes the code section. Its length is written last, in five bytes.
func (m *rewriter) writeCode(out []byte) []byte {
	out = append(out, wasm.SecCode, 0, 0, 0, 0, 0)
	start := len(out)
	count := len(m.bodies) + len(m.inits)
	for _, used := range m.used {
		if used {
			count++
		}
	}
	out = wasm.AppendU32(out, uint32(count))
	c := m.newCoder()
	for i := range m.bodies {
		b := &m.bodies[i]
		end := len(m.inserts)
		if i+1 < len(m.bodies) {
			end = m.bodies[i+1].insert
		}
		c.function(m, b, m.inserts[b.insert:end])
		out = wasm.AppendU32(out, uint32(len(c.buf)))
		out = append(out, c.buf...)
	}
	for fn, used := range m.used {
		if used {
			c.appended(m, fn)
			out = wasm.AppendU32(out, uint32(len(c.buf)))
			out = append(out, c.buf...)
		}
	}
	for _, segment := range slices.Sorted(maps.Keys(m.inits)) {
		c.init(segment)
		out = wasm.AppendU32(out, uint32(len(c.buf)))
		out = append(out, c.buf...)
	}
	padded(out[start-5:start], uint32(len(out)-start))
	return out
}

// padded writes a LEB128 number in five bytes.
func padded(b []byte, v uint32) {
	binary.LittleEndian.PutUint32(b, v&0x7f|v>>7&0x7f<<8|v>>14&0x7f<<16|v>>21&0x7f<<24|0x80808080)
	b[4] = byte(v >> 28)
}
