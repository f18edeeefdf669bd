package threads

import (
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
)

// wanted is what a kernel that knows of lengths shows, and 0 for one that does not.
func wanted(d time.Duration) time.Duration {
	if usual() == 0 {
		return 0
	}
	return d
}

func TestLong(t *testing.T) {
	before := length(own)
	LongTurns(func() {
		if got := length(own); got != wanted(long) {
			t.Errorf("while it works, a turn is %s", got)
		}
		other := make(chan time.Duration)
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			other <- length(own)
		}()
		if got := <-other; got != wanted(usual()) {
			t.Errorf("meanwhile, a turn of another thread is %s", got)
		}
	})
	if got := length(own); got != before {
		t.Errorf("afterwards a turn is %s, it was %s", got, before)
	}
}

func TestLongPanics(t *testing.T) {
	func() {
		defer func() { _ = recover() }()
		LongTurns(func() { panic("of the work") })
	}()
	allAre(t, usual())
}

func TestShort(t *testing.T) {
	allAre(t, usual())
	one := ShortTurns()
	another := ShortTurns()
	allAre(t, wanted(short))
	one()
	allAre(t, wanted(short))
	LongTurns(func() {
		if got := length(own); got != wanted(long) {
			t.Errorf("what works for long has turns of %s when others' are short", got)
		}
	})
	allAre(t, wanted(short))
	another()
	allAre(t, usual())
}

// TestShortAndLong: whoever ends last, all is as it was.
func TestShortAndLong(t *testing.T) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				end := ShortTurns()
				LongTurns(func() { runtime.Gosched() })
				end()
			}
		})
	}
	all.Wait()
	allAre(t, usual())
}

// allAre checks the turns of all threads, some of which are made for this.
func allAre(t *testing.T, want time.Duration) {
	t.Helper()
	var made, gone sync.WaitGroup
	over := make(chan struct{})
	for range 4 {
		made.Add(1)
		gone.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			made.Done()
			<-over
		})
	}
	made.Wait()
	defer gone.Wait()
	defer close(over)
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			t.Fatal(err)
		}
		if got := length(id); got != want {
			t.Errorf("a turn of thread %d is %s, want %s", id, got, want)
		}
	}
}
