package main

import (
	"math"
	"testing"

	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

func TestConformance(t *testing.T) { hosttest.Strategy(t, ".", `{"from":21,"to":7.5}`) }

func TestPolicy(t *testing.T) {
	vectors := sdktest.NewVectors(t)
	nan := math.NaN()
	cands := []abi.Candidate{
		{PriceInput: 5, PriceOutput: 15, Total: 400},
		{PriceInput: nan, PriceOutput: nan, Total: nan},
		{PriceInput: 0.1, PriceOutput: 0.4, Total: 2000},
	}
	const fastest, cheapest, hour = 0, 2, 3_600_000
	for _, c := range []struct {
		name   string
		config string
		at     float64
		best   int
	}{
		{"noon", "", 12, fastest},
		{"the night begins", "", 22, cheapest},
		{"after midnight", "", 3, cheapest},
		{"the night ends", "", 6, fastest},
		{"just before it ends", "", 5.99, cheapest},
		{"a siesta", `{"from":13,"to":15.5}`, 14, cheapest},
		{"after the siesta", `{"from":13,"to":15.5}`, 15.5, fastest},
		{"no night", `{"from":0,"to":0}`, 0, fastest},
	} {
		s := sdktest.NewStrategy(t, &policy{}, c.config)
		out, err := s.Score(&abi.Header{Now: 20_000*24*hour + uint64(c.at*hour)}, cands)
		if err != nil {
			t.Fatal(err)
		}
		best := 0
		for i, score := range out.Scores {
			if score < out.Scores[best] {
				best = i
			}
			if math.IsNaN(score) {
				t.Errorf("%s: a candidate is removed: %v", c.name, out.Scores)
			}
		}
		if best != c.best {
			t.Errorf("%s: scores %v", c.name, out.Scores)
		}
		vectors.Add(c.name, s.Last())
	}
}
