package host

import "time"

// Limits bound what modules of one trust may be and what they may use. In the zero value of a field lies its default.
type Limits struct {
	// What a module may be. Admission refuses one that is more.
	ModuleSize    int64  // bytes of the file
	FunctionSize  uint32 // bytes of one function's body
	Functions     uint32 // imported ones included, as in the next three
	Globals       uint32
	Exports       uint32
	TableElements uint32 // over all tables
	Locals        uint32 // of one function, parameters included

	// What an instance may use.
	Memory    uint32 // pages of 64 KiB; a module that declares a higher maximum gets this one
	Stack     uint32 // bytes of the host's memory for nested calls, estimated from the functions' locals
	Instances int    // of one pool; 0 means GOMAXPROCS: a guest never blocks, so more could not run

	// What one call may use.
	Fuel   Fuel
	Output Output

	LogLines int // that a plugin may log in a second, over all its instances and ways to write

	Compile Compile
}

// Fuel is the budget of one call, in WebAssembly instructions.
type Fuel struct {
	Start   int64 // for start functions, describe and configure together
	Score   int64 // score and feedback
	Base    int64 // request, response and stream, and for each byte of their input
	PerByte int64
}

// Output is how many bytes a call may return.
type Output struct {
	Score   uint32
	Message uint32 // request, response, stream, describe and configure
}

// Compile is what compiling one module may use, in a process of its own.
type Compile struct {
	Memory  int64         // bytes
	CPU     time.Duration // processor time
	Timeout time.Duration // on the clock
}
