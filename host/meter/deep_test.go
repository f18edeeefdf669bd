package meter_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/host/meter"
	"github.com/switchyard-gateway/switchyard/host/meter/internal/modgen"
)

// With this limit no module may make the native stack larger than the bound. Estimates err, and wazero's stacks grow by
// doubling.
const (
	deepStack = 1 << 20
	deepBound = 4 << 20
)

// TestDeepCalls recurses without end through functions with frames of many sizes, and expects each to stop before the
// native stack is larger than the bound.
func TestDeepCalls(t *testing.T) {
	l := newLab(t)
	for _, typ := range []modgen.ValueType{modgen.I32, modgen.I64, modgen.F32, modgen.F64, modgen.V128} {
		for _, n := range []int{0, 1, 40, 250, 1500} {
			for _, shape := range []shape{liveLocals, liveOperands, mergedResults, loopedLocals, manyParams, manyResults} {
				if shape >= manyParams && n > 250 {
					continue // wazero has 1000 as its limit for some of these, as browsers do
				}
				for _, way := range []string{"direct", "mutual", "indirect"} {
					if way != "direct" && n != 40 {
						continue // compiling takes long
					}
					t.Run(fmt.Sprintf("%s/%d %#x %s", way, n, typ, shape), func(t *testing.T) {
						module := recursive(way, shape, typ, n).assemble()
						if _, err := meter.Rewrite(module, generous()); n == 1500 && err != nil && strings.Contains(err.Error(), "bytes of stack") {
							return // too large a frame is refused
						}
						in := rewritten(t, l, module)
						f := in.ExportedFunction("a")
						in.give(1<<40, deepStack)
						_, err := f.Call(t.Context(), make([]uint64, params(shape, typ, n))...)
						if err == nil || !in.deep() {
							t.Fatalf("it ended with %v, want it to use up the stack", err)
						}
						if native := nativeStack(f); native > deepBound {
							t.Errorf("the native stack has grown to %d bytes, the limit is %d", native, deepStack)
						}
					})
				}
			}
		}
	}
}

// TestLongChains calls through functions that don't recurse, with large frames: they too must not add up.
func TestLongChains(t *testing.T) {
	l := newLab(t)
	for _, n := range []int{10, 250} {
		s := source{types: []modgen.Signature{{}}, pages: 1}
		for i := range 150 {
			f, _ := frame(liveLocals, modgen.V128, n, op(0x10, i+1))
			s.functions = append(s.functions, f)
		}
		s.functions = append(s.functions, handwritten{})
		in := rewritten(t, l, s.assemble())
		f := in.ExportedFunction("a")
		in.give(1<<40, labStack)
		_, err := f.Call(t.Context())
		if native := nativeStack(f); native > stackBound || err != nil && !in.deep() {
			t.Errorf("%d locals: %v, and a native stack of %d bytes, the limit is %d", n, err, native, labStack)
		}
	}
}

// TestNested calls a function that calls itself so many times: whether that takes more than the stack at first shows
// afterwards, and neither costs fuel nor gives the host a turn.
func TestNested(t *testing.T) {
	l := newLab(t)
	self := slices.Concat([]byte{0x20, 0, 0x04, 0x40, 0x20, 0, 0x41, 1, 0x6b}, op(0x10, 0), []byte{0x0b})
	in := rewritten(t, l, source{
		types: []modgen.Signature{{Params: []modgen.ValueType{modgen.I32}}}, pages: 1, functions: []handwritten{{code: self}},
	}.assemble())
	f := in.ExportedFunction("a")
	var each int64
	for _, c := range []struct {
		calls  int64
		nested bool
	}{{0, false}, {1, false}, {100, true}, {2, false}, {1000, true}} {
		in.give(meter.Slice, deepStack)
		turns := in.memory.turns
		if _, err := f.Call(t.Context(), uint64(c.calls)); err != nil {
			t.Fatal(err)
		}
		if c.calls == 0 {
			each = in.used()
		}
		if in.nested() != c.nested || in.memory.turns != turns || in.used() != each*(c.calls+1) {
			t.Errorf("%d calls: nested %t, %d turns, %d fuel", c.calls, in.nested(), in.memory.turns-turns, in.used())
		}
		if left := in.stack.left() + in.more.left(); left != deepStack {
			t.Errorf("%d calls: %d bytes of stack are left, want %d", c.calls, left, deepStack)
		}
	}
}

