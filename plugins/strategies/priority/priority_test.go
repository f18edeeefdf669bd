package main

import (
	"testing"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/strategytest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

func candidate(id string, order int32, weight float64, flags uint32) abi.Candidate {
	return strategytest.Candidate(id, strategytest.Weight(weight), strategytest.Flags(flags), func(c *abi.Candidate) { c.Order = order })
}

func TestOrderBeforeWeight(t *testing.T) {
	t.Parallel()
	s := sdktest.NewStrategy(t, newPlugin(), "")
	cands := []abi.Candidate{
		candidate("last", 7, 1000, 0),
		candidate("backup", -1, 0, 0),
		candidate("first", -1, 0.001, 0),
		candidate("second", 0, 1, 0),
		candidate("cooling", -5, 1, abi.CandidateCooling),
		candidate("failed", -4, 1, abi.CandidateFailed),
		candidate("far", 1<<31-1, 1, 0),
		candidate("near", -1<<31, 1, 0),
	}
	for seed := range uint64(500) {
		out := strategytest.Score(t, s, abi.Header{Seed: seed}, cands...)
		if got := strategytest.Order(out, cands...); got != "near first backup second last far failed cooling" {
			t.Fatalf("seed %d: %s: %v", seed, got, out.Scores)
		}
	}
}

func TestWeightWithinOrder(t *testing.T) {
	t.Parallel()
	const n = 20000
	s := sdktest.NewStrategy(t, newPlugin(), "")
	wins := strategytest.Wins(t, s, abi.Header{}, n,
		candidate("a", 1, 1, 0), candidate("b", 1, 4, 0), candidate("c", 1, 0, 0), candidate("d", 2, 50, 0))
	strategytest.Share(t, "weight 1 of 5", wins["a"], n, 0.2)
	strategytest.Share(t, "weight 4 of 5", wins["b"], n, 0.8)
}

func TestReasons(t *testing.T) {
	t.Parallel()
	s := sdktest.NewStrategy(t, newPlugin(), "")
	for _, c := range []struct {
		want  string
		cands []abi.Candidate
	}{
		{"", nil},
		{"a order 2", []abi.Candidate{candidate("a", 2, 1, 0)}},
		{"a order 2 < b order 3", []abi.Candidate{candidate("b", 3, 1, 0), candidate("a", 2, 1, 0)}},
		{"a order 2, drawn by weight before b", []abi.Candidate{candidate("a", 2, 1, 0), candidate("b", 2, 0, 0)}},
		{"a order 2, b is down", []abi.Candidate{candidate("a", 2, 1, 0), candidate("b", 1, 1, abi.CandidateFailed)}},
	} {
		if out := strategytest.Score(t, s, abi.Header{Seed: 1}, c.cands...); out.Reason != c.want {
			t.Errorf("reason %q, want %q", out.Reason, c.want)
		}
	}
}

func TestConfigure(t *testing.T) {
	t.Parallel()
	if err := sdktest.ConfigureError(newPlugin(), `{"order":1}`); err == nil || err.Error() != `unknown key "order"; this plugin takes no config` {
		t.Error(err)
	}
}
