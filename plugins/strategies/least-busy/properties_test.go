package main

import (
	"testing"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/strategytest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/strategy"
)

func TestProperties(t *testing.T) {
	t.Parallel()
	strategytest.Properties(t, func() strategy.Plugin { return newPlugin() })
}

func TestScoreDoesNotAllocate(t *testing.T) {
	strategytest.NoAllocations(t, newPlugin(), typical,
		strategytest.Candidate("one"), strategytest.Candidate("two"), strategytest.Candidate("three"))
}

func BenchmarkScore8(b *testing.B) { strategytest.Bench(b, newPlugin(), typical) }

var typical = abi.Header{
	Seed: 7, Features: abi.FeatureStream, PromptTokens: 900, ExpectedOutput: 300, TenantHash: 5, Tags: "eu",
}
