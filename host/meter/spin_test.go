package meter_test

import (
	"runtime"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/switchyard-gateway/switchyard/host/meter"
	"github.com/switchyard-gateway/switchyard/host/meter/internal/modgen"
)

// spinFuel lasts for minutes: a test that fails ends.
const spinFuel = 1 << 38

// TestSpinning has a guest spin until it is told to stop, and collects garbage meanwhile, which waits for all goroutines
// to leave compiled WebAssembly. It would wait until the guest's fuel is used up.
func TestSpinning(t *testing.T) {
	l := newLab(t)
	for name, c := range map[string]struct {
		pages uint32
		loop  []byte
		stop  func(in *instance)
	}{
		"with a memory": {
			pages: 1,
			loop:  []byte{0x03, 0x40, 0x41, 0, 0x28, 0, 0, 0x45, 0x0d, 0, 0x0b},
			stop:  func(in *instance) { in.ExportedMemory(modgen.ExportMemory).WriteUint32Le(0, 1) },
		},
		"without": {
			loop: []byte{0x03, 0x40, 0x23, 0, 0x45, 0x0d, 0, 0x0b},
			stop: func(in *instance) { in.ExportedGlobal("flag").(api.MutableGlobal).Set(1) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := source{types: []modgen.Signature{{}}, functions: []handwritten{{code: c.loop}}, pages: c.pages, flag: true}
			in := rewritten(t, l, s.assemble())
			spin := in.ExportedFunction("a")
			in.give(spinFuel, labStack)
			ended := make(chan error)
			go func() {
				_, err := spin.Call(t.Context())
				ended <- err
			}()
			for range 5 {
				runtime.GC()
				runtime.Gosched()
			}
			c.stop(in)
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTurns expects that a guest gives the host its turn once a slice, with and without a memory, and that neither its
// memory nor what it sees of that changes.
func TestTurns(t *testing.T) {
	l := newLab(t)
	size := []byte{0x3f, 0}
	for name, c := range map[string]source{
		"without a memory": {pages: 0},
		"with a memory":    {pages: 2, functions: []handwritten{{typ: 1, code: size}}},
	} {
		t.Run(name, func(t *testing.T) {
			c.types = []modgen.Signature{{}, {Results: []modgen.ValueType{modgen.I32}}}
			c.functions = append([]handwritten{{code: []byte{0x03, 0x40, 0x0c, 0, 0x0b}}}, c.functions...)
			for engine, r := range map[string]wazero.Runtime{"compiled": l.compiler, "interpreted": l.interpreter} {
				const slices = 20
				in := rewrittenFor(t, r, c.assemble())
				in.give(slices*meter.Slice, labStack)
				if _, err := in.ExportedFunction("a").Call(t.Context()); err == nil || !in.dry() {
					t.Errorf("%s: it ended with %v", engine, err)
				}
				if in.memory.turns != slices {
					t.Errorf("%s: the host had %d turns in %d slices", engine, in.memory.turns, slices)
				}
				if have := len(in.memory.buffer); have != int(c.pages)<<16 {
					t.Errorf("%s: its memory has become %d bytes", engine, have)
				}
				if f := in.ExportedFunction("b"); f != nil {
					in.give(labFuel, labStack)
					if got, err := f.Call(t.Context()); err != nil || got[0] != uint64(c.pages) {
						t.Errorf("%s: its memory has %d pages, %v", engine, got, err)
					}
				}
			}
		})
	}
}

// TestLastPage expects that the guest does not get the page that it asks for to give way, nor gives way by asking.
func TestLastPage(t *testing.T) {
	s := source{
		types:     []modgen.Signature{{Params: []modgen.ValueType{modgen.I32}, Results: []modgen.ValueType{modgen.I32}}},
		functions: []handwritten{{code: []byte{0x20, 0, 0x40, 0}}}, pages: 2, // and 4 at most
	}
	in := rewritten(t, newLab(t), s.assemble())
	for _, c := range []struct{ by, want int32 }{{3, -1}, {2, 2}, {0, 4}, {1, -1}, {-1, -1}, {1 << 16, -1}, {0, 4}} {
		in.give(labFuel, labStack)
		got, err := in.ExportedFunction("a").Call(t.Context(), uint64(uint32(c.by)))
		if err != nil || int32(got[0]) != c.want {
			t.Errorf("growing by %d: %d, %v, want %d", c.by, got, err, c.want)
		}
	}
	if in.memory.turns != 0 {
		t.Errorf("it had the host wait %d times", in.memory.turns)
	}
}
