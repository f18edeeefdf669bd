//go:build !race

package decisionlog

import (
	"testing"
	"time"
)

// The race detector makes sync.Pool forget at random, so this is not for it.
func TestAddAllocatesLittle(t *testing.T) {
	l := Open(&memory{}, Options{PendingBytes: 1 << 30, Interval: time.Hour})
	defer closing(t, l)
	var r Record
	newTraffic(8, 1).next(&r)
	if n := testing.AllocsPerRun(2000, func() { l.Add(&r) }); n >= 1 {
		t.Errorf("%v allocations a decision", n)
	}
}
