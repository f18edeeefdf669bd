package meter

import "math"

// The functions that a rewritten module has behind its own, as far as it uses them.
const (
	addedRefill   = iota // take the next slice, or trap
	addedAgain           // the same, then give back a payment that will be made again
	addedBytes           // pay for an operation on so many bytes
	addedElements        // pay for an operation on so many table elements
	addedGrow            // memory.grow, paid
	addedFill            // memory.fill, paid and in chunks
	addedCopy            // memory.copy, likewise
	appended
)

var addedType = [appended]int{typeNothing, typeFuel, typeLength, typeLength, typeLength, typeRange, typeRange}

const (
	shortRange        = 1 << 14 // bytes up to which a range is filled or copied in place
	bytesPerFuelShift = 3       // a bulk operation on eight bytes costs one fuel
	pageFuelShift     = 13      // memory.grow by a page costs as much as 64 KiB of another operation
	chunk             = 1 << 20 // bytes that are filled or copied between two chances to act
)

// coder writes the code of functions.
type coder struct {
	buf                  []byte
	fuel, reserve, stack uint32 // globals
	funcs                [appended]uint32
}

func (m *rewriter) newCoder() *coder {
	g := uint32(m.globals) //nolint:gosec // fewer than the module's bytes
	c := &coder{fuel: g + globalFuel, reserve: g + globalReserve, stack: g + globalStack}
	next := uint32(len(m.funcs)) //nolint:gosec // fewer than the module's bytes
	for fn, used := range m.used {
		if used {
			c.funcs[fn] = next
			next++
		}
	}
	return c
}

func (c *coder) op(b ...byte)              { c.buf = append(c.buf, b...) }
func (c *coder) arg(op byte, v uint32)     { c.buf = appendU32(append(c.buf, op), v) }
func (c *coder) i64(v int64)               { c.buf = appendS64(append(c.buf, opI64Const), v) }
func (c *coder) i32(v int32)               { c.buf = appendS64(append(c.buf, opI32Const), int64(v)) }
func (c *coder) locals(n uint32, t byte)   { c.buf = append(appendU32(c.buf, n), t) }
func (c *coder) misc(sub, a uint32)        { c.arg(opPrefixMisc, sub); c.buf = appendU32(c.buf, a) }
func (c *coder) misc2(sub, a, b uint32)    { c.misc(sub, a); c.buf = appendU32(c.buf, b) }
func (c *coder) copied(src []byte, s span) { c.buf = append(c.buf, src[s.from:s.to]...) }

// function writes a body of the module with what is inserted into it.
func (c *coder) function(m *rewriter, b *body, list []insert) {
	c.buf = c.buf[:0]
	fuel, stack := b.locals, b.locals+1          // scratch
	c.buf = appendU32(c.buf, uint32(b.groups+2)) //nolint:gosec // fewer than the module's bytes
	c.copied(m.src, b.decls)
	c.locals(1, typeI64)
	c.locals(1, typeI32)
	from := b.from
	for i := range list {
		in := &list[i]
		c.copied(m.src, span{from, int(in.pos)})
		from = int(in.pos + in.skip)
		switch in.kind {
		case insertNothing:
		case insertCharge:
			c.charge(int64(in.arg), fuel)
		case insertTurn:
			c.again(int64(in.arg), fuel)
			c.arg(opBr, 1)
			c.op(opEnd)
		case insertSegment:
			c.again(int64(in.arg), fuel)
			c.i32(int32(in.key)) //nolint:gosec // br_table compares unsigned
			c.arg(opLocalSet, in.local)
			c.arg(opBr, in.label+1)
			c.op(opEnd)
		case insertCall:
			c.arg(opCall, c.funcs[in.arg])
		case insertRange:
			c.short(m, in.arg, fuel, stack, span{int(in.pos), from})
		case insertDeeper:
			n := m.calls[in.arg].bytes
			call := span{int(in.pos), from}
			if n == 0 {
				c.copied(m.src, call)
				break
			}
			c.deeper(n, stack)
			c.copied(m.src, call)
			c.arg(opGlobalGet, c.stack)
			c.i32(int32(n)) //nolint:gosec // see the cap on frames
			c.op(opI32Add)
			c.arg(opGlobalSet, c.stack)
		}
	}
	c.copied(m.src, span{from, b.to})
}

const (
	opI32Eqz  = 0x45
	opI32LtS  = 0x48
	opI32LtU  = 0x49
	opI32GtU  = 0x4b
	opI32LeU  = 0x4d
	opI64LtS  = 0x53
	opI64GtU  = 0x56
	opI32Add  = 0x6a
	opI32Sub  = 0x6b
	opI64Add  = 0x7c
	opI64Sub  = 0x7d
	opI64Shl  = 0x86
	opI64ShrU = 0x88
	opExtendU = 0xad // i64.extend_i32_u
)

// charge writes a payment. Local scratch is an i64.
func (c *coder) charge(cost int64, scratch uint32) {
	c.arg(opGlobalGet, c.fuel)
	c.i64(cost)
	c.op(opI64Sub)
	c.paid(scratch)
}

