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

// refill leaves compiled code for a moment, so that the host's scheduler and garbage collector have their turn, and takes
// what fuel lacks of a slice. It traps with negative fuel if there is too little, and with negative stack alone if calls
// nest too deep. The table for modules without a memory is the last.
func (c *coder) refill(m *rewriter) {
	const take = 0
	c.op(1)
	c.local(wasm.TypeI64)
	if len(m.Memories) > 0 {
		c.i32(0)
		c.op(wasm.OpMemoryGrow, 0)
	} else {
		c.op(wasm.OpRefNull, wasm.TypeFuncref)
		c.i32(0)
		c.misc(wasm.MiscTableGrow, uint32(len(m.Tables)))
	}
	c.op(wasm.OpDrop)
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

// grow pays for pages that the host will have to find. What exceeds the maximum fails, and is free.
func (c *coder) grow(m *rewriter) {
	limit := int32(1 << 16)
	if s := m.Memories; len(s) > 0 && s[0].Limited {
		limit = int32(min(s[0].Max, 1<<16))
	}
	c.op(1)
	c.local(wasm.TypeI64)
	c.arg(wasm.OpLocalGet, 0)
	c.i32(limit)
	c.op(wasm.OpMemorySize, 0, wasm.OpI32Sub, wasm.OpI32LeU, wasm.OpIf, wasm.TypeEmpty)
	c.arg(wasm.OpGlobalGet, c.fuel)
	c.arg(wasm.OpLocalGet, 0)
	c.op(wasm.OpExtendU)
	c.i64(pageFuelShift)
	c.op(wasm.OpI64Shl, wasm.OpI64Sub)
	c.paid(1)
	c.op(wasm.OpEnd)
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
