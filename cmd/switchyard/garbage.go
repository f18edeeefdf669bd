package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// garbageRoom is how much may be allocated between two collections, however little is alive. What is alive in a router
	// is mostly outside the collected heap, in guests, so that a share of it alone would mean a collection every few
	// thousand requests.
	garbageRoom = 48 << 20
	usualShare  = 100 // per cent of what is alive, as Go has it by default
)

// tuneGarbage leaves the collector at least garbageRoom between two runs. Where the operator has set GOGC, that holds.
func tuneGarbage() {
	if os.Getenv("GOGC") != "" {
		return
	}
	t := &garbageTuner{share: usualShare, live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}
	runtime.SetFinalizer(&afterCollection{t}, (*afterCollection).run)
}

// afterCollection is garbage of which each collection tells the tuner.
type afterCollection struct{ tuner *garbageTuner }

func (a *afterCollection) run() {
	a.tuner.tune()
	runtime.SetFinalizer(&afterCollection{a.tuner}, (*afterCollection).run)
}

type garbageTuner struct {
	share int // that is set
	live  []metrics.Sample
}

// tune sets the share for what was found alive. A change stops everything for a moment, so small ones are not made.
func (t *garbageTuner) tune() {
	metrics.Read(t.live)
	share := shareFor(t.live[0].Value.Uint64())
	if share*8 < t.share*7 || share*7 > t.share*8 {
		t.share = share
		debug.SetGCPercent(share)
	}
}

// shareFor is how much of what is alive may gather before the next collection, in per cent.
func shareFor(live uint64) int {
	const least = 4 << 20 // the smallest heap is that at a share of 100, and grows with the share
	return max(usualShare, int(garbageRoom*100/max(live, least)))
}
