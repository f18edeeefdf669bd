package meter

import (
	"slices"
	"strings"
	"testing"
)

// section returns a section of a module.
func section(id byte, entries ...[]byte) []byte {
	content := appendU32(nil, uint32(len(entries)))
	for _, e := range entries {
		content = append(content, e...)
	}
	return append(appendU32([]byte{id}, uint32(len(content))), content...)
}

// coded returns an entry of the code section.
func coded(locals, code []byte) []byte {
	b := append(append([]byte{}, locals...), code...)
	return append(appendU32(nil, uint32(len(b))), b...)
}

var (
	noLocals = []byte{0}
	oneLocal = []byte{1, 1, typeI32}
	toI32    = []byte{typeFunction, 1, typeI32, 0}
	nothing  = []byte{typeFunction, 0, 0}
)

// module joins sections behind a header.
func module(sections ...[]byte) []byte {
	return append([]byte("\x00asm\x01\x00\x00\x00"), slices.Concat(sections...)...)
}

// decoded is a module with a memory, an imported function 0 and a function 1 of one i32 parameter, as the rewriter sees it.
func decoded(t *testing.T, locals, code []byte) *rewriter {
	t.Helper()
	m := &rewriter{limits: &Limits{}, src: module(
		section(secType, toI32, nothing),
		section(secImport, []byte("\x01m\x01f\x00\x01")),
		section(secFunction, []byte{0}),
		section(secTable, []byte{typeFuncref, 0, 1}),
		section(secMemory, []byte{0, 1}),
		section(secCode, coded(locals, code)),
	)}
	if err := m.decode(); err != nil {
		t.Fatal(err)
	}
	m.depths()
	return m
}

