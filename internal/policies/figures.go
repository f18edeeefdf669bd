package policies

import (
	"errors"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/policies/canary"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Figures are what a version has done since the process began.
type Figures struct {
	Calls     uint64            // of score
	Refusals  uint64            // calls that it answered with a refusal
	Faults    map[string]uint64 // by kind: see FaultTrap and so on
	LastFault *Fault
	Fuel      Fuel
	Loads     uint64          // times it was loaded
	Loaded    bool            // it is
	Memory    int64           // bytes of its instances, 0 unless it is loaded
	Probation int             // decisions in which it still has to prove itself as the active version
	Canary    *canary.Figures // nil unless it is, or was, a canary: of the last time
}

// Kinds of faults.
const (
	FaultTrap = "trap" // it trapped, exited or answered nonsense
	FaultFuel = "fuel" // it used up its fuel, or its stack
	FaultLoad = "load" // it could not be loaded or started
)

// Fault is the most recent one.
type Fault struct {
	At      time.Time
	Kind    string
	Message string
}

// Fuel is what calls of score have used, in WebAssembly instructions.
type Fuel struct {
	Total  uint64
	Max    uint64 // of one call
	Median uint64 // to within an eighth
}

// Stats are about all policies together.
type Stats struct {
	Modules   int // loaded
	Versions  int // loaded
	Instances int
	Memory    int64 // bytes that they are taken to occupy
	Budget    int64 // bytes that they may
	Loads     uint64
	Failures  uint64 // loads that failed
	Evictions uint64
}

// figuresOf counts a version's calls. It is safe for concurrent use.
type figuresOf struct {
	calls    atomic.Uint64
	refusals atomic.Uint64
	loads    atomic.Uint64
	fuel     atomic.Uint64
	most     atomic.Uint64
	spread   [fuelBuckets]atomic.Uint32 // of fuel, by fuelBucket
	traps    atomic.Uint64
	dry      atomic.Uint64
	unloaded atomic.Uint64
	last     atomic.Pointer[Fault]
}

// called counts a call of score.
func (f *figuresOf) called(fuel uint64, err error) {
	f.calls.Add(1)
	if err != nil {
		if _, ok := errors.AsType[*abi.Refusal](err); ok {
			f.refusals.Add(1)
		}
	}
	if fuel == 0 {
		return // nobody was asked
	}
	f.fuel.Add(fuel)
	f.spread[fuelBucket(fuel)].Add(1)
	for {
		most := f.most.Load()
		if fuel <= most || f.most.CompareAndSwap(most, fuel) {
			return
		}
	}
}

func (f *figuresOf) faulted(fault *Fault) {
	switch fault.Kind {
	case FaultFuel:
		f.dry.Add(1)
	case FaultLoad:
		f.unloaded.Add(1)
	default:
		f.traps.Add(1)
	}
	f.last.Store(fault)
}

// Each power of two has fuelSteps buckets.
const (
	fuelSteps   = 4
	fuelBuckets = 40 * fuelSteps
)

func fuelBucket(fuel uint64) int {
	if fuel < fuelSteps {
		return int(fuel)
	}
	log := bits.Len64(fuel) - 1
	return min((log-1)*fuelSteps+int(fuel>>(log-2)&(fuelSteps-1)), fuelBuckets-1)
}

// fuelOf returns the middle of a bucket.
func fuelOf(bucket int) uint64 {
	if bucket < fuelSteps {
		return uint64(bucket)
	}
	log := bucket/fuelSteps + 1
	low := uint64(fuelSteps+bucket%fuelSteps) << (log - 2)
	return low + (uint64(1)<<(log-2))/2
}

// figures puts the counts together. They are not of one moment.
func (f *figuresOf) figures() Figures {
	out := Figures{
		Calls: f.calls.Load(), Refusals: f.refusals.Load(), Loads: f.loads.Load(), LastFault: f.last.Load(),
		Faults: map[string]uint64{FaultTrap: f.traps.Load(), FaultFuel: f.dry.Load(), FaultLoad: f.unloaded.Load()},
		Fuel:   Fuel{Total: f.fuel.Load(), Max: f.most.Load()},
	}
	var counts [fuelBuckets]uint32
	total := uint64(0)
	for b := range counts {
		counts[b] = f.spread[b].Load()
		total += uint64(counts[b])
	}
	for b, seen := 0, uint64(0); b < fuelBuckets && total > 0; b++ {
		if seen += uint64(counts[b]); 2*seen >= total {
			out.Fuel.Median = min(fuelOf(b), out.Fuel.Max)
			break
		}
	}
	return out
}
