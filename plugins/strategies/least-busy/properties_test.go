package main

import (
	"testing"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/strategytest"
	"github.com/switchyard-gateway/switchyard/sdk/strategy"
)

func TestProperties(t *testing.T) {
	t.Parallel()
	strategytest.Properties(t, func() strategy.Plugin { return newPlugin() })
}

func TestScoreDoesNotAllocate(t *testing.T) {
	strategytest.NoAllocations(t, newPlugin())
}

func BenchmarkScore8(b *testing.B) { strategytest.Bench(b, newPlugin()) }
