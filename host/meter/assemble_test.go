package meter_test

import (
	"encoding/binary"
	"slices"

	"github.com/switchyard-gateway/switchyard/host/meter/internal/modgen"
)

// source is a module written by hand. Its functions are exported as "a", "b", and so on, its memory as "memory".
type source struct {
	types     []modgen.Signature
	functions []handwritten
	pages     uint32 // of memory; 0: none
	table     uint32 // elements; the first are the functions
	data      int    // bytes of a passive segment, see segment
	flag      bool   // there is a global for the host to set, "flag"
}

type handwritten struct {
	typ    int
	locals []modgen.ValueType
	code   []byte // without the last end
}

func leb(v int) []byte { return binary.AppendUvarint(nil, uint64(v)) }

func op(code byte, index int) []byte { return append([]byte{code}, leb(index)...) }

func sized(b []byte) []byte { return append(leb(len(b)), b...) }

func vector(items ...[]byte) []byte { return append(leb(len(items)), slices.Concat(items...)...) }

// segment is the content of a data segment.
func segment(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i % 251)
	}
	return b
}

func (s source) assemble() []byte {
	var types, functions, bodies, exports, indices [][]byte
	for _, t := range s.types {
		types = append(types, slices.Concat([]byte{0x60}, sized(t.Params), sized(t.Results)))
	}
	for i, f := range s.functions {
		functions = append(functions, leb(f.typ))
		exports = append(exports, append([]byte{1, 'a' + byte(i%26), 0}, leb(i)...))
		indices = append(indices, leb(i))
		var locals [][]byte
		for _, l := range f.locals {
			locals = append(locals, []byte{1, l})
		}
		bodies = append(bodies, sized(slices.Concat(vector(locals...), f.code, []byte{0x0b})))
	}
	exports = exports[:min(len(exports), 26)]
	module := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id byte, content []byte) { module = append(append(module, id), sized(content)...) }
	section(1, vector(types...))
	section(3, vector(functions...))
	if s.table > 0 {
		section(4, slices.Concat([]byte{1, modgen.FuncRef, 1}, leb(int(s.table)), leb(int(2*s.table))))
	}
	if s.pages > 0 {
		section(5, slices.Concat([]byte{1, 1}, leb(int(s.pages)), leb(int(2*s.pages))))
		exports = append(exports, append(sized([]byte(modgen.ExportMemory)), 2, 0))
	}
	if s.flag {
		section(6, []byte{1, modgen.I32, 1, 0x41, 0, 0x0b})
		exports = append(exports, append(sized([]byte("flag")), 3, 0))
	}
	section(7, vector(exports...))
	if s.table > 0 {
		all := vector(indices...)
		section(9, slices.Concat([]byte{2, 0, 0x41, 0, 0x0b}, all, []byte{1, 0}, all)) // one active, one passive
	}
	if s.data > 0 {
		section(12, []byte{1})
	}
	section(10, vector(bodies...))
	if s.data > 0 {
		section(11, append([]byte{1, 1}, sized(segment(s.data))...))
	}
	return module
}
