package watch

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// world is a snapshot that a test changes, and the means to run a Watcher's loop on it in the bubble's time.
type world struct {
	state atomic.Pointer[snapshot]
	scans atomic.Int64
	hints chan struct{}
	w     *Watcher
}

type fakeInfo struct {
	os.FileInfo
	size int64
}

func (f fakeInfo) Size() int64        { return f.size }
func (f fakeInfo) ModTime() time.Time { return time.Time{} }

func (wd *world) set(size int64) {
	wd.state.Store(&snapshot{"a.wasm": fakeInfo{size: size}})
}

func newWorld(t *testing.T) *world {
	wd := &world{hints: make(chan struct{}, 1), w: newWatcher()}
	wd.set(0)
	first := *wd.state.Load()
	go func() {
		defer close(wd.w.ended)
		wd.w.loop(first, wd.scan, wd.hints, 200*time.Millisecond, 30*time.Second, fakeSame)
	}()
	t.Cleanup(func() { _ = wd.w.Close() })
	return wd
}

func (wd *world) scan() snapshot {
	wd.scans.Add(1)
	return *wd.state.Load()
}

func fakeSame(a, b os.FileInfo) bool { return a.Size() == b.Size() }

func (wd *world) hint() {
	select {
	case wd.hints <- struct{}{}:
	default:
	}
}

func (wd *world) told() bool {
	synctest.Wait()
	select {
	case <-wd.w.Events():
		return true
	default:
		return false
	}
}

func TestDebounce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wd := newWorld(t)
		// A file that grows for two seconds is told once, a debounce after it came to rest.
		for n := range 20 {
			wd.set(int64(n + 1))
			wd.hint()
			time.Sleep(100 * time.Millisecond)
			if wd.told() {
				t.Fatalf("told after %d of 20 writes", n+1)
			}
		}
		time.Sleep(500 * time.Millisecond)
		if !wd.told() {
			t.Fatal("not told after the last write")
		}
		time.Sleep(time.Minute)
		if wd.told() {
			t.Error("told twice")
		}
	})
}

func TestHintsWithoutChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wd := newWorld(t)
		wd.hint()
		time.Sleep(time.Second)
		wd.set(1) // and back before anything came to rest
		wd.hint()
		time.Sleep(100 * time.Millisecond)
		wd.set(0)
		wd.hint()
		time.Sleep(time.Second)
		if wd.told() {
			t.Error("told without a change")
		}
	})
}

func TestRescan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wd := newWorld(t)
		time.Sleep(29 * time.Second)
		wd.set(1) // nobody hints
		time.Sleep(2 * time.Second)
		if !wd.told() {
			t.Error("a rescan missed the change")
		}
		// Values that nobody takes stand for later changes too.
		for n := range 3 {
			wd.set(int64(n + 2))
			wd.hint()
			time.Sleep(time.Second)
		}
		if !wd.told() || wd.told() {
			t.Error("three changes are not one value")
		}
	})
}

func TestConstantHints(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wd := newWorld(t)
		wd.set(1)
		for range 100 { // another file in the folder changes all the time
			wd.hint()
			time.Sleep(10 * time.Millisecond)
		}
		if !wd.told() {
			t.Error("hints without end kept the change back")
		}
		if n := wd.scans.Load(); n > 6 {
			t.Errorf("%d scans in a second, want one each debounce", n)
		}
	})
}

// place is a folder on disk with a Watcher; tests wait for its events, however long they take.
type place struct {
	t   *testing.T
	dir string
	w   *Watcher
}

func watchPlace(t *testing.T, prepare func(dir string), options func(dir string) Options) *place {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	prepare(dir)
	o := options(dir)
	o.Debounce = time.Millisecond
	o.Rescan = time.Hour // so that only notifications count
	w, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return &place{t, dir, w}
}

func (p *place) write(name, text string) {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) do(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

// told waits for an event.
func (p *place) told() {
	p.t.Helper()
	<-p.w.Events()
}

func TestFolder(t *testing.T) {
	t.Parallel()
	p := watchPlace(t, func(string) {}, func(dir string) Options {
		return Options{Dirs: []string{filepath.Join(dir, "plugins")}}
	})
	p.write("plugins/a.wasm", "one") // the folder did not exist
	p.told()
	p.write("plugins/a.wasm", "in place")
	p.told()
	p.write("plugins/new", "renamed over")
	p.do(os.Rename(p.path("plugins/new"), p.path("plugins/a.wasm")))
	p.told()
	p.do(os.Remove(p.path("plugins/a.wasm")))
	p.told()
	p.do(os.RemoveAll(p.path("plugins")))
	p.write("plugins/b.wasm", "in a folder of the same name")
	p.told()
	p.write("plugins/b.wasm", "changed there")
	p.told()
	p.do(os.Rename(p.path("plugins"), p.path("away")))
	p.write("plugins/b.wasm", "in a folder in its place")
	p.told()
	p.write("plugins/b.wasm", "changed there, too")
	p.told()
}

func TestFileAlone(t *testing.T) {
	t.Parallel()
	p := watchPlace(t, func(string) {}, func(dir string) Options {
		return Options{Files: []string{filepath.Join(dir, "plugins.yaml")}, Dirs: []string{filepath.Join(dir, "dist")}}
	})
	p.write("other.yaml", "x")
	p.write("dist/readme.txt", "x")
	p.write("plugins.yaml", "x")
	p.told()
	select {
	case <-p.w.Events():
		t.Error("told about files that do not matter")
	default:
	}
	p.write("plugins.yaml", "y y")
	p.told()
}

// TestLinks flips links as Kubernetes does: the file links to ..data/file, ..data links to a folder with a date.
func TestLinks(t *testing.T) {
	t.Parallel()
	p := watchPlace(t, func(dir string) {
		for _, version := range []string{"..1", "..2"} {
			if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, version, "a.wasm"), []byte(version), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for link, target := range map[string]string{"..data": "..1", "a.wasm": "..data/a.wasm", "current": "..data"} {
			if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
				t.Fatal(err)
			}
		}
	}, func(dir string) Options {
		return Options{Files: []string{filepath.Join(dir, "a.wasm")}, Dirs: []string{filepath.Join(dir, "current")}}
	})
	flip := func(target string) {
		p.do(os.Symlink(target, p.path("..data_tmp")))
		p.do(os.Rename(p.path("..data_tmp"), p.path("..data")))
	}
	flip("..2")
	p.told()
	p.write("..2/a.wasm", "changed where the links lead")
	p.told()
	flip("..1")
	p.told()
	p.write("..1/b.wasm", "new where the links lead")
	p.told()
}
