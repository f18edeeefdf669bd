package hosttest

import (
	"fmt"
	"math"
	"testing"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Strategy builds the strategy plugin in dir, loads it into a host and checks that it keeps the contract: description,
// config, purity, and what it does with odd candidates and with garbage. config is the config to use, {} when left out.
func Strategy(t *testing.T, dir string, config ...string) {
	k := newKit(t, dir, abi.KindStrategy, config)
	s := LoadStrategy(t, dir, k.config)
	t.Run("describe", k.describe)
	t.Run("configure", k.configure)
	t.Run("candidates", func(t *testing.T) { oddCandidates(t, s) })
	t.Run("garbage", func(t *testing.T) {
		k.garbage(t, abi.ExportScore, abi.AppendScore(nil, scoreHeader(), candidates(8)), func(answer []byte) error {
			return new(abi.ScoreOutput).Decode(answer)
		})
	})
	if s.HasFeedback() {
		t.Run("feedback", func(t *testing.T) { hears(t, k, s) })
	} else {
		t.Run("pure", func(t *testing.T) {
			var inputs [][]byte
			for _, n := range []int{0, 1, 2, 8, 64} {
				inputs = append(inputs, abi.AppendScore(nil, scoreHeader(), candidates(n)))
			}
			k.pure(t, abi.ExportScore, inputs)
		})
	}
	t.Run("memory", func(t *testing.T) {
		header, list, attempt := scoreHeader(), candidates(8), 0
		var out abi.ScoreOutput
		k.memory(t, func(set *host.Set) error {
			attempt++
			header.Seed = uint64(attempt)
			_, err := set.Strategy(key).Score(t.Context(), header, list, &out)
			return err
		})
	})
}

// oddCandidates scores what a host may offer, and what it should not.
func oddCandidates(t *testing.T, s *host.Strategy) {
	extremes := map[string]float64{
		"NaN": math.NaN(), "+Inf": math.Inf(1), "-Inf": math.Inf(-1), "0": 0, "-1": -1,
		"largest": math.MaxFloat64, "smallest": math.SmallestNonzeroFloat64,
	}
	var out abi.ScoreOutput
	try := func(what string, h *abi.Header, list []abi.Candidate) {
		t.Helper()
		if _, err := s.Score(t.Context(), h, list, &out); fault(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, n := range []int{0, 1, 2, 8, 100, abi.MaxCandidates} {
		try(fmt.Sprintf("%d candidates", n), scoreHeader(), candidates(n))
		try(fmt.Sprintf("%d candidates of which nothing is known", n), &abi.Header{}, make([]abi.Candidate, n))
		for _, v := range out.Scores {
			if math.IsInf(v, 0) {
				t.Errorf("%d candidates: a score is infinite; NaN removes a candidate", n)
				break
			}
		}
	}
	for name, v := range extremes {
		list := candidates(3)
		for i := range list {
			c := &list[i]
			for _, f := range floats(c) {
				*f = v
			}
			c.Order, c.InFlight, c.Samples = math.MinInt32, math.MaxUint32, math.MaxUint32
		}
		h := scoreHeader()
		h.RemainingMS = v
		try("every number "+name, h, list)
		for at := range floats(&list[0]) {
			one := candidates(3)
			*floats(&one[1])[at] = v
			try(fmt.Sprintf("number %d of one candidate %s", at, name), scoreHeader(), one)
		}
	}
}

func floats(c *abi.Candidate) []*float64 {
	return []*float64{
		&c.Weight, &c.PriceInput, &c.PriceOutput, &c.PriceCached, &c.TTFT, &c.Total, &c.TPOT, &c.TTFTP50, &c.TTFTP95,
		&c.TotalP50, &c.TotalP95, &c.ErrorRate, &c.TTFTPeak, &c.TotalPeak,
	}
}

// hears checks that a strategy takes feedback, good or garbage, and goes on scoring.
func hears(t *testing.T, k *kit, s *host.Strategy) {
	f := abi.Feedback{IDHash: 1, TTFTMS: 100, TotalMS: 900, OutputTokens: 20, Status: 200, OK: true, ID: []byte("a"), Group: []byte("quality")}
	for range 100 {
		if err := s.Feedback(t.Context(), &f); err != nil {
			t.Fatalf("feedback: %v", err)
		}
		f.TTFTMS, f.OK, f.Status, f.Class = math.NaN(), !f.OK, 503, abi.ClassRetry
	}
	k.garbage(t, abi.ExportFeedback, f.Append(nil), abi.DecodeReply)
	oddCandidates(t, s)
}

func scoreHeader() *abi.Header {
	return &abi.Header{
		Seed: 42, Now: 1_780_000_000_000, Features: abi.FeatureStream | abi.FeatureTools, PromptTokens: 1200, MaxOutput: 800,
		ExpectedOutput: 300, Attempt: 1, Messages: 4, RemainingMS: 30_000, TenantHash: abi.Hash("acme"), SessionHash: 7,
		PrefixHash: 8, Tenant: "acme", Group: "quality", Tags: "eu\nprod", LastError: "rate_limit", Endpoint: abi.EndpointChat,
		Dialect: abi.DialectOpenAI, BodyBytes: 4096,
	}
}

func candidates(n int) []abi.Candidate {
	list := make([]abi.Candidate, n)
	for i := range list {
		v := float64(i)
		id := fmt.Sprintf("deployment-%d", i)
		list[i] = abi.Candidate{
			IDHash: abi.Hash(id), ID: id, Provider: "vendor", Model: "model", Tags: "eu\ndefault",
			Abilities: math.MaxUint32, Flags: abi.CandidateAbilitiesKnown, Weight: 1 + v, Order: int32(i % 3),
			PriceInput: 1 + v, PriceOutput: 4 + v, PriceCached: .5, Context: 128_000, MaxOutput: 16_000, InFlight: uint32(i),
			Samples: 50, TTFT: 200 + v, Total: 1500 + 7*v, TPOT: 12, TTFTP50: 180, TTFTP95: 600, TotalP50: 1400, TotalP95: 4000,
			ErrorRate: .01 * v, ReqMinute: 30, TokensMinute: 20_000, RPM: 500, TPM: 300_000, TTFTPeak: 250, TotalPeak: 1800,
		}
	}
	return list
}
