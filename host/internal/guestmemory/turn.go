package guestmemory

import "runtime"

// turn is a guest's place among those that run for long, if it has one.
type turn struct{ placed bool }

// places are taken by the guests whose call has outlasted a slice of fuel, each for a slice: there is one less than
// processors. Who wants one waits in a queue.
//
// Giving way to other goroutines is not enough. Go's scheduler looks for what has come from the network when a processor
// has nothing else to do, or else every 10 ms; while guests keep all of them busy, requests wait that long at each step.
var places = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))

// next ends a slice and waits until the guest may run for another.
func (t *turn) next() {
	t.end()
	runtime.Gosched()
	places <- struct{}{}
	t.placed = true
}

// end gives up the guest's place.
func (t *turn) end() {
	if t.placed {
		t.placed = false
		<-places
	}
}
