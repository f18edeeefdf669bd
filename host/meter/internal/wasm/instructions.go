package wasm

import (
	"errors"
	"fmt"
)

// Vector instructions that have immediates.
const (
	vectorLastMemory  = 0x0b // from 0
	vectorConst       = 0x0c
	vectorShuffle     = 0x0d
	vectorFirstLane   = 0x15
	vectorLastLane    = 0x22
	vectorFirstMemory = 0x54 // of a lane, up to
	vectorLastMemLane = 0x5b
	vectorLastZero    = 0x5d
	firstRelaxed      = 0x100 // those from here on are "relaxed"
)

// memargHasMemory is set in a load's alignment if a memory's index follows.
const memargHasMemory = 0x40

// SkipImmediates moves over what follows the opcode of an instruction. It covers those whose immediates are not indices,
// labels or block types, and refuses what this host does not run by name.
func (m *Module) SkipImmediates(r *Reader, op byte) error {
	switch {
	case op >= OpFirstNumeric && op <= OpLastNumeric, op == OpDrop, op == OpSelect, op == OpRefIsNull, op == 0x01:
	case op == OpI32Const:
		r.number(5)
	case op == OpI64Const:
		r.number(10)
	case op >= OpFirstMemory && op <= OpLastMemory:
		return m.memarg(r)
	case op == OpMemorySize:
		return m.MemoryIndex(r)
	case op == OpF32Const:
		r.skip(4)
	case op == OpF64Const:
		r.skip(8)
	case op == OpSelectTyped:
		for range r.Count() {
			if err := ValueType(r.Byte()); err != nil {
				return err
			}
		}
	case op == OpRefNull:
		return ValueType(r.Byte())
	case op == OpPrefixVector:
		return m.vector(r)
	default:
		if f := foreign(op); f != "" {
			return Unsupported(f)
		}
		return fmt.Errorf("has the unknown instruction %#x", op)
	}
	return nil
}

func (m *Module) memarg(r *Reader) error {
	if align := r.U32(); align&memargHasMemory != 0 {
		return Unsupported("multiple memories (a load or store names one)")
	}
	r.U32()
	return m.memory()
}

// MemoryIndex reads the index of the memory and refuses one that the module doesn't have.
func (m *Module) MemoryIndex(r *Reader) error {
	if i := r.U32(); i != 0 {
		return Unsupported(fmt.Sprintf("multiple memories (it names memory %d)", i))
	}
	return m.memory()
}

// memory refuses what needs a memory if there is none.
func (m *Module) memory() error {
	if len(m.Memories) == 0 {
		return errors.New("needs a memory, and the module has none")
	}
	return nil
}

// vector reads an instruction behind the prefix 0xfd.
func (m *Module) vector(r *Reader) error {
	switch sub := r.U32(); {
	case sub >= firstRelaxed:
		return Unsupported(fmt.Sprintf("relaxed vector instructions (0xfd %#x)", sub))
	case sub <= vectorLastMemory:
		return m.memarg(r)
	case sub == vectorConst || sub == vectorShuffle:
		r.skip(16)
	case sub >= vectorFirstLane && sub <= vectorLastLane:
		r.Byte()
	case sub >= vectorFirstMemory && sub <= vectorLastZero:
		if err := m.memarg(r); err != nil {
			return err
		}
		if sub <= vectorLastMemLane {
			r.Byte()
		}
	}
	return nil
}

// constant reads a constant expression.
func (m *Module) constant(r *Reader) error {
	for r.More() {
		switch op := r.Byte(); op {
		case OpEnd:
			return nil
		case OpI32Const:
			r.number(5)
		case OpI64Const:
			r.number(10)
		case OpF32Const:
			r.skip(4)
		case OpF64Const:
			r.skip(8)
		case OpGlobalGet:
			if _, err := m.Index(r, OfGlobal); err != nil {
				return err
			}
		case OpRefFunc:
			f, err := m.Index(r, OfFunction)
			if err != nil {
				return err
			}
			m.declare(f)
		case OpRefNull:
			if err := ValueType(r.Byte()); err != nil {
				return err
			}
		case OpPrefixVector:
			if sub := r.U32(); sub != vectorConst {
				return fmt.Errorf("has vector instruction %#x in a constant expression", sub)
			}
			r.skip(16)
		case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e:
			return Unsupported("extended constant expressions (arithmetic)")
		default:
			if f := foreign(op); f != "" {
				return Unsupported(f)
			}
			return fmt.Errorf("has instruction %#x in a constant expression", op)
		}
	}
	r.Fail()
	return nil
}
