package report

import "testing"

// TestScoringFitsTheReport holds that usual requests cost no allocation for the fuel of their strategies.
func TestScoringFitsTheReport(t *testing.T) {
	var r Report
	r.Begin("m")
	if n := testing.AllocsPerRun(100, func() {
		r.Scoring = r.Scoring[:0]
		for range 4 { // a filter and a scoring strategy, for an attempt and for the next
			r.Scoring = append(r.Scoring, Scoring{Strategy: "s"})
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
