package modgen

import "slices"

// open begins a block, loop or if, whose type takes and leaves values.
func (b body) open(code byte, params, results []ValueType) {
	blockType := []byte{0x40}
	switch {
	case len(params) > 0 || len(results) > 1 || b.one(6):
		blockType = signed(nil, int64(b.typeIndex(Signature{params, results})))
	case len(results) == 1:
		blockType = results
	}
	if code == opBlock {
		b.mark(append([]byte{code}, blockType...)...)
	} else {
		b.emit(append([]byte{code}, blockType...)...)
	}
	target := results
	if code == opLoop {
		target = params
	}
	b.f.labels = append(b.f.labels, label{takes: target})
	if code != opBlock {
		b.cut()
	}
}

// other begins the second arm of an if.
func (b body) other() {
	b.mark(0x05)
	b.cut()
}

func (b body) close() {
	b.mark(0x0b)
	b.f.labels = b.f.labels[:len(b.f.labels)-1]
	b.cut()
}

const (
	opBlock = 0x02
	opLoop  = 0x03
	opIf    = 0x04
)

// sink takes values off the stack.
func (b body) sink(types []ValueType) {
	for _, typ := range slices.Backward(types) {
		if i := b.settable(typ); i >= 0 && b.one(2) {
			b.index(0x21, i)
		} else {
			b.emit(0x1a)
		}
	}
}

// arm is the inside of a block. A few have no way to their end.
func (b body) arm(params, results []ValueType, depth int) {
	b.sink(params)
	for range b.pick(3) {
		b.statement(depth)
	}
	if b.one(8) {
		b.leave(depth)
		return
	}
	b.values(results, depth)
}

// block leaves the results of a block or of an if.
func (b body) block(results []ValueType, depth int) {
	var params []ValueType
	if b.one(3) {
		params = b.typeList(2)
	}
	b.values(params, depth)
	if b.one(2) {
		b.value(I32, depth)
		b.open(opIf, params, results)
		b.arm(params, results, depth)
		if !slices.Equal(params, results) || b.one(2) {
			b.other()
			b.arm(params, results, depth)
		}
	} else {
		b.open(opBlock, params, results)
		b.arm(params, results, depth)
	}
	b.close()
}

// loop leaves the results of a loop. Its head counts the rounds, so that it ends whatever branches there; but a few
// loops are without.
func (b body) loop(results []ValueType, depth int) {
	wild := b.one(12)
	counter := b.local(I32)
	b.f.fixed = append(b.f.fixed, counter)
	b.i32([]int32{1, 2, 3, 5, 8, 2, 40, 3000}[b.pick(8)])
	b.index(0x21, counter)
	var params []ValueType
	if b.one(3) {
		params = b.typeList(2)
	}
	b.values(params, depth)
	b.open(opBlock, params, results)
	b.open(opLoop, params, results)
	b.sink(params)
	if !wild {
		b.index(0x20, counter)
		b.emit(0x45)
		b.open(opIf, nil, nil)
		b.leaves(results)
		b.index(0x0c, 2)
		b.close()
		b.step(counter)
	}
	for range 1 + b.pick(2) {
		b.statement(depth)
	}
	b.values(params, depth)
	if b.one(2) {
		b.value(I32, depth)
	} else {
		b.i32(1)
	}
	b.index(0x0d, 0)
	b.cut()
	b.sink(params)
	b.values(results, depth)
	b.close()
	b.close()
}

// step takes one from a local.
func (b body) step(local int) {
	b.index(0x20, local)
	b.i32(1)
	b.emit(0x6b)
	b.index(0x21, local)
}

func (b body) leaves(types []ValueType) {
	for _, typ := range types {
		b.leaf(typ)
	}
}

// branch leaves values, unless it branches.
func (b body) branch(types []ValueType, depth int) {
	labels := b.f.labels
	i := b.which(len(labels), func(i int) bool { return !labels[i].jumps && slices.Equal(labels[i].takes, types) })
	fits := i >= 0
	if !fits {
		i = b.label()
	}
	takes := labels[i].takes
	b.values(takes, depth)
	b.value(I32, depth)
	b.index(0x0d, len(labels)-1-i)
	b.cut()
	if !fits {
		b.sink(takes)
		b.values(types, depth)
	}
}

