// Package meter makes a WebAssembly module count what it executes, so that a host can run code that it does not trust:
// import it to rewrite a module before it is compiled.
//
// A rewritten module does what the original does, and in addition
//
//   - pays fuel, at each function entry and each turn of a loop, for the longest way to the next payment: one for an
//     instruction, 100 more for one that leaves compiled code (a call of the host, memory.grow), one for two locals that
//     a function has, one for eight bytes or one table element of a bulk operation, 8192 for a page of memory. Fuel is a
//     property of module and input: it is the same on every machine.
//   - gives the host its turn whenever a slice of fuel is used up, and after each MiB of a bulk operation on memory.
//     Compiled WebAssembly can't be interrupted: Go's garbage collector waits for it, and others for the processor.
//   - counts an estimate of the native stack that nested calls take, and says whether they took more than the host has
//     given at first.
//
// It traps (unreachable) when fuel or stack are exhausted. The host talks to it through exported globals:
//
//	fuel=min(F, Slice), reserve=F-fuel               before a call
//	stack=min(S, N), deep=S-stack                    likewise, for any N
//	used = F-fuel-reserve, F if that is more         after it
//	deep = 0: calls have nested for more than N      likewise, if it was more than 0
//	fuel < 0: out of fuel; stack < 0: too deep       after a trap
//
// # The host's turn
//
// Nothing is imported for it, so that no index moves. A rewritten module declares a memory of one page more than it may
// have, and in its turn the host is asked to grow the memory by so much that it would have that page. So the host has
// to bring an allocator (experimental.WithMemoryAllocator) whose LinearMemory, asked to be of the maximum that it was
// allocated with, lets others run and returns nil: growing fails then, and nothing has changed. The guest itself never asks
// for the page, and sees no trace of it. A module without a memory gets an empty one. One that imports its memory asks as
// well, for what its import says is the most, which is that page only if the memory is of just that maximum.
//
// The operations on tables are not cut up: Limits.TableElements bounds them. At 100,000 elements each takes less than a
// millisecond.
package meter

// What a rewritten module exports in addition. All globals are zero in a new instance.
const (
	ExportFuel    = "switchyard.fuel"    // mutable i64: what is left of the current slice
	ExportReserve = "switchyard.reserve" // mutable i64: what further slices may take
	ExportStack   = "switchyard.stack"   // mutable i32: bytes that calls may still nest
	ExportDeep    = "switchyard.deep"    // mutable i32: what is added to the stack, once, when there is none left
	ExportStart   = "switchyard.start"   // the former start function, if the module had one: the host calls it
)

// reservedPrefix begins the names of exports that are the rewriter's.
const reservedPrefix = "switchyard."

// Slice is the fuel after which the host has its turn.
const Slice = 100_000

// Version changes whenever the same module would be rewritten differently.
const Version = 6

// Limits is what a module may be. A field that is zero does not limit.
type Limits struct {
	FunctionSize  uint32 // bytes of one function's body
	Functions     uint32 // imported ones included, as in the next two
	Globals       uint32
	TableElements uint32 // over all tables; declared maxima are lowered to it
	Exports       uint32
	Types         uint32
	Signature     uint32 // parameters of a function type, and as many results
	Segments      uint32 // data and element segments
	Locals        uint32 // of one function, parameters included
	Nesting       uint32 // of blocks in one function
	Memory        uint32 // pages of 64 KiB, 65535 at most; a declared maximum is lowered to it
}

// Rewrite returns a metered copy of module, or an error that says in a sentence which limit or rule the module breaks.
// It does not validate: what it makes of an invalid module is refused by the compiler. The result depends on nothing but
// the arguments and Version. Custom sections are dropped.
func Rewrite(module []byte, l *Limits) ([]byte, error) {
	m := &rewriter{limits: l, src: module}
	if err := m.read(); err != nil {
		return nil, err
	}
	return m.encode(), nil
}
