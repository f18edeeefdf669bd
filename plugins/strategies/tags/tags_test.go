package main

import (
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/strategytest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

func tagged(id string, tags ...string) abi.Candidate {
	return strategytest.Candidate(id, func(c *abi.Candidate) { c.Tags = strings.Join(tags, "\n") })
}

func TestMatching(t *testing.T) {
	t.Parallel()
	cands := []abi.Candidate{
		tagged("eu", "eu"),
		tagged("eugold", "eu", "gold"),
		tagged("us", "us"),
		tagged("usdefault", "us", "default"),
		tagged("bare"),
	}
	for _, c := range []struct {
		config, tags string
		kept         string
		reason       string
	}{
		{"", "eu", "eu eugold", "2 of 5 match eu"},
		{"", "eu\ngold", "eu eugold", "2 of 5 match any of eu, gold"},
		{"", "gold\nus", "eugold us usdefault", "3 of 5 match any of gold, us"},
		{`{"match":"all"}`, "eu\ngold", "eugold", "1 of 5 match all of eu, gold"},
		{`{"match":"all"}`, "gold\nus", "", "tags: none of 5 deployments matches all of gold, us"},
		{"", "&gold\neu\nus", "eugold", "1 of 5 match any of eu, us, &gold"},
		{"", "&eu", "eu eugold", "2 of 5 match &eu"},
		{"", "&eu\n&gold", "eugold", "1 of 5 match &eu, &gold"},
		{"", "eu\n!gold", "eu", "1 of 5 match eu, !gold"},
		{"", "eu\n!eu", "", "tags: none of 5 deployments matches eu, !eu"},
		{"", "", "usdefault", "untagged: 1 of 5 tagged default"},
		{"", " \n\n&\n!", "usdefault", "untagged: 1 of 5 tagged default"},
		{"", " eu \n", "eu eugold", "2 of 5 match eu"},
		{"", "! gold\n & eu", "eu", "1 of 5 match &eu, !gold"},
		{"", "!us", "", "tags: none of 5 deployments matches !us"},
		{`{"default_tag":"gold"}`, "", "eugold", "untagged: 1 of 5 tagged gold"},
		{`{"default_tag":"nobody"}`, "", "eu eugold us usdefault bare", "untagged: all 5"},
		{`{"default_tag":"nobody"}`, "!us", "eu eugold bare", "3 of 5 match !us"},
		{"", "e", "", "tags: none of 5 deployments matches e"},
		{"", "EU", "", "tags: none of 5 deployments matches EU"},
		{"", "default", "usdefault", "1 of 5 match default"},
	} {
		s := sdktest.NewStrategy(t, newPlugin(), c.config)
		out := strategytest.Score(t, s, abi.Header{Tags: c.tags}, cands...)
		if got := strategytest.Order(out, cands...); got != c.kept {
			t.Errorf("%s %q keeps %q, want %q", c.config, c.tags, got, c.kept)
		}
		if out.Reason != c.reason {
			t.Errorf("%s %q: reason %q, want %q", c.config, c.tags, out.Reason, c.reason)
		}
		rejected := out.Directives == abi.DirectiveReject && out.RejectStatus == 400 && out.RejectCode == "no_matching_tags"
		if rejected != (c.kept == "") || !rejected && out.Directives != 0 {
			t.Errorf("%s %q: directives %b, %d %q", c.config, c.tags, out.Directives, out.RejectStatus, out.RejectCode)
		}
	}
}

func TestNoCandidates(t *testing.T) {
	t.Parallel()
	s := sdktest.NewStrategy(t, newPlugin(), "")
	if out := strategytest.Score(t, s, abi.Header{Tags: "eu"}); out.Directives != 0 || out.Reason != "" {
		t.Errorf("without candidates: %+v", out)
	}
}

func TestConfigure(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		`{"matches":"any"}`:  `unknown key "matches"; known: match, default_tag`,
		`{"match":"some"}`:   `match: "some" is not one of any, all`,
		`{"default_tag":""}`: `default_tag: "" is not a text that is not empty`,
	} {
		if err := sdktest.ConfigureError(newPlugin(), config); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}
