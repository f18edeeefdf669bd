package guestmemory

import (
	"bytes"
	"testing"
	"unsafe"
)

const page = 64 << 10

func TestGrowsInPlace(t *testing.T) {
	t.Parallel()
	var a Allocator
	m := a.Allocate(0, 64*page)
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
	m := a.Allocate(0, 2*page)
	if view := m.Reallocate(3 * page); view != nil {
		t.Errorf("%d bytes, more than the maximum", len(view))
	}
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
	huge.Free()

	var none Allocator
	none.Free()
	m = none.Allocate(0, 0)
	if view := m.Reallocate(0); view == nil {
		t.Error("an empty memory is nil")
	}
	none.Free()
}
