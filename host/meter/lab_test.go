package meter_test

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/switchyard-gateway/switchyard/host/meter"
	"github.com/switchyard-gateway/switchyard/host/meter/internal/modgen"
)

// What one call of a generated module may use.
const (
	labFuel  = 400_000
	labStack = 96 << 10
)

// lab runs generated modules on both engines.
type lab struct{ compiler, interpreter wazero.Runtime }

func newLab(tb testing.TB) *lab {
	tb.Helper()
	ctx := context.Background() // which outlives tb.Context, for Close
	l := &lab{
		compiler:    wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler()),
		interpreter: wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter()),
	}
	for _, r := range []wazero.Runtime{l.compiler, l.interpreter} {
		tb.Cleanup(func() { _ = r.Close(ctx) })
		b := r.NewHostModuleBuilder(modgen.HostModule)
		for _, f := range modgen.Host {
			b.NewFunctionBuilder().WithGoFunction(hostFunction(f), f.Params, f.Results).Export(f.Name)
		}
		if _, err := b.Instantiate(ctx); err != nil {
			tb.Fatal(err)
		}
	}
	return l
}

// traceKey finds in a call's context the *[]uint64 that host functions write their arguments to.
type traceKey struct{}

func hostFunction(f modgen.Function) api.GoFunc {
	return func(ctx context.Context, stack []uint64) {
		sum := uint64(len(f.Name))
		for i, p := range f.Params {
			if p == modgen.I32 {
				stack[i] = uint64(uint32(stack[i]))
			}
			sum = sum*31 + stack[i]
		}
		trace := ctx.Value(traceKey{}).(*[]uint64)
		*trace = append(*trace, sum)
		for i := range f.Results {
			stack[i] = uint64(uint32(sum) >> i)
		}
	}
}

// step is all that can be seen of one call.
type step struct {
	export  string
	results string
	trap    string // the error's first line
	trace   uint64 // of the calls of host functions so far
	memory  uint32 // checksums
	globals uint32
}

// run is an instance at work: the start function, then the module's calls, one after the other.
type run struct {
	*instance
	module *modgen.Module
	steps  []step
	fuel   []int64 // used by each step
	did    []int64 // instructions of each step, by a counted module
	native int     // the most bytes of native stack that the compiler's code has had
	trace  []uint64
	ended  string // why no further step can be compared: "fuel", "stack", or the engine's own limit
}

// split is how fuel is given to a call.
type split func(in *instance, fuel int64)

func sliced(in *instance, fuel int64) { in.give(fuel, labStack) }

// play runs at most n steps, the i-th with fuel(i). It stops early when one meets a limit: the step is not in steps.
func play(tb testing.TB, r wazero.Runtime, module []byte, m *modgen.Module, n int, fuel func(i int) int64, give split) *run {
	tb.Helper()
	p := &run{module: m}
	ctx := context.WithValue(tb.Context(), traceKey{}, &p.trace)
	var err error
	calls := m.Calls
	if m.Start {
		calls = append([]modgen.Call{{Export: meter.ExportStart}}, calls...)
	}
	if p.instance, err = instantiate(ctx, r, module, ""); err != nil && !strings.Contains(err.Error(), wasmError) {
		tb.Fatalf("compiling: %v\n%x", err, module)
	}
	if p.instance == nil { // unmetered, and the start function has trapped
		p.steps, p.fuel = append(p.steps, step{export: meter.ExportStart, trap: trapOf(err)}), append(p.fuel, 0)
		return p
	}
	tb.Cleanup(func() { _ = p.Close(context.WithoutCancel(ctx)) })
	done := int64(0)
	for i, c := range calls[:min(n, len(calls))] {
		give(p.instance, fuel(i))
		var results []uint64
		if f := p.ExportedFunction(c.Export); f != nil { // otherwise it is the start function, and has run
			results, err = f.Call(ctx, c.Args...)
			narrow(results, f.Definition().ResultTypes())
			p.native = max(p.native, nativeStack(f))
		}
		s := step{export: c.Export, results: fmt.Sprintf("%x", results), trap: trapOf(err)}
		if err == nil && p.metered() && p.stack.left()+p.more.left() != labStack {
			tb.Errorf("%s has returned and left %d bytes of stack, not %d", c.Export, p.stack.left()+p.more.left(), labStack)
		}
		switch {
		case p.dry():
			p.ended = "fuel"
		case p.deep():
			p.ended = "stack"
		case strings.Contains(s.trap, "stack overflow"):
			p.ended = s.trap
		}
		if p.ended != "" {
			return p
		}
		p.fuel = append(p.fuel, p.used())
		if g := p.ExportedGlobal(modgen.ExportExecuted); g != nil {
			now := int64(g.Get())
			p.did = append(p.did, now-done)
			done = now
		}
		p.look(&s)
		p.steps = append(p.steps, s)
		if c.Export == meter.ExportStart && s.trap != "" {
			return p // unmetered, there is no instance now
		}
	}
	return p
}

