package host

import (
	"math"
	"runtime"
	"time"

	"github.com/switchyard-gateway/switchyard/host/internal/guests"
	"github.com/switchyard-gateway/switchyard/host/meter"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

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
	Score   int64 // feedback, and score for up to 16 candidates, for another 16, and so on
	Base    int64 // request, response and stream, and for each byte of their input
	PerByte int64
}

// score returns the budget of scoring so many candidates.
func (f *Fuel) score(candidates int) int64 {
	const share = 16
	return f.Score * int64(max(1, (candidates+share-1)/share))
}

// message returns the budget of a provider's call with so many bytes of input.
func (f *Fuel) message(input int) int64 { return f.Base + f.PerByte*int64(input) }

// Output is how many bytes a call may return.
type Output struct {
	Score   uint32 // score and feedback
	Message uint32 // other calls; 256 KiB at most of describe and configure
}

// DefaultLimits returns what a zero Options.Limits stands for: limits of plugins that the operator chose.
func DefaultLimits() Limits {
	return Limits{
		ModuleSize:    64 << 20,
		FunctionSize:  128 << 10,
		Functions:     100_000,
		Globals:       1000,
		Exports:       1000,
		TableElements: 100_000,
		Locals:        4096,
		Memory:        4096,
		Stack:         8 << 20,
		Instances:     runtime.GOMAXPROCS(0),
		Fuel:          Fuel{Start: 100_000_000, Score: 2_000_000, Base: 20_000_000, PerByte: 2000},
		Output:        Output{Score: abi.MaxScoreOutput, Message: abi.MaxOutput},
		LogLines:      64,
		Compile:       Compile{Memory: 1 << 30, CPU: 30 * time.Second, Timeout: time.Minute},
	}
}

// DefaultPolicies returns what a zero Options.Policies stands for: limits of what tenants upload.
func DefaultPolicies() Limits {
	l := DefaultLimits()
	l.ModuleSize, l.Memory, l.Stack = 16<<20, 512, 1<<20
	return l
}

// complete puts defaults in the place of zeros, and lowers what the contract or WebAssembly does not allow.
func (l *Limits) complete(d Limits) {
	orElse(&l.ModuleSize, d.ModuleSize)
	orElse(&l.FunctionSize, d.FunctionSize)
	orElse(&l.Functions, d.Functions)
	orElse(&l.Globals, d.Globals)
	orElse(&l.Exports, d.Exports)
	orElse(&l.TableElements, d.TableElements)
	orElse(&l.Locals, d.Locals)
	orElse(&l.Memory, d.Memory)
	orElse(&l.Stack, d.Stack)
	orElse(&l.Instances, d.Instances)
	orElse(&l.Fuel.Start, d.Fuel.Start)
	orElse(&l.Fuel.Score, d.Fuel.Score)
	orElse(&l.Fuel.Base, d.Fuel.Base)
	orElse(&l.Fuel.PerByte, d.Fuel.PerByte)
	orElse(&l.Output.Score, d.Output.Score)
	orElse(&l.Output.Message, d.Output.Message)
	orElse(&l.LogLines, d.LogLines)
	orElse(&l.Compile.Memory, d.Compile.Memory)
	orElse(&l.Compile.CPU, d.Compile.CPU)
	orElse(&l.Compile.Timeout, d.Compile.Timeout)
	l.Memory = min(l.Memory, 1<<16-1) // see meter.Limits
	l.Stack = min(l.Stack, math.MaxInt32)
	l.Fuel.PerByte = min(l.Fuel.PerByte, 1<<30) // so that products stay numbers
	l.Output.Score = min(l.Output.Score, abi.MaxScoreOutput)
	l.Output.Message = min(l.Output.Message, abi.MaxOutput)
}

func orElse[T comparable](field *T, otherwise T) {
	var zero T
	if *field == zero {
		*field = otherwise
	}
}

// What no toolchain comes near, and nobody needs to set. Go's linker makes up to 100,000 segments of data.
const (
	maxTypes     = 4096
	maxSignature = 1000 // parameters, and results; 100,000 take seconds to compile
	maxSegments  = 200_000
	maxNesting   = 2048
)

// module returns what a module may be, as far as its bytes say.
func (l *Limits) module() meter.Limits {
	return meter.Limits{
		FunctionSize: l.FunctionSize, Functions: l.Functions, Globals: l.Globals, Exports: l.Exports,
		TableElements: l.TableElements, Locals: l.Locals, Memory: l.Memory,
		Types: maxTypes, Signature: maxSignature, Segments: maxSegments, Nesting: maxNesting,
	}
}

// instance returns what an instance may use.
func (l *Limits) instance() guests.Limits {
	return guests.Limits{
		Fuel: l.Fuel.Start, Stack: l.Stack, Memory: l.Memory,
		Output: l.Output.Message, Scores: l.Output.Score, Start: l.Compile.Timeout,
	}
}

// Compile is what compiling one module may use, in a process of its own.
type Compile struct {
	Memory  int64         // bytes
	CPU     time.Duration // processor time
	Timeout time.Duration // on the clock
}