// TestCosts has the payments of a function in order: its entry, then loops and segments.
func TestCosts(t *testing.T) {
	t.Parallel()
	const (
		nop  = 0x01
		void = typeEmpty
	)
	nops := func(n int) []byte { return slices.Repeat([]byte{nop}, n) }
	for _, c := range []struct {
		name   string
		locals []byte
		code   []byte
		want   []uint32
	}{
		{"nothing", noLocals, []byte{opEnd}, []uint32{1}},
		{"locals", []byte{1, 10, typeI32}, []byte{opEnd}, []uint32{1 + 5}},
		{"straight", noLocals, append(nops(7), opEnd), []uint32{8}},
		{"import", noLocals, []byte{opCall, 0, opEnd}, []uint32{2 + costLeave}},
		{"behind a return", noLocals, append([]byte{opReturn}, append(nops(50), opEnd)...), []uint32{1}},
		{
			"the longer arm", noLocals,
			slices.Concat([]byte{opLocalGet, 0, opIf, void}, nops(3), []byte{opElse}, nops(9), []byte{opEnd, opEnd}),
			[]uint32{2 + 1 + 9 + 1 + 1}, // else counts for the arm that it opens
		},
		{
			"an arm alone", noLocals,
			slices.Concat([]byte{opLocalGet, 0, opIf, void}, nops(5), []byte{opEnd, opEnd}),
			[]uint32{2 + 5 + 1 + 1},
		},
		{
			"around", noLocals,
			slices.Concat([]byte{opBlock, void, opLocalGet, 0, opBrIf, 0}, nops(5), []byte{opReturn, opEnd}, nops(20), []byte{opEnd}),
			[]uint32{3 + 1 + 20 + 1},
		},
		{
			"a loop", noLocals,
			slices.Concat([]byte{opLoop, void}, nops(4), []byte{opLocalGet, 0, opBrIf, 0, opEnd}, nops(10), []byte{opEnd}),
			[]uint32{1 + 10 + 1, 4 + 2 + 1},
		},
		{
			"loops in a loop", noLocals,
			slices.Concat([]byte{opLoop, void, opLoop, void}, nops(4), []byte{opEnd, opLoop, void}, nops(9), []byte{opBr, 0, opEnd, opBr, 0, opEnd, opEnd}),
			[]uint32{1, 2, 4 + 1, 9 + 1}, // what comes behind the last can't be reached
		},
		{
			"out of loops", noLocals,
			slices.Concat(
				[]byte{opBlock, void}, nops(30),
				[]byte{opLoop, void, opLoop, void}, nops(4), []byte{opBr, 2, opEnd, opEnd, opEnd}, nops(6), []byte{opEnd}),
			[]uint32{1 + 30 + 1 + 1 + 6 + 1, 1, 4 + 1},
		},
		{"an unreachable loop", noLocals, []byte{opReturn, opLoop, void, opBr, 0, opEnd, opEnd}, []uint32{1}},
		{
			// local 1 is the key: 0 leads behind the inner block, 1 behind the outer one, which jumps back and forth.
			"dispatch", oneLocal,
			slices.Concat(
				[]byte{opLoop, void, opBlock, void, opBlock, void, opLocalGet, 1, opBrTable, 1, 0, 1, opEnd}, nops(5),
				[]byte{opLocalGet, 0, opIf, void, opI32Const, 1, opLocalSet, 1, opBr, 2, opEnd}, nops(20), []byte{opEnd}, nops(7),
				[]byte{opLocalGet, 0, opIf, void, opI32Const, 0, opLocalSet, 1, opBr, 1, opEnd, opEnd, opEnd}),
			// The entry does not pay for the first segment, to which a jump leads back: that pays for itself and for the
			// second, through which the longest way goes.
			[]uint32{1 + 2 + 1, 5 + 2 + 1 + 20 + 1 + 7 + 2 + 1 + 1},
		},
		{
			"dispatch forward only", oneLocal,
			slices.Concat(
				[]byte{opLoop, void, opBlock, void, opBlock, void, opLocalGet, 1, opBrTable, 1, 0, 1, opEnd}, nops(5),
				[]byte{opI32Const, 1, opLocalSet, 1, opBr, 1, opEnd}, nops(7), []byte{opEnd, opEnd}),
			[]uint32{1 + 2 + 5 + 3 + jumpCost + 7 + 1 + 1},
		},
		{
			"a long segment", oneLocal,
			slices.Concat(
				[]byte{opLoop, void, opBlock, void, opBlock, void, opLocalGet, 1, opBrTable, 1, 0, 1, opEnd}, nops(5),
				[]byte{opEnd}, nops(long), []byte{opEnd, opEnd}),
			[]uint32{1 + 2 + 5 + 1 + 1, long + 1},
		},
		{
			"dispatch with a jump of another kind", oneLocal,
			slices.Concat(
				[]byte{opLoop, void, opBlock, void, opBlock, void, opLocalGet, 1, opBrTable, 1, 0, 1, opEnd}, nops(5),
				[]byte{opEnd}, nops(7), []byte{opBr, 0, opEnd, opEnd}),
			[]uint32{1 + 2, 5 + 1, 7 + 1},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []uint32
			for _, in := range decoded(t, c.locals, c.code).inserts {
				switch in.kind {
				case insertCharge, insertTurn, insertSegment:
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
	const void = typeEmpty
	loop := []byte{
		opLoop, void, opBlock, void, opLocalGet, 1, opBrTable, 0, 0, opEnd,
		opLocalGet, 0, opIf, void, opI32Const, 0, opLocalSet, 1, opBr, 1, opEnd, opEnd,
	}
	for _, c := range []struct {
		name string
		code []byte
		want insertKind
	}{
		{"alone", append(slices.Clip(loop), opEnd), insertSegment},
		{"read afterwards", append(slices.Clip(loop), opLocalGet, 1, opDrop, opEnd), insertCharge},
		{"read before", append(append([]byte{opLocalGet, 1, opDrop}, loop...), opEnd), insertSegment},
		{"set afterwards", append(slices.Clip(loop), opI32Const, 1, opLocalSet, 1, opEnd), insertSegment},
		{"in a loop", append(append([]byte{opLoop, void}, loop...), opEnd, opEnd), insertCharge},
		{"another way to it", append(slices.Clip(loop[:len(loop)-1]), opLocalGet, 0, opBrIf, 0, opEnd, opEnd), insertCharge},
	} {
		list := decoded(t, oneLocal, c.code).inserts
		if got := list[len(list)-1].kind; got != c.want {
			t.Errorf("%s: kind %d, want %d", c.name, got, c.want)
		}
	}
}

// TestGolden is the whole of a small rewritten module.
func TestGolden(t *testing.T) {
	t.Parallel()
	in := module(
		section(secType, nothing),
		section(secFunction, []byte{0}),
		section(secMemory, []byte{0, 1}),
		[]byte{secStart, 1, 0},
		section(secCode, coded(noLocals, []byte{opLoop, typeEmpty, opBr, 0, opEnd, opEnd})),
		append([]byte{secCustom, 5, 4}, "name"...),
	)
	out, err := Rewrite(in, &Limits{Memory: 2})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"the memory's maximum": "\x05\x04\x01\x01\x01\x02",
		"three globals":        "\x06\x10\x03\x7e\x01\x42\x00\x0b\x7e\x01\x42\x00\x0b\x7f\x01\x41\x00\x0b",
		"fuel":                 "\x0f" + ExportFuel + "\x03\x00",
		"reserve":              "\x12" + ExportReserve + "\x03\x01",
		"stack":                "\x10" + ExportStack + "\x03\x02",
		"the start function":   "\x10" + ExportStart + "\x00\x00",
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
