package meter

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/host/meter/internal/wasm"
)

// section returns a section of a module.
func section(id byte, entries ...[]byte) []byte {
	content := wasm.AppendU32(nil, uint32(len(entries)))
	for _, e := range entries {
		content = append(content, e...)
	}
	return append(wasm.AppendU32([]byte{id}, uint32(len(content))), content...)
}

// coded returns an entry of the code section.
func coded(locals, code []byte) []byte {
	b := append(append([]byte{}, locals...), code...)
	return append(wasm.AppendU32(nil, uint32(len(b))), b...)
}

var (
	noLocals = []byte{0}
	oneLocal = []byte{1, 1, wasm.TypeI32}
	toI32    = []byte{wasm.TypeFunction, 1, wasm.TypeI32, 0}
	nothing  = []byte{wasm.TypeFunction, 0, 0}
)

// module joins sections behind a header.
func module(sections ...[]byte) []byte {
	return append([]byte("\x00asm\x01\x00\x00\x00"), slices.Concat(sections...)...)
}

// decoded is a module with a memory, an imported function 0 and a function 1 of one i32 parameter, as the rewriter sees it.
func decoded(t *testing.T, locals, code []byte) *rewriter {
	t.Helper()
	m := &rewriter{limits: &Limits{}, src: module(
		section(wasm.SecType, toI32, nothing),
		section(wasm.SecImport, []byte("\x01m\x01f\x00\x01")),
		section(wasm.SecFunction, []byte{0}),
		section(wasm.SecTable, []byte{wasm.TypeFuncref, 0, 1}),
		section(wasm.SecMemory, []byte{0, 1}),
		section(wasm.SecCode, coded(locals, code)),
	)}
	if err := m.read(); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestCosts has the payments of a function in order: its entry, then loops and segments.
func TestCosts(t *testing.T) {
	t.Parallel()
	const (
		nop  = 0x01
		void = wasm.TypeEmpty
	)
	nops := func(n int) []byte { return slices.Repeat([]byte{nop}, n) }
	for _, c := range []struct {
		name   string
		locals []byte
		code   []byte
		want   []uint32
	}{
		{"nothing", noLocals, []byte{wasm.OpEnd}, []uint32{1}},
		{"locals", []byte{1, 10, wasm.TypeI32}, []byte{wasm.OpEnd}, []uint32{1 + 5}},
		{"straight", noLocals, append(nops(7), wasm.OpEnd), []uint32{8}},
		{"import", noLocals, []byte{wasm.OpCall, 0, wasm.OpEnd}, []uint32{2 + costLeave}},
		{"behind a return", noLocals, append([]byte{wasm.OpReturn}, append(nops(50), wasm.OpEnd)...), []uint32{1}},
		{
			"the longer arm", noLocals,
			slices.Concat([]byte{wasm.OpLocalGet, 0, wasm.OpIf, void}, nops(3), []byte{wasm.OpElse}, nops(9), []byte{wasm.OpEnd, wasm.OpEnd}),
			[]uint32{2 + 1 + 9 + 1 + 1}, // else counts for the arm that it opens
		},
		{
			"an arm alone", noLocals,
			slices.Concat([]byte{wasm.OpLocalGet, 0, wasm.OpIf, void}, nops(5), []byte{wasm.OpEnd, wasm.OpEnd}),
			[]uint32{2 + 5 + 1 + 1},
		},
		{
			"around", noLocals,
			slices.Concat([]byte{wasm.OpBlock, void, wasm.OpLocalGet, 0, wasm.OpBrIf, 0}, nops(5), []byte{wasm.OpReturn, wasm.OpEnd}, nops(20), []byte{wasm.OpEnd}),
			[]uint32{3 + 1 + 20 + 1},
		},
		{
			"a loop", noLocals,
			slices.Concat([]byte{wasm.OpLoop, void}, nops(4), []byte{wasm.OpLocalGet, 0, wasm.OpBrIf, 0, wasm.OpEnd}, nops(10), []byte{wasm.OpEnd}),
			[]uint32{1 + 10 + 1, 4 + 2 + 1},
		},
		{
			"loops in a loop", noLocals,
			slices.Concat(
				[]byte{wasm.OpLoop, void, wasm.OpLoop, void}, nops(4), []byte{wasm.OpEnd, wasm.OpLoop, void}, nops(9),
				[]byte{wasm.OpBr, 0, wasm.OpEnd, wasm.OpBr, 0, wasm.OpEnd, wasm.OpEnd}),
			[]uint32{1, 2, 4 + 1, 9 + 1}, // what comes behind the last can't be reached
		},
		{
			"out of loops", noLocals,
			slices.Concat(
				[]byte{wasm.OpBlock, void}, nops(30),
				[]byte{wasm.OpLoop, void, wasm.OpLoop, void}, nops(4), []byte{wasm.OpBr, 2, wasm.OpEnd, wasm.OpEnd, wasm.OpEnd}, nops(6), []byte{wasm.OpEnd}),
			[]uint32{1 + 30 + 1 + 1 + 6 + 1, 1, 4 + 1},
		},
		{"an unreachable loop", noLocals, []byte{wasm.OpReturn, wasm.OpLoop, void, wasm.OpBr, 0, wasm.OpEnd, wasm.OpEnd}, []uint32{1}},
		{
			// local 1 is the key: 0 leads behind the inner block, 1 behind the outer one, which jumps back and forth.
			"dispatch", oneLocal,
			slices.Concat(
				[]byte{wasm.OpLoop, void, wasm.OpBlock, void, wasm.OpBlock, void, wasm.OpLocalGet, 1, wasm.OpBrTable, 1, 0, 1, wasm.OpEnd}, nops(5),
				[]byte{wasm.OpLocalGet, 0, wasm.OpIf, void, wasm.OpI32Const, 1, wasm.OpLocalSet, 1, wasm.OpBr, 2, wasm.OpEnd}, nops(20), []byte{wasm.OpEnd}, nops(7),
				[]byte{wasm.OpLocalGet, 0, wasm.OpIf, void, wasm.OpI32Const, 0, wasm.OpLocalSet, 1, wasm.OpBr, 1, wasm.OpEnd, wasm.OpEnd, wasm.OpEnd}),
			// A jump leads back to the first segment, so that pays for itself, and for the second, through which its longest
			// way goes; the entry pays for the second too, where key 1 leads.
			[]uint32{1 + 2 + 7 + 2 + 3 + jumpCost + 1, 5 + 2 + 1 + 20 + 1 + 7 + 2 + 3 + jumpCost},
		},
		{
			"dispatch forward only", oneLocal,
			slices.Concat(
				[]byte{wasm.OpLoop, void, wasm.OpBlock, void, wasm.OpBlock, void, wasm.OpLocalGet, 1, wasm.OpBrTable, 1, 0, 1, wasm.OpEnd}, nops(5),
				[]byte{wasm.OpI32Const, 1, wasm.OpLocalSet, 1, wasm.OpBr, 1, wasm.OpEnd}, nops(7), []byte{wasm.OpEnd, wasm.OpEnd}),
			[]uint32{1 + 2 + 5 + 3 + jumpCost + 7 + 1 + 1},
		},
		{
			"a long segment", oneLocal,
			slices.Concat(
				[]byte{wasm.OpLoop, void, wasm.OpBlock, void, wasm.OpBlock, void, wasm.OpLocalGet, 1, wasm.OpBrTable, 1, 0, 1, wasm.OpEnd}, nops(5),
				[]byte{wasm.OpEnd}, nops(long), []byte{wasm.OpEnd, wasm.OpEnd}),
			[]uint32{1 + 2 + 5 + 1 + 1, long + 1},
		},
		{
			"dispatch with a jump of another kind", oneLocal,
			slices.Concat(
				[]byte{wasm.OpLoop, void, wasm.OpBlock, void, wasm.OpBlock, void, wasm.OpLocalGet, 1, wasm.OpBrTable, 1, 0, 1, wasm.OpEnd}, nops(5),
				[]byte{wasm.OpEnd}, nops(7), []byte{wasm.OpBr, 0, wasm.OpEnd, wasm.OpEnd}),
			[]uint32{1 + 2, 5 + 1, 7 + 1 + jumpCost},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []uint32
			for _, in := range decoded(t, c.locals, c.code).inserts {
				switch in.kind {
				case insertCharge, insertEntry, insertTurn, insertSegment:
					got = append(got, in.arg)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("pays %d, want %d", got, c.want)
			}
		})
	}
}

// TestKeys covers when the end of a slice may lead back by way of the dispatch loop's key: not if anything else reads it.
func TestKeys(t *testing.T) {
	t.Parallel()
	const void = wasm.TypeEmpty
	loop := []byte{
		wasm.OpLoop, void, wasm.OpBlock, void, wasm.OpLocalGet, 1, wasm.OpBrTable, 0, 0, wasm.OpEnd,
		wasm.OpLocalGet, 0, wasm.OpIf, void, wasm.OpI32Const, 0, wasm.OpLocalSet, 1, wasm.OpBr, 1, wasm.OpEnd, wasm.OpEnd,
	}
	for _, c := range []struct {
		name string
		code []byte
		want insertKind
	}{
		{"alone", append(slices.Clip(loop), wasm.OpEnd), insertSegment},
		{"read afterwards", append(slices.Clip(loop), wasm.OpLocalGet, 1, wasm.OpDrop, wasm.OpEnd), insertCharge},
		{"read before", append(append([]byte{wasm.OpLocalGet, 1, wasm.OpDrop}, loop...), wasm.OpEnd), insertSegment},
		{"set afterwards", append(slices.Clip(loop), wasm.OpI32Const, 1, wasm.OpLocalSet, 1, wasm.OpEnd), insertSegment},
		{"in a loop", append(append([]byte{wasm.OpLoop, void}, loop...), wasm.OpEnd, wasm.OpEnd), insertCharge},
		{"another way to it", append(slices.Clip(loop[:len(loop)-1]), wasm.OpLocalGet, 0, wasm.OpBrIf, 0, wasm.OpEnd, wasm.OpEnd), insertCharge},
	} {
		list := decoded(t, oneLocal, c.code).inserts
		if got := list[len(list)-1].kind; got != c.want {
			t.Errorf("%s: kind %d, want %d", c.name, got, c.want)
		}
	}
}

// TestDirectJumps covers when a jump forward in a dispatch loop becomes a branch: not if anything else needs the key.
func TestDirectJumps(t *testing.T) {
	t.Parallel()
	const void = wasm.TypeEmpty
	loop := []byte{
		wasm.OpLoop, void, wasm.OpBlock, void, wasm.OpBlock, void, wasm.OpLocalGet, 1, wasm.OpBrTable, 1, 0, 1, wasm.OpEnd,
		wasm.OpLocalGet, 0, wasm.OpIf, void, wasm.OpI32Const, 1, wasm.OpLocalSet, 1, wasm.OpBr, 2, wasm.OpEnd, wasm.OpReturn, wasm.OpEnd, wasm.OpEnd,
	}
	for _, c := range []struct {
		name string
		code []byte
		want bool
	}{
		{"alone", append(slices.Clip(loop), wasm.OpEnd), true},
		{"read afterwards", append(slices.Clip(loop), wasm.OpLocalGet, 1, wasm.OpDrop, wasm.OpEnd), false},
		{"read before", append(append([]byte{wasm.OpLocalGet, 1, wasm.OpDrop}, loop...), wasm.OpEnd), true},
		{"in a loop", append(append([]byte{wasm.OpLoop, void}, loop...), wasm.OpEnd, wasm.OpEnd), false},
		{"another way to it", append(slices.Clip(loop[:len(loop)-1]), wasm.OpLocalGet, 0, wasm.OpBrIf, 0, wasm.OpEnd, wasm.OpEnd), false},
	} {
		m := decoded(t, oneLocal, c.code)
		out := m.newCoder()
		out.function(m, &m.bodies[0], m.inserts)
		jump, branch := []byte{wasm.OpI32Const, 1, wasm.OpLocalSet, 1, wasm.OpBr, 2}, []byte{wasm.OpIf, void, wasm.OpBr, 1, wasm.OpEnd}
		if got := bytes.Contains(out.buf, branch); got != c.want || bytes.Contains(out.buf, jump) == c.want {
			t.Errorf("%s: direct: %t, want %t: %x", c.name, got, c.want, out.buf)
		}
		if first := []byte{wasm.OpLocalGet, 1, wasm.OpI32Eqz, wasm.OpBrIf, 0, wasm.OpBrTable}; !bytes.Contains(out.buf, first) {
			t.Errorf("%s: entry 0 has no branch of its own: %x", c.name, out.buf)
		}
	}
}

// TestGolden is the whole of a small rewritten module.
func TestGolden(t *testing.T) {
	t.Parallel()
	in := module(
		section(wasm.SecType, nothing),
		section(wasm.SecFunction, []byte{0}),
		section(wasm.SecMemory, []byte{0, 1}),
		[]byte{wasm.SecStart, 1, 0},
		section(wasm.SecCode, coded(noLocals, []byte{wasm.OpLoop, wasm.TypeEmpty, wasm.OpBr, 0, wasm.OpEnd, wasm.OpEnd})),
		append([]byte{wasm.SecCustom, 5, 4}, "name"...),
	)
	out, err := Rewrite(in, &Limits{Memory: 2})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"the memory, which may grow by a page more than the limit": "\x05\x04\x01\x01\x01\x03",
		"refill, which asks for it": "\x01\x01\x7e" + // an i64
			"\x23\x02\xac\x42\x00\x53\x04\x40" + // if stack < 0
			"\x23\x02\x23\x03\x6a\x24\x02\x41\x00\x24\x03" + // stack += deep, deep = 0
			"\x42\x7f\x23\x00\x23\x02\xac\x84\x53\x04\x40\x0f\x0b\x0b" + // return if -1 < fuel|stack
			"\x41\x03\x3f\x00\x6b\x40\x00\x1a", // memory.grow 3 - memory.size, drop
		"four globals":       "\x06\x15\x04\x7e\x01\x42\x00\x0b\x7e\x01\x42\x00\x0b\x7f\x01\x41\x00\x0b\x7f\x01\x41\x00\x0b",
		"fuel":               "\x0f" + ExportFuel + "\x03\x00",
		"reserve":            "\x12" + ExportReserve + "\x03\x01",
		"stack":              "\x10" + ExportStack + "\x03\x02",
		"deep":               "\x0f" + ExportDeep + "\x03\x03",
		"the start function": "\x10" + ExportStart + "\x00\x00",
		"the loop": "\x03\x40" + // loop
			"\x23\x00\x42\x01\x7d\x22\x00\x24\x00" + // fuel -= 1
			"\x20\x00\x42\x00\x53\x04\x40\x42\x01\x10\x02\x0c\x01\x0b" + // below zero: next slice, and again
			"\x0c\x00\x0b\x0b", // br 0, end, end
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%s is not there: %x in %x", name, want, out)
		}
	}
	for name, no := range map[string]string{"start section": "\x08\x01\x00", "custom section": "\x04name"} {
		if strings.Contains(string(out), no) {
			t.Errorf("there is still a %s", name)
		}
	}
}
