package meter_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/switchyard-gateway/switchyard/host/meter"
	"github.com/switchyard-gateway/switchyard/host/meter/internal/modgen"
)

// bulk is a module whose functions each do one bulk operation with their three arguments, and its data segment.
func bulk(data int) source {
	var (
		three = []modgen.ValueType{modgen.I32, modgen.I32, modgen.I32}
		args  = []byte{0x20, 0, 0x20, 1, 0x20, 2}
		refs  = []byte{0x20, 0, 0xd2, 0, 0x20, 2} // a function in place of the second
	)
	s := source{
		types: []modgen.Signature{{Params: three}, {Params: three, Results: []modgen.ValueType{modgen.I32}}},
		pages: 48, table: 5000, data: data,
	}
	for _, code := range [][]byte{
		slices.Concat(args, []byte{0xfc, 11, 0}),
		slices.Concat(args, []byte{0xfc, 10, 0, 0}),
		slices.Concat(args, []byte{0xfc, 8, 0, 0}),
		slices.Concat(refs, []byte{0xfc, 17, 0}),
		slices.Concat(args, []byte{0xfc, 14, 0, 0}),
		slices.Concat(args, []byte{0xfc, 12, 1, 0}),
	} {
		s.functions = append(s.functions, handwritten{code: code})
	}
	for _, code := range [][]byte{
		slices.Concat([]byte{0x20, 2, 0x40, 0}),
		slices.Concat([]byte{0xd2, 0, 0x20, 2, 0xfc, 15, 0}),
	} {
		s.functions = append(s.functions, handwritten{typ: 1, code: code})
	}
	return s
}

// The names of its functions.
const (
	doFill      = "a"
	doCopy      = "b"
	doInit      = "c"
	doTableFill = "d"
	doTableCopy = "e"
	doTableInit = "f"
	doGrow      = "g"
	doTableGrow = "h"
)

// TestLongRanges writes ranges of a memory of 3 MiB, which takes several chunks, and compares with what Go makes of the
// same.
func TestLongRanges(t *testing.T) {
	data := segment(5 << 19)
	in := rewritten(t, newLab(t), bulk(len(data)).assemble())
	memory := in.ExportedMemory(modgen.ExportMemory)
	have, _ := memory.Read(0, memory.Size())
	r := rand.New(rand.NewPCG(1, 2))
	for i := range have {
		have[i] = byte(r.Uint32())
	}
	want := bytes.Clone(have)
	const mib = 1 << 20
	number := func() uint64 {
		near := []uint64{0, 0, mib, mib, 2 * mib, 3 * mib, 3 * mib, 1<<32 - 1}[r.IntN(8)]
		return uint64(uint32(near + uint64(r.IntN(7)) - 3*uint64(r.IntN(2))))
	}
	size := uint64(len(want))
	for range 200 {
		to, from, n := number(), number(), number()
		if r.IntN(3) == 0 {
			from = to + uint64(r.IntN(200)) - 100
			from = uint64(uint32(from))
		}
		for _, name := range []string{doFill, doCopy, doInit} {
			source := map[string]uint64{doFill: 1 << 33, doCopy: size, doInit: uint64(len(data))}[name]
			fits := to+n <= size && from+n <= source
			switch {
			case fits && name == doInit:
				copy(want[to:to+n], data[from:from+n])
			case fits && name == doFill:
				copy(want[to:to+n], bytes.Repeat([]byte{byte(from)}, int(n)))
			case fits:
				copy(want[to:to+n], want[from:from+n])
			}
			in.give(labFuel*4, labStack)
			_, err := in.ExportedFunction(name).Call(t.Context(), to, from, n)
			if trap := trapOf(err); in.dry() || fits != (trap == "") || !fits && trap != wasmError+"out of bounds memory access" {
				t.Fatalf("%s(%d, %d, %d): %v with %d fuel", name, to, from, n, err, in.used())
			}
			if !bytes.Equal(have, want) {
				t.Fatalf("%s(%d, %d, %d) has another result", name, to, from, n)
			}
			if used := in.used(); fits && used < int64(n/16) {
				t.Fatalf("%s(%d, %d, %d) costs %d", name, to, from, n, used)
			}
		}
	}
}

// TestBulkIsPaid expects each bulk operation to cost in proportion to its length, and to stop a guest that can't pay.
func TestBulkIsPaid(t *testing.T) {
	l := newLab(t)
	for _, c := range []struct {
		name   string
		length uint64
		least  int64 // fuel
		data   int
	}{
		{doFill, 3 << 20, 3 << 16, 1},
		{doCopy, 3 << 20, 3 << 16, 1},
		{doInit, 100_000, 6000, 100_000},
		{doInit, 3 << 20, 3 << 16, 3 << 20},
		{doTableFill, 5000, 300, 1},
		{doTableCopy, 5000, 300, 1},
		{doTableInit, 8, 8, 1},
		{doGrow, 48, 48 << 12, 1},
		{doTableGrow, 5000, 300, 1},
	} {
		cost := func(n uint64) int64 {
			in := rewritten(t, l, bulk(c.data).assemble())
			in.give(1<<40, labStack)
			results, err := in.ExportedFunction(c.name).Call(t.Context(), 0, 0, n)
			if err != nil || len(results) == 1 && int32(results[0]) < 0 {
				t.Fatalf("%s(%d): %v %v", c.name, n, results, err)
			}
			return in.used()
		}
		none, all := cost(0), cost(c.length)
		if all-none < c.least {
			t.Errorf("%s of %d costs %d more than of nothing, want %d", c.name, c.length, all-none, c.least)
		}
		in := rewritten(t, l, bulk(c.data).assemble())
		in.give(all-1, labStack)
		if _, err := in.ExportedFunction(c.name).Call(t.Context(), 0, 0, c.length); err == nil || !in.dry() {
			t.Errorf("%s runs (%v) on less than it costs", c.name, err)
		}
	}
}

// rewritten makes a metered instance.
func rewritten(t *testing.T, l *lab, module []byte) *instance {
	t.Helper()
	return rewrittenFor(t, l.compiler, module)
}

func rewrittenFor(t *testing.T, r wazero.Runtime, module []byte) *instance {
	t.Helper()
	metered, err := meter.Rewrite(module, generous())
	if err != nil {
		t.Fatal(err)
	}
	in, err := instantiate(t.Context(), r, metered, "")
	if err != nil {
		t.Fatalf("%v\n%x", err, module)
	}
	return in
}
