package modgen

import (
	"encoding/binary"
	"math"
	"slices"
)

// function is a function while its body is written.
type function struct {
	Signature
	index   int // among all functions
	locals  []ValueType
	fixed   []int // locals which only the loop that they count may set
	hidden  []int // locals which only that may read
	labels  []label
	code    []byte
	runs    []run
	scratch map[ValueType]int // locals to make NaNs canonical with
}

// label is where a branch can go, the innermost last.
type label struct {
	takes []ValueType
	jumps bool // only a dispatch loop's jumps lead there
}

// run is instructions which all run when the first does, unless one of them traps.
type run struct{ at, count int }

// body writes one function.
type body struct {
	*generator
	f *function
}

// write makes the body of a function.
func (g *generator) write(i int) {
	f := g.functions[i]
	f.locals = slices.Clone(f.Params)
	f.scratch = map[ValueType]int{}
	for range g.pick(4) {
		f.locals = append(f.locals, all[g.pick(len(all))])
	}
	if g.one(16) {
		for range g.bits(1) {
			f.locals = append(f.locals, numeric[g.pick(5)])
		}
	}
	f.labels = []label{{takes: f.Results}}
	b := body{g, f}
	b.cut()
	for range g.pick(10) {
		b.statement(4)
	}
	b.values(f.Results, 4)
	b.mark(0x0b)
}

// cut ends a run: what follows may run more or less often.
func (b body) cut() { b.f.runs = append(b.f.runs, run{at: len(b.f.code)}) }

// emit writes one instruction.
func (b body) emit(code ...byte) {
	b.f.code = append(b.f.code, code...)
	b.f.runs[len(b.f.runs)-1].count++
	b.size++
}

// mark writes what delimits instructions and is none itself.
func (b body) mark(code ...byte) { b.f.code = append(b.f.code, code...) }

// index writes an instruction with one immediate.
func (b body) index(code byte, i int) { b.emit(unsigned([]byte{code}, uint64(i))...) }

func (b body) i32(v int32) { b.emit(signed([]byte{0x41}, int64(v))...) }

func (b body) local(typ ValueType) int {
	b.f.locals = append(b.f.locals, typ)
	return len(b.f.locals) - 1
}

func (b body) scratch(typ ValueType) int {
	i, ok := b.f.scratch[typ]
	if !ok {
		i = b.local(typ)
		b.f.scratch[typ] = i
		b.f.fixed = append(b.f.fixed, i)
	}
	return i
}

// which returns a random index of an item that fits, or -1.
func (g *generator) which(n int, fits func(int) bool) int {
	var found []int
	for i := range n {
		if fits(i) {
			found = append(found, i)
		}
	}
	if len(found) == 0 {
		return -1
	}
	return found[g.pick(min(len(found), 256))]
}

func (b body) values(types []ValueType, depth int) {
	for _, typ := range types {
		b.value(typ, depth)
	}
}

// value writes code that pushes one value, or does not come back.
func (b body) value(typ ValueType, depth int) {
	if depth <= 0 || b.ended() || b.size > maxSize {
		b.leaf(typ)
		return
	}
	depth--
	switch b.pick(20) {
	default:
		b.operation(typ, depth)
	case 0, 1:
		b.leaf(typ)
	case 2:
		b.load(typ, depth)
	case 3, 4:
		b.call([]ValueType{typ}, depth)
	case 5:
		b.block([]ValueType{typ}, depth)
	case 6:
		b.loop([]ValueType{typ}, depth)
	case 7:
		b.branch([]ValueType{typ}, depth)
	case 8:
		b.choose(typ, depth)
	case 9:
		if i := b.settable(typ); i >= 0 {
			b.value(typ, depth)
			b.index(0x22, i) // local.tee
		} else {
			b.leaf(typ)
		}
	case 10:
		if b.one(8) {
			b.leave(depth)
		} else {
			b.query(typ, depth)
		}
	}
}

// leaf pushes a value that needs no other.
func (b body) leaf(typ ValueType) {
	switch b.pick(3) {
	case 1:
		if i := b.which(len(b.f.locals), func(i int) bool { return b.f.locals[i] == typ && !slices.Contains(b.f.hidden, i) }); i >= 0 {
			b.index(0x20, i)
			return
		}
	case 2:
		if i := b.which(len(b.globals), func(i int) bool { return b.globals[i].typ == typ }); i >= 0 {
			b.index(0x23, i)
			return
		}
	}
	if typ == FuncRef && b.one(2) {
		b.index(0xd2, b.functions[b.pick(len(b.functions))].index)
		return
	}
	b.emit(b.constant(typ)...)
}

