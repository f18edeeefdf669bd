package main

import (
	"math"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/strategytest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

func offer(id string, input, cached, output float64, flags ...uint32) abi.Candidate {
	return strategytest.Candidate(id, func(c *abi.Candidate) {
		c.PriceInput, c.PriceCached, c.PriceOutput = input, cached, output
		for _, f := range flags {
			c.Flags |= f
		}
	})
}

var nan = math.NaN()

func TestPrices(t *testing.T) {
	t.Parallel()
	mini, big := offer("mini", 0.15, 0.075, 0.6), offer("big", 2.5, 1.25, 10)
	talker, reader := offer("talker", 5, nan, 1), offer("reader", 1, nan, 5)
	free, blank := offer("free", 0, 0, 0), strategytest.Candidate("blank")
	for _, c := range []struct {
		name   string
		config string
		h      abi.Header
		cands  []abi.Candidate
		order  string
		reason string
	}{
		{"cheapest first", "", abi.Header{PromptTokens: 1000, ExpectedOutput: 500}, []abi.Candidate{big, mini}, "mini big", "mini $0.00045 < big $0.0075"},
		{"an explicit 0 is 0", "", abi.Header{PromptTokens: 1000, ExpectedOutput: 500}, []abi.Candidate{mini, free}, "free mini", "free $0 < mini $0.00045"},
		{"no price is worst and said", "", abi.Header{PromptTokens: 1000, ExpectedOutput: 500}, []abi.Candidate{blank, big, mini}, "mini big blank", "mini $0.00045 < big $0.0075; no price: blank"},
		{"long prompt", "", abi.Header{PromptTokens: 9000, ExpectedOutput: 100}, []abi.Candidate{talker, reader}, "reader talker", "reader $0.0095 < talker $0.0451"},
		{"long answer", "", abi.Header{PromptTokens: 100, ExpectedOutput: 9000}, []abi.Candidate{talker, reader}, "talker reader", "talker $0.0095 < reader $0.0451"},
		{"the client's limit caps the answer", "", abi.Header{PromptTokens: 9000, ExpectedOutput: 90000, MaxOutput: 100}, []abi.Candidate{talker, reader}, "reader talker", "reader $0.0095 < talker $0.0451"},
		{"embeddings need no output price", "", abi.Header{PromptTokens: 1_000_000}, []abi.Candidate{offer("e", 0.02, nan, nan), offer("f", 0.13, nan, nan)}, "e f", "e $0.02 < f $0.13"},
		{"no estimate", "", abi.Header{}, []abi.Candidate{big, mini}, "mini big", "mini $0.00000075 < big $0.0000125"},
		{"half a price is none", "", abi.Header{PromptTokens: 10, ExpectedOutput: 10}, []abi.Candidate{offer("half", 1, 1, nan), big}, "big half", "big $0.000125; no price: half"},
		{"negative and infinite prices are none", "", abi.Header{PromptTokens: 10, ExpectedOutput: 10}, []abi.Candidate{offer("x", -1, nan, 1), offer("y", 1, nan, math.Inf(1)), big}, "big x y", "big $0.000125; no price: 2"},
		{"cached share", `{"cached":0.9}`, abi.Header{PromptTokens: 100_000, ExpectedOutput: 0}, []abi.Candidate{offer("a", 1, nan, 1), offer("b", 3, 0.3, 1)}, "b a", "b $0.057 < a $0.1"},
		{"cached at no price", `{"cached":1}`, abi.Header{PromptTokens: 100_000}, []abi.Candidate{offer("a", 1, nan, 1), offer("b", 3, 0, 1)}, "b a", "b $0 < a $0.1"},
		{"equal prices", "", abi.Header{PromptTokens: 1000}, []abi.Candidate{offer("a", 1, nan, 1), offer("b", 1, nan, 2)}, "a b", "a $0.001 = b $0.001"},
		{"failed after all others", "", abi.Header{PromptTokens: 1000}, []abi.Candidate{offer("f", 0, 0, 0, abi.CandidateFailed), big, blank}, "big blank f", "big $0.0025; no price: blank"},
		{"none known", "", abi.Header{PromptTokens: 1}, []abi.Candidate{blank}, "blank", "blank, though its price is not known"},
		{"none known, removed", `{"unknown":"remove"}`, abi.Header{PromptTokens: 1}, []abi.Candidate{blank, blank}, "", "cost: no price known for any of 2"},
		{"unknown removed", `{"unknown":"remove"}`, abi.Header{PromptTokens: 1000}, []abi.Candidate{blank, big}, "big", "big $0.0025; no price: blank"},
		{"none", "", abi.Header{}, nil, "", ""},
	} {
		s := sdktest.NewStrategy(t, newPlugin(), c.config)
		out := strategytest.Score(t, s, c.h, c.cands...)
		if got := strategytest.Order(out, c.cands...); got != c.order {
			t.Errorf("%s: order %q, want %q: %v", c.name, got, c.order, out.Scores)
		}
		if out.Reason != c.reason {
			t.Errorf("%s: reason %q, want %q", c.name, out.Reason, c.reason)
		}
	}
}

func TestScoreIsThePrice(t *testing.T) {
	t.Parallel()
	s := sdktest.NewStrategy(t, newPlugin(), "")
	out := strategytest.Score(t, s, abi.Header{PromptTokens: 2_000_000, ExpectedOutput: 1_000_000}, offer("a", 3, nan, 15), offer("b", 1, nan, 4))
	if out.Scores[0] != 21 || out.Scores[1] != 6 {
		t.Errorf("scores %v, want 21 and 6 USD", out.Scores)
	}
}

func TestConfigure(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		`{"cache":1}`:           `unknown key "cache"; known: cached, unknown`,
		`{"cached":1.5}`:        `cached: 1.5 is not a number from 0 to 1`,
		`{"unknown":"ignored"}`: `unknown: "ignored" is not one of last, remove`,
	} {
		if err := sdktest.ConfigureError(newPlugin(), config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}
