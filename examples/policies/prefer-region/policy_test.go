package main

import (
	"math"
	"testing"

	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

func TestConformance(t *testing.T) { hosttest.Strategy(t, ".", `{"region":"eu"}`) }

func TestPolicy(t *testing.T) {
	vectors := sdktest.NewVectors(t)
	one := func(tags string, input, output float64) abi.Candidate {
		return abi.Candidate{Tags: tags, PriceInput: input, PriceOutput: output}
	}
	nan := math.NaN()
	for _, c := range []struct {
		name    string
		config  string
		attempt uint32
		cands   []abi.Candidate
		best    int // -1: none
		code    string
	}{
		{"cheapest in the region", "", 0, []abi.Candidate{one("us", 0, 0), one("gold\neu", 3, 15), one("eu", 2, 6)}, 2, ""},
		{"output counts", "", 0, []abi.Candidate{one("eu", 1, 60), one("eu", 2, 6)}, 1, ""},
		{"another region", `{"region":"us"}`, 0, []abi.Candidate{one("us", 5, 5), one("eu", 1, 1)}, 0, ""},
		{"no price comes last", "", 0, []abi.Candidate{one("eu", nan, nan), one("eu", 90, 90)}, 1, ""},
		{"nothing in the region", "", 0, []abi.Candidate{one("us", 1, 1), one("europe", 1, 1)}, -1, "region_unavailable"},
		{"nothing more in the region", "", 1, []abi.Candidate{one("us", 1, 1)}, -1, ""},
	} {
		s := sdktest.NewStrategy(t, &policy{}, c.config)
		out, err := s.Score(&abi.Header{PromptTokens: 1000, ExpectedOutput: 100, Attempt: c.attempt}, c.cands)
		if err != nil {
			t.Fatal(err)
		}
		best := -1
		for i, score := range out.Scores {
			if !math.IsNaN(score) && (best < 0 || score < out.Scores[best]) {
				best = i
			}
		}
		if best != c.best || out.RejectCode != c.code || (out.Directives&abi.DirectiveReject != 0) != (c.code != "") {
			t.Errorf("%s: scores %v, code %q, directives %b", c.name, out.Scores, out.RejectCode, out.Directives)
		}
		vectors.Add(c.name, s.Last())
	}
}
