package main

import (
	"testing"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/strategytest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

func candidate(id string, inFlight, recent uint32, weight float64) abi.Candidate {
	return strategytest.Candidate(id, strategytest.Weight(weight), func(c *abi.Candidate) { c.InFlight, c.ReqMinute = inFlight, recent })
}

func TestFewestInFlightByWeight(t *testing.T) {
	t.Parallel()
	s := sdktest.NewStrategy(t, newPlugin(), "")
	cands := []abi.Candidate{
		candidate("backup", 0, 0, 0),
		candidate("three", 3, 0, 1),
		candidate("eight of four", 8, 0, 4),
		candidate("one", 1, 9, 1),
		candidate("one of ten", 1, 9, 10),
	}
	cands = append(cands, strategytest.Candidate("failed", strategytest.Flags(abi.CandidateFailed)))
	for seed := range uint64(300) {
		out := strategytest.Score(t, s, abi.Header{Seed: seed}, cands...)
		if got := strategytest.Order(out, cands...); got != "one of ten one eight of four three backup failed" {
			t.Fatalf("seed %d: %s", seed, got)
		}
	}
}

// TestPowerOfTwoChoices: of n tied ones the busiest in the last minute never wins, and the k-th least
// busy wins when it is drawn with any of the n-k busier ones.
func TestPowerOfTwoChoices(t *testing.T) {
	t.Parallel()
	const n = 30000
	s := sdktest.NewStrategy(t, newPlugin(), "")
	wins := strategytest.Wins(t, s, abi.Header{}, n,
		candidate("d", 2, 40, 1), candidate("a", 2, 10, 1), candidate("c", 2, 30, 1), candidate("b", 2, 20, 1),
		candidate("busy", 3, 0, 1))
	strategytest.Share(t, "least recent", wins["a"], n, 3./6)
	strategytest.Share(t, "second", wins["b"], n, 2./6)
	strategytest.Share(t, "third", wins["c"], n, 1./6)
	if wins["d"]+wins["busy"] != 0 {
		t.Errorf("the busiest won: %v", wins)
	}
}

func TestTiesWithoutHistoryGoByWeight(t *testing.T) {
	t.Parallel()
	const n = 20000
	s := sdktest.NewStrategy(t, newPlugin(), "")
	wins := strategytest.Wins(t, s, abi.Header{}, n, candidate("a", 0, 0, 1), candidate("b", 0, 0, 3))
	strategytest.Share(t, "weight 3 of 4", wins["b"], n, 0.75)
	wins = strategytest.Wins(t, s, abi.Header{}, n, candidate("a", 2, 0, 1), candidate("b", 6, 0, 3))
	strategytest.Share(t, "weight 3 of 4 under equal load", wins["b"], n, 0.75)
}

// TestSpreadsLikeWeights plays a minute of requests that all stay in flight.
func TestSpreadsLikeWeights(t *testing.T) {
	t.Parallel()
	s := sdktest.NewStrategy(t, newPlugin(), "")
	cands := []abi.Candidate{candidate("a", 0, 0, 1), candidate("b", 0, 0, 2), candidate("c", 0, 0, 5)}
	for seed := range uint64(800) {
		out := strategytest.Score(t, s, abi.Header{Seed: seed}, cands...)
		best := 0
		for i, score := range out.Scores {
			if score < out.Scores[best] {
				best = i
			}
		}
		cands[best].InFlight++
		cands[best].ReqMinute++
	}
	for i, want := range []uint32{100, 200, 500} {
		if got := cands[i].InFlight; got < want-6 || got > want+6 {
			t.Errorf("%s has %d in flight, want about %d", cands[i].ID, got, want)
		}
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	s := sdktest.NewStrategy(t, newPlugin(), "")
	for _, c := range []struct {
		want  string
		cands []abi.Candidate
	}{
		{"", nil},
		{"a 4 in flight", []abi.Candidate{candidate("a", 4, 0, 1)}},
		{"a 2 in flight < b 5", []abi.Candidate{candidate("b", 5, 0, 1), candidate("a", 2, 0, 1)}},
		{"a 2 in flight, tied with b, fewer this minute", []abi.Candidate{candidate("b", 2, 9, 1), candidate("a", 2, 3, 1)}},
	} {
		if out := strategytest.Score(t, s, abi.Header{Seed: 1}, c.cands...); out.Reason != c.want {
			t.Errorf("reason %q, want %q", out.Reason, c.want)
		}
	}
}

func TestConfigure(t *testing.T) {
	t.Parallel()
	if err := sdktest.ConfigureError(newPlugin(), `{"weight":1}`); err == nil || err.Error() != `unknown key "weight"; this plugin takes no config` {
		t.Error(err)
	}
}
