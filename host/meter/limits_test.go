package meter

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/switchyard-gateway/switchyard/host/meter/internal/wasm"
)

// TestLimits has each limit met and broken by one.
func TestLimits(t *testing.T) {
	t.Parallel()
	var (
		global = []byte{wasm.TypeI32, 0, wasm.OpI32Const, 0, wasm.OpEnd}
		empty  = coded(noLocals, []byte{wasm.OpEnd})
		code   = func(locals, code []byte) []byte {
			return module(section(wasm.SecType, nothing), section(wasm.SecFunction, []byte{0}), section(wasm.SecCode, coded(locals, code)))
		}
		export  = func(name string) []byte { return append([]byte{byte(len(name))}, name+"\x03\x00"...) }
		globals = section(wasm.SecGlobal, global)
	)
	for _, c := range []struct {
		name   string
		module []byte
		limit  func(*Limits) *uint32
		at     uint32
		want   string
	}{
		{
			"function size", code(noLocals, append(bytes.Repeat([]byte{1}, 98), wasm.OpEnd)),
			func(l *Limits) *uint32 { return &l.FunctionSize }, 100, "function 0 has 100 bytes, the limit is 99",
		},
		{
			"locals", code([]byte{2, 100, wasm.TypeI32, 28, wasm.TypeF64}, []byte{wasm.OpEnd}),
			func(l *Limits) *uint32 { return &l.Locals }, 128, "function 0 has 128 locals, the limit is 127",
		},
		{
			"nesting", code(noLocals, []byte{wasm.OpBlock, wasm.TypeEmpty, wasm.OpLoop, wasm.TypeEmpty, wasm.OpEnd, wasm.OpEnd, wasm.OpEnd}),
			func(l *Limits) *uint32 { return &l.Nesting }, 2, "function 0 nests 2 blocks, the limit is 1",
		},
		{"types", module(section(wasm.SecType, nothing, toI32)), func(l *Limits) *uint32 { return &l.Types }, 2, "2 types, the limit is 1"},
		{
			"functions", module(
				section(wasm.SecType, nothing), section(wasm.SecImport, []byte("\x01m\x01f\x00\x00")),
				section(wasm.SecFunction, []byte{0}), section(wasm.SecCode, empty)),
			func(l *Limits) *uint32 { return &l.Functions }, 2, "2 functions, the limit is 1",
		},
		{
			"globals", module(section(wasm.SecImport, []byte("\x01m\x01g\x03\x7f\x00")), section(wasm.SecGlobal, global)),
			func(l *Limits) *uint32 { return &l.Globals }, 2, "2 globals, the limit is 1",
		},
		{"exports", module(globals, section(wasm.SecExport, export("a"), export("b"))), func(l *Limits) *uint32 { return &l.Exports }, 2, "2 exports, the limit is 1"},
		{
			"table elements", module(section(wasm.SecTable, []byte{wasm.TypeFuncref, 0, 5}, []byte{wasm.TypeExternref, 1, 2, 9})),
			func(l *Limits) *uint32 { return &l.TableElements }, 7, "7 table elements, the limit is 6",
		},
		{
			"segments", module(section(wasm.SecMemory, []byte{0, 1}), section(wasm.SecData, []byte{1, 0}, []byte{1, 0})),
			func(l *Limits) *uint32 { return &l.Segments }, 2, "2 data and element segments, the limit is 1",
		},
		{
			"parameters", module(section(wasm.SecType, []byte{wasm.TypeFunction, 3, wasm.TypeI32, wasm.TypeI64, wasm.TypeF32, 0})),
			func(l *Limits) *uint32 { return &l.Signature }, 3, "entry 0 of the type section has 3 parameters or results, the limit is 2",
		},
		{
			"results", module(section(wasm.SecType, nothing, []byte{wasm.TypeFunction, 0, 2, wasm.TypeI32, wasm.TypeI64})),
			func(l *Limits) *uint32 { return &l.Signature }, 2, "entry 1 of the type section has 2 parameters or results, the limit is 1",
		},
		{"memory", module(section(wasm.SecMemory, []byte{0, 3})), func(l *Limits) *uint32 { return &l.Memory }, 3, "a memory of 3 pages of 64 KiB, the limit is 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var l Limits
			for _, limit := range []uint32{0, c.at} {
				*c.limit(&l) = limit
				if _, err := Rewrite(c.module, &l); err != nil {
					t.Errorf("with a limit of %d: %v", limit, err)
				}
			}
			*c.limit(&l) = c.at - 1
			if _, err := Rewrite(c.module, &l); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestMaxima has declared maxima lowered, a memory's to one page more than the limit: the last is for refill.
func TestMaxima(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		section        byte
		declared, want [][]byte
	}{
		{"memory without", wasm.SecMemory, [][]byte{{0, 1}}, [][]byte{{1, 1, 11}}},
		{"memory above", wasm.SecMemory, [][]byte{{1, 1, 12}}, [][]byte{{1, 1, 11}}},
		{"memory below", wasm.SecMemory, [][]byte{{1, 1, 9}}, [][]byte{{1, 1, 10}}},
		{"table without", wasm.SecTable, [][]byte{{wasm.TypeFuncref, 0, 2}}, [][]byte{{wasm.TypeFuncref, 1, 2, 20}}},
		{"table below", wasm.SecTable, [][]byte{{wasm.TypeFuncref, 1, 2, 3}}, [][]byte{{wasm.TypeFuncref, 1, 2, 3}}},
		{
			"tables share", wasm.SecTable, [][]byte{{wasm.TypeFuncref, 0, 2}, {wasm.TypeExternref, 1, 6, 30}},
			[][]byte{{wasm.TypeFuncref, 1, 2, 8}, {wasm.TypeExternref, 1, 6, 12}},
		},
	} {
		out, err := Rewrite(module(section(c.section, c.declared...)), &Limits{Memory: 10, TableElements: 20})
		if err != nil || !bytes.Contains(out, section(c.section, c.want...)) {
			t.Errorf("%s: %x, %v", c.name, out, err)
		}
	}
}

// TestReserved keeps modules from naming what the rewriter adds.
func TestReserved(t *testing.T) {
	t.Parallel()
	global := []byte{wasm.TypeI64, 1, wasm.OpI64Const, 0, wasm.OpEnd}
	function := func(code ...byte) []byte {
		return module(
			section(wasm.SecType, nothing), section(wasm.SecFunction, []byte{0}), section(wasm.SecGlobal, global),
			section(wasm.SecCode, coded(noLocals, append(code, wasm.OpEnd))))
	}
	for name, c := range map[string]struct {
		module []byte
		want   string
	}{
		"export":          {module(section(wasm.SecGlobal, global), section(wasm.SecExport, append([]byte{15}, ExportFuel+"\x03\x00"...))), `the name "switchyard.fuel"`},
		"global.set":      {function(wasm.OpI64Const, 0, wasm.OpGlobalSet, 1), "function 0 names global 1, and the module has 1"},
		"call":            {function(wasm.OpCall, 1), "function 0 names function 1, and the module has 1"},
		"ref.func":        {function(wasm.OpRefFunc, 1, wasm.OpDrop), "function 0 names function 1"},
		"local":           {function(wasm.OpI64Const, 0, wasm.OpLocalSet, 0), "function 0 names local 0, and the module has 0"},
		"table":           {function(wasm.OpI32Const, 0, wasm.OpTableGet, 0, wasm.OpDrop), "function 0 names table 0"},
		"block":           {function(wasm.OpBlock, 1, wasm.OpEnd), "function 0 names type 1"},
		"exported global": {module(section(wasm.SecGlobal, global), section(wasm.SecExport, []byte{1, 'a', 3, 1})), "names global 1, and the module has 1"},
		"element":         {module(section(wasm.SecTable, []byte{wasm.TypeFuncref, 0, 1}), section(wasm.SecElement, []byte{0, wasm.OpI32Const, 0, wasm.OpEnd, 1, 0})), "names function 0, and the module has 0"},
	} {
		if _, err := Rewrite(c.module, &Limits{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

// TestHugeCounts announces four thousand million entries of everything. What is allocated meanwhile must be in proportion
// to the input.
func TestHugeCounts(t *testing.T) {
	const huge = "\xff\xff\xff\xff\x0f"
	var modules [][]byte
	for id := range byte(wasm.Sections) {
		for _, content := range []string{huge, huge + "\x60", "\x01" + huge, "\x01\x60" + huge, "\x01\x00" + huge, "\x01\x01m" + huge, "\x01\x70\x01" + huge + huge, "\x01\x01" + huge + huge} {
			modules = append(modules, module(append(wasm.AppendU32([]byte{id}, uint32(len(content))), content...)), module([]byte{id}, []byte(huge), []byte(content)))
		}
	}
	for _, code := range []string{huge + "\x7f", "\x02" + huge + "\x7f" + huge + "\x7f\x0b", "\x00\x0e" + huge, "\x00\x1c" + huge, "\x00\x41\x00\x0e\x02\x00\x00" + huge} {
		modules = append(modules, module(section(wasm.SecType, nothing), section(wasm.SecFunction, []byte{0}), section(wasm.SecCode, append([]byte{byte(len(code))}, code...))))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	refused := 0
	for _, m := range modules {
		if _, err := Rewrite(m, &Limits{}); err != nil {
			refused++
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / uint64(len(modules)); each > 64<<10 {
		t.Errorf("%d bytes were allocated for each of %d modules of some 30 bytes", each, len(modules))
	}
	if refused < len(modules)*3/4 {
		t.Errorf("%d of %d were refused", refused, len(modules))
	}
}

// TestCut has a module cut short at every byte: all but whole sections are refused, in a sentence.
func TestCut(t *testing.T) {
	t.Parallel()
	m := decoded(t, oneLocal, []byte{
		wasm.OpLoop, wasm.TypeEmpty, wasm.OpBlock, wasm.TypeEmpty, wasm.OpLocalGet, 1, wasm.OpBrTable, 0, 0, wasm.OpEnd,
		wasm.OpI32Const, 0xff, 1, wasm.OpLocalSet, 1, wasm.OpBr, 0, wasm.OpEnd,
		wasm.OpPrefixVector, 0x0c, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, wasm.OpDrop, wasm.OpEnd,
	})
	for n := range m.src {
		if out, err := Rewrite(m.src[:n], &Limits{}); err == nil && len(out) == 0 {
			t.Errorf("%d bytes: neither a module nor an error", n)
		}
	}
	code, _ := m.Section(wasm.SecCode) // the last one
	for n := len(m.src) - len(code); n < len(m.src); n++ {
		if _, err := Rewrite(m.src[:n], &Limits{}); err == nil || strings.Contains(fmt.Sprint(err), "%!") {
			t.Errorf("%d bytes: error %v", n, err)
		}
	}
}

// TestDeterminism rewrites the same module several times at once.
func TestDeterminism(t *testing.T) {
	t.Parallel()
	m := decoded(t, oneLocal, slices.Concat(bytes.Repeat([]byte{wasm.OpLoop, wasm.TypeEmpty, wasm.OpLocalGet, 0, wasm.OpCall, 1, wasm.OpEnd}, 100), []byte{wasm.OpEnd}))
	want, err := Rewrite(m.src, &Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := Rewrite(bytes.Clone(m.src), &Limits{}); err != nil || !bytes.Equal(got, want) {
				t.Errorf("another result, %v", err)
			}
		})
	}
	wg.Wait()
}
