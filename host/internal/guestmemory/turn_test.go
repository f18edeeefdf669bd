package guestmemory

import (
	"runtime"
	"strings"
	"sync"
	"testing"
)

// idle expects that nobody has or wants a place.
func idle(t *testing.T) {
	t.Helper()
	places.mu.Lock()
	defer places.mu.Unlock()
	if places.taken != 0 || len(places.ours)+len(places.order)+len(places.theirs) != 0 {
		t.Errorf("nobody runs, and there is left: %+v", &places)
	}
}

// race has guests of these owners want so many slices each, while there is one place, and returns whose slices were run,
// in order. All wait before the first runs.
func race(t *testing.T, wants map[string][]int) (ran []string) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	first := turn{owner: "first"}
	first.next()
	var wg sync.WaitGroup
	guests := 0
	for owner, list := range wants {
		for _, want := range list {
			guests++
			wg.Go(func() {
				guest := turn{owner: owner}
				defer guest.end()
				for range want {
					guest.next()
					ran = append(ran, owner) // only who has the place comes here
				}
			})
		}
	}
	for waiting := 0; waiting < guests; runtime.Gosched() {
		places.mu.Lock()
		waiting = len(places.ours)
		for _, list := range places.theirs {
			waiting += len(list)
		}
		places.mu.Unlock()
	}
	first.end()
	wg.Wait()
	idle(t)
	return ran
}

// last returns how many slices were run until the last of an owner was.
func last(ran []string, owner string) int {
	for n := len(ran); n > 0; n-- {
		if ran[n-1] == owner {
			return n
		}
	}
	return 0
}

// many returns n guests that want more slices than an ordinary call.
func many(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = 40
	}
	return list
}

// TestFairShares has an ordinary call of 20 slices meet guests that hardly end: however many there are, it takes as long as
// beside one of each tenant, and the operator's take half of all.
func TestFairShares(t *testing.T) {
	for _, c := range []struct {
		name  string
		who   string
		other map[string][]int
		most  int // slices until it is done
	}{
		{"one tenant with many", "alice", map[string][]int{"mallory": many(50)}, 41},
		{"three tenants", "alice", map[string][]int{"m1": many(20), "m2": many(1), "m3": many(3)}, 81},
		{"the operator's beside tenants'", "", map[string][]int{"m1": many(20), "m2": many(20), "m3": many(20)}, 41},
		{"a tenant's beside the operator's", "alice", map[string][]int{"": many(50)}, 41},
		{"a tenant's beside all", "alice", map[string][]int{"": many(20), "m": many(20)}, 81},
		{"alone", "alice", nil, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := map[string][]int{c.who: {20}}
			total := 20
			for owner, list := range c.other {
				all[owner] = list
				for _, n := range list {
					total += n
				}
			}
			ran := race(t, all)
			if len(ran) != total {
				t.Fatalf("%d slices were run of %d", len(ran), total)
			}
			if n := last(ran, c.who); n > c.most+len(c.other) {
				t.Errorf("its 20 slices took %d, want %d: %s", n, c.most, strings.Join(ran[:min(len(ran), 100)], " "))
			}
		})
	}
}
