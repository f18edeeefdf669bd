package meter

import (
	"math"

	"github.com/switchyard-gateway/switchyard/host/meter/internal/wasm"
)

// appended writes one of the functions behind the module's own.
func (c *coder) appended(m *rewriter, fn int) {
	c.buf = c.buf[:0]
	switch fn {
	case addedRefill:
		c.refill(m)
	case addedAgain:
		c.op(0)
		c.arg(wasm.OpCall, c.funcs[addedRefill])
		c.arg(wasm.OpGlobalGet, c.fuel)
		c.arg(wasm.OpLocalGet, 0)
		c.op(wasm.OpI64Add)
		c.arg(wasm.OpGlobalSet, c.fuel)
	case addedBytes:
		c.upTo(uint32(len(m.src)), bytesPerFuelShift)
	case addedElements:
		limit := m.limits.TableElements
		if limit == 0 {
			limit = math.MaxUint32
		}
		c.upTo(max(limit, uint32(len(m.src))), 0)
	case addedGrow:
		c.grow(m)
	case addedFill:
		c.fill()
	case addedCopy:
		c.copy()
	}
	c.op(wasm.OpEnd)
}

// upTo pays for an operation's length, which it returns. One above the limit is free: the operation will trap or fail.
func (c *coder) upTo(limit uint32, shift int64) {
	c.op(1)
	c.local(wasm.TypeI64)
	c.arg(wasm.OpLocalGet, 0)
	c.i32(int32(limit))
	c.op(wasm.OpI32LeU, wasm.OpIf, wasm.TypeEmpty)
	c.length(0, shift, 1)
	c.op(wasm.OpEnd)
	c.arg(wasm.OpLocalGet, 0)
}

// length pays for a length in local n: shifted right.
func (c *coder) length(n uint32, shift int64, scratch uint32) {
	c.arg(wasm.OpGlobalGet, c.fuel)
	c.arg(wasm.OpLocalGet, n)
	c.op(wasm.OpExtendU)
	if shift > 0 {
		c.i64(shift)
		c.op(wasm.OpI64ShrU)
	}
	c.op(wasm.OpI64Sub)
	c.paid(scratch)
}

// pages returns how many pages of memory the guest may have, and how many refill asks for so that the host has its turn:
// one more, which the memory's maximum allows for. Of an imported memory's true maximum it knows nothing better than what
// the module says.
func (m *rewriter) pages() (most, ask uint32) {
	switch {
	case len(m.Memories) == 0:
		return 0, 1
	case m.ImportedMemories == 0:
		return m.Memories[0].Max, m.Memories[0].Max + 1
	case m.Memories[0].Limited:
		return m.Memories[0].Max, m.Memories[0].Max
	}
	return 1 << 16, 1 << 16
}

// refill adds to the stack what is there for deep calls, if it is used up. If that was all that was wanted, it is done.
// Else it asks the host for memory that it never gives, so that it has its turn, and takes what fuel lacks of a slice. It
// traps with negative fuel if there is too little, and with negative stack alone if calls nest too deep.
func (c *coder) refill(m *rewriter) {
	const take = 0
	c.op(1)
	c.local(wasm.TypeI64)
	c.arg(wasm.OpGlobalGet, c.stack)
	c.op(wasm.OpExtendS)
	c.i64(0)
	c.op(wasm.OpI64LtS, wasm.OpIf, wasm.TypeEmpty)
	c.arg(wasm.OpGlobalGet, c.stack)
	c.arg(wasm.OpGlobalGet, c.deep)
	c.op(wasm.OpI32Add)
	c.arg(wasm.OpGlobalSet, c.stack)
	c.i32(0)
	c.arg(wasm.OpGlobalSet, c.deep)
	c.i64(-1)
	c.arg(wasm.OpGlobalGet, c.fuel)
	c.arg(wasm.OpGlobalGet, c.stack)
	c.op(wasm.OpExtendS, wasm.OpI64Or)
	c.op(wasm.OpI64LtS, wasm.OpIf, wasm.TypeEmpty, wasm.OpReturn, wasm.OpEnd, wasm.OpEnd)
	_, ask := m.pages()
	c.i32(int32(ask))
	c.op(wasm.OpMemorySize, 0, wasm.OpI32Sub, wasm.OpMemoryGrow, 0, wasm.OpDrop)
	// take = min(Slice-fuel, reserve)
	c.i64(Slice)
	c.arg(wasm.OpGlobalGet, c.fuel)
	c.op(wasm.OpI64Sub)
	c.arg(wasm.OpLocalTee, take)
	c.arg(wasm.OpGlobalGet, c.reserve)
	c.op(wasm.OpI64GtU, wasm.OpIf, wasm.TypeEmpty)
	c.arg(wasm.OpGlobalGet, c.reserve)
	c.arg(wasm.OpLocalSet, take)
	c.op(wasm.OpEnd)
	c.arg(wasm.OpGlobalGet, c.reserve)
	c.arg(wasm.OpLocalGet, take)
	c.op(wasm.OpI64Sub)
	c.arg(wasm.OpGlobalSet, c.reserve)
	c.arg(wasm.OpGlobalGet, c.fuel)
	c.arg(wasm.OpLocalGet, take)
	c.op(wasm.OpI64Add)
	c.arg(wasm.OpLocalTee, take)
	c.arg(wasm.OpGlobalSet, c.fuel)
	c.arg(wasm.OpLocalGet, take)
	c.arg(wasm.OpGlobalGet, c.stack)
	c.op(wasm.OpExtendS, wasm.OpI64Or)
	c.i64(0)
	c.op(wasm.OpI64LtS, wasm.OpIf, wasm.TypeEmpty, wasm.OpUnreachable, wasm.OpEnd)
}

