package meter

import "github.com/switchyard-gateway/switchyard/host/meter/internal/wasm"

// The functions that a rewritten module has behind its own, as far as it uses them.
const (
	addedRefill   = iota // take the next slice; trap if fuel or stack are used up
	addedAgain           // the same, then give back a payment that will be made again
	addedBytes           // pay for an operation on so many bytes
	addedElements        // pay for an operation on so many table elements
	addedGrow            // memory.grow, paid
	addedFill            // memory.fill, paid and in chunks
	addedCopy            // memory.copy, likewise
	appended             // how many these are; behind them come those for rewriter.inits
)

var addedType = [appended]int{typeNothing, typeFuel, typeLength, typeLength, typeLength, typeRange, typeRange}

const (
	shortRange        = 1 << 14 // bytes up to which a range is filled or copied in place
	bytesPerFuelShift = 3       // a bulk operation on eight bytes costs one fuel
	pageFuelShift     = 13      // memory.grow by a page costs as much as 64 KiB of another operation
	chunk             = 1 << 20 // bytes that are written between two turns of the host
)

// coder writes the code of functions.
type coder struct {
	buf                        []byte
	fuel, reserve, stack, deep uint32 // globals
	funcs                      [appended]uint32
	inits                      uint32 // the first of those for rewriter.inits
}

func (m *rewriter) newCoder() *coder {
	g := uint32(m.Globals)
	c := &coder{fuel: g + globalFuel, reserve: g + globalReserve, stack: g + globalStack, deep: g + globalDeep}
	next := uint32(len(m.Funcs))
	for fn, used := range m.used {
		if used {
			c.funcs[fn] = next
			next++
		}
	}
	c.inits = next
	return c
}

func (c *coder) op(b ...byte)              { c.buf = append(c.buf, b...) }
func (c *coder) arg(op byte, v uint32)     { c.buf = wasm.AppendU32(append(c.buf, op), v) }
func (c *coder) i64(v int64)               { c.buf = wasm.AppendS64(append(c.buf, wasm.OpI64Const), v) }
func (c *coder) i32(v int32)               { c.buf = wasm.AppendS64(append(c.buf, wasm.OpI32Const), int64(v)) }
func (c *coder) local(t byte)              { c.buf = append(c.buf, 1, t) } // declares one
func (c *coder) misc(sub, a uint32)        { c.arg(wasm.OpPrefixMisc, sub); c.buf = wasm.AppendU32(c.buf, a) }
func (c *coder) misc2(sub, a, b uint32)    { c.misc(sub, a); c.buf = wasm.AppendU32(c.buf, b) }
func (c *coder) copied(src []byte, s span) { c.buf = append(c.buf, src[s.from:s.to]...) }

// function writes a body of the module with what is inserted into it.
func (c *coder) function(m *rewriter, b *body, list []insert) {
	c.buf = c.buf[:0]
	fuel, stack := b.locals, b.locals+1 // scratch
	c.buf = wasm.AppendU32(c.buf, uint32(b.groups+2))
	c.copied(m.src, b.decls)
	c.local(wasm.TypeI64)
	c.local(wasm.TypeI32)
	from := b.from
	for i := range list {
		in := &list[i]
		c.copied(m.src, span{from, int(in.pos)})
		from = int(in.pos + in.skip)
		switch in.kind {
		case insertNothing:
		case insertEntry:
			c.arg(wasm.OpGlobalGet, c.fuel)
			c.i64(int64(in.arg))
			c.op(wasm.OpI64Sub)
			c.arg(wasm.OpLocalTee, fuel)
			c.arg(wasm.OpGlobalSet, c.fuel)
			c.arg(wasm.OpLocalGet, fuel)
			c.arg(wasm.OpGlobalGet, c.stack)
			c.op(wasm.OpExtendS, wasm.OpI64Or)
			c.below()
		case insertCharge:
			c.charge(int64(in.arg), fuel)
		case insertTurn:
			c.again(int64(in.arg), fuel)
			c.arg(wasm.OpBr, 1)
			c.op(wasm.OpEnd)
		case insertSegment:
			c.again(int64(in.arg), fuel)
			c.i32(int32(in.key))
			c.arg(wasm.OpLocalSet, in.local)
			c.arg(wasm.OpBr, in.label+1)
			c.op(wasm.OpEnd)
		case insertCall:
			c.arg(wasm.OpCall, c.funcs[in.arg])
		case insertRange:
			c.short(m, in.arg, fuel, stack, span{int(in.pos), from})
		case insertInit:
			if i, long := m.inits[in.key]; long {
				c.arg(wasm.OpCall, c.inits+uint32(i))
				break
			}
			c.arg(wasm.OpCall, c.funcs[in.arg])
			c.copied(m.src, span{int(in.pos), from})
		case insertDirect:
			c.arg(wasm.OpBr, in.arg)
		case insertFirst:
			c.arg(wasm.OpLocalGet, in.local)
			c.op(wasm.OpI32Eqz)
			c.arg(wasm.OpBrIf, in.arg)
		case insertDeeper:
			n := m.graph.Bytes(int(in.arg))
			call := span{int(in.pos), from}
			if n == 0 {
				c.copied(m.src, call)
				break
			}
			c.moveStack(wasm.OpI32Sub, n)
			c.copied(m.src, call)
			c.moveStack(wasm.OpI32Add, n)
		}
	}
	c.copied(m.src, span{from, b.to})
}

