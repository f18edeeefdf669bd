package host

import (
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// BenchmarkScoreOverhead is what the host adds to a guest that does nothing: eight candidates, a constant answer.
func BenchmarkScoreOverhead(b *testing.B) {
	f := newFolder(b, Options{})
	f.write("a", newStrategy(1, 2, 3, 4, 5, 6, 7, 8).encode())
	set := f.build(nil, strategySpec("a", "a"))
	s, list, header := set.Strategy("a"), make([]abi.Candidate, 8), abi.Header{}
	var out abi.ScoreOutput
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Score(b.Context(), &header, list, &out); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	f.closed(set)
}
