package meter_test

import (
	"runtime"
	"testing"

	"github.com/tetratelabs/wazero/api"

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
