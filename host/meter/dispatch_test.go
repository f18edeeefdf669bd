package meter_test

import (
	"testing"

	"github.com/switchyard-gateway/switchyard/host/meter"
	"github.com/switchyard-gateway/switchyard/host/meter/internal/modgen"
)

// TestDispatchLoops runs loops in which a jump forward must not become a branch, or not without care: what is left in the
// local by which they jump is seen later. Local 1 is that one; local 2 gathers where the code was.
func TestDispatchLoops(t *testing.T) {
	t.Parallel()
	const i32 = modgen.I32
	count := func(n byte) []byte { return []byte{0x20, 2, 0x41, n, 0x6a, 0x21, 2} } // local 2 += n
	join := func(parts ...[]byte) (code []byte) {
		for _, p := range parts {
			code = append(code, p...)
		}
		return code
	}
	table := []byte{0x02, 0x40, 0x02, 0x40, 0x20, 1, 0x0e, 1, 0, 1, 0x0b} // block block (br_table 0 1 (local.get 1)) end
	forward := []byte{0x41, 1, 0x21, 1, 0x0c, 1, 0x0b}                    // local 1 = 1, to the loop, end
	for name, c := range map[string]struct {
		code []byte
		want uint64 // of 1
	}{
		"read afterwards": {join([]byte{0x03, 0x40}, table, forward, []byte{0x0b, 0x20, 1}), 1},
		"entered again": {join(
			[]byte{0x03, 0x40, 0x03, 0x40}, table, count(1), forward, count(10), []byte{0x0b},
			[]byte{0x20, 0, 0x04, 0x40, 0x41, 0, 0x21, 0, 0x0c, 1, 0x0b, 0x0b, 0x20, 2}, // if local 0: local 0 = 0, once more
		), 21},
		"another way to the loop": {join(
			[]byte{0x03, 0x40}, table, count(1), forward, count(10),
			[]byte{0x20, 0, 0x04, 0x40, 0x41, 0, 0x21, 0, 0x0c, 1, 0x0b, 0x0b, 0x20, 2},
		), 21},
		"takes a value forward": {join([]byte{0x41, 7, 0x03, 0}, table, []byte{0x41, 42}, forward, []byte{0x0b}), 42},
		"takes a value back": {join(
			[]byte{0x41, 7, 0x03, 0}, table, []byte{0x0b},
			[]byte{0x20, 0, 0x04, 0x40, 0x41, 0, 0x21, 0, 0x41, 42, 0x41, 1, 0x21, 1, 0x0c, 1, 0x0b, 0x0b},
		), 42},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := source{
				types:     []modgen.Signature{{Params: []modgen.ValueType{i32}, Results: []modgen.ValueType{i32}}},
				functions: []handwritten{{0, []modgen.ValueType{i32, i32}, c.code}},
			}
			plain, l := s.assemble(), newLab(t)
			metered, err := meter.Rewrite(plain, generous())
			if err != nil {
				t.Fatal(err)
			}
			for way, module := range map[string][]byte{"unmetered": plain, "metered": metered} {
				in, err := instantiate(t.Context(), l.compiler, module, "")
				if err != nil {
					t.Fatalf("%s: %v", way, err)
				}
				if way == "metered" {
					in.give(labFuel, labStack)
				}
				if got, err := in.ExportedFunction("a").Call(t.Context(), 1); err != nil || got[0] != c.want {
					t.Errorf("%s: %v, %v, want %d", way, got, err, c.want)
				}
			}
		})
	}
}
