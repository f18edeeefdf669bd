package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/strategytest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
	"github.com/switchyard-gateway/switchyard/sdk/strategy"
)

// typical has a bit of everything.
const typical = `{"by":"cost_usd","utc_offset":1,"rules":[
	{"name":"no drafts","when":{"tags":"draft","stream":true},"deny":"Drafts are not streamed."},
	{"name":"europe","when":[{"tags":["eu","gdpr"]},{"session":"alice"}],"only":{"tags":"eu"},"continue":true},
	{"name":"healthy","avoid":{"error_rate":{"min":0.2}},"continue":true},
	{"name":"night","when":{"hours":"22-6","not":{"prompt_tokens":{"min":20000}}},"prefer":["a*",{"tags":"gold"}],"by":"latency_ms"},
	{"name":"trial","when":{"days":["sat","sun"]},"split":[{"to":"b*","weight":1},{"to":{"price_input":{"max":2}},"weight":9}],"sticky":true}
]}`

func TestProperties(t *testing.T) {
	t.Parallel()
	strategytest.Properties(t, func() strategy.Plugin { return &plugin{} }, typical,
		`{"by":"latency_ms"}`, `{"by":"limit_used","rules":[{"avoid":{"load":{"min":1}}}]}`, `{"by":"context"}`,
		`{"rules":[{"only":{"tags":"eu"},"otherwise":"Only in Europe."}]}`,
		`{"rules":[{"split":[{"to":"a*","weight":2},{"to":"b*","weight":1}],"by":"price_output"}]}`)
}

func TestScoreDoesNotAllocate(t *testing.T) {
	strategytest.NoAllocations(t, configured(t, typical))
}

func BenchmarkScore8(b *testing.B) { strategytest.Bench(b, configured(b, typical)) }

// fixed keeps its config, so that tests which configure a plugin themselves can be run on one that has rules.
type fixed struct{ *plugin }

func (fixed) Configure([]byte) error { return nil }

func configured(t testing.TB, config string) fixed {
	t.Helper()
	p := &plugin{}
	if err := p.Configure([]byte(config)); err != nil {
		t.Fatal(err)
	}
	return fixed{p}
}

// TestLevelsSurviveCompaction says the same rule often enough for levels to run out of numbers: among candidates that
// it has told apart already it must change nothing.
func TestLevelsSurviveCompaction(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		var r ranking
		n := 1 + random.IntN(12)
		r.begin(n)
		want := make([][]int, n)
		for range 60 {
			r.refine(9)
			for i := range n {
				by := random.IntN(9)
				r.lower(i, by)
				want[i] = append(want[i], by)
			}
		}
		for i := range n {
			for j := range n {
				if (r.levels[i] < r.levels[j]) != (slices.Compare(want[i], want[j]) < 0) {
					t.Fatalf("levels %d and %d after %v and %v", r.levels[i], r.levels[j], want[i], want[j])
				}
			}
		}
	}
}

// TestSplitFollowsWeights looks at the first and, with the first share not on offer, the second place.
func TestSplitFollowsWeights(t *testing.T) {
	t.Parallel()
	s := sdktest.NewStrategy(t, &plugin{}, `{"rules":[{"split":[{"to":"a","weight":7},{"to":"b","weight":2},{"to":"c","weight":1}]}]}`)
	a, b, c, d := strategytest.Candidate("a"), strategytest.Candidate("b"), strategytest.Candidate("c"), strategytest.Candidate("d")
	const n = 20000
	wins := strategytest.Wins(t, s, abi.Header{}, n, d, c, b, a)
	strategytest.Share(t, "a", wins["a"], n, 0.7)
	strategytest.Share(t, "b", wins["b"], n, 0.2)
	strategytest.Share(t, "c", wins["c"], n, 0.1)
	wins = strategytest.Wins(t, s, abi.Header{}, n, d, c, b)
	strategytest.Share(t, "b without a", wins["b"], n, 2./3)
}

func TestStickySplit(t *testing.T) {
	t.Parallel()
	s := sdktest.NewStrategy(t, &plugin{}, `{"rules":[{"split":[{"to":"a","weight":1},{"to":"b","weight":1}],"sticky":true}]}`)
	cands := []abi.Candidate{strategytest.Candidate("a"), strategytest.Candidate("b")}
	sessions := 0
	const n = 2000
	for session := range uint64(n) {
		wins := strategytest.Wins(t, s, abi.Header{SessionHash: session + 1}, 5, cands...)
		if wins["a"] != 0 && wins["b"] != 0 {
			t.Fatalf("session %d moves: %v", session, wins)
		}
		sessions += min(wins["a"], 1)
	}
	strategytest.Share(t, "sessions at a", sessions, n, 0.5)
	loose := sdktest.NewStrategy(t, &plugin{}, `{"rules":[{"split":[{"to":"a","weight":1},{"to":"b","weight":1}]}]}`)
	if wins := strategytest.Wins(t, loose, abi.Header{SessionHash: 1}, 100, cands...); wins["a"] == 0 || wins["b"] == 0 {
		t.Errorf("a session sticks that should not: %v", wins)
	}
	if wins := strategytest.Wins(t, s, abi.Header{}, 100, cands...); wins["a"] == 0 || wins["b"] == 0 {
		t.Errorf("requests without a session: %v", wins)
	}
}

func TestExploration(t *testing.T) {
	t.Parallel()
	idle := strategytest.Candidate("idle")
	busy := strategytest.Candidate("busy", func(c *abi.Candidate) { c.Total, c.Samples, c.ReqMinute = 100, 10, 10 })
	slow := strategytest.Candidate("slow", func(c *abi.Candidate) { c.Total, c.Samples, c.ReqMinute = 900, 10, 10 })
	s := sdktest.NewStrategy(t, &plugin{}, `{"by":"latency_ms"}`)
	const n = 20000
	wins := strategytest.Wins(t, s, abi.Header{}, n, idle, slow, busy)
	strategytest.Share(t, "idle", wins["idle"], n, exploreShare)
	if wins["slow"] > 0 {
		t.Errorf("the slow one wins %d times", wins["slow"])
	}
	if wins := strategytest.Wins(t, s, abi.Header{Attempt: 1}, n, idle, busy); wins["idle"] > 0 {
		t.Errorf("a retry explores: %v", wins)
	}
	s = sdktest.NewStrategy(t, &plugin{}, `{"by":"cost_usd"}`)
	busy.PriceInput, busy.PriceOutput = 1, 1
	if wins := strategytest.Wins(t, s, abi.Header{}, n, idle, busy); wins["idle"] > 0 {
		t.Errorf("prices are explored: %v", wins)
	}
}

// TestNothingIsNaNByAccident gives every number to every ranking.
func TestNothingIsNaNByAccident(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 8))
	for _, by := range rankings() {
		s := sdktest.NewStrategy(t, &plugin{}, `{"by":"`+by+`"}`)
		for range 300 {
			h, cands := strategytest.Random(random)
			out := strategytest.Score(t, s, h, cands...)
			if slices.ContainsFunc(out.Scores, math.IsNaN) {
				t.Fatalf("by %s: scores %v without a rule", by, out.Scores)
			}
		}
	}
}
