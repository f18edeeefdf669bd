// Package wasm reads WebAssembly modules that may be hostile: import it to learn what a module declares, and to walk over
// the code of its functions. What the host does not run, anything beyond WebAssembly 2.0, is refused by name.
//
// It reads no more than a rewriter needs, and does not validate: only what indices name is sure to exist. Errors are parts
// of a sentence whose subject is the caller's to say ("function 3 %w"), but for those of Module.Decode. What is allocated
// is in proportion to the module, whatever counts it announces.
package wasm

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// Limits is what a module may declare. A field that is zero does not limit.
type Limits struct {
	FunctionSize  uint32 // bytes of one function's body
	Functions     uint32 // imported ones included, as in the next two
	Globals       uint32
	TableElements uint32 // over all tables; declared maxima are lowered to it
	Exports       uint32
	Types         uint32
	Signature     uint32 // parameters of a type, and as many results
	Segments      uint32 // data and element segments
	Memory        uint32 // pages of 64 KiB, MaxMemory at most; a declared maximum is lowered to it
	Reserved      string // what no export's name begins with
}

// Module is what a module declares. It refers to the module's bytes and is good as long as they do not change.
type Module struct {
	Types            []Signature
	Funcs            []uint32 // the type of each function, imported ones first
	ImportedFuncs    int
	Globals          int        // imported ones included
	Tables           []Resource // imported ones first; maxima are those of the limits
	ImportedTables   int
	Memories         []Resource // one at most, likewise
	ImportedMemories int
	DataSizes        []uint32 // of the data segments, in bytes; known when all is read
	Start            int      // the start function, -1 if there is none
	StartDeclared    bool     // an export, element segment or global names it too, so that ref.func may

	limits   Limits
	sections [Sections]section
	declared []uint32 // functions that exports and globals name, up to the start section
}

// Signature is a function type: its value types, as they stand in the module.
type Signature struct{ Params, Results []byte }

// Decode reads the module in src. It calls body for each function's code in order, when all but the data section is known;
// i counts without imported functions, and r stands before the declarations of locals. body has to read all of it. Decode
// may be called once.
func (m *Module) Decode(src []byte, limits Limits, body func(i int, r *Reader) error) error {
	m.limits, m.Start = limits, -1
	if len(src) < 8 || !bytes.Equal(src[:4], []byte("\x00asm")) {
		return fmt.Errorf("it is not a WebAssembly module: it does not begin with %q", "\x00asm")
	}
	if v := src[4:8]; !bytes.Equal(v, []byte{1, 0, 0, 0}) {
		return fmt.Errorf("it is not a WebAssembly module of version 1: its version field is %x", v)
	}
	if uint64(len(src)) > math.MaxUint32 {
		return fmt.Errorf("the module has %d bytes, the limit is %d", len(src), uint32(math.MaxUint32))
	}
	r := Reader{data: src, pos: 8, end: len(src)}
	rank := 0
	for r.More() {
		at := r.pos
		id := r.Byte()
		s := r.sub(r.U32())
		switch {
		case r.bad || s.bad:
			return fmt.Errorf("the section at byte %d is cut short", at)
		case id == SecCustom:
			if name := s.name(); s.bad || !utf8.Valid(name) {
				return fmt.Errorf("the name of the custom section at byte %d is malformed", at)
			}
			continue
		case id >= Sections:
			return fmt.Errorf("the section at byte %d has the unknown id %d", at, id)
		case id == SecTag:
			return fmt.Errorf("the module %w", Unsupported("exception handling (a tag section)"))
		case sectionRank[id] <= rank:
			return fmt.Errorf("the %s section at byte %d is out of order or comes twice", sectionNames[id], at)
		}
		rank = sectionRank[id]
		m.sections[id].present, m.sections[id].payload = true, src[s.pos:s.end]
		if err := m.section(id, &s, body); err != nil {
			return err
		}
		if s.bad || s.pos != s.end {
			return fmt.Errorf("the %s section at byte %d is malformed", sectionNames[id], at)
		}
	}
	return m.defined(m.sections[SecCode].count)
}

// Space is what an index counts.
type Space int

// The spaces of indices that a module has.
const (
	OfType Space = iota
	OfFunction
	OfTable
	OfGlobal
)

var spaceNames = [...]string{OfType: "type", OfFunction: "function", OfTable: "table", OfGlobal: "global"}

// size is how many of a kind there are, as far as the module was read.
func (m *Module) size(s Space) int {
	switch s {
	case OfType:
		return len(m.Types)
	case OfFunction:
		return len(m.Funcs)
	case OfTable:
		return len(m.Tables)
	default:
		return m.Globals
	}
}

// Index reads an index and refuses one that the module doesn't have. If it returns no error and r is not bad, the index
// is one of the module's own.
func (m *Module) Index(r *Reader, s Space) (uint32, error) {
	i := r.U32()
	if !r.bad && uint64(i) >= uint64(m.size(s)) {
		return 0, m.beyond(s, int64(i))
	}
	return i, nil
}

func (m *Module) beyond(s Space, i int64) error {
	return fmt.Errorf("names %s %d, and the module has %d", spaceNames[s], i, m.size(s))
}

// BlockType reads the type of a block, loop or if. It is nil if it takes nothing from the stack and leaves one value or
// none.
func (m *Module) BlockType(r *Reader) (*Signature, error) {
	at := r.pos
	switch t := r.S33(); {
	case r.bad:
	case t >= 0:
		if t >= int64(len(m.Types)) {
			return nil, m.beyond(OfType, t)
		}
		return &m.Types[t], nil
	case r.pos != at+1:
		return nil, errors.New("has a block of an unknown type")
	case t != TypeEmpty-0x80:
		return nil, ValueType(byte(t & 0x7f))
	}
	return nil, nil
}
