package main

import (
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/strategytest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

// night is a Friday, half past eleven at night, UTC.
const night = 1_780_097_400_000

// fleet is what most cases choose from.
func fleet() []abi.Candidate {
	one := func(id, tags string, input, output float64, total float64, requests uint32) abi.Candidate {
		return strategytest.Candidate(id, func(c *abi.Candidate) {
			c.Provider, c.Model, _ = strings.Cut(id, "/")
			c.Tags, c.PriceInput, c.PriceOutput = tags, input, output
			c.Total, c.TotalPeak, c.TTFT, c.TTFTPeak, c.TPOT = total, total, total/4, total/4, total/100
			c.Samples, c.ReqMinute, c.ErrorRate = requests, requests, 0
			c.Context, c.MaxOutput = uint32(8000*input), 4096
			c.Flags, c.Abilities = abi.CandidateAbilitiesKnown, abi.FeatureTools
		})
	}
	return []abi.Candidate{
		one("openai/large", "us\ngold", 5, 15, 1200, 50),
		one("openai/small", "us", 0.15, 0.6, 500, 90),
		one("mistral/large", "eu\ngold", 2, 6, 900, 20),
		one("ollama/llama", "eu\nlocal", 0, 0, 3000, 4),
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	vectors := sdktest.NewVectors(t)
	h := abi.Header{Seed: 11, Now: night, PromptTokens: 1000, ExpectedOutput: 400, Messages: 3, Tenant: "acme", Group: "quality", Endpoint: abi.EndpointChat, Dialect: abi.DialectOpenAI}
	with := func(change func(h *abi.Header)) abi.Header {
		h := h
		change(&h)
		return h
	}
	const all = "openai/large openai/small mistral/large ollama/llama"
	const byCost = "ollama/llama openai/small mistral/large openai/large"
	for _, c := range []struct {
		name   string
		config string
		h      abi.Header
		order  string // best first; those with one score in the order of the fleet
		reason string
	}{
		{"no rules", `{}`, h, all, "no rule fits: openai/large"},
		{"by cost", `{"by":"cost_usd"}`, h, byCost, "no rule fits: ollama/llama, cost_usd $0"},
		{"by time", `{"by":"latency_ms"}`, h, "openai/small mistral/large openai/large ollama/llama", "no rule fits: openai/small, latency_ms 500ms"},
		{"by time of a stream", `{"by":"latency_ms"}`, with(func(h *abi.Header) { h.Features, h.MaxOutput = abi.FeatureStream, 50 }), "openai/small mistral/large openai/large ollama/llama", "no rule fits: openai/small, latency_ms 375ms"},
		{"a client's limit", `{"by":"cost_usd"}`, with(func(h *abi.Header) { h.PromptTokens, h.MaxOutput = 0, 10 }), byCost, "no rule fits: ollama/llama, cost_usd $0"},
		{"a limit that is not reached", `{"rules":[{"only":"openai/small"}],"by":"cost_usd"}`, with(func(h *abi.Header) { h.MaxOutput = 9000 }), "openai/small", "rules[0]: openai/small, cost_usd $0.00039; 1 of 4 may serve"},
		{"the largest window", `{"by":"context"}`, h, "openai/large mistral/large openai/small ollama/llama", "no rule fits: openai/large, context 40000"},

		{"only", `{"rules":[{"only":{"tags":"eu"}}],"by":"cost_usd"}`, h, "ollama/llama mistral/large", "rules[0]: ollama/llama, cost_usd $0; 2 of 4 may serve"},
		{"only a pattern", `{"rules":[{"only":"openai/*"}]}`, h, "openai/large openai/small", "rules[0]: openai/large; 2 of 4 may serve"},
		{"only one of", `{"rules":[{"only":["ollama/llama",{"model":"small"}]}]}`, h, "openai/small ollama/llama", "rules[0]: openai/small; 2 of 4 may serve"},
		{"only all of", `{"rules":[{"only":{"tags":"eu","not":{"tags":"local"}}}]}`, h, "mistral/large", "rules[0]: mistral/large; 1 of 4 may serve"},
		{"only all tags", `{"rules":[{"only":{"all_tags":["eu","gold"]}}]}`, h, "mistral/large", "rules[0]: mistral/large; 1 of 4 may serve"},
		{"only all tags and a pattern", `{"rules":[{"only":{"all_tags":["eu","lo*"]}}]}`, h, "ollama/llama", "rules[0]: ollama/llama; 1 of 4 may serve"},
		{"only what is not there", `{"rules":[{"name":"asia","only":{"tags":"asia"}}]}`, h, "", "asia: none of 4 deployments may serve"},
		{"only by numbers", `{"rules":[{"only":{"price_input":{"max":2},"latency_ms":{"max":1000}}}]}`, h, "openai/small mistral/large", "rules[0]: openai/small; 2 of 4 may serve"},
		{"only what can", `{"rules":[{"only":{"tools":true,"images":false}}]}`, h, all, "rules[0]: openai/large"},
		{"prefer", `{"rules":[{"name":"home","prefer":["ollama/*",{"tags":"eu"}]}]}`, h, "ollama/llama mistral/large openai/large openai/small", "home: ollama/llama"},
		{"prefer, then by", `{"rules":[{"prefer":{"tags":"us"},"by":"cost_usd"}]}`, h, "openai/small openai/large ollama/llama mistral/large", "rules[0]: openai/small, cost_usd $0.00039"},
		{"avoid", `{"rules":[{"avoid":{"provider":["openai","mistral"]}}]}`, h, "ollama/llama openai/large openai/small mistral/large", "rules[0]: ollama/llama"},
		{"a rule's by wins", `{"by":"cost_usd","rules":[{"by":"weight"}]}`, h, all, "rules[0]: openai/large"},
		{"split", `{"rules":[{"split":[{"to":"ollama/*","weight":1},{"to":{"tags":"gold"},"weight":1000}]}]}`, h, "openai/large mistral/large ollama/llama openai/small", "rules[0]: openai/large"},

		{"the first that fits", `{"rules":[{"when":{"group":"fast"},"only":"openai/*"},{"when":{"group":"qual*"},"only":"mistral/*"},{"only":"ollama/*"}]}`, h, "mistral/large", "rules[1]: mistral/large; 1 of 4 may serve"},
		{"the default", `{"rules":[{"when":{"group":"fast"},"only":"openai/*"},{"only":"ollama/*"}]}`, h, "ollama/llama", "rules[1]: ollama/llama; 1 of 4 may serve"},
		{"continue", `{"rules":[{"name":"a","only":{"tags":["eu","gold"]},"continue":true},{"name":"b","prefer":{"tags":"local"},"continue":true},{"name":"c","avoid":{"tags":"us"},"by":"cost_usd"}]}`, h, "ollama/llama mistral/large openai/large", "a, b, c: ollama/llama, cost_usd $0; 3 of 4 may serve"},
		{"earlier rules are stronger", `{"rules":[{"name":"a","prefer":{"tags":"us"},"by":"cost_usd","continue":true},{"name":"b","prefer":{"tags":"gold"},"by":"latency_ms"}]}`, h, "openai/large openai/small mistral/large ollama/llama", "a, b: openai/large, cost_usd $0.011"},

		{"tags", `{"rules":[{"when":{"tags":"pii"},"only":{"tags":"eu"}}]}`, with(func(h *abi.Header) { h.Tags = "prod\npii" }), "mistral/large ollama/llama", "rules[0]: mistral/large; 2 of 4 may serve"},
		{"all tags", `{"rules":[{"when":{"all_tags":["pii","prod"]},"only":{"tags":"eu"}}]}`, with(func(h *abi.Header) { h.Tags = "pii" }), all, "no rule fits: openai/large"},
		{"any of several", `{"rules":[{"when":[{"tags":"pii"},{"messages":3}],"only":{"tags":"eu"}}]}`, h, "mistral/large ollama/llama", "rules[0]: mistral/large; 2 of 4 may serve"},
		{"all of several", `{"rules":[{"when":{"messages":3,"tenant":"other"},"only":{"tags":"eu"}}]}`, h, all, "no rule fits: openai/large"},
		{"not", `{"rules":[{"when":{"not":{"tenant":"other"}},"only":{"tags":"eu"}}]}`, h, "mistral/large ollama/llama", "rules[0]: mistral/large; 2 of 4 may serve"},
		{"session", `{"rules":[{"when":{"session":["bob","alice"]},"only":{"tags":"eu"}}]}`, with(func(h *abi.Header) { h.SessionHash = abi.Hash("alice") }), "mistral/large ollama/llama", "rules[0]: mistral/large; 2 of 4 may serve"},
		{"no session", `{"rules":[{"when":{"session":["bob","alice"]},"only":{"tags":"eu"}}]}`, h, all, "no rule fits: openai/large"},
		{"endpoint and dialect", `{"rules":[{"when":{"endpoint":"chat","dialect":"open*"},"only":{"tags":"eu"}}]}`, h, "mistral/large ollama/llama", "rules[0]: mistral/large; 2 of 4 may serve"},
		{"stream", `{"rules":[{"when":{"stream":true,"tools":false},"only":{"tags":"eu"}}]}`, with(func(h *abi.Header) { h.Features = abi.FeatureStream }), "mistral/large ollama/llama", "rules[0]: mistral/large; 2 of 4 may serve"},
		{"no stream", `{"rules":[{"when":{"stream":true},"only":{"tags":"eu"}}]}`, h, all, "no rule fits: openai/large"},
		{"a number in between", `{"rules":[{"when":{"prompt_tokens":{"min":1000,"max":1000}},"only":{"tags":"eu"}}]}`, h, "mistral/large ollama/llama", "rules[0]: mistral/large; 2 of 4 may serve"},
		{"a number too small", `{"rules":[{"when":{"prompt_tokens":{"min":1001}},"only":{"tags":"eu"}}]}`, h, all, "no rule fits: openai/large"},
		{"a number not known", `{"rules":[{"when":{"not":{"max_tokens":{"min":0}}},"only":{"tags":"eu"}}]}`, h, "mistral/large ollama/llama", "rules[0]: mistral/large; 2 of 4 may serve"},
		{"at night", `{"rules":[{"when":{"hours":"22-6","days":"fri"},"only":{"tags":"eu"}}]}`, h, "mistral/large ollama/llama", "rules[0]: mistral/large; 2 of 4 may serve"},
		{"by day", `{"rules":[{"when":{"hours":["6-12","12:00-23:30"]},"only":{"tags":"eu"}}]}`, h, all, "no rule fits: openai/large"},
		{"by another clock", `{"utc_offset":1.5,"rules":[{"when":{"hours":"01:00-01:01","days":["sat"]},"only":{"tags":"eu"}}]}`, h, "mistral/large ollama/llama", "rules[0]: mistral/large; 2 of 4 may serve"},
		{"west of it", `{"utc_offset":-12,"rules":[{"when":{"hours":"11:30-11:31","days":["fri"]},"only":{"tags":"eu"}}]}`, h, "mistral/large ollama/llama", "rules[0]: mistral/large; 2 of 4 may serve"},
		{"offered", `{"rules":[{"when":{"offered":{"tags":"local"}},"only":{"tags":"local"}}]}`, h, "ollama/llama", "rules[0]: ollama/llama; 1 of 4 may serve"},
		{"not offered", `{"rules":[{"when":{"offered":{"tags":"asia"}},"only":{"tags":"asia"}}]}`, h, all, "no rule fits: openai/large"},
		{"a retry", `{"rules":[{"when":{"attempt":{"min":1},"last_error":"rate*"},"only":{"tags":"local"}}]}`, with(func(h *abi.Header) { h.Attempt, h.LastError = 1, "rate_limit_exceeded" }), "ollama/llama", "rules[0]: ollama/llama; 1 of 4 may serve"},
		{"otherwise, in a retry", `{"rules":[{"only":{"tags":"asia"},"otherwise":"Not there."}]}`, with(func(h *abi.Header) { h.Attempt = 1 }), "", "rules[0]: none of 4 deployments may serve"},
		{"otherwise, not needed", `{"rules":[{"only":{"tags":"eu"},"otherwise":"Not there."}]}`, h, "mistral/large ollama/llama", "rules[0]: mistral/large; 2 of 4 may serve"},
	} {
		s := sdktest.NewStrategy(t, &plugin{}, c.config)
		cands := fleet()
		out := strategytest.Score(t, s, c.h, cands...)
		if got := strategytest.Order(out, cands...); got != c.order {
			t.Errorf("%s: %s gives %q, want %q", c.name, c.config, got, c.order)
		}
		if out.Reason != c.reason {
			t.Errorf("%s: reason %q, want %q", c.name, out.Reason, c.reason)
		}
		if out.Directives != 0 {
			t.Errorf("%s: directives %b", c.name, out.Directives)
		}
		switch c.name { // a module may carry vectors of 8 configs
		case "by cost", "by time of a stream", "split", "continue", "by another clock":
			vectors.Add(c.name, s.Last())
		}
	}
	s := sdktest.NewStrategy(t, &plugin{}, typical)
	strategytest.Score(t, s, with(func(h *abi.Header) { h.Tags, h.Features = "draft", abi.FeatureStream }), fleet()...)
	vectors.Add("deny", s.Last())
	for seed := range uint64(8) {
		strategytest.Score(t, s, with(func(h *abi.Header) { h.Seed, h.Tags, h.Now = seed, "eu", night+seed*10_000_000 }), fleet()...)
		vectors.Add("typical "+string('0'+rune(seed)), s.Last())
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		config string
		status uint16
		code   string
		reason string
	}{
		{`{"rules":[{"deny":"Closed."}]}`, 403, "denied_by_rule", "Closed."},
		{`{"rules":[{"deny":{"message":"Later.","status":429,"code":"come_back"}}]}`, 429, "come_back", "Later."},
		{`{"rules":[{"only":"openai/*","continue":true},{"deny":"Closed."}]}`, 403, "denied_by_rule", "Closed."},
		{`{"rules":[{"first_token_timeout_ms":9,"continue":true},{"only":{"tags":"asia"},"otherwise":"Not in Asia."}]}`, 503, "no_deployment_allowed", "Not in Asia."},
		{`{"rules":[{"only":{"tags":"asia"},"otherwise":{"message":"Not in Asia.","status":451}}]}`, 451, "no_deployment_allowed", "Not in Asia."},
		{`{"rules":[{"only":{"tags":"eu"},"continue":true},{"only":{"tags":"us"},"otherwise":"Neither."}]}`, 503, "no_deployment_allowed", "Neither."},
	} {
		s := sdktest.NewStrategy(t, &plugin{}, c.config)
		cands := fleet()
		out := strategytest.Score(t, s, abi.Header{}, cands...)
		if out.Directives != abi.DirectiveReject || out.RejectStatus != c.status || out.RejectCode != c.code || out.Reason != c.reason {
			t.Errorf("%s: directives %b, %d %s %q, want %d %s %q", c.config, out.Directives, out.RejectStatus, out.RejectCode, out.Reason, c.status, c.code, c.reason)
		}
		if left := strategytest.Order(out, cands...); left != "" || out.FirstTokenTimeoutMS != 0 {
			t.Errorf("%s: leaves %q, %d ms", c.config, left, out.FirstTokenTimeoutMS)
		}
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	s := sdktest.NewStrategy(t, &plugin{}, `{"rules":[
		{"attempt_timeout_ms":5000,"continue":true},
		{"when":{"stream":true},"attempt_timeout_ms":9000,"first_token_timeout_ms":700,"continue":true},
		{"when":{"tags":"fast"},"attempt_timeout_ms":100}]}`)
	for _, c := range []struct {
		h          abi.Header
		attempt    uint32
		firstToken uint32
		directives uint32
	}{
		{abi.Header{}, 5000, 0, abi.DirectiveAttemptTimeout},
		{abi.Header{Features: abi.FeatureStream}, 5000, 700, abi.DirectiveAttemptTimeout | abi.DirectiveFirstTokenTimeout},
		{abi.Header{Tags: "fast"}, 100, 0, abi.DirectiveAttemptTimeout},
	} {
		out := strategytest.Score(t, s, c.h, fleet()...)
		if out.Directives != c.directives || out.AttemptTimeoutMS != c.attempt || out.FirstTokenTimeoutMS != c.firstToken {
			t.Errorf("%+v: directives %b, %d and %d ms", c, out.Directives, out.AttemptTimeoutMS, out.FirstTokenTimeoutMS)
		}
	}
}

// TestTroubled: times of a deployment that fails are short, and worth nothing.
func TestTroubled(t *testing.T) {
	t.Parallel()
	at := func(id string, ms float64, change func(c *abi.Candidate)) abi.Candidate {
		return strategytest.Candidate(id, func(c *abi.Candidate) {
			c.Total, c.ReqMinute, c.Samples, c.ErrorRate, c.Weight = ms, 9, 9, 0, 1
			change(c)
		})
	}
	cands := []abi.Candidate{
		at("errors", 1, func(c *abi.Candidate) { c.ErrorRate = 0.2 }),
		at("streak", 2, func(c *abi.Candidate) { c.Consecutive = 3 }),
		at("busy", 500, func(c *abi.Candidate) { c.InFlight = 10 }),
		at("idle", 900, func(*abi.Candidate) {}),
		at("failed", 1, func(c *abi.Candidate) { c.Flags = abi.CandidateFailed }),
		strategytest.Candidate("unknown"),
	}
	for _, c := range []struct{ config, want string }{
		{`{"by":"latency_ms"}`, "idle busy errors streak unknown failed"},
		{`{"by":"total_ms"}`, "busy idle errors streak unknown failed"},
		{`{"by":"load"}`, "errors streak idle unknown busy failed"},
		{`{"rules":[{"prefer":["failed","unknown"],"by":"latency_ms"}]}`, "unknown idle busy errors streak failed"},
	} {
		s := sdktest.NewStrategy(t, &plugin{}, c.config)
		if got := strategytest.Order(strategytest.Score(t, s, abi.Header{Attempt: 1}, cands...), cands...); got != c.want {
			t.Errorf("%s gives %q, want %q", c.config, got, c.want)
		}
	}
}

// TestNumbers are those that are put together.
func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		by       string
		features uint32
		change   func(c *abi.Candidate)
		want     string
	}{
		{"limit_used", 0, func(c *abi.Candidate) { c.RPM, c.ReqMinute = 10, 4 }, "0.4"},
		{"limit_used", 0, func(c *abi.Candidate) { c.RPM, c.ReqMinute, c.TPM, c.TokensMinute = 10, 4, 100, 50 }, "0.5"},
		{"limit_used", 0, func(c *abi.Candidate) { c.RPM, c.ReqMinute, c.TPM, c.TokensMinute = 10, 4, 100, 30 }, "0.4"},
		{"limit_used", 0, func(c *abi.Candidate) { c.TPM, c.TokensMinute = 100, 70 }, "0.7"},
		{"limit_used", 0, func(*abi.Candidate) {}, "not known"},
		{"latency_ms", 0, func(c *abi.Candidate) { c.Total = 700 }, "700ms"},
		{"latency_ms", 0, func(c *abi.Candidate) { c.Total, c.TotalPeak = 700, 900 }, "900ms"},
		{"latency_ms", 0, func(c *abi.Candidate) { c.Total, c.InFlight, c.Weight = 700, 4, 2 }, "840ms"},
		{"latency_ms", abi.FeatureStream, func(c *abi.Candidate) { c.Total, c.TTFT, c.TPOT = 700, 100, 3 }, "130ms"},
		{"latency_ms", abi.FeatureStream, func(c *abi.Candidate) { c.Total, c.TTFT = 700, 100 }, "700ms"},
		{"latency_ms", abi.FeatureStream, func(c *abi.Candidate) { c.Total, c.TTFT = 700, 800 }, "800ms"},
		{"latency_ms", abi.FeatureStream, func(c *abi.Candidate) { c.TTFT = 800 }, "800ms"},
		{"cost_usd", 0, func(c *abi.Candidate) { c.PriceInput, c.PriceOutput = 2, 10 }, "$0.0003"},
		{"cost_usd", 0, func(c *abi.Candidate) { c.PriceInput = 2 }, "not known"},
		{"load", 0, func(c *abi.Candidate) { c.InFlight, c.Weight = 3, 0 }, "3"},
		{"order", 0, func(c *abi.Candidate) { c.Order = -2 }, "-2"},
	} {
		s := sdktest.NewStrategy(t, &plugin{}, `{"by":"`+c.by+`"}`)
		out := strategytest.Score(t, s, abi.Header{Features: c.features, PromptTokens: 100, ExpectedOutput: 10, Attempt: 1}, strategytest.Candidate("a", c.change))
		if want := "no rule fits: a, " + c.by + " " + c.want; out.Reason != want {
			t.Errorf("reason %q, want %q", out.Reason, want)
		}
	}
}

// TestUnknownAbilities are neither there nor not.
func TestUnknownAbilities(t *testing.T) {
	t.Parallel()
	cands := []abi.Candidate{
		strategytest.Candidate("can", func(c *abi.Candidate) { c.Flags, c.Abilities = abi.CandidateAbilitiesKnown, abi.FeatureImages }),
		strategytest.Candidate("cannot", strategytest.Flags(abi.CandidateAbilitiesKnown)),
		strategytest.Candidate("unknown"),
	}
	for selector, want := range map[string]string{
		`{"images":true}`: "can", `{"images":false}`: "cannot", `{"not":{"images":true}}`: "cannot unknown", `{"not":{"images":false}}`: "can unknown",
	} {
		s := sdktest.NewStrategy(t, &plugin{}, `{"rules":[{"only":`+selector+`}]}`)
		if got := strategytest.Order(strategytest.Score(t, s, abi.Header{}, cands...), cands...); got != want {
			t.Errorf("%s keeps %q, want %q", selector, got, want)
		}
	}
}

// TestNextDecision takes nothing from the one before.
func TestNextDecision(t *testing.T) {
	t.Parallel()
	s := sdktest.NewStrategy(t, &plugin{}, `{"rules":[{"only":{"tags":"local","provider":"ollama"}}]}`)
	cands := fleet()
	for range 2 {
		out := strategytest.Score(t, s, abi.Header{}, cands...)
		if got := strategytest.Order(out, cands...); got != "ollama/llama" {
			t.Errorf("got %q", got)
		}
		cands[0], cands[3] = cands[3], cands[0]
	}
}

func TestPattern(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"a", "", false}, {"*", "", true}, {"*", "abc", true}, {"a*", "a", true}, {"a*", "abc", true},
		{"*c", "abc", true}, {"*c", "cab", false}, {"a*c", "ac", true}, {"a*c", "abcbc", true}, {"a*a", "a", false}, {"a*a", "aa", true},
		{"*b*", "abc", true}, {"*b*", "ac", false}, {"a*b*c", "aXbYc", true}, {"a*b*c", "abc", true}, {"a*b*c", "acb", false},
		{"a*bc*c", "abc", false}, {"a**b", "ab", true}, {"A", "a", false},
	} {
		p := newPattern(c.pattern)
		if got := p.matches([]byte(c.text)); got != c.want {
			t.Errorf("%q matches %q: %t", c.pattern, c.text, got)
		}
	}
}
