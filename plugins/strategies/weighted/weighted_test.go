package main

import (
	"math"
	"testing"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/strategytest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

func TestDrawsByWeight(t *testing.T) {
	t.Parallel()
	const n = 20000
	s := sdktest.NewStrategy(t, newPlugin(), "")
	wins := strategytest.Wins(t, s, abi.Header{}, n,
		strategytest.Candidate("one", strategytest.Weight(1)),
		strategytest.Candidate("three", strategytest.Weight(3)),
		strategytest.Candidate("none", strategytest.Weight(0)),
		strategytest.Candidate("default", strategytest.Weight(math.NaN())))
	strategytest.Share(t, "weight 1", wins["one"], n, 0.2)
	strategytest.Share(t, "weight 3", wins["three"], n, 0.6)
	strategytest.Share(t, "no weight given", wins["default"], n, 0.2)
	if wins["none"] != 0 {
		t.Errorf("weight 0 came first %d times", wins["none"])
	}
}

func TestWeightsAreRelative(t *testing.T) {
	t.Parallel()
	s := sdktest.NewStrategy(t, newPlugin(), "")
	for seed := range uint64(200) {
		h := abi.Header{Seed: seed}
		small := strategytest.Score(t, s, h, strategytest.Candidate("a", strategytest.Weight(0.25)), strategytest.Candidate("b", strategytest.Weight(0.5)))
		large := strategytest.Score(t, s, h, strategytest.Candidate("a", strategytest.Weight(256)), strategytest.Candidate("b", strategytest.Weight(512)))
		if small.Scores[0] != large.Scores[0] || small.Scores[1] != large.Scores[1] {
			t.Fatalf("seed %d: %v and %v", seed, small.Scores, large.Scores)
		}
	}
}

func TestBackups(t *testing.T) {
	t.Parallel()
	const n = 10000
	s := sdktest.NewStrategy(t, newPlugin(), "")
	backup1 := strategytest.Candidate("backup1", strategytest.Weight(0))
	backup2 := strategytest.Candidate("backup2", strategytest.Weight(0))
	wins := strategytest.Wins(t, s, abi.Header{}, n, backup1, backup2)
	strategytest.Share(t, "one of two backups", wins["backup1"], n, 0.5)
	failed := strategytest.Candidate("main", strategytest.Flags(abi.CandidateFailed))
	wins = strategytest.Wins(t, s, abi.Header{}, n, failed, backup1)
	if wins["backup1"] != n {
		t.Errorf("a backup came before a failed deployment %d times in %d", wins["backup1"], n)
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	s := sdktest.NewStrategy(t, newPlugin(), "")
	a := strategytest.Candidate("a", strategytest.Weight(3))
	for _, c := range []struct {
		want  string
		cands []abi.Candidate
	}{
		{"", nil},
		{"a is the only one", []abi.Candidate{a}},
		{"a drawn by weight 3 of 3", []abi.Candidate{a, strategytest.Candidate("b", strategytest.Weight(0))}},
		{"a drawn by weight 3 of 3.5", []abi.Candidate{a, strategytest.Candidate("b", strategytest.Weight(0.5))}},
		{"b drawn among backups of weight 0", []abi.Candidate{strategytest.Candidate("b", strategytest.Weight(0)), strategytest.Candidate("c", strategytest.Weight(0), strategytest.Flags(abi.CandidateCooling))}},
	} {
		if out := strategytest.Score(t, s, abi.Header{Seed: 1}, c.cands...); out.Reason != c.want {
			t.Errorf("reason %q, want %q", out.Reason, c.want)
		}
	}
}

func TestConfigure(t *testing.T) {
	t.Parallel()
	if err := sdktest.ConfigureError(newPlugin(), `{"weights":{}}`); err == nil || err.Error() != `unknown key "weights"; this plugin takes no config` {
		t.Error(err)
	}
}
