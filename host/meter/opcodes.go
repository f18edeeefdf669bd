package meter

import "fmt"

// Opcodes that the rewriter looks for or writes.
const (
	opUnreachable   = 0x00
	opBlock         = 0x02
	opLoop          = 0x03
	opIf            = 0x04
	opElse          = 0x05
	opEnd           = 0x0b
	opBr            = 0x0c
	opBrIf          = 0x0d
	opBrTable       = 0x0e
	opReturn        = 0x0f
	opCall          = 0x10
	opCallIndirect  = 0x11
	opDrop          = 0x1a
	opSelect        = 0x1b
	opSelectTyped   = 0x1c
	opLocalGet      = 0x20
	opLocalSet      = 0x21
	opLocalTee      = 0x22
	opGlobalGet     = 0x23
	opGlobalSet     = 0x24
	opTableGet      = 0x25
	opTableSet      = 0x26
	opFirstMemory   = 0x28 // load and store, up to
	opLastMemory    = 0x3e
	opMemorySize    = 0x3f
	opMemoryGrow    = 0x40
	opI32Const      = 0x41
	opI64Const      = 0x42
	opF32Const      = 0x43
	opF64Const      = 0x44
	opFirstNumeric  = 0x45 // instructions without immediates, up to
	opLastNumeric   = 0xc4
	opRefNull       = 0xd0
	opRefIsNull     = 0xd1
	opRefFunc       = 0xd2
	opPrefixMisc    = 0xfc
	opPrefixVector  = 0xfd
	miscMemoryInit  = 8
	miscDataDrop    = 9
	miscMemoryCopy  = 10
	miscMemoryFill  = 11
	miscTableInit   = 12
	miscElemDrop    = 13
	miscTableCopy   = 14
	miscTableGrow   = 15
	miscTableSize   = 16
	miscTableFill   = 17
	firstRelaxed    = 0x100 // vector instructions from here on are "relaxed"
	memargHasMemory = 0x40  // in a load's alignment: a memory's index follows
)

// Value types and other type codes.
const (
	typeI32       = 0x7f
	typeI64       = 0x7e
	typeF32       = 0x7d
	typeF64       = 0x7c
	typeV128      = 0x7b
	typeFuncref   = 0x70
	typeExternref = 0x6f
	typeFunction  = 0x60
	typeEmpty     = 0x40
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

// valueType says what is wrong with a value type, nil if this host knows it.
func valueType(t byte) error {
	switch t {
	case typeI32, typeI64, typeF32, typeF64, typeV128, typeFuncref, typeExternref:
		return nil
	case 0x63, 0x64:
		return unsupported("typed function references (a reference type with a heap type)")
	case 0x69, 0x68, 0x74:
		return unsupported("exception handling (an exception reference type)")
	case 0x6e, 0x6d, 0x6c, 0x6b, 0x6a, 0x71, 0x72, 0x73:
		return unsupported("garbage-collected types (a reference type)")
	}
	return fmt.Errorf("unknown value type %#x", t)
}

// unsupported words the refusal of a feature.
func unsupported(feature string) error {
	return fmt.Errorf("uses %s, which this host does not run: it runs WebAssembly 2.0", feature)
}
