package sdktest

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// fake is a test that is watched. Its end is a call of the functions that it was asked to call then.
type fake struct {
	testing.TB
	ends []func()
	said []string
}

func (f *fake) Helper()                      {}
func (f *fake) Cleanup(end func())           { f.ends = append(f.ends, end) }
func (f *fake) Failed() bool                 { return len(f.said) > 0 }
func (f *fake) Error(args ...any)            { f.said = append(f.said, fmt.Sprint(args...)) }
func (f *fake) Errorf(s string, args ...any) { f.said = append(f.said, fmt.Sprintf(s, args...)) }

// collect runs a test that adds vectors, and returns what it complains of.
func collect(t *testing.T, list ...abi.Vector) string {
	f := &fake{TB: t}
	v := NewVectors(f)
	for _, one := range list {
		v.Add(one.Name, one)
	}
	for _, end := range f.ends {
		end()
	}
	return strings.Join(f.said, "; ")
}

// halves is a strategy that gives half of each weight.
type halves struct{}

func (halves) Describe() abi.Description { return abi.Description{Name: "halves", Version: "1"} }
func (halves) Configure([]byte) error    { return nil }
func (halves) Score(in abi.View, out *abi.ScoreOutput) error {
	for i := range out.Scores {
		out.Scores[i] = in.Candidate(i).Weight() / 2
	}
	return nil
}

// TestVectors keeps vectors, and finds that answers have changed.
func TestVectors(t *testing.T) {
	t.Chdir(t.TempDir())
	s := NewStrategy(t, halves{}, `{"a":1}`)
	vector := func(name string, weight float64) abi.Vector {
		t.Helper()
		if _, err := s.Score(&abi.Header{}, []abi.Candidate{{Weight: weight}}); err != nil {
			t.Fatal(err)
		}
		v := s.Last()
		v.Name = name
		return v
	}
	one, two := vector("one", 1), vector("two", 2)
	if one.Config != `{"a":1}` || one.Export != abi.ExportScore || one.Input[0] != abi.ScoreHeaderSize || len(one.Output) != abi.ScoreReplySize+8 || string(one.Output) == string(two.Output) {
		t.Errorf("%+v", one)
	}
	want := func(what, got, complaint string) {
		t.Helper()
		if (complaint == "") != (got == "") || !strings.Contains(got, complaint) {
			t.Errorf("%s: it complains %q, want %q", what, got, complaint)
		}
	}
	want("no file", collect(t, one), "no such file")
	*update = true
	want("writing", collect(t, one, two), "")
	*update = false
	want("the same", collect(t, one, two), "")
	want("another answer", collect(t, one, vector("two", 3)), VectorsFile+" has other answers")
	want("fewer", collect(t, one), "has other answers")
	want("a name twice", collect(t, one, one), `two golden vectors are named "one"`)
	var many []abi.Vector
	for n := range abi.MaxVectors + 1 {
		many = append(many, vector(fmt.Sprint(n), 1))
	}
	want("too many", collect(t, many...), "65 golden vectors of")

	text, err := os.ReadFile(VectorsFile)
	var list []abi.Vector
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil || len(list) != 2 || list[0].Config != "{\n      \"a\": 1\n    }" {
		t.Errorf("%v, %+v", err, list)
	}
}
