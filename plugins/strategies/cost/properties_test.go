package main

import (
	"testing"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/strategytest"
	"github.com/switchyard-gateway/switchyard/sdk/strategy"
)

func TestProperties(t *testing.T) {
	t.Parallel()
	strategytest.Properties(t, func() strategy.Plugin { return newPlugin() }, `{"cached":1}`, `{"cached":0.5,"unknown":"remove"}`)
}

func TestScoreDoesNotAllocate(t *testing.T) {
	strategytest.NoAllocations(t, newPlugin())
}

func BenchmarkScore8(b *testing.B) { strategytest.Bench(b, newPlugin()) }
