package modgen

import "fmt"

// observe adds the functions which show what a host can't see.
func (g *generator) observe() {
	for i, gl := range g.globals {
		switch gl.typ {
		case V128, ExternRef:
			g.observer(nil, gl.typ, func(b body) { b.index(0x23, i) })
		case FuncRef:
			g.observer(nil, I32, func(b body) {
				b.index(0x23, i)
				b.emit(0xd1)
			})
		default:
			continue
		}
		g.observation()
	}
	for t, tab := range g.tables {
		size := []byte{0xfc, 16, byte(t)}
		g.observer(nil, I32, func(b body) { b.emit(size...) })
		g.observation()
		result := ExternRef
		if tab.typ == FuncRef {
			result = I32
		}
		g.observer([]ValueType{I32}, result, func(b body) {
			b.index(0x20, 0)
			b.emit(size...)
			b.emit(0x49)
			b.open(opIf, nil, []ValueType{result})
			b.index(0x20, 0)
			b.index(0x25, t)
			if result == I32 {
				b.emit(0xd1)
			}
			b.other()
			b.emit(g.constant(result)...)
			b.close()
		})
		for i := range maxTable {
			g.observation(uint64(i))
		}
	}
}

// observer adds an exported function that is not called from the module.
func (g *generator) observer(params []ValueType, result ValueType, write func(body)) {
	f := &function{Signature: Signature{params, []ValueType{result}}, index: len(g.imports) + len(g.functions)}
	f.locals = params
	f.labels = []label{{takes: f.Results}}
	g.typeIndex(f.Signature)
	g.exports = append(g.exports, export{fmt.Sprintf("f%d", len(g.functions)), 0, f.index})
	g.functions = append(g.functions, f)
	b := body{g, f}
	b.cut()
	write(b)
	b.mark(0x0b)
}

// observation is a call of the function added last.
func (g *generator) observation(args ...uint64) {
	g.observers = append(g.observers, Call{Export: fmt.Sprintf("f%d", len(g.functions)-1), Args: args})
}
