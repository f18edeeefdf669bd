package host

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestChangedFiles exchanges a module behind the host's back: same file, same size, and whatever time somebody gives it.
func TestChangedFiles(t *testing.T) {
	one, two := newStrategy(1).encode(), newStrategy(2).encode()
	if len(one) != len(two) {
		t.Fatal("the modules differ in size")
	}
	now := time.Now()
	for _, c := range []struct {
		name          string
		before, after time.Time // the file's time, before the first build and the second
	}{
		{"as old as it was", now.Add(-time.Hour), now.Add(-time.Hour)},
		{"touched", now.Add(-time.Hour), now.Add(-time.Minute)},
		{"fresh", now, now},
		{"of the future", now.Add(time.Hour), now.Add(time.Hour)},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFolder(t, Options{})
			path := filepath.Join(f.dir, "p.wasm")
			put := func(module []byte, at time.Time) {
				if err := os.WriteFile(path, module, 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(path, at, at); err != nil {
					t.Fatal(err)
				}
			}
			put(one, c.before)
			first := f.build(nil, strategySpec("p", "p"))
			defer first.Release()
			put(two, c.after)
			second := f.build(first, strategySpec("p", "p"))
			defer second.Release()
			if got := f.status("p").Hash; got != hashOf(two) {
				t.Errorf("it serves %s of %s and %s", got, hashOf(one), hashOf(two))
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			third := f.build(second, strategySpec("p", "p"))
			defer third.Release()
			if got := f.status("p").State; got != StateGone {
				t.Errorf("the file is gone, and its state is %q", got)
			}
		})
	}
}

// TestUnchangedFiles has a host know that the file, which is another version by now, is still the one that it has seen: it
// need not read it, and so does not find out. A file of this second is not known.
func TestUnchangedFiles(t *testing.T) {
	one, two := newStrategy(1).encode(), newStrategy(2).encode()
	f := newFolder(t, Options{})
	f.write("p", one)
	first := f.build(nil, strategySpec("p", "p"))
	defer first.Release()
	r := first.lines[0].pool.record
	if r.seen != nil {
		t.Errorf("it knows a file that may change yet without a trace: %+v", r.seen)
	}
	f.write("p", two)
	file, err := os.Stat(filepath.Join(f.dir, "p.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	r.seen = &sighting{hashOf(one), file}
	second := f.build(first, strategySpec("p", "p"))
	defer second.Release()
	if got := f.status("p").Hash; got != hashOf(one) {
		t.Errorf("it has read the file: it serves %s", got)
	}
}

func hashOf(module []byte) string {
	sum := sha256.Sum256(module)
	return hex.EncodeToString(sum[:])
}
