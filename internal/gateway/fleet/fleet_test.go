package fleet

import (
	"math"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/health"
	"github.com/switchyard-gateway/switchyard/internal/gateway/inspect"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

func TestFitness(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		d    Deployment
		q    inspect.Facts
		want Fitness
	}{
		{"nothing is known", Deployment{Account: &Account{}}, inspect.Facts{PromptTokens: 1 << 30, Features: abi.FeatureTools}, Fit},
		{"disabled", Deployment{Account: &Account{Disabled: "no key"}}, inspect.Facts{}, Disabled},
		{"it just fits", Deployment{Account: &Account{}, Context: 10}, inspect.Facts{PromptTokens: 10}, Fit},
		{"too long", Deployment{Account: &Account{}, Context: 10}, inspect.Facts{PromptTokens: 11}, TooSmall},
		{"able", Deployment{Account: &Account{}, AbilitiesKnown: true, Abilities: abi.FeatureTools}, inspect.Facts{Features: abi.FeatureTools}, Fit},
		{"unable", Deployment{Account: &Account{}, AbilitiesKnown: true, Abilities: abi.FeatureTools}, inspect.Facts{Features: abi.FeatureTools | abi.FeatureImages}, Unable},
		{"a plainer answer does", Deployment{Account: &Account{}, AbilitiesKnown: true}, inspect.Facts{Features: abi.FeatureReasoning | abi.FeatureStream}, Fit},
	} {
		if got := tc.d.Fitness(&tc.q); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}

func TestCandidate(t *testing.T) {
	t.Parallel()
	d := &Deployment{
		ID: "azure/*", Account: &Account{Name: "azure"}, Model: "*", Weight: 2, Order: 3, Tags: []string{"eu", "cheap"}, PriceInput: 1, PriceOutput: math.Inf(1), PriceCached: .5,
		Context: 4, MaxOutput: 5, Abilities: 6, AbilitiesKnown: true, RPM: 7, TPM: 8, Health: &health.Health{},
	}
	d.Prepare()
	d.Health.Begin()
	c := d.Candidate("gpt-4o", abi.CandidatePinned, time.Now())
	if c.IDHash != abi.Hash("azure/*") || c.IDHash != d.Hash() || c.ID != "azure/*" || c.Provider != "azure" || c.Model != "gpt-4o" || c.Tags != "eu\ncheap" ||
		c.Weight != 2 || c.Order != 3 || c.PriceInput != 1 || !math.IsInf(c.PriceOutput, 1) || c.PriceCached != .5 || c.Context != 4 || c.MaxOutput != 5 ||
		c.Abilities != 6 || c.RPM != 7 || c.TPM != 8 || c.InFlight != 1 || c.Flags != abi.CandidatePinned|abi.CandidateAbilitiesKnown {
		t.Errorf("%+v", c)
	}
	d.Model, d.AbilitiesKnown = "fixed", false
	if c := d.Candidate("gpt-4o", 0, time.Now()); c.Model != "fixed" || c.Flags != 0 {
		t.Errorf("%+v", c)
	}
}

func TestCost(t *testing.T) {
	t.Parallel()
	d := &Deployment{PriceInput: 1, PriceOutput: 2, PriceCached: .5}
	if got := d.Cost(&abi.Usage{Present: true, Prompt: 100, Completion: 10, Cached: 40}); math.Abs(got-100e-6) > 1e-12 {
		t.Errorf("%v", got)
	}
	if got := d.Cost(&abi.Usage{Prompt: 100}); !math.IsNaN(got) {
		t.Errorf("a usage that nobody reported costs %v", got)
	}
}
