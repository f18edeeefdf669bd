package host

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestUnchangedFiles expects that a file which nobody can have changed is not read again, and that one which somebody may
// have changed is. The content is exchanged behind the host's back: same file, same size, same time.
func TestUnchangedFiles(t *testing.T) {
	one, two := newStrategy(1).encode(), newStrategy(2).encode()
	if len(one) != len(two) {
		t.Fatal("the modules differ in size")
	}
	hashOf := func(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }
	now := time.Now()
	for _, c := range []struct {
		name          string
		before, after time.Time // the file's time, before the first build and the second
		served        string
	}{
		{"old", now.Add(-time.Hour), now.Add(-time.Hour), hashOf(one)},
		{"old, and touched", now.Add(-time.Hour), now.Add(-time.Minute), hashOf(two)},
		{"fresh", now, now, hashOf(two)},
		{"of the future", now.Add(time.Hour), now.Add(time.Hour), hashOf(two)},
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
			if got := f.status("p").Hash; got != c.served {
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