// narrow clears what is no part of a result: the other halves of words, and where functions lie.
func narrow(words []uint64, types []api.ValueType) {
	for _, typ := range types {
		switch {
		case len(words) == 0:
			return // it has trapped
		case typ == modgen.V128:
			words = words[1:]
		case typ == api.ValueTypeI32 || typ == api.ValueTypeF32:
			words[0] = uint64(uint32(words[0]))
		case typ == modgen.FuncRef:
			words[0] = min(words[0], 1)
		}
		words = words[1:]
	}
}

// wasmError begins what wazero says of a trap, which has more lines.
const wasmError = "wasm error: "

func trapOf(err error) string {
	if err == nil {
		return ""
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line[max(strings.Index(line, wasmError), 0):]
}

// nativeStack is the size of the stack that wazero's compiler gave a function. It has no name outside wazero.
func nativeStack(f api.Function) int {
	v := reflect.Indirect(reflect.ValueOf(f))
	if v.Kind() != reflect.Struct {
		return 0
	}
	stack := v.FieldByName("stack")
	if !stack.IsValid() || stack.Type().Elem().Kind() != reflect.Uint8 {
		return 0 // the interpreter's
	}
	return stack.Len()
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// look notes the state that a host can see.
func (p *run) look(s *step) {
	for _, t := range p.trace {
		s.trace = s.trace*1099511628211 + t + 1
	}
	if mem := p.ExportedMemory(modgen.ExportMemory); mem != nil {
		all, _ := mem.Read(0, mem.Size())
		s.memory = crc32.Checksum(all, castagnoli) + mem.Size()
	}
	var globals bytes.Buffer
	for _, name := range p.module.Globals {
		fmt.Fprintf(&globals, "%x ", p.ExportedGlobal(name).Get())
	}
	s.globals = crc32.Checksum(globals.Bytes(), castagnoli)
}

// observe notes the rest of the state, once all steps are done.
func (p *run) observe(tb testing.TB) string {
	tb.Helper()
	if p.instance == nil {
		return ""
	}
	var all strings.Builder
	for _, o := range p.module.Observers {
		p.give(labFuel, labStack)
		f := p.ExportedFunction(o.Export)
		results, err := f.Call(tb.Context(), o.Args...)
		narrow(results, f.Definition().ResultTypes())
		if err != nil {
			tb.Fatalf("observing by %s%v: %v", o.Export, o.Args, err)
		}
		fmt.Fprintf(&all, "%x ", results)
	}
	return all.String()
}

// randomSeed is size bytes, always the same for the same n.
func randomSeed(n uint64, size int) []byte {
	key := [32]byte{byte(n), byte(n >> 8), byte(n >> 16)}
	b := make([]byte, size)
	_, _ = rand.NewChaCha8(key).Read(b)
	return b
}
