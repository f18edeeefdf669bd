package meter

import (
	"fmt"

	"github.com/switchyard-gateway/switchyard/host/meter/internal/wasm"
)

// A function's native stack frame is estimated from what wazero's compiler may have to keep in it: each value that lives
// longer than the registers can hold it has a place of its own, that no other value ever takes. Such a value is the result
// of an instruction, or, where ways meet, of a local that was set on one of them. Most values are never kept, so that
// four bytes a value is several times too much for ordinary code, and at most half of what is taken in the worst case.
const (
	frameBase     = 160 // return address, frame pointer, saved registers
	bytesPerValue = 4
)

// pushed is how many values an instruction computes. Vectors count twice.
var pushed = func() (t [256]uint8) {
	for op := wasm.OpFirstNumeric; op <= wasm.OpLastNumeric; op++ {
		t[op] = 1
	}
	for op := wasm.OpFirstMemory; op <= wasm.OpLastMemory; op++ {
		t[op] = 1
	}
	for _, op := range [...]byte{
		wasm.OpSelect, wasm.OpSelectTyped, wasm.OpGlobalGet, wasm.OpTableGet, wasm.OpMemorySize, wasm.OpMemoryGrow,
		wasm.OpRefNull, wasm.OpRefIsNull, wasm.OpRefFunc, wasm.OpPrefixMisc,
	} {
		t[op] = 1
	}
	t[wasm.OpPrefixVector] = 2
	return t
}()

// maxFrame is the largest frame that a function may have: the last one of a chain of calls is not counted, see package callgraph.
const maxFrame = 640 << 10

// frameSize estimates the frame of the function that was scanned.
func (s *scanner) frameSize() (uint32, error) {
	size := frameBase + bytesPerValue*(s.values+2*s.widest)
	if size > maxFrame {
		return 0, fmt.Errorf("may take %d bytes of stack for itself, the limit is %d", size, maxFrame)
	}
	return uint32(size), nil
}

// meet notes the end of a block, where each local that was set since it began may have got another value.
func (s *scanner) meet(f *frame, locals int) {
	s.values += s.perLocal * min(s.sets-f.sets, locals)
}

// passes notes a call's arguments and results: results are values, and those that do not fit into registers are passed in
// the caller's frame.
func (s *scanner) passes(t *wasm.Signature) {
	results := width(t.Results)
	s.values += results
	s.widest = max(s.widest, width(t.Params)+results)
}

// width is how many places values of these types take.
func width(types []byte) int {
	n := len(types)
	for _, t := range types {
		if t == wasm.TypeV128 {
			n++
		}
	}
	return n
}
