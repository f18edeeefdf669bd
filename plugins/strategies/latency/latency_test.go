package main

import (
	"math"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/strategytest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

type change = func(*abi.Candidate)

// timed is a deployment with a hundred requests behind it and recent traffic.
func timed(id string, changes ...change) abi.Candidate {
	c := strategytest.Candidate(id, func(c *abi.Candidate) { c.Samples, c.ReqMinute, c.ErrorRate = 100, 20, 0 })
	for _, f := range changes {
		f(&c)
	}
	return c
}

func total(ms float64) change { return func(c *abi.Candidate) { c.TotalPeak = ms } }

func stream(ttft, tpot float64) change {
	return func(c *abi.Candidate) { c.TTFTPeak, c.TPOT = ttft, tpot }
}

func errors(rate float64, consecutive uint32) change {
	return func(c *abi.Candidate) { c.ErrorRate, c.Consecutive = rate, consecutive }
}

func inFlight(n uint32, weight float64) change {
	return func(c *abi.Candidate) { c.InFlight, c.Weight = n, weight }
}

// steady switches chance off, so that the order is that of the estimates.
const steady = `{"buffer":0,"explore":0,"refresh":0}`

func TestOrder(t *testing.T) {
	t.Parallel()
	blank := strategytest.Candidate("blank")
	streaming := abi.Header{Features: abi.FeatureStream, ExpectedOutput: 100}
	for _, c := range []struct {
		name   string
		h      abi.Header
		cands  []abi.Candidate
		order  string
		reason string
	}{
		{"total time", abi.Header{ExpectedOutput: 100}, []abi.Candidate{timed("gpt", total(530)), timed("claude", total(412))}, "claude gpt", "claude 412ms < gpt 530ms"},
		{"alone", abi.Header{}, []abi.Candidate{timed("gpt", total(530))}, "gpt", "gpt 530ms"},
		{"peak before average before median", abi.Header{}, []abi.Candidate{
			timed("peak", total(900), func(c *abi.Candidate) { c.Total, c.TotalP50 = 1, 1 }),
			timed("average", func(c *abi.Candidate) { c.Total, c.TotalP50 = 500, 1 }),
			timed("median", func(c *abi.Candidate) { c.TotalP50 = 700 }),
		}, "average median peak", "average 500ms < median 700ms"},
		{"stream: first token and output", streaming, []abi.Candidate{timed("quick start", stream(100, 30)), timed("quick tokens", stream(900, 5))}, "quick tokens quick start", "quick tokens 1400ms < quick start 3100ms"},
		{"stream: a short answer", abi.Header{Features: abi.FeatureStream, ExpectedOutput: 10}, []abi.Candidate{timed("quick tokens", stream(900, 5)), timed("quick start", stream(100, 30))}, "quick start quick tokens", "quick start 400ms < quick tokens 950ms"},
		{"stream: the client's limit", abi.Header{Features: abi.FeatureStream, ExpectedOutput: 1000, MaxOutput: 10}, []abi.Candidate{timed("quick tokens", stream(900, 5)), timed("quick start", stream(100, 30))}, "quick start quick tokens", "quick start 400ms < quick tokens 950ms"},
		{"stream: token time not known", streaming, []abi.Candidate{timed("odd", stream(100, math.NaN())), timed("even", stream(90, 20)), timed("fast", stream(90, 5))}, "fast even odd", "fast 590ms < even 2090ms"},
		{"stream: only totals known", streaming, []abi.Candidate{timed("whole", total(1000)), timed("parts", stream(100, 5))}, "parts whole", "parts 600ms < whole 1000ms"},
		{"whole answer: only stream times known", abi.Header{ExpectedOutput: 100}, []abi.Candidate{timed("whole", total(1000)), timed("parts", stream(100, 5))}, "parts whole", "parts 600ms < whole 1000ms"},
		{"load", abi.Header{}, []abi.Candidate{timed("busy", total(400), inFlight(10, 1)), timed("idle", total(500))}, "idle busy", "idle 500ms < busy 800ms"},
		{"load by weight", abi.Header{}, []abi.Candidate{timed("big", total(400), inFlight(10, 10)), timed("idle", total(500))}, "big idle", "big 440ms < idle 500ms"},
		{"weight 0 counts as 1", abi.Header{}, []abi.Candidate{timed("a", total(400), inFlight(10, 0)), timed("b", total(900))}, "a b", "a 800ms < b 900ms"},
		{"unknown is not fastest", abi.Header{}, []abi.Candidate{blank, timed("slow", total(60000))}, "slow blank", "slow 60s < blank, not proven"},
		{"unknown before failing", abi.Header{}, []abi.Candidate{timed("broken", total(5), errors(1, 40)), blank}, "blank broken", "blank drawn by weight, nothing is proven yet"},
		{"only 500s are never preferred", abi.Header{}, []abi.Candidate{timed("broken", total(5), errors(1, 40)), timed("slow", total(2000))}, "slow broken", "slow 2000ms < broken, which mostly fails"},
		{"failures an hour ago", abi.Header{}, []abi.Candidate{timed("broken", total(5), errors(math.NaN(), 3), func(c *abi.Candidate) { c.ReqMinute = 0 }), timed("slow", total(2000))}, "slow broken", "slow 2000ms < broken, which mostly fails"},
		{"the first request ever failed", abi.Header{}, []abi.Candidate{timed("broken", total(5), errors(1, 1), func(c *abi.Candidate) { c.Samples, c.ReqMinute = 1, 1 }), timed("slow", total(2000))}, "slow broken", "slow 2000ms < broken, which mostly fails"},
		{"failures that are no samples", abi.Header{}, []abi.Candidate{strategytest.Candidate("broken", errors(math.NaN(), 1)), blank}, "blank broken", "blank drawn by weight, nothing is proven yet"},
		{"a tenth of errors", abi.Header{}, []abi.Candidate{timed("shaky", total(400), errors(0.1, 0)), timed("sound", total(500))}, "sound shaky", "sound 500ms < shaky 611ms"},
		{"an error in a hundred", abi.Header{}, []abi.Candidate{timed("shaky", total(400), errors(0.01, 0)), timed("sound", total(500))}, "shaky sound", "shaky 419ms < sound 500ms"},
		{"all failing", abi.Header{}, []abi.Candidate{timed("b", total(50), errors(1, 9)), timed("a", total(20), errors(1, 9))}, "a b", "a 100ms, though it mostly fails"},
		{"failed in this request", abi.Header{Attempt: 1}, []abi.Candidate{timed("first", total(10), strategytest.Flags(abi.CandidateFailed)), timed("next", total(900))}, "next first", "next 900ms < first, which is down"},
		{"cooling after failed", abi.Header{Attempt: 1}, []abi.Candidate{timed("c", total(10), strategytest.Flags(abi.CandidateCooling)), timed("f", total(900), strategytest.Flags(abi.CandidateFailed))}, "f c", "f 900ms < c, which is down"},
		{"no time is not 0 ms", abi.Header{}, []abi.Candidate{timed("zero", total(0)), timed("some", total(900))}, "some zero", "some 900ms < zero, not proven"},
		{"none", abi.Header{}, nil, "", ""},
	} {
		s := sdktest.NewStrategy(t, newPlugin(), steady)
		for seed := range uint64(20) {
			c.h.Seed = seed
			out := strategytest.Score(t, s, c.h, c.cands...)
			if got := strategytest.Order(out, c.cands...); got != c.order {
				t.Errorf("%s: order %q, want %q: %v", c.name, got, c.order, out.Scores)
				break
			}
			if out.Reason != c.reason {
				t.Errorf("%s: reason %q, want %q", c.name, out.Reason, c.reason)
				break
			}
		}
	}
}

func TestNearEqualsShareByWeight(t *testing.T) {
	t.Parallel()
	const n = 20000
	s := sdktest.NewStrategy(t, newPlugin(), `{"explore":0,"refresh":0}`)
	cands := []abi.Candidate{
		timed("best", total(400)),
		timed("near", total(439), inFlight(0, 3)),
		timed("beyond", total(441)),
	}
	wins := strategytest.Wins(t, s, abi.Header{}, n, cands...)
	strategytest.Share(t, "best", wins["best"], n, 0.25)
	strategytest.Share(t, "near", wins["near"], n, 0.75)
	if wins["beyond"] != 0 {
		t.Errorf("beyond the buffer won %d times", wins["beyond"])
	}
	out := strategytest.Score(t, s, abi.Header{Seed: 1}, cands[0], timed("near", total(401)))
	if !strings.Contains(out.Reason, " ~ ") {
		t.Errorf("reason %q does not say that they are near", out.Reason)
	}
}

func TestExplorationIsBounded(t *testing.T) {
	t.Parallel()
	const n = 20000
	s := sdktest.NewStrategy(t, newPlugin(), `{"explore":0.1,"refresh":0}`)
	known := timed("known", total(400))
	new1, new2 := strategytest.Candidate("new1"), strategytest.Candidate("new2", strategytest.Weight(4))
	trial := timed("trial", total(1), errors(1, 30), strategytest.Flags(abi.CandidateTrial))

	wins := strategytest.Wins(t, s, abi.Header{}, n, new1, known)
	strategytest.Share(t, "one unknown", wins["new1"], n, 0.1)
	wins = strategytest.Wins(t, s, abi.Header{}, n, new1, known, new2)
	strategytest.Share(t, "two unknowns, weight 1", wins["new1"], n, 0.02)
	strategytest.Share(t, "two unknowns, weight 4", wins["new2"], n, 0.08)
	wins = strategytest.Wins(t, s, abi.Header{}, n, trial, known)
	strategytest.Share(t, "half-open trial", wins["trial"], n, 0.1)
	wins = strategytest.Wins(t, s, abi.Header{Attempt: 1}, n, new1, known)
	if wins["known"] != n {
		t.Errorf("a retry explored: %v", wins)
	}
	wins = strategytest.Wins(t, s, abi.Header{}, n, new1, new2)
	strategytest.Share(t, "nothing known: by weight", wins["new2"], n, 0.8)
	failed := new1
	failed.Flags |= abi.CandidateFailed
	if wins = strategytest.Wins(t, s, abi.Header{}, n, failed, known); wins["known"] != n {
		t.Errorf("explored what failed in this request: %v", wins)
	}
}

func TestRefreshOfOldStatistics(t *testing.T) {
	t.Parallel()
	const n = 40000
	s := sdktest.NewStrategy(t, newPlugin(), `{"explore":0.1,"refresh":0.02}`)
	fast := timed("fast", total(400))
	slow := timed("slow", total(30000), func(c *abi.Candidate) { c.ReqMinute = 0 })
	wins := strategytest.Wins(t, s, abi.Header{}, n, slow, fast)
	strategytest.Share(t, "slow and idle", wins["slow"], n, 0.02)
	slow.ReqMinute = 1
	if wins = strategytest.Wins(t, s, abi.Header{}, n, slow, fast); wins["slow"] != 0 {
		t.Errorf("slow and measured this minute won %d times", wins["slow"])
	}
}

func TestReasonsOfExploration(t *testing.T) {
	t.Parallel()
	s := sdktest.NewStrategy(t, newPlugin(), `{"explore":1,"refresh":1}`)
	known := timed("known", total(400))
	out := strategytest.Score(t, s, abi.Header{}, known, strategytest.Candidate("new"))
	if want := "exploring new, which has no proven time yet"; out.Reason != want {
		t.Errorf("reason %q, want %q", out.Reason, want)
	}
	out = strategytest.Score(t, s, abi.Header{}, known, timed("old", total(900), func(c *abi.Candidate) { c.ReqMinute = 0 }))
	if want := "measuring old again, which had no request this minute"; out.Reason != want {
		t.Errorf("reason %q, want %q", out.Reason, want)
	}
}

func TestConfigure(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		`{"bufer":1}`:            `unknown key "bufer"; known: buffer, explore, refresh, load`,
		`{"explore":2,"load":1}`: `explore: 2 is not a number from 0 to 1`,
		`{"refresh":true}`:       `refresh: true is not a number from 0 to 1`,
	} {
		if err := sdktest.ConfigureError(newPlugin(), config); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}
