//go:build !race

package host

import (
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// The race detector's build allocates where others do not, so this holds without it only.
func TestScoreAllocatesNothing(t *testing.T) {
	f := newFolder(t, Options{})
	f.write("a", newStrategy(1, 2, 3, 4, 5, 6, 7, 8).encode())
	f.write("b", newProvider().encode())
	set := f.build(nil, strategySpec("a", "a"), providerSpec("b", "b"))
	s, p := set.Strategy("a"), set.Provider("b")
	header, list, ctx := abi.Header{Group: "g"}, make([]abi.Candidate, 8), t.Context()
	var out abi.ScoreOutput
	if n := testing.AllocsPerRun(100, func() {
		if _, err := s.Score(ctx, &header, list, &out); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("score allocates %v times", n)
	}
	var buf []byte
	var request abi.RequestOutput
	in := abi.RequestInput{Body: []byte("{}")}
	if n := testing.AllocsPerRun(100, func() {
		var err error
		if buf, err = p.Request(ctx, &in, &request, buf); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("request allocates %v times", n)
	}
	f.closed(set)
}