// constant is an instruction that pushes a constant.
func (g *generator) constant(typ ValueType) []byte {
	switch typ {
	case I32:
		if g.one(4) {
			return signed([]byte{0x41}, []int64{0, 1, -1, math.MaxInt32, math.MinInt32, 0xffff, 0x10000}[g.pick(7)])
		}
		return signed([]byte{0x41}, int64(int16(g.bits(2))))
	case I64:
		if g.one(4) {
			return signed([]byte{0x42}, []int64{0, 1, -1, math.MaxInt64, math.MinInt64, math.MaxUint32, 1 << 32}[g.pick(7)])
		}
		return signed([]byte{0x42}, int64(g.bits(3)))
	case F32:
		return binary.LittleEndian.AppendUint32([]byte{0x43}, interesting32[g.pick(len(interesting32))])
	case F64:
		return binary.LittleEndian.AppendUint64([]byte{0x44}, interesting64[g.pick(len(interesting64))])
	case V128:
		b := binary.LittleEndian.AppendUint64(unsigned([]byte{0xfd}, 12), g.bits(3)*0x100000001)
		return binary.LittleEndian.AppendUint64(b, interesting64[g.pick(len(interesting64))])
	}
	return []byte{0xd0, typ} // ref.null
}

// settable is a local of that type which nothing depends on, or -1.
func (b body) settable(typ ValueType) int {
	return b.which(len(b.f.locals), func(i int) bool { return b.f.locals[i] == typ && !slices.Contains(b.f.fixed, i) })
}

// operation applies an instruction to operands.
func (b body) operation(typ ValueType, depth int) {
	ops := operations[typ]
	if len(ops) == 0 {
		b.query(typ, depth)
		return
	}
	if typ == V128 && b.one(12) {
		b.values([]ValueType{V128, V128}, depth)
		code := unsigned([]byte{0xfd}, 13) // shuffle
		for range 16 {
			code = append(code, byte(b.pick(32)))
		}
		b.emit(code...)
		return
	}
	o := ops[int(b.bits(2))%len(ops)]
	b.values(o.params, depth)
	if !b.one(12) {
		b.tame(o)
	}
	code := slices.Clone(o.code)
	if o.lanes > 0 {
		code = append(code, byte(b.pick(o.lanes)))
	}
	b.emit(code...)
	if o.nan != 0 {
		b.canonical(typ, o.nan)
	}
}

// tame makes an operand fit to what it is for.
func (b body) tame(o op) {
	last := o.params[len(o.params)-1]
	switch {
	case o.guard == nonzero && last == I32:
		b.i32(1)
		b.emit(0x72) // or
	case o.guard == nonzero:
		b.emit(0x42, 1)
		b.emit(0x84)
	case o.guard == small && last == F32:
		b.emit(0x8b) // abs, then min with 2^29: only a NaN traps
		b.emit(binary.LittleEndian.AppendUint32([]byte{0x43}, 0x4e000000)...)
		b.emit(0x96)
	case o.guard == small:
		b.emit(0x99)
		b.emit(binary.LittleEndian.AppendUint64([]byte{0x44}, 0x41d<<52)...)
		b.emit(0xa4)
	}
}

// canonical replaces NaNs on the stack by the one that all machines agree on.
func (b body) canonical(typ ValueType, float byte) {
	var nan, equal, pick []byte
	switch {
	case typ == F32:
		nan, equal, pick = []byte{0x43, 0, 0, 0xc0, 0x7f}, []byte{0x5b}, []byte{0x1b}
	case typ == F64:
		nan, equal, pick = []byte{0x44, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f}, []byte{0x61}, []byte{0x1b}
	case float == F32:
		nan = append([]byte{0xfd, 12}, slices.Repeat([]byte{0, 0, 0xc0, 0x7f}, 4)...)
		equal, pick = []byte{0xfd, 65}, []byte{0xfd, 82}
	default:
		nan = append([]byte{0xfd, 12}, slices.Repeat([]byte{0, 0, 0, 0, 0, 0, 0xf8, 0x7f}, 2)...)
		equal, pick = []byte{0xfd, 71}, []byte{0xfd, 82}
	}
	t := b.scratch(typ)
	b.index(0x22, t)
	b.emit(nan...)
	b.index(0x20, t)
	b.index(0x20, t)
	b.emit(equal...)
	b.emit(pick...)
	b.index(0x22, t) // leaves may read it
}

// choose selects one of two values.
func (b body) choose(typ ValueType, depth int) {
	b.values([]ValueType{typ, typ, I32}, depth)
	if typ == FuncRef || typ == ExternRef || b.one(2) {
		b.emit(0x1c, 1, typ)
	} else {
		b.emit(0x1b)
	}
}
