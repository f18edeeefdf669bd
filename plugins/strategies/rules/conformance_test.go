package main

import (
	"testing"

	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/strategytest"
)

func TestConformance(t *testing.T) { hosttest.Strategy(t, ".", typical) }

func BenchmarkGuestScore8(b *testing.B) {
	strategytest.BenchGuest(b, hosttest.LoadStrategy(b, ".", typical).Score)
}
