package journal

import (
	"errors"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// badDisk passes on to the real one, until it is told to be full or to hang.
type badDisk struct {
	mu      sync.Mutex
	room    int // bytes that can still be written; -1: no end
	noTrunc bool
	hang    chan struct{} // writes wait for it to close
}

func (d *badDisk) set(change func(d *badDisk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

func (d *badDisk) create(path string) (file, error) {
	f, err := disk{}.create(path)
	if err != nil {
		return nil, err
	}
	return &badFile{file: f, disk: d}, nil
}

type badFile struct {
	file
	disk *badDisk
}

func (f *badFile) Write(b []byte) (int, error) {
	f.disk.mu.Lock()
	hang := f.disk.hang
	f.disk.mu.Unlock()
	if hang != nil {
		<-hang
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if room := f.disk.room; room >= 0 && room < len(b) {
		f.disk.room = 0
		n, _ := f.file.Write(b[:room])
		return n, syscall.ENOSPC
	} else if room >= 0 {
		f.disk.room -= len(b)
	}
	return f.file.Write(b)
}

func (f *badFile) Truncate(size int64) error {
	if f.disk.noTrunc {
		return syscall.EIO
	}
	return f.file.Truncate(size)
}

// On a full disk appends go on at once: held within the bound, then lost; when there is room
// again, what was held is written. A write that stopped in its middle leaves nothing behind.
func TestDiskFull(t *testing.T) {
	for _, noTrunc := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := &badDisk{room: -1, noTrunc: noTrunc}
			j, err := open(t.TempDir(), Options{HeldBytes: 60}, d)
			if err != nil {
				t.Fatal(err)
			}
			defer closing(t, j)
			put(t, j, "safe")
			d.set(func(d *badDisk) { d.room = 5 })
			for i, want := range []error{ErrHeld, ErrHeld, ErrHeld, ErrHeld, ErrLost, ErrLost} {
				if err := j.Append([]byte{'a' + byte(i), 'a', 'a', 'a', 'a', 'a', 'a', 'a'}); !errors.Is(err, want) {
					t.Errorf("append %d: %v, want %v", i, err, want)
				}
			}
			if s := j.Stats(); s.Held != 4 || s.Lost != 2 || !s.Degraded || s.Error == "" {
				t.Errorf("when full: %+v", s)
			}
			time.Sleep(3 * watchInterval) // it tries again, in vain
			d.set(func(d *badDisk) { d.room = -1 })
			time.Sleep(2 * watchInterval)
			if s := j.Stats(); s.Held != 0 || s.Appended != 5 || s.Lost != 2 || s.Degraded {
				t.Errorf("with room again: %+v", s)
			}
			put(t, j, "after")
			want := []string{"safe", "aaaaaaaa", "baaaaaaa", "caaaaaaa", "daaaaaaa", "after"}
			if got, _ := drain(t, j, Position{}); !slices.Equal(got, want) {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestLargestSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, err := Open(t.TempDir(), Options{SegmentBytes: 100, MaxBytes: 400})
		if err != nil {
			t.Fatal(err)
		}
		defer closing(t, j)
		n := 0
		for ; n < 100; n++ {
			if err = j.Append(make([]byte, 20)); err != nil {
				break
			}
		}
		if !errors.Is(err, ErrHeld) || j.Stats().Bytes > 400 {
			t.Fatalf("after %d records: %v, %+v", n, err, j.Stats())
		}
		got, at := drain(t, j, Position{})
		if len(got) != n {
			t.Fatalf("%d records of %d", len(got), n)
		}
		if err := j.Release(at); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * watchInterval)
		if got, _ := drain(t, j, at); len(got) != 1 {
			t.Errorf("the held record did not follow: %d", len(got))
		}
	})
}

// A write that hangs holds up the one caller that makes it. The others leave, and all records are
// there once it ends.
func TestDiskHangs(t *testing.T) {
	for _, always := range []bool{false, true} {
		testDiskHangs(t, always)
	}
}

func testDiskHangs(t *testing.T, always bool) {
	synctest.Test(t, func(t *testing.T) {
		d := &badDisk{room: -1}
		j, err := open(t.TempDir(), Options{SyncAlways: always}, d)
		if err != nil {
			t.Fatal(err)
		}
		defer closing(t, j)
		hang := make(chan struct{})
		d.set(func(d *badDisk) { d.hang = hang })
		results := make(chan error, 10)
		for i := range 10 {
			go func() { results <- j.Append([]byte{byte(i)}) }()
		}
		time.Sleep(stallAfter + 2*watchInterval)
		synctest.Wait()
		if always {
			if len(results) != 0 {
				t.Errorf("%d callers did not wait for a sync", len(results))
			}
			time.Sleep(syncStallAfter)
			synctest.Wait()
		}
		if len(results) != 9 {
			t.Fatalf("%d of ten callers are back, want all but the writer", len(results))
		}
		for range 9 {
			if err := <-results; !errors.Is(err, ErrHeld) {
				t.Errorf("a caller that did not wait: %v", err)
			}
		}
		if err := j.Append([]byte("new")); !errors.Is(err, ErrHeld) {
			t.Errorf("meanwhile: %v", err)
		}
		d.set(func(d *badDisk) { d.hang = nil })
		close(hang)
		if err := <-results; err != nil {
			t.Errorf("the writer: %v", err)
		}
		time.Sleep(2 * watchInterval)
		put(t, j, "after")
		got, _ := drain(t, j, Position{})
		slices.Sort(got)
		if len(got) != 12 || len(slices.Compact(got)) != 12 {
			t.Errorf("got %q", got)
		}
	})
}

// What came while a write hung that then failed stands behind it.
func TestDiskHangsAndIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &badDisk{room: -1}
		j, err := open(t.TempDir(), Options{}, d)
		if err != nil {
			t.Fatal(err)
		}
		defer closing(t, j)
		hang := make(chan struct{})
		d.set(func(d *badDisk) { d.hang, d.room = hang, 0 })
		first := make(chan error, 1)
		go func() { first <- j.Append([]byte("first")) }()
		time.Sleep(stallAfter + 2*watchInterval)
		if err := j.Append([]byte("second")); !errors.Is(err, ErrHeld) {
			t.Errorf("meanwhile: %v", err)
		}
		d.set(func(d *badDisk) { d.hang = nil })
		close(hang)
		if err := <-first; !errors.Is(err, ErrHeld) {
			t.Errorf("the write that failed: %v", err)
		}
		d.set(func(d *badDisk) { d.room = -1 })
		time.Sleep(2 * watchInterval)
		put(t, j, "third")
		if got, _ := drain(t, j, Position{}); !slices.Equal(got, []string{"first", "second", "third"}) {
			t.Errorf("got %q", got)
		}
	})
}
