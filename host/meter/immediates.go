package meter

import "fmt"

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
)

// skip moves over the immediates of an instruction that the scan needs nothing of.
func skip(r *reader, op byte) error {
	switch {
	case op >= opFirstNumeric && op <= opLastNumeric, op == opDrop, op == opSelect, op == opRefIsNull, op == 0x01:
	case op >= opLocalGet && op <= opTableSet:
		r.u32()
	case op == opI32Const:
		r.number(5)
	case op == opI64Const:
		r.number(10)
	case op >= opFirstMemory && op <= opLastMemory:
		return memarg(r)
	case op == opMemorySize:
		return memoryIndex(r)
	case op == opF32Const:
		r.skip(4)
	case op == opF64Const:
		r.skip(8)
	case op == opSelectTyped:
		for range r.count() {
			if err := valueType(r.byte()); err != nil {
				return err
			}
		}
	case op == opRefNull:
		return valueType(r.byte())
	case op == opPrefixVector:
		return vector(r)
	default:
		if f := foreign(op); f != "" {
			return unsupported(f)
		}
		return fmt.Errorf("has the unknown instruction %#x", op)
	}
	return nil
}

func memarg(r *reader) error {
	if align := r.u32(); align&memargHasMemory != 0 {
		return unsupported("multiple memories (a load or store names one)")
	}
	r.u32()
	return nil
}

// vector reads an instruction behind the prefix 0xfd.
func vector(r *reader) error {
	switch sub := r.u32(); {
	case sub >= firstRelaxed:
		return unsupported(fmt.Sprintf("relaxed vector instructions (0xfd %#x)", sub))
	case sub <= vectorLastMemory:
		return memarg(r)
	case sub == vectorConst || sub == vectorShuffle:
		r.skip(16)
	case sub >= vectorFirstLane && sub <= vectorLastLane:
		r.byte()
	case sub >= vectorFirstMemory && sub <= vectorLastZero:
		if err := memarg(r); err != nil {
			return err
		}
		if sub <= vectorLastMemLane {
			r.byte()
		}
	}
	return nil
}

// skipMisc moves over the rest of an instruction behind the prefix 0xfc.
func skipMisc(r *reader) {
	switch sub := r.u32(); sub {
	case miscDataDrop, miscElemDrop, miscTableSize, miscMemoryFill, miscTableGrow, miscTableFill:
		r.u32()
	case miscMemoryInit, miscMemoryCopy, miscTableInit, miscTableCopy:
		r.u32()
		r.u32()
	}
}