// shape is what makes a frame large.
type shape int

const (
	liveLocals    shape = iota // set before the call, used after it
	liveOperands               // on the operand stack during the call
	mergedResults              // of many blocks, each with two ways to its end
	loopedLocals               // set inside many loops: each loop's head may keep them apart
	manyParams
	manyResults
)

func (s shape) String() string {
	return []string{"locals", "operands", "merged results", "looped locals", "parameters", "results"}[s]
}

// loops is how many there are around loopedLocals, or blocks around mergedResults.
const loops = 30

// params is how many words the arguments take.
func params(s shape, typ modgen.ValueType, n int) int {
	if s != manyParams {
		return 0
	}
	if typ == modgen.V128 {
		return 2 * n
	}
	return n
}

// frame is a function that makes a call while n values are live.
func frame(s shape, typ modgen.ValueType, n int, call []byte) (f handwritten, sig modgen.Signature) {
	many := slices.Clip(slices.Repeat([]modgen.ValueType{typ}, n))
	add := func(code ...[]byte) { f.code = append(f.code, slices.Concat(code...)...) }
	if s == loopedLocals {
		for range loops {
			add([]byte{0x03, 0x40})
		}
	}
	if s == mergedResults {
		add(slices.Repeat([]byte{0x02, 1}, loops)) // of type 1, as source.types of recursive has it
	}
	for i := range n {
		switch s {
		case liveLocals, loopedLocals:
			add(fresh(typ), op(0x21, i))
		case liveOperands, mergedResults:
			add(fresh(typ))
		case manyParams:
			add(op(0x20, i))
		}
	}
	if s == mergedResults {
		add(slices.Repeat([]byte{0x41, 0, 0x28, 0, 0, 0x0d, 0, 0x0b}, loops))
	}
	add(call)
	sum := 0
	if s == liveLocals || s == loopedLocals || s == manyParams {
		sum = n
	}
	for i := range n {
		if sum == n {
			add(op(0x20, i))
		}
		add(consume(typ, sum))
	}
	add([]byte{0x41, 0}, op(0x20, sum), []byte{0x36, 0, 0})
	switch s {
	case loopedLocals: // branch back on what lies in memory
		add(slices.Repeat([]byte{0x41, 0, 0x28, 0, 0, 0x0d, 0, 0x0b}, loops))
		f.locals = many
	case liveLocals:
		f.locals = many
	case manyParams:
		sig.Params = many
	case manyResults:
		sig.Results = many
		add(slices.Repeat(fresh(typ), n))
	}
	f.locals = append(f.locals, modgen.I32)
	return f, sig
}

// recursive is a module of functions that call each other, or themselves, for ever.
func recursive(way string, s shape, typ modgen.ValueType, n int) source {
	m := source{pages: 1, table: 4}
	calls := [][]byte{op(0x10, 0)}
	switch way {
	case "mutual":
		calls = [][]byte{op(0x10, 1), op(0x10, 2), op(0x10, 0)}
	case "indirect":
		calls = [][]byte{{0x41, 0, 0x11, 0, 0}}
	}
	for _, call := range calls {
		f, sig := frame(s, typ, n, call)
		m.types = []modgen.Signature{sig, {Results: slices.Repeat([]modgen.ValueType{typ}, n)}}
		m.functions = append(m.functions, f)
	}
	return m
}

// fresh is code for a value that the compiler can't make again after the call: it comes from memory.
func fresh(typ modgen.ValueType) []byte {
	load := map[modgen.ValueType][]byte{
		modgen.I32: {0x28, 0, 0}, modgen.I64: {0x29, 0, 0}, modgen.F32: {0x2a, 0, 0}, modgen.F64: {0x2b, 0, 0}, modgen.V128: {0xfd, 0, 0, 0},
	}
	return append([]byte{0x41, 0}, load[typ]...)
}

// consume is code that uses a value: it goes into a local's sum.
func consume(typ modgen.ValueType, sum int) []byte {
	toI32 := map[modgen.ValueType][]byte{
		modgen.I64: {0xa7}, modgen.F32: {0xbc}, modgen.F64: {0xbd, 0xa7}, modgen.V128: {0xfd, 83},
	}
	return slices.Concat(toI32[typ], op(0x20, sum), []byte{0x6a}, op(0x21, sum))
}
