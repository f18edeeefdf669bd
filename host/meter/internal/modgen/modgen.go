// Package modgen makes random valid WebAssembly modules: import it to test what must hold for any module, such as that
// metering one changes nothing but the time it may take.
//
// A module uses all of core 2.0 and is made from bytes, so that a fuzzer can steer it: the same bytes make the same
// module, fewer bytes a smaller one, none an almost empty one. It need not terminate, and it may trap. What it computes
// is determined: NaNs are made canonical after each operation that makes them, and growing fails only past a declared
// maximum.
package modgen

// ValueType is the binary encoding of a WebAssembly type.
type ValueType = byte

// The value types of core 2.0.
const (
	I32       ValueType = 0x7f
	I64       ValueType = 0x7e
	F32       ValueType = 0x7d
	F64       ValueType = 0x7c
	V128      ValueType = 0x7b
	FuncRef   ValueType = 0x70
	ExternRef ValueType = 0x6f
)

// ExportExecuted is the i64 global of a counted module which says how many instructions have run.
const ExportExecuted = "executed"

// ExportMemory is the name of the memory, if there is one.
const ExportMemory = "memory"

// HostModule has the functions that modules import: Host lists them.
const HostModule = "env"

// Signature is a function's type.
type Signature struct{ Params, Results []ValueType }

// Function is an importable host function, which the user of a module provides.
type Function struct {
	Name string
	Signature
}

// Host lists the functions that a module may import. Their results must depend on nothing but their arguments.
var Host = []Function{
	{"mix", Signature{[]ValueType{I32, I64}, []ValueType{I32}}},
	{"note", Signature{[]ValueType{I32}, nil}},
	{"split", Signature{[]ValueType{I64}, []ValueType{I32, I32}}},
}

// Module is a generated module.
type Module struct {
	// Plain is the module; Counted is the same with code which counts the instructions that run. An instruction is
	// counted when the run of instructions around it, which nothing jumps into or out of, begins.
	Plain, Counted []byte

	// Calls are to be made on an instance in this order. Each may trap, or never end.
	Calls []Call

	// Observers are calls that show what a host can't see from outside: sizes and elements of tables, and globals that
	// hold vectors or references. They neither trap nor change anything.
	Observers []Call

	// Globals are the exported ones that the host can read.
	Globals []string
	// Start says that there is a start function.
	Start bool
}

// Call is a call of an exported function.
type Call struct {
	Export string
	Args   []uint64 // a vector takes two; references are null or, for externref, any number
}

// Generate makes a module of seed.
func Generate(seed []byte) *Module {
	g := &generator{source: source{seed}}
	g.plan()
	for i := range g.functions {
		g.write(i)
	}
	g.observe()
	m := &Module{
		Plain: g.encode(false), Counted: g.encode(true),
		Calls: g.calls, Observers: g.observers, Start: g.start >= 0,
	}
	for i, gl := range g.globals {
		if gl.typ != V128 && gl.typ != FuncRef && gl.typ != ExternRef {
			m.Globals = append(m.Globals, globalName(i))
		}
	}
	return m
}

// source hands out the seed, then zeros. Whatever is chosen by it must be least at zero.
type source struct{ rest []byte }

// pick returns a number below n, which is at most 256.
func (s *source) pick(n int) int {
	return int(s.bits(1)) % n
}

// one says yes once in n times, and no when the seed has ended.
func (s *source) one(n int) bool { return s.pick(n) == n-1 }

// bits returns that many bytes as a number.
func (s *source) bits(bytes int) uint64 {
	var v uint64
	for range bytes {
		v <<= 8
		if len(s.rest) > 0 {
			v |= uint64(s.rest[0])
			s.rest = s.rest[1:]
		}
	}
	return v
}

func (s *source) ended() bool { return len(s.rest) == 0 }
