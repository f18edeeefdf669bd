package guestmemory

import (
	"runtime"
	"slices"
	"sync"
)

// turn is a guest's place among those that run for long, if it has one.
type turn struct {
	owner  string // the tenant whose guest it is; "" is the operator's
	placed bool
	ready  chan struct{} // says that it has a place; made when it first has to wait for one
}

// next ends a slice and waits until the guest may run for another.
func (t *turn) next() {
	if places.pass(t) {
		runtime.Gosched() // nobody wants its place, and others may want the processor
	} else {
		<-t.ready
	}
	t.placed = true
}

// end gives up the guest's place.
func (t *turn) end() {
	if t.placed {
		t.placed = false
		places.leave()
	}
}

// places are taken by the guests whose call has outlasted a slice of fuel, each for a slice.
var places turnstile

// turnstile lets one guest less run than there are processors.
//
// Giving way to other goroutines is not enough. Go's scheduler looks for what has come from the network when a processor
// has nothing else to do, or else every 10 ms; while guests keep all of them busy, requests wait that long at each step.
//
// When guests wait, every other place goes to the operator's, which all requests need, and the rest to the tenants', who
// have their turns one after the other. So a tenant with any number of guests that never end slows down another's, and
// the operator's, as one of them would.
type turnstile struct {
	mu      sync.Mutex
	taken   int
	ours    []*turn            // the operator's that wait, oldest first
	theirs  map[string][]*turn // the tenants', by owner, who is forgotten when none is left
	order   []string           // the owners in theirs, next one first
	toOwner bool               // the latest place went to a tenant's
}

// open is how many may run. It follows the limit of processors, which can change.
func open() int { return max(1, runtime.GOMAXPROCS(0)-1) }

// pass ends a slice of a guest. It has a place for the next one if pass says so, and will be told otherwise: it queues up
// before anybody gets the place that it had, since a guest that is not in a queue misses its turn.
func (s *turnstile) pass(t *turn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.placed {
		s.taken--
	}
	if len(s.ours)+len(s.order) == 0 && s.taken < open() {
		s.taken++
		return true
	}
	if t.ready == nil {
		t.ready = make(chan struct{}, 1)
	}
	if t.owner == "" {
		s.ours = append(s.ours, t)
	} else {
		if s.theirs == nil {
			s.theirs = map[string][]*turn{}
		}
		if len(s.theirs[t.owner]) == 0 {
			s.order = append(s.order, t.owner)
		}
		s.theirs[t.owner] = append(s.theirs[t.owner], t)
	}
	s.admit()
	return false
}

// leave gives a place to who is next.
func (s *turnstile) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	s.admit()
}

// admit hands out what places there are. s.mu is held.
func (s *turnstile) admit() {
	for len(s.ours)+len(s.order) > 0 && s.taken < open() {
		s.taken++
		s.next().ready <- struct{}{}
	}
}

// next takes a guest out of the queues, one of which has some. s.mu is held.
func (s *turnstile) next() *turn {
	if len(s.ours) > 0 && (s.toOwner || len(s.order) == 0) {
		t := s.ours[0]
		s.ours = slices.Delete(s.ours, 0, 1)
		s.toOwner = false
		return t
	}
	owner := s.order[0]
	s.order = slices.Delete(s.order, 0, 1)
	t := s.theirs[owner][0]
	if left := slices.Delete(s.theirs[owner], 0, 1); len(left) > 0 {
		s.theirs[owner] = left
		s.order = append(s.order, owner)
	} else {
		delete(s.theirs, owner)
	}
	s.toOwner = true
	return t
}
