package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// TestFuel makes each form of condition as long as Configure accepts it: the longest must decide among sixteen deployments
// well within the 2,000,000 instructions that a policy has.
func TestFuel(t *testing.T) {
	t.Parallel()
	const most = 1_750_000
	cands := append(append(fleet(), fleet()...), append(fleet(), fleet()...)...)
	h := abi.Header{Seed: 3, Now: night, Tags: "eu\nprod", Group: "quality", PromptTokens: 900, ExpectedOutput: 300, Features: abi.FeatureStream}
	var configs []string
	var specs []host.Spec
	for _, form := range []struct{ before, item, after string }{
		{`{"rules":[`, `{"avoid":{"error_rate":{"min":3}},"continue":true}`, `]}`},
		{`{"rules":[`, `{"prefer":{"tags":"no#"},"continue":true}`, `]}`},
		{`{"rules":[`, `{"only":{"not":{"tags":"no#"}},"continue":true}`, `]}`},
		{`{"rules":[`, `{"when":{"group":"q*y"},"prefer":["no#*",{"model":"m#"}],"by":"latency_ms","continue":true}`, `]}`},
		{`{"rules":[`, `{"when":{"group":"no#","tags":"no#","hours":"3-4"},"avoid":"no"}`, `]}`},
		{`{"rules":[`, `{"when":{"offered":{"tags":"no#"}},"avoid":"no"}`, `]}`},
		{`{"rules":[{"when":[`, `{"tags":["no#*","no*#"]}`, `],"by":"latency_ms"}]}`},
		{`{"rules":[{"when":{"session":[`, `"no#"`, `]},"by":"latency_ms"}]}`},
		{`{"rules":[{"avoid":{"tags":[`, `"no#"`, `]}}]}`},
		{`{"rules":[{"avoid":{"tags":[`, `"no#*"`, `]}}]}`},
		{`{"rules":[{"avoid":{"tags":[`, `"*o*o*o*#"`, `]}}]}`},
		{`{"rules":[{"avoid":{"all_tags":["*",`, `"*u*"`, `,"no"]}}]}`},
		{`{"rules":[{"avoid":{"deployment":[`, `"no#"`, `]}}]}`},
		{`{"rules":[{"prefer":[`, `"no#"`, `]}]}`},
		{`{"rules":[{"prefer":[`, `{"latency_ms":{"max":#}}`, `]}]}`},
		{`{"rules":[{"prefer":[`, `{"tools":false}`, `]}]}`},
		{`{"rules":[{"prefer":[`, `{"limit_used":#}`, `]}]}`},
		{`{"rules":[{"prefer":[`, `{"tags":"eu","not":{"provider":"no#"}}`, `]}]}`},
		{`{"rules":[{"split":[`, `{"to":"no#","weight":2}`, `]}]}`},
	} {
		config := longest(form.before, form.item, form.after)
		configs = append(configs, config)
		specs = append(specs, host.Spec{Key: config, Plugin: "rules", Kind: abi.KindStrategy, Config: []byte(config)})
	}
	set, err := hosttest.New(t).Build(t.Context(), filepath.Dir(hosttest.Build(t, ".")), specs, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Release)
	for _, config := range configs {
		var out abi.ScoreOutput
		fuel, err := set.Strategy(config).Score(t.Context(), &h, cands, &out)
		if err != nil || fuel > most {
			t.Errorf("%s…: %d units of fuel, %v", config[:80], fuel, err)
		}
	}
}

// longest repeats item, with # numbered, as often as a config with it is accepted.
func longest(before, item, after string) string {
	config := func(n int) string {
		var b strings.Builder
		b.WriteString(before)
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strings.ReplaceAll(item, "#", fmt.Sprint(i)))
		}
		return b.String() + after
	}
	low, high := 1, maxEntries+1
	for low+1 < high {
		middle := (low + high) / 2
		if (&plugin{}).Configure([]byte(config(middle))) == nil {
			low = middle
		} else {
			high = middle
		}
	}
	return config(low)
}