// grow pays for pages that the host will have to find. What exceeds the maximum fails without asking it, and is free.
func (c *coder) grow(m *rewriter) {
	most, _ := m.pages()
	c.op(1)
	c.local(wasm.TypeI64)
	c.arg(wasm.OpLocalGet, 0)
	c.i32(int32(most))
	c.op(wasm.OpMemorySize, 0, wasm.OpI32Sub, wasm.OpI32GtU, wasm.OpIf, wasm.TypeEmpty)
	c.i32(-1)
	c.op(wasm.OpReturn, wasm.OpEnd)
	c.arg(wasm.OpGlobalGet, c.fuel)
	c.arg(wasm.OpLocalGet, 0)
	c.op(wasm.OpExtendU)
	c.i64(pageFuelShift)
	c.op(wasm.OpI64Shl, wasm.OpI64Sub)
	c.paid(1)
	c.arg(wasm.OpLocalGet, 0)
	c.op(wasm.OpMemoryGrow, 0)
}

// Parameters of the functions for a range of memory, and their scratch.
const (
	rangeTo = iota
	rangeFrom
	rangeLength
	rangeScratch
	rangeValue = rangeFrom
)

// outside writes a condition: the range of rangeLength bytes at local start ends behind the memory.
func (c *coder) outside(start uint32) {
	c.arg(wasm.OpLocalGet, start)
	c.op(wasm.OpExtendU)
	c.arg(wasm.OpLocalGet, rangeLength)
	c.op(wasm.OpExtendU, wasm.OpI64Add)
	c.op(wasm.OpMemorySize, 0, wasm.OpExtendU)
	c.i64(16)
	c.op(wasm.OpI64Shl, wasm.OpI64GtU)
}

// long opens a block for ranges of more than a chunk, which traps first, before anything is written, if one of the ranges
// ends outside the memory.
func (c *coder) long(instruction func(), starts ...uint32) {
	c.arg(wasm.OpLocalGet, rangeLength)
	c.i32(chunk)
	c.op(wasm.OpI32GtU, wasm.OpIf, wasm.TypeEmpty)
	for _, s := range starts {
		c.outside(s)
		c.op(wasm.OpIf, wasm.TypeEmpty)
		c.whole(instruction)
		c.op(wasm.OpUnreachable, wasm.OpEnd)
	}
}

// whole writes the instruction for all of the range.
func (c *coder) whole(instruction func()) {
	for p := range uint32(3) {
		c.arg(wasm.OpLocalGet, p)
	}
	instruction()
}

// add moves a local by n.
func (c *coder) add(local uint32, n int32) {
	c.arg(wasm.OpLocalGet, local)
	c.i32(n)
	c.op(wasm.OpI32Add)
	c.arg(wasm.OpLocalSet, local)
}

