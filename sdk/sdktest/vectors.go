package sdktest

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// VectorsFile is where a plugin's golden vectors stand, below the plugin's folder.
const VectorsFile = "testdata/vectors.json"

// Vectors collects golden vectors (see abi.VectorsSection) from calls that tests make of a plugin, as the plugin answers
// them natively:
//
//	v := sdktest.NewVectors(t)
//	s := sdktest.NewStrategy(t, roomy{}, "")
//	out, err := s.Score(&abi.Header{}, candidates)
//	…
//	v.Add("the largest context window wins", s.Last())
//
// The module that is built of the plugin can then carry them:
//
//	switchyard plugin vectors add roomy.wasm testdata/vectors.json
//
// In a guest Go rounds after each operation. Natively it may join a product and a sum (amd64 with GOAMD64=v3, arm64);
// a conversion float64(x*y)+z keeps it from doing so, where a score depends on it.
type Vectors struct {
	t    testing.TB
	list []abi.Vector
}

// NewVectors returns an empty collection. When the test ends, it is compared with VectorsFile, or with the flag -update
// written there. A plugin has one collection.
func NewVectors(t testing.TB) *Vectors {
	v := &Vectors{t: t, list: []abi.Vector{}}
	t.Cleanup(func() {
		if !t.Failed() {
			v.finish()
		}
	})
	return v
}

func (v *Vectors) finish() {
	v.t.Helper()
	got, err := json.MarshalIndent(v.list, "", "  ")
	if err != nil {
		v.t.Errorf("encoding golden vectors: %v", err)
		return
	}
	got = append(got, '\n')
	if len(v.list) > abi.MaxVectors || len(got) > abi.MaxVectorsSize {
		v.t.Errorf("%d golden vectors of %d bytes: a module may carry %d of %d bytes", len(v.list), len(got), abi.MaxVectors, abi.MaxVectorsSize)
		return
	}
	if *update {
		err = os.MkdirAll(filepath.Dir(VectorsFile), 0o755)
		if err = errors.Join(err, os.WriteFile(VectorsFile, got, 0o644)); err != nil {
			v.t.Error(err)
		}
		return
	}
	switch want, err := os.ReadFile(VectorsFile); {
	case err != nil:
		v.t.Errorf("%v: run the test with -update", err)
	case !bytes.Equal(got, want):
		v.t.Errorf("%s has other answers than the plugin gives: see what changed, then run the test with -update", VectorsFile)
	}
}

// Add adds a call, mostly the last one that was made of a Provider or a Strategy, under a name.
func (v *Vectors) Add(name string, call abi.Vector) {
	v.t.Helper()
	if slices.ContainsFunc(v.list, func(other abi.Vector) bool { return other.Name == name }) {
		v.t.Errorf("two golden vectors are named %q", name)
	}
	call.Name = name
	v.list = append(v.list, call)
}

// Last returns the last call, without a name.
func (f *Provider) Last() abi.Vector {
	return abi.Vector{Config: abi.RawJSON(f.config), Export: f.export, Input: bytes.Clone(f.in), Output: bytes.Clone(f.out)}
}

// Last returns the last call, without a name.
func (f *Strategy) Last() abi.Vector {
	return abi.Vector{Config: abi.RawJSON(f.config), Export: abi.ExportScore, Input: bytes.Clone(f.in), Output: bytes.Clone(f.out)}
}

// vectors collects the calls of the cases that are named for it.
func (g *Golden) vectors(t *testing.T) {
	v := NewVectors(t)
	for _, name := range g.Vectors {
		v.golden(t, name, g.read(t, filepath.Join("testdata", name+".txtar")))
	}
}

// golden adds the calls of a case. A stream has two: all of it at once, and its second half with the state of the first.
func (v *Vectors) golden(t *testing.T, name string, c *goldenCase) {
	in := c.input(t)
	if _, sent := c.section("request"); sent {
		c.request(t, in)
		v.Add(name+": request", c.host.Last())
	}
	if answer, answered := c.section("answer"); answered {
		c.response(t, in, answer)
		v.Add(name+": response", c.host.Last())
	}
	if stream, streamed := c.section("stream"); streamed {
		stream, base, end := c.streamed(in, stream)
		events := c.golden.Decode(stream, 0)
		c.host.Replay(base, events, 0, end)
		v.Add(name+": stream", c.host.Last())
		c.host.Replay(base, events, (len(events)+1)/2, end)
		v.Add(name+": second half of the stream", c.host.Last())
	}
}
