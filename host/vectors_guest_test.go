package host_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// TestVectorsOfRealPlugins swaps plugins for builds of theirs that do not answer a golden vector as it says: such a build
// is refused, and the version before it serves on.
func TestVectorsOfRealPlugins(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ dir, kind string }{
		{"../examples/roomy", abi.KindStrategy},
		{"../plugins/providers/anthropic", abi.KindProvider},
	} {
		name := filepath.Base(tc.dir)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			module, err := os.ReadFile(hosttest.Build(t, tc.dir))
			if err != nil {
				t.Fatal(err)
			}
			list, err := host.Vectors(module)
			if err != nil || len(list) == 0 {
				t.Fatalf("%d vectors, %v", len(list), err)
			}
			h, dir := hosttest.New(t), t.TempDir()
			specs := []host.Spec{{Key: "k", Plugin: name, Kind: tc.kind}}
			put := func(module []byte) {
				t.Helper()
				if err := os.WriteFile(filepath.Join(dir, name+".wasm"), module, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			put(module)
			set, err := h.Build(t.Context(), dir, specs, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer set.Release()
			hash := h.Plugins()[0].Hash
			last := &list[len(list)-1]
			message, answer := last.Input, bytes.Clone(last.Output)
			last.Output[len(answer)-1] ^= 1
			bad, err := host.WithVectors(module, list)
			if err != nil {
				t.Fatal(err)
			}
			put(bad)
			want := `golden vector "` + last.Name + `": ` + last.Export + " differs"
			if _, err := h.Build(t.Context(), dir, specs, set); err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("%v, want %q", err, want)
			}
			st := h.Plugins()[0]
			if st.Hash != hash || st.State != host.StateActive || st.Rejected == nil || st.Rejected.Hash == hash || !strings.Contains(st.Rejected.Error, want) {
				t.Errorf("status %+v", st)
			}
			if got, err := set.Probe(t.Context(), "k", last.Export, message); err != nil || !bytes.Equal(got, answer) {
				t.Errorf("what serves answers %q, %v", got, err)
			}
		})
	}
}

// BenchmarkVectors admits a plugin from the cache, without and with the golden vectors that it carries.
func BenchmarkVectors(b *testing.B) {
	module, err := os.ReadFile(hosttest.Build(b, "../plugins/providers/anthropic"))
	if err != nil {
		b.Fatal(err)
	}
	plain, err := host.WithVectors(module, nil)
	if err != nil {
		b.Fatal(err)
	}
	for name, module := range map[string][]byte{"Without": plain, "With": module} {
		b.Run(name, func(b *testing.B) {
			h, dir := hosttest.New(b), b.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "anthropic.wasm"), module, 0o600); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				set, err := h.Build(b.Context(), dir, []host.Spec{{Key: "k", Plugin: "anthropic", Kind: abi.KindProvider}}, nil)
				if err != nil {
					b.Fatal(err)
				}
				set.Release()
			}
		})
	}
}
