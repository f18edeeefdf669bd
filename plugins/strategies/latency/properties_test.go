package main

import (
	"testing"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/strategytest"
	"github.com/switchyard-gateway/switchyard/sdk/strategy"
)

func TestProperties(t *testing.T) {
	t.Parallel()
	strategytest.Properties(t, func() strategy.Plugin { return newPlugin() }, `{"buffer":0,"explore":0,"refresh":0,"load":0}`, `{"buffer":10,"explore":1,"refresh":1,"load":10}`)
}

func TestScoreDoesNotAllocate(t *testing.T) {
	strategytest.NoAllocations(t, newPlugin())
}

func BenchmarkScore8(b *testing.B) { strategytest.Bench(b, newPlugin()) }
