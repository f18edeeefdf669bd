// Package quickstart_test keeps the quickstart's configuration and the one at the root in step.
package quickstart_test

import (
	"slices"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/config"
)

func groups(t *testing.T, file string) (names []string, fallbacks map[string][]string) {
	t.Helper()
	cfg, err := config.Load(file, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Defaults.Retries != 2 || cfg.Defaults.Strategy[0].Plugin != "latency" {
		t.Errorf("%s: retries %d, strategy %v", file, cfg.Defaults.Retries, cfg.Defaults.Strategy)
	}
	fallbacks = map[string][]string{}
	for _, g := range cfg.Models {
		names = append(names, g.Name)
		fallbacks[g.Name] = g.Fallbacks
	}
	return names, fallbacks
}

func TestBothConfigsHaveTheFiveGroups(t *testing.T) {
	want := []string{"local", "fast", "economy", "balanced", "quality"}
	for _, file := range []string{"plugins.yaml", "../../plugins.yaml"} {
		names, fallbacks := groups(t, file)
		if !slices.Equal(names, want) {
			t.Errorf("%s: groups %v, want %v", file, names, want)
		}
		for _, g := range []string{"quality", "balanced"} {
			if !slices.Equal(fallbacks[g], []string{"fast"}) {
				t.Errorf("%s: %s falls back to %v", file, g, fallbacks[g])
			}
		}
	}
}

// TestMissingCredentialsDisable holds what the root file promises: without keys in the environment
// the vendors that need one are disabled with the reason, and the rest serves.
func TestMissingCredentialsDisable(t *testing.T) {
	cfg, err := config.Load("../../plugins.yaml", func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, p := range cfg.Providers {
		got[p.Name] = p.Disabled
	}
	want := map[string]string{
		"openai":    "auth.api_key is empty: OPENAI_API_KEY is not set",
		"anthropic": "auth.api_key is empty: ANTHROPIC_API_KEY is not set",
		"ollama":    "",
	}
	for name, reason := range want {
		if got[name] != reason {
			t.Errorf("%s: disabled %q, want %q", name, got[name], reason)
		}
	}
}
