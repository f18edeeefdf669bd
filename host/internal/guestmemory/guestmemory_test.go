package guestmemory

import (
	"bytes"
	"runtime"
	"sync/atomic"
	"testing"
	"unsafe"
)

func TestGrowsInPlace(t *testing.T) {
	t.Parallel()
	var a Allocator
	m := a.Allocate(0, 65*page)
	defer a.Free()
	first := m.Reallocate(page)
	if len(first) != page || cap(first) != page {
		t.Fatalf("%d bytes of %d", len(first), cap(first))
	}
	copy(first, "kept")
	for pages := uint64(2); pages <= 64; pages++ {
		view := m.Reallocate(pages * page)
		if uint64(len(view)) != pages*page || !bytes.HasPrefix(view, []byte("kept")) {
			t.Fatalf("%d pages: %d bytes that begin with %q", pages, len(view), view[:4])
		}
		if fresh := view[(pages-1)*page:]; !bytes.Equal(fresh, make([]byte, page)) {
			t.Fatalf("page %d is not zero", pages)
		}
		if unsafe.SliceData(view) != unsafe.SliceData(first) {
			t.Fatal("it moved")
		}
		view[len(view)-1] = 0xff
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	var a Allocator
	m := a.Allocate(0, 3*page)
	for pages := uint64(3); pages < 5; pages++ {
		if view := m.Reallocate(pages * page); view != nil {
			t.Errorf("%d bytes, more than the guest may have", len(view))
		}
	}
	a.Leave()
	if view := m.Reallocate(0); view == nil || len(view) != 0 {
		t.Errorf("no bytes: %v", view)
	}
	a.Free()
	a.Free()

	var huge Allocator
	m = huge.Allocate(0, 1<<62)
	if view := m.Reallocate(page); view != nil {
		t.Errorf("%d bytes of a range that there can't be", len(view))
	}
	huge.Leave()
	huge.Free()

	var none Allocator
	none.Free()
	m = none.Allocate(0, 0)
	if view := m.Reallocate(0); view == nil {
		t.Error("an empty memory is nil")
	}
	none.Free()
}

// TestGivesWay has a goroutine that asks for the last page while it has the only processor, until another one has run. It
// would ask for ever.
func TestGivesWay(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var a Allocator
	m := a.Allocate(0, 2*page)
	defer a.Free()
	defer a.Leave()
	first := m.Reallocate(page)
	first[0] = 1
	var ran atomic.Bool
	go ran.Store(true)
	asked := 0
	for ; !ran.Load() && asked < 1000; asked++ {
		if view := m.Reallocate(2 * page); view != nil {
			t.Fatalf("it got %d bytes", len(view))
		}
	}
	if !ran.Load() {
		t.Errorf("nobody else ran while it asked %d times", asked)
	}
	if again := m.Reallocate(page); unsafe.SliceData(again) != unsafe.SliceData(first) || again[0] != 1 {
		t.Error("asking has changed its memory")
	}
}

// TestPlaces has all places taken: the next guest waits until one gives way or ends its call, and those that end theirs
// without a place take nobody's.
func TestPlaces(t *testing.T) {
	ask := func(a *Allocator) { a.memory.Reallocate(2 * page) }
	guest := func() *Allocator {
		a := new(Allocator)
		a.Allocate(0, 2*page)
		t.Cleanup(a.Free)
		return a
	}
	running := make([]*Allocator, open())
	for i := range running {
		running[i] = guest()
		ask(running[i])
	}
	for name, release := range map[string]func(){
		"the end of a call": func() { running[0].Leave() },
		"giving way":        func() { ask(running[0]) },
	} {
		var waits atomic.Bool
		waits.Store(true)
		late, done := guest(), make(chan struct{})
		go func() {
			defer close(done)
			ask(late)
			waits.Store(false)
			late.Leave()
			late.Leave()
		}()
		for range 1000 {
			runtime.Gosched()
		}
		if !waits.Load() {
			t.Errorf("%s: one more than %d ran", name, open())
		}
		release()
		<-done
		ask(running[0])
	}
	for _, a := range running {
		a.Leave()
	}
	idle(t)
}
