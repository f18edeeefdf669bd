package meter

import (
	"errors"
	"fmt"

	"github.com/switchyard-gateway/switchyard/host/meter/internal/wasm"
)

func (m *rewriter) insert(pos int, kind insertKind) int {
	m.inserts = append(m.inserts, insert{pos: uint32(pos), kind: kind})
	return len(m.inserts) - 1
}

// replace notes that something with the help of an appended function takes the place of an instruction.
func (m *rewriter) replace(kind insertKind, from, to int, fn uint32) {
	i := m.insert(from, kind)
	m.inserts[i].skip, m.inserts[i].arg = uint32(to-from), fn
	m.used[fn] = true
}

// call notes a call that may nest; callee is a body, or callgraph.Anywhere.
func (m *rewriter) call(from, to int, callee int32) {
	i := m.insert(from, insertDeeper)
	m.inserts[i].skip, m.inserts[i].arg = uint32(to-from), uint32(m.graph.Call(callee))
}

// local reads the index of one of the function's own locals.
func (m *rewriter) local(r *wasm.Reader) (uint32, error) {
	i := r.U32()
	if !r.Bad() && i >= m.locals {
		return 0, fmt.Errorf("names local %d, and the module has %d", i, m.locals)
	}
	return i, nil
}

// memoryByte reads the index of the memory behind an instruction that is replaced, so that nobody else will look at it.
func (m *rewriter) memoryByte(r *wasm.Reader) error {
	at := r.Pos()
	if err := m.MemoryIndex(r); err != nil {
		return err
	}
	if !r.Bad() && r.Pos() != at+1 {
		return errors.New("names its memory in more than a byte")
	}
	return nil
}

// blockType reads a block's type and reports whether it takes parameters.
func (m *rewriter) blockType(r *wasm.Reader) (takes bool, err error) {
	t, err := m.BlockType(r)
	if t == nil {
		return false, err
	}
	m.scan.values += 2 * (len(t.Params) + len(t.Results))
	return len(t.Params) > 0, nil
}

// misc reads an instruction behind the prefix 0xfc.
func (m *rewriter) misc(r *wasm.Reader, at int, cur int64) (int64, error) {
	switch sub := r.U32(); {
	case sub < wasm.MiscMemoryInit || r.Bad(): // saturating conversions
	case sub == wasm.MiscDataDrop || sub == wasm.MiscElemDrop:
		r.U32()
	case sub == wasm.MiscMemoryInit:
		segment := r.U32()
		if err := m.memoryByte(r); err != nil {
			return cur, err
		}
		m.replace(insertInit, at, r.Pos(), addedBytes)
		m.inserts[len(m.inserts)-1].key = segment
		if m.inits == nil {
			m.inits = map[uint32]int{}
		}
		m.inits[segment] = 0
	case sub == wasm.MiscMemoryCopy:
		if err := m.MemoryIndex(r); err != nil {
			return cur, err
		}
		if err := m.MemoryIndex(r); err != nil {
			return cur, err
		}
		m.replace(insertRange, at, r.Pos(), addedCopy)
	case sub == wasm.MiscMemoryFill:
		if err := m.MemoryIndex(r); err != nil {
			return cur, err
		}
		m.replace(insertRange, at, r.Pos(), addedFill)
	case sub <= wasm.MiscTableFill:
		if sub == wasm.MiscTableInit {
			r.U32()
		}
		if _, err := m.Index(r, wasm.OfTable); err != nil {
			return cur, err
		}
		if sub == wasm.MiscTableCopy {
			if _, err := m.Index(r, wasm.OfTable); err != nil {
				return cur, err
			}
		}
		if sub == wasm.MiscTableSize {
			break
		}
		m.replace(insertCall, at, at, addedElements)
		if sub == wasm.MiscTableGrow {
			cur = pay(cur, costLeave)
		}
	default:
		return cur, fmt.Errorf("has the unknown instruction 0xfc %d", sub)
	}
	return cur, nil
}
