//go:build !race

package upstream

import (
	"context"
	"testing"
)

// exchangeAllocations is how often a request with a usual answer allocates, from Do to the end of the body. Whoever raises
// it says why; whoever lowers it writes the new number here.
const exchangeAllocations = 23

// TestAllocations compares with what is written above. Counts are steady where times are not; the race detector makes
// pools forget, so this is not for it.
func TestAllocations(t *testing.T) {
	do := cannedExchange(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 100 {
		do(ctx)
	}
	if n := testing.AllocsPerRun(1000, func() { do(ctx) }); n != exchangeAllocations {
		t.Errorf("%v allocations, %d are written down", n, exchangeAllocations)
	}
}
