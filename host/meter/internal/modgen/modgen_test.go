package modgen_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/switchyard-gateway/switchyard/host/meter/internal/modgen"
)

// seed is n bytes that are always the same.
func seed(n uint64, size int) []byte {
	key := [32]byte{byte(n), byte(n >> 8)}
	b := make([]byte, size)
	_, _ = rand.NewChaCha8(key).Read(b)
	return b
}

func TestGenerate(t *testing.T) {
	r := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { _ = r.Close(t.Context()) })
	used := map[byte]bool{}
	for n := range uint64(150) {
		s := seed(n, int(n)*20)
		m := modgen.Generate(s)
		if again := modgen.Generate(s); !bytes.Equal(m.Plain, again.Plain) {
			t.Fatalf("seed %d makes two modules", n)
		}
		for _, module := range [][]byte{m.Plain, m.Counted} {
			c, err := r.CompileModule(t.Context(), module)
			if err != nil {
				t.Fatalf("seed %d: %v\n%x", n, err, module)
			}
			_ = c.Close(t.Context())
		}
		for _, c := range m.Plain {
			used[c] = true
		}
	}
	if len(used) < 256 {
		t.Errorf("all modules together have only %d different bytes", len(used))
	}
}