// again is charge, but where a slice ends it leaves an if open whose code has to lead back to the charge. So the usual
// way through the code has no point where it meets the other one, and values stay in registers.
func (c *coder) again(cost int64, scratch uint32) {
	c.arg(opGlobalGet, c.fuel)
	c.i64(cost)
	c.op(opI64Sub)
	c.arg(opLocalTee, scratch)
	c.arg(opGlobalSet, c.fuel)
	c.arg(opLocalGet, scratch)
	c.i64(0)
	c.op(opI64LtS, opIf, typeEmpty)
	c.i64(cost)
	c.arg(opCall, c.funcs[addedAgain])
}

// paid takes the new fuel from the stack.
func (c *coder) paid(scratch uint32) {
	c.arg(opLocalTee, scratch)
	c.arg(opGlobalSet, c.fuel)
	c.arg(opLocalGet, scratch)
	c.i64(0)
	c.op(opI64LtS, opIf, typeEmpty)
	c.arg(opCall, c.funcs[addedRefill])
	c.op(opEnd)
}

// short writes memory.fill or memory.copy, which is short as a rule: in its place, with a payment. Appended function fn
// does it when it is not. Scratch is an i64 and an i32.
func (c *coder) short(m *rewriter, fn, fuel, length uint32, original span) {
	c.arg(opLocalTee, length)
	c.arg(opLocalGet, length)
	c.i32(shortRange)
	c.op(opI32GtU, opIf)
	c.buf = appendS64(c.buf, int64(len(m.types)+typeRange))
	c.arg(opCall, c.funcs[fn])
	c.op(opElse)
	c.length(length, bytesPerFuelShift, fuel)
	c.copied(m.src, original)
	c.op(opEnd)
}

// deeper takes n bytes of the stack. Local scratch is an i32.
func (c *coder) deeper(n, scratch uint32) {
	c.arg(opGlobalGet, c.stack)
	c.i32(int32(n)) //nolint:gosec // see the cap on frames
	c.op(opI32Sub)
	c.arg(opLocalTee, scratch)
	c.arg(opGlobalSet, c.stack)
	c.arg(opLocalGet, scratch)
	c.i32(0)
	c.op(opI32LtS, opIf, typeEmpty, opUnreachable, opEnd)
}

// appended writes one of the functions behind the module's own.
func (c *coder) appended(m *rewriter, fn int) {
	c.buf = c.buf[:0]
	switch fn {
	case addedRefill:
		c.refill(m)
	case addedAgain:
		c.op(0)
		c.arg(opCall, c.funcs[addedRefill])
		c.arg(opGlobalGet, c.fuel)
		c.arg(opLocalGet, 0)
		c.op(opI64Add)
		c.arg(opGlobalSet, c.fuel)
	case addedBytes:
		c.upTo(uint32(len(m.src)), bytesPerFuelShift) //nolint:gosec // decode bounds the module
	case addedElements:
		limit := m.limits.TableElements
		if limit == 0 {
			limit = math.MaxUint32
		}
		c.upTo(max(limit, uint32(len(m.src))), 0) //nolint:gosec // decode bounds the module
	case addedGrow:
		c.grow(m)
	case addedFill:
		c.fill()
	case addedCopy:
		c.copy()
	}
	c.op(opEnd)
}

// upTo pays for an operation's length, which it returns. One above the limit is free: the operation will trap or fail.
func (c *coder) upTo(limit uint32, shift int64) {
	c.op(1)
	c.locals(1, typeI64)
	c.arg(opLocalGet, 0)
	c.i32(int32(limit)) //nolint:gosec // compared as unsigned
	c.op(opI32LeU, opIf, typeEmpty)
	c.length(0, shift, 1)
	c.op(opEnd)
	c.arg(opLocalGet, 0)
}

// length pays for a length in local n: shifted right.
func (c *coder) length(n uint32, shift int64, scratch uint32) {
	c.arg(opGlobalGet, c.fuel)
	c.arg(opLocalGet, n)
	c.op(opExtendU)
	if shift > 0 {
		c.i64(shift)
		c.op(opI64ShrU)
	}
	c.op(opI64Sub)
	c.paid(scratch)
}

// refill leaves compiled code for a moment, so that the host's scheduler and garbage collector have their turn, and takes
// what fuel lacks of a slice. The table for modules without a memory is the last.
func (c *coder) refill(m *rewriter) {
	const take = 0
	c.op(1)
	c.locals(1, typeI64)
	if len(m.memories) > 0 {
		c.i32(0)
		c.op(opMemoryGrow, 0)
	} else {
		c.op(opRefNull, typeFuncref)
		c.i32(0)
		c.misc(miscTableGrow, uint32(len(m.tables))) //nolint:gosec // fewer than the module's bytes
	}
	c.op(opDrop)
	// take = min(Slice-fuel, reserve)
	c.i64(Slice)
	c.arg(opGlobalGet, c.fuel)
	c.op(opI64Sub)
	c.arg(opLocalTee, take)
	c.arg(opGlobalGet, c.reserve)
	c.op(opI64GtU, opIf, typeEmpty)
	c.arg(opGlobalGet, c.reserve)
	c.arg(opLocalSet, take)
	c.op(opEnd)
	c.arg(opGlobalGet, c.reserve)
	c.arg(opLocalGet, take)
	c.op(opI64Sub)
	c.arg(opGlobalSet, c.reserve)
	c.arg(opGlobalGet, c.fuel)
	c.arg(opLocalGet, take)
	c.op(opI64Add)
	c.arg(opLocalTee, take)
	c.arg(opGlobalSet, c.fuel)
	c.arg(opLocalGet, take)
	c.i64(0)
	c.op(opI64LtS, opIf, typeEmpty, opUnreachable, opEnd)
}