// leave ends the code here, for good.
func (b body) leave(depth int) {
	labels := b.f.labels
	switch b.pick(8) {
	case 0:
		b.emit(0x00)
	case 1, 2:
		b.values(b.f.Results, depth)
		b.emit(0x0f)
	case 3, 4:
		i := b.label()
		b.values(labels[i].takes, depth)
		b.index(0x0c, len(labels)-1-i)
	default:
		takes := labels[b.label()].takes
		b.values(takes, depth)
		b.value(I32, depth)
		n := b.pick(5)
		code := unsigned([]byte{0x0e}, uint64(n))
		for range n + 1 {
			i := b.which(len(labels), func(i int) bool { return !labels[i].jumps && slices.Equal(labels[i].takes, takes) })
			code = unsigned(code, uint64(len(labels)-1-i))
		}
		b.emit(code...)
	}
	b.cut()
}

// label is any to which a branch may lead.
func (b body) label() int {
	return b.which(len(b.f.labels), func(i int) bool { return !b.f.labels[i].jumps })
}

// call leaves what a function returns, or, when none returns that, something else.
func (b body) call(results []ValueType, depth int) {
	n := len(b.imports) + len(b.functions)
	i := b.which(n, func(i int) bool {
		return len(b.signature(i).Results) >= len(results) && slices.Equal(b.signature(i).Results[:len(results)], results)
	})
	if i < 0 {
		b.leaves(results)
		return
	}
	sig := b.signature(i)
	b.values(sig.Params, depth)
	table, slot := b.slot(i)
	switch {
	case table >= 0 && b.one(2):
		b.guarded(sig, func() {
			b.i32(int32(slot))
			b.emit(unsigned(unsigned([]byte{0x11}, uint64(b.typeIndex(sig))), uint64(table))...)
		})
	case i <= b.f.index && i >= len(b.imports):
		b.guarded(sig, func() { b.index(0x10, i) })
	default:
		b.index(0x10, i)
	}
	b.sink(sig.Results[len(results):])
}

func (g *generator) signature(i int) Signature {
	if i < len(g.imports) {
		return g.imports[i].Signature
	}
	return g.functions[i-len(g.imports)].Signature
}

// slot finds a function in a table, as the tables are at the start.
func (g *generator) slot(function int) (table, slot int) {
	for _, e := range g.elements {
		if e.kind&1 == 0 && e.typ == FuncRef {
			if i := slices.Index(e.items, function); i >= 0 {
				return int(e.table), i
			}
		}
	}
	return -1, 0
}

// guarded calls only when not too many calls are open; a few calls don't care.
func (b body) guarded(sig Signature, call func()) {
	if b.one(12) {
		call()
		return
	}
	b.index(0x23, depthCall)
	b.i32(10)
	b.emit(0x49) // lt_u
	b.open(opIf, sig.Params, sig.Results)
	b.nest(0x6a)
	call()
	b.nest(0x6b)
	b.other()
	b.sink(sig.Params)
	b.leaves(sig.Results)
	b.close()
}

// nest adds or subtracts one call.
func (b body) nest(code byte) {
	b.index(0x23, depthCall)
	b.i32(1)
	b.emit(code)
	b.index(0x24, depthCall)
}

// statement writes code that leaves the stack as it was, or does not come back.
func (b body) statement(depth int) {
	if depth <= 0 || b.ended() || b.size > maxSize {
		b.emit(0x01) // nop
		return
	}
	depth--
	switch b.pick(18) {
	case 0, 1:
		b.store(depth)
	case 16, 17:
		b.dispatch(depth)
	case 2, 3:
		typ := all[b.pick(len(all))]
		b.value(typ, depth)
		b.sink([]ValueType{typ})
	case 4:
		if i := b.which(len(b.globals), func(i int) bool { return b.globals[i].mutable && i != depthCall }); i >= 0 {
			b.value(b.globals[i].typ, depth)
			b.index(0x24, i)
		}
	case 5, 6:
		b.loop(nil, depth)
	case 7:
		b.block(nil, depth)
	case 8:
		b.value(I32, depth)
		b.open(opIf, nil, nil)
		b.statement(depth)
		b.leave(depth)
		b.close()
	case 9, 10:
		b.call(nil, depth)
	case 11:
		b.branch(nil, depth)
	case 12:
		b.bulkMemory(depth)
	case 13:
		b.bulkTable(depth)
	case 14:
		types := b.typeList(3)
		b.block(types, depth)
		b.sink(types)
	case 15:
		if b.one(8) {
			b.leave(depth)
		} else {
			b.loop(nil, depth)
		}
	}
}