// chunks loops while more than a chunk is left.
func (c *coder) chunks(step func()) {
	c.op(wasm.OpLoop, wasm.TypeEmpty)
	c.arg(wasm.OpGlobalGet, c.fuel)
	c.i64(chunk >> bytesPerFuelShift)
	c.op(wasm.OpI64Sub)
	c.paid(rangeScratch)
	step()
	c.add(rangeLength, -chunk)
	c.arg(wasm.OpLocalGet, rangeLength)
	c.i32(chunk)
	c.op(wasm.OpI32GtU, wasm.OpBrIf, 0, wasm.OpEnd)
}

// rest pays for what is left and does it.
func (c *coder) rest(instruction func()) {
	c.length(rangeLength, bytesPerFuelShift, rangeScratch)
	c.whole(instruction)
}

func (c *coder) fill() {
	instruction := func() { c.misc(wasm.MiscMemoryFill, 0) }
	c.op(1)
	c.local(wasm.TypeI64)
	c.long(instruction, rangeTo)
	c.chunks(func() {
		c.arg(wasm.OpLocalGet, rangeTo)
		c.arg(wasm.OpLocalGet, rangeValue)
		c.i32(chunk)
		instruction()
		c.add(rangeTo, chunk)
	})
	c.op(wasm.OpEnd)
	c.rest(instruction)
}

// copy goes downwards when the target lies above the source, as the ranges may overlap.
func (c *coder) copy() {
	instruction := func() { c.misc2(wasm.MiscMemoryCopy, 0, 0) }
	c.op(1)
	c.local(wasm.TypeI64)
	c.long(instruction, rangeTo, rangeFrom)
	c.arg(wasm.OpLocalGet, rangeTo)
	c.arg(wasm.OpLocalGet, rangeFrom)
	c.op(wasm.OpI32LeU, wasm.OpIf, wasm.TypeEmpty)
	c.chunks(func() {
		c.arg(wasm.OpLocalGet, rangeTo)
		c.arg(wasm.OpLocalGet, rangeFrom)
		c.i32(chunk)
		instruction()
		c.add(rangeTo, chunk)
		c.add(rangeFrom, chunk)
	})
	c.op(wasm.OpElse)
	c.chunks(func() {
		for _, local := range [...]uint32{rangeTo, rangeFrom} {
			c.arg(wasm.OpLocalGet, local)
			c.arg(wasm.OpLocalGet, rangeLength)
			c.op(wasm.OpI32Add)
			c.i32(chunk)
			c.op(wasm.OpI32Sub)
		}
		c.i32(chunk)
		instruction()
	})
	c.op(wasm.OpEnd, wasm.OpEnd)
	c.rest(instruction)
}

// init writes a function for memory.init of a long segment. Of a range that ends outside the memory or the segment,
// nothing may be written: the instruction finds out with no bytes from there.
func (c *coder) init(segment uint32) {
	instruction := func() { c.misc2(wasm.MiscMemoryInit, segment, 0) }
	c.buf = c.buf[:0]
	c.op(1)
	c.local(wasm.TypeI64)
	c.arg(wasm.OpLocalGet, rangeLength)
	c.i32(chunk)
	c.op(wasm.OpI32GtU, wasm.OpIf, wasm.TypeEmpty)
	ends := func(start uint32) {
		c.arg(wasm.OpLocalGet, start)
		c.arg(wasm.OpLocalGet, rangeLength)
		c.op(wasm.OpI32Add)
	}
	for _, start := range [...]uint32{rangeTo, rangeFrom} { // a sum that has come round is outside, too
		c.arg(wasm.OpLocalGet, start)
		ends(start)
		c.op(wasm.OpI32GtU, wasm.OpIf, wasm.TypeEmpty)
		c.whole(instruction)
		c.op(wasm.OpUnreachable, wasm.OpEnd)
	}
	ends(rangeTo)
	ends(rangeFrom)
	c.i32(0)
	instruction()
	c.chunks(func() {
		c.arg(wasm.OpLocalGet, rangeTo)
		c.arg(wasm.OpLocalGet, rangeFrom)
		c.i32(chunk)
		instruction()
		c.add(rangeTo, chunk)
		c.add(rangeFrom, chunk)
	})
	c.op(wasm.OpEnd)
	c.rest(instruction)
	c.op(wasm.OpEnd)
}
