//go:build !race

package ledger

import (
	"testing"
	"time"
)

// defaultCrashes are hundreds, so that rare moments are met.
const defaultCrashes = 200

// The race detector makes sync.Pool forget at random, so this is not for it.
func TestRecordDoesNotAllocate(t *testing.T) {
	l, err := Open(t.TempDir(), &memory{}, Options{Gather: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, l)
	e := sample()
	if n := testing.AllocsPerRun(1000, func() {
		if err := l.Record(&e); err != nil {
			t.Error(err)
		}
	}); n >= 1 {
		t.Errorf("%v allocations an entry", n)
	}
}
