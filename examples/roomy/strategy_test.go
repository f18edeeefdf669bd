package main

import (
	"testing"

	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

func TestConformance(t *testing.T) { hosttest.Strategy(t, ".") }

func TestTheLargestContextWindowWins(t *testing.T) {
	vectors := sdktest.NewVectors(t)
	s := sdktest.NewStrategy(t, roomy{}, "")
	out, err := s.Score(&abi.Header{}, []abi.Candidate{{Context: 8_000}, {Context: 200_000}, {Context: 0}})
	if err != nil {
		t.Fatal(err)
	}
	if best := out.Scores; best[1] >= best[0] || best[1] >= best[2] {
		t.Errorf("scores %v: the second should be lowest", out.Scores)
	}
	vectors.Add("the largest context window wins", s.Last())
}
