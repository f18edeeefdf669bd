package wasm

import "fmt"

// Opcodes of instructions that are looked for or written.
const (
	OpUnreachable  = 0x00
	OpBlock        = 0x02
	OpLoop         = 0x03
	OpIf           = 0x04
	OpElse         = 0x05
	OpEnd          = 0x0b
	OpBr           = 0x0c
	OpBrIf         = 0x0d
	OpBrTable      = 0x0e
	OpReturn       = 0x0f
	OpCall         = 0x10
	OpCallIndirect = 0x11
	OpDrop         = 0x1a
	OpSelect       = 0x1b
	OpSelectTyped  = 0x1c
	OpLocalGet     = 0x20
	OpLocalSet     = 0x21
	OpLocalTee     = 0x22
	OpGlobalGet    = 0x23
	OpGlobalSet    = 0x24
	OpTableGet     = 0x25
	OpTableSet     = 0x26
	OpFirstMemory  = 0x28 // load and store, up to
	OpLastMemory   = 0x3e
	OpMemorySize   = 0x3f
	OpMemoryGrow   = 0x40
	OpI32Const     = 0x41
	OpI64Const     = 0x42
	OpF32Const     = 0x43
	OpF64Const     = 0x44
	OpFirstNumeric = 0x45 // instructions without immediates, up to
	OpI32Eqz       = 0x45
	OpI32GtU       = 0x4b
	OpI32LeU       = 0x4d
	OpI64LtS       = 0x53
	OpI64GtU       = 0x56
	OpI32Add       = 0x6a
	OpI32Sub       = 0x6b
	OpI64Add       = 0x7c
	OpI64Sub       = 0x7d
	OpI64Or        = 0x84
	OpI64Shl       = 0x86
	OpI64ShrU      = 0x88
	OpExtendS      = 0xac // i64.extend_i32_s
	OpExtendU      = 0xad // i64.extend_i32_u
	OpLastNumeric  = 0xc4
	OpRefNull      = 0xd0
	OpRefIsNull    = 0xd1
	OpRefFunc      = 0xd2
	OpPrefixMisc   = 0xfc
	OpPrefixVector = 0xfd
)

// What may follow OpPrefixMisc. Below MiscMemoryInit are saturating conversions.
const (
	MiscMemoryInit = 8
	MiscDataDrop   = 9
	MiscMemoryCopy = 10
	MiscMemoryFill = 11
	MiscTableInit  = 12
	MiscElemDrop   = 13
	MiscTableCopy  = 14
	MiscTableGrow  = 15
	MiscTableSize  = 16
	MiscTableFill  = 17
)

// Value types and other type codes.
const (
	TypeI32       = 0x7f
	TypeI64       = 0x7e
	TypeF32       = 0x7d
	TypeF64       = 0x7c
	TypeV128      = 0x7b
	TypeFuncref   = 0x70
	TypeExternref = 0x6f
	TypeFunction  = 0x60
	TypeEmpty     = 0x40
)

// foreign says which proposal an instruction belongs to that this host does not run. An empty text: no known one.
func foreign(op byte) string {
	switch op {
	case 0x06, 0x07, 0x08, 0x09, 0x0a, 0x18, 0x19, 0x1f:
		return "exception handling (" + foreignNames[op] + ")"
	case 0x12, 0x13, 0x15:
		return "a tail call (" + foreignNames[op] + ")"
	case 0x14, 0xd4, 0xd5, 0xd6:
		return "typed function references (" + foreignNames[op] + ")"
	case 0xd3, 0xfb:
		return "garbage-collected types (" + foreignNames[op] + ")"
	case 0xfe:
		return "threads (atomic operations)"
	}
	return ""
}

var foreignNames = map[byte]string{
	0x06: "try", 0x07: "catch", 0x08: "throw", 0x09: "rethrow", 0x0a: "throw_ref", 0x18: "delegate", 0x19: "catch_all", 0x1f: "try_table",
	0x12: "return_call", 0x13: "return_call_indirect", 0x15: "return_call_ref",
	0x14: "call_ref", 0xd4: "ref.as_non_null", 0xd5: "br_on_null", 0xd6: "br_on_non_null",
	0xd3: "ref.eq", 0xfb: "struct, array or i31",
}

// ValueType says what is wrong with a value type, nil if this host knows it.
func ValueType(t byte) error {
	switch t {
	case TypeI32, TypeI64, TypeF32, TypeF64, TypeV128, TypeFuncref, TypeExternref:
		return nil
	case 0x63, 0x64:
		return Unsupported("typed function references (a reference type with a heap type)")
	case 0x69, 0x68, 0x74:
		return Unsupported("exception handling (an exception reference type)")
	case 0x6e, 0x6d, 0x6c, 0x6b, 0x6a, 0x71, 0x72, 0x73:
		return Unsupported("garbage-collected types (a reference type)")
	}
	return fmt.Errorf("unknown value type %#x", t)
}

// Unsupported words the refusal of a feature.
func Unsupported(feature string) error {
	return fmt.Errorf("uses %s, which this host does not run: it runs WebAssembly 2.0", feature)
}
