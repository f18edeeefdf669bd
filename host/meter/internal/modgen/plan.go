package modgen

import (
	"fmt"
	"slices"
)

// generator holds a module while it is made.
type generator struct {
	source
	types     []Signature
	imports   []Function
	functions []*function // those with a body
	tables    []table
	globals   []global
	memory    *limits // nil: none
	data      []segment
	elements  []elements
	start     int // index of the start function, or -1
	exports   []export
	calls     []Call
	observers []Call
	size      int // instructions so far
}

type (
	limits struct{ min, max uint32 }
	table  struct {
		typ ValueType
		limits
	}
	global struct {
		typ     ValueType
		mutable bool
		init    []byte
	}
	segment struct {
		active bool
		offset uint32
		bytes  []byte
	}
	elements struct {
		kind  byte // as in the binary format: the low bit says not active, the next one has a table or is declarative
		table uint32
		typ   ValueType
		items []int // function indices; -1 is null
	}
	export struct {
		name  string
		kind  byte
		index int
	}
)

// Bounds of what is generated. They keep one module cheap: there are many.
const (
	maxSize    = 3000 // instructions
	maxPages   = 4    // of memory, which makes growing fail soon
	largePages = 48   // of a large one, on which bulk operations take long
	maxTable   = 40
	depthCall  = 0 // the global that counts nested calls
)

var (
	numeric = []ValueType{I32, I64, F32, F64, V128}
	all     = []ValueType{I32, I64, F32, F64, V128, FuncRef, ExternRef}
)

func globalName(i int) string { return fmt.Sprintf("g%d", i) }

// plan decides everything but the code.
func (g *generator) plan() {
	g.start = -1
	for _, f := range Host {
		if g.one(2) {
			g.imports = append(g.imports, f)
			g.typeIndex(f.Signature)
		}
	}
	for range 2 + g.pick(6) {
		sig := Signature{g.typeList(4), g.typeList(3)}
		g.functions = append(g.functions, &function{Signature: sig, index: len(g.imports) + len(g.functions)})
		g.typeIndex(sig)
	}
	if !g.one(6) {
		g.memory = &limits{1, maxPages}
		switch g.pick(16) {
		case 14:
			g.memory = &limits{largePages, largePages}
		case 15:
			g.memory = &limits{0, 1}
		}
		for range g.pick(3) {
			s := segment{active: g.one(2), offset: uint32(g.pick(200)), bytes: make([]byte, 4*g.pick(9))}
			for i := range s.bytes {
				s.bytes[i] = byte(g.bits(1))
			}
			s.active = s.active && g.memory.min > 0 // or the module would not start
			g.data = append(g.data, s)
		}
	}
	for range g.pick(3) {
		t := table{FuncRef, limits{uint32(4 + g.pick(12)), maxTable}}
		if len(g.tables) > 0 && g.one(2) {
			t.typ = ExternRef
		}
		g.tables = append(g.tables, t)
	}
	g.planElements()
	g.globals = append(g.globals, global{I32, true, []byte{0x41, 0}})
	for range g.pick(7) {
		typ := all[g.pick(len(all))]
		g.globals = append(g.globals, global{typ, !g.one(5), g.initial(typ)})
	}
	for i, f := range g.functions {
		g.exports = append(g.exports, export{fmt.Sprintf("f%d", i), 0, f.index})
		if len(f.Params) == 0 && len(f.Results) == 0 && g.start < 0 && g.one(2) {
			g.start = f.index
		}
	}
	for i := range g.globals {
		g.exports = append(g.exports, export{globalName(i), 3, i})
	}
	if g.memory != nil {
		g.exports = append(g.exports, export{ExportMemory, 2, 0})
	}
	for range 2 + g.pick(4) {
		f := g.pick(len(g.functions))
		c := Call{Export: fmt.Sprintf("f%d", f)}
		for _, p := range g.functions[f].Params {
			c.Args = append(c.Args, g.argument(p)...)
		}
		g.calls = append(g.calls, c)
	}
}

// planElements fills the tables, one segment of each kind that may occur.
func (g *generator) planElements() {
	every := make([]int, len(g.functions))
	for i, f := range g.functions {
		every[i] = f.index
	}
	g.elements = append(g.elements, elements{kind: 3, typ: FuncRef, items: every}) // declares all, for ref.func
	for i, t := range g.tables {
		e := elements{table: uint32(i), typ: t.typ, items: make([]int, t.min)}
		for j := range e.items {
			e.items[j] = -1
			if t.typ == FuncRef {
				e.items[j] = every[g.pick(len(every))]
			}
		}
		switch kind := byte(g.pick(4)); {
		case t.typ == ExternRef:
			e.kind = 6
		case kind&1 == 0 && i == 0:
			e.kind = kind * 2 // 0 and 4: table 0
		case kind&1 == 0:
			e.kind = 2 + kind*2 // 2 and 6: any table
		default:
			e.kind = 2 + kind&2*2
		}
		g.elements = append(g.elements, e)
		if t.typ == FuncRef {
			passive := elements{kind: 1 + 4*byte(g.pick(2)), typ: FuncRef, items: slices.Clone(e.items[:g.pick(4)])}
			if passive.kind == 5 && len(passive.items) > 0 {
				passive.items[0] = -1
			}
			g.elements = append(g.elements, passive)
		}
	}
}

func (g *generator) typeList(most int) []ValueType {
	list := make([]ValueType, g.pick(most+1))
	for i := range list {
		list[i] = numeric[g.pick(5)]
		if g.one(8) {
			list[i] = all[g.pick(len(all))]
		}
	}
	return list
}

// typeIndex returns the index of a signature, which it adds if it is new.
func (g *generator) typeIndex(sig Signature) int {
	i := slices.IndexFunc(g.types, func(s Signature) bool {
		return slices.Equal(s.Params, sig.Params) && slices.Equal(s.Results, sig.Results)
	})
	if i < 0 {
		i = len(g.types)
		g.types = append(g.types, sig)
	}
	return i
}

// initial is a constant expression.
func (g *generator) initial(typ ValueType) []byte {
	if typ == FuncRef && g.one(2) {
		return unsigned([]byte{0xd2}, uint64(g.functions[g.pick(len(g.functions))].index))
	}
	return g.constant(typ)
}

func (g *generator) argument(typ ValueType) []uint64 {
	switch typ {
	case I32, ExternRef:
		return []uint64{g.bits(2)}
	case I64:
		return []uint64{g.bits(8)}
	case F32:
		return []uint64{uint64(interesting32[g.pick(len(interesting32))])}
	case F64:
		return []uint64{interesting64[g.pick(len(interesting64))]}
	case V128:
		return []uint64{g.bits(8), g.bits(4)}
	}
	return []uint64{0}
}