// charge writes a payment. Local scratch is an i64.
func (c *coder) charge(cost int64, scratch uint32) {
	c.arg(wasm.OpGlobalGet, c.fuel)
	c.i64(cost)
	c.op(wasm.OpI64Sub)
	c.paid(scratch)
}

// again is charge, but where a slice ends it leaves an if open whose code has to lead back to the charge. So the usual
// way through the code has no point where it meets the other one, and values stay in registers.
func (c *coder) again(cost int64, scratch uint32) {
	c.arg(wasm.OpGlobalGet, c.fuel)
	c.i64(cost)
	c.op(wasm.OpI64Sub)
	c.arg(wasm.OpLocalTee, scratch)
	c.arg(wasm.OpGlobalSet, c.fuel)
	c.arg(wasm.OpLocalGet, scratch)
	c.i64(0)
	c.op(wasm.OpI64LtS, wasm.OpIf, wasm.TypeEmpty)
	c.i64(cost)
	c.arg(wasm.OpCall, c.funcs[addedAgain])
}

// paid takes the new fuel from the stack.
func (c *coder) paid(scratch uint32) {
	c.arg(wasm.OpLocalTee, scratch)
	c.arg(wasm.OpGlobalSet, c.fuel)
	c.arg(wasm.OpLocalGet, scratch)
	c.below()
}

// below calls for a refill if what is on the stack is negative.
func (c *coder) below() {
	c.i64(0)
	c.op(wasm.OpI64LtS, wasm.OpIf, wasm.TypeEmpty)
	c.arg(wasm.OpCall, c.funcs[addedRefill])
	c.op(wasm.OpEnd)
}

// moveStack counts n bytes of the native stack. The function that is called looks whether too much is used: here, the
// branches would make functions with many calls slow to compile.
func (c *coder) moveStack(op byte, n uint32) {
	c.arg(wasm.OpGlobalGet, c.stack)
	c.i32(int32(n))
	c.op(op)
	c.arg(wasm.OpGlobalSet, c.stack)
}

// short writes memory.fill or memory.copy, which is short as a rule: in its place, with a payment. Appended function fn
// does it when it is not. Scratch is an i64 and an i32.
func (c *coder) short(m *rewriter, fn, fuel, length uint32, original span) {
	c.arg(wasm.OpLocalTee, length)
	c.arg(wasm.OpLocalGet, length)
	c.i32(shortRange)
	c.op(wasm.OpI32GtU, wasm.OpIf)
	c.buf = wasm.AppendS64(c.buf, int64(len(m.Types)+typeRange))
	c.arg(wasm.OpCall, c.funcs[fn])
	c.op(wasm.OpElse)
	c.length(length, bytesPerFuelShift, fuel)
	c.copied(m.src, original)
	c.op(wasm.OpEnd)
}