// grow pays for pages that the host will have to find. What exceeds the maximum fails, and is free.
func (c *coder) grow(m *rewriter) {
	limit := int32(1 << 16)
	if s := m.memories; len(s) > 0 && s[0].limited {
		limit = int32(min(s[0].max, 1<<16)) //nolint:gosec // as it says
	}
	c.op(1)
	c.locals(1, typeI64)
	c.arg(opLocalGet, 0)
	c.i32(limit)
	c.op(opMemorySize, 0, opI32Sub, opI32LeU, opIf, typeEmpty)
	c.arg(opGlobalGet, c.fuel)
	c.arg(opLocalGet, 0)
	c.op(opExtendU)
	c.i64(pageFuelShift)
	c.op(opI64Shl, opI64Sub)
	c.paid(1)
	c.op(opEnd)
	c.arg(opLocalGet, 0)
	c.op(opMemoryGrow, 0)
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
	c.arg(opLocalGet, start)
	c.op(opExtendU)
	c.arg(opLocalGet, rangeLength)
	c.op(opExtendU, opI64Add)
	c.op(opMemorySize, 0, opExtendU)
	c.i64(16)
	c.op(opI64Shl, opI64GtU)
}

// long opens a block for ranges of more than a chunk, which traps first, before anything is written, if one of the ranges
// ends outside the memory.
func (c *coder) long(instruction func(), starts ...uint32) {
	c.arg(opLocalGet, rangeLength)
	c.i32(chunk)
	c.op(opI32GtU, opIf, typeEmpty)
	for _, s := range starts {
		c.outside(s)
		c.op(opIf, typeEmpty)
		c.whole(instruction)
		c.op(opUnreachable, opEnd)
	}
}

// whole writes the instruction for all of the range.
func (c *coder) whole(instruction func()) {
	for p := range uint32(3) {
		c.arg(opLocalGet, p)
	}
	instruction()
}

// add moves a local by n.
func (c *coder) add(local uint32, n int32) {
	c.arg(opLocalGet, local)
	c.i32(n)
	c.op(opI32Add)
	c.arg(opLocalSet, local)
}

// chunks loops while more than a chunk is left.
func (c *coder) chunks(step func()) {
	c.op(opLoop, typeEmpty)
	c.arg(opGlobalGet, c.fuel)
	c.i64(chunk >> bytesPerFuelShift)
	c.op(opI64Sub)
	c.paid(rangeScratch)
	step()
	c.add(rangeLength, -chunk)
	c.arg(opLocalGet, rangeLength)
	c.i32(chunk)
	c.op(opI32GtU, opBrIf, 0, opEnd)
}

// rest pays for what is left and does it.
func (c *coder) rest(instruction func()) {
	c.length(rangeLength, bytesPerFuelShift, rangeScratch)
	c.whole(instruction)
}

func (c *coder) fill() {
	instruction := func() { c.misc(miscMemoryFill, 0) }
	c.op(1)
	c.locals(1, typeI64)
	c.long(instruction, rangeTo)
	c.chunks(func() {
		c.arg(opLocalGet, rangeTo)
		c.arg(opLocalGet, rangeValue)
		c.i32(chunk)
		instruction()
		c.add(rangeTo, chunk)
	})
	c.op(opEnd)
	c.rest(instruction)
}

// copy goes downwards when the target lies above the source, as the ranges may overlap.
func (c *coder) copy() {
	instruction := func() { c.misc2(miscMemoryCopy, 0, 0) }
	c.op(1)
	c.locals(1, typeI64)
	c.long(instruction, rangeTo, rangeFrom)
	c.arg(opLocalGet, rangeTo)
	c.arg(opLocalGet, rangeFrom)
	c.op(opI32LeU, opIf, typeEmpty)
	c.chunks(func() {
		c.arg(opLocalGet, rangeTo)
		c.arg(opLocalGet, rangeFrom)
		c.i32(chunk)
		instruction()
		c.add(rangeTo, chunk)
		c.add(rangeFrom, chunk)
	})
	c.op(opElse)
	c.chunks(func() {
		for _, local := range [...]uint32{rangeTo, rangeFrom} {
			c.arg(opLocalGet, local)
			c.arg(opLocalGet, rangeLength)
			c.op(opI32Add)
			c.i32(chunk)
			c.op(opI32Sub)
		}
		c.i32(chunk)
		instruction()
	})
	c.op(opEnd, opEnd)
	c.rest(instruction)
}
