package main

import (
	"testing"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/strategytest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

func sized(id string, window, output uint32) abi.Candidate {
	return strategytest.Candidate(id, func(c *abi.Candidate) { c.Context, c.MaxOutput = window, output })
}

func able(id string, window, abilities uint32) abi.Candidate {
	return strategytest.Candidate(id, strategytest.Flags(abi.CandidateAbilitiesKnown), func(c *abi.Candidate) {
		c.Context, c.Abilities = window, abilities
	})
}

const tooLong = "context_length_exceeded"

func TestFit(t *testing.T) {
	t.Parallel()
	small, middle, large := sized("small", 8_192, 4_096), sized("middle", 32_768, 4_096), sized("large", 128_000, 16_384)
	unsized := strategytest.Candidate("unsized")
	const tools, images, stream = abi.FeatureTools, abi.FeatureImages, abi.FeatureStream
	seer, blind := able("seer", 8_192, stream|images), able("blind", 128_000, stream|tools)
	for _, c := range []struct {
		name   string
		config string
		h      abi.Header
		cands  []abi.Candidate
		kept   string
		code   string
		reason string
	}{
		{"all fit", "", abi.Header{PromptTokens: 4000}, []abi.Candidate{small, middle, large}, "small middle large", "", "3 of 3 fit about 4000 tokens"},
		{"too small", "", abi.Header{PromptTokens: 9000}, []abi.Candidate{small, middle, large}, "middle large", "", "2 of 3 fit about 9000 tokens, 1 too small"},
		{"margin", "", abi.Header{PromptTokens: 8000}, []abi.Candidate{small, middle}, "middle", "", "1 of 2 fit about 8000 tokens, 1 too small"},
		{"no margin", `{"margin":0}`, abi.Header{PromptTokens: 8000}, []abi.Candidate{small, middle}, "small middle", "", "2 of 2 fit about 8000 tokens"},
		{"exactly full", `{"margin":0}`, abi.Header{PromptTokens: 8192}, []abi.Candidate{small}, "small", "", "1 of 1 fit about 8192 tokens"},
		{"tight ones serve when no other is left", "", abi.Header{PromptTokens: 8000}, []abi.Candidate{small, small}, "small small", "", "2 of 2 may be tight for about 8000 tokens"},
		{"room for the answer", "", abi.Header{PromptTokens: 5000, MaxOutput: 4000}, []abi.Candidate{small, middle}, "middle", "", "1 of 2 fit about 5000 tokens, 1 too small"},
		{"longest answer", "", abi.Header{PromptTokens: 10, MaxOutput: 10_000}, []abi.Candidate{middle, large}, "large", "", "1 of 2 fit about 10 tokens, 1 too small"},
		{"longest answer everywhere", "", abi.Header{PromptTokens: 10, MaxOutput: 60_000}, []abi.Candidate{middle, large}, "middle large", "", "2 of 2 may be tight for about 10 tokens"},
		{"unknown sizes fit", "", abi.Header{PromptTokens: 1 << 31, MaxOutput: 1 << 31}, []abi.Candidate{unsized, large}, "unsized", "", "1 of 2 fit about 2147483648 tokens, 1 too small"},
		{"none fits", "", abi.Header{PromptTokens: 9000}, []abi.Candidate{small, small, small}, "", tooLong, "context-fit: prompt of about 9000 tokens exceeds all 3 context windows"},
		{"the only one is too small", "", abi.Header{PromptTokens: 9000}, []abi.Candidate{small}, "", tooLong, "context-fit: prompt of about 9000 tokens exceeds the context window"},
		{"ability", "", abi.Header{Features: stream | images}, []abi.Candidate{seer, blind}, "seer", "", "1 of 2 fit about 0 tokens, 1 unable"},
		{"unknown abilities count as there", "", abi.Header{Features: images}, []abi.Candidate{blind, large}, "large", "", "1 of 2 fit about 0 tokens, 1 unable"},
		{"no one is able", "", abi.Header{Features: stream | images | tools}, []abi.Candidate{blind, blind}, "", "unsupported_parameter", "context-fit: none of 2 deployments can do images"},
		{"no one is able of all", "", abi.Header{Features: images | tools}, []abi.Candidate{seer, blind}, "", "unsupported_parameter", "context-fit: none of 2 deployments can do all of tools, images"},
		{"two missing everywhere", "", abi.Header{Features: images | abi.FeatureMultiChoice}, []abi.Candidate{blind}, "", "unsupported_parameter", "context-fit: none of 1 deployments can do images and several choices"},
		{"the able one is too small", "", abi.Header{Features: images, PromptTokens: 9000}, []abi.Candidate{seer, blind}, "", tooLong, "context-fit: prompt of about 9000 tokens exceeds the windows of all 1 able deployments"},
		{"none", "", abi.Header{PromptTokens: 9}, nil, "", "", ""},
	} {
		s := sdktest.NewStrategy(t, newPlugin(), c.config)
		out := strategytest.Score(t, s, c.h, c.cands...)
		if got := strategytest.Order(out, c.cands...); got != c.kept {
			t.Errorf("%s: keeps %q, want %q", c.name, got, c.kept)
		}
		if out.Reason != c.reason {
			t.Errorf("%s: reason %q, want %q", c.name, out.Reason, c.reason)
		}
		rejected := out.Directives == abi.DirectiveReject && out.RejectStatus == 400
		if out.RejectCode != c.code || rejected != (c.code != "") || !rejected && out.Directives != 0 {
			t.Errorf("%s: directives %b, %d %q, want code %q", c.name, out.Directives, out.RejectStatus, out.RejectCode, c.code)
		}
	}
}

func TestConfigure(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		`{"margins":1}`: `unknown key "margins"; known: margin`,
		`{"margin":-1}`: `margin: -1 is not a number from 0 to 10`,
	} {
		if err := sdktest.ConfigureError(newPlugin(), config); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}
