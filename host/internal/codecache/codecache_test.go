package codecache

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := Check(dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(dir, 0o770); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil {
		t.Error("a cache that the group can write to was accepted")
	} else if !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "0770") {
		t.Errorf("%q does not say which folder and mode", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Check(file); err == nil {
		t.Error("a file was accepted as a folder")
	}
}

// TestPrivate opens a folder without a name: nobody else reads it, and Close leaves nothing.
func TestPrivate(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	f, err := Open("")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(f.Dir()); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	keep(t, f, 1, "one")
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 0 {
		t.Errorf("%v are left, %v", left, err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("closing it again: %v", err)
	}
	named := open(t, t.TempDir())
	keep(t, named, 1, "one")
	if err := named.Close(); err != nil || !has(named, 1) {
		t.Errorf("closing a folder with a name removed its entries, or failed: %v", err)
	}
}

// TestCloseBesideWriter closes a private folder into which a compilation that was given up still writes.
func TestCloseBesideWriter(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for range 20 {
		f, err := Open("")
		if err != nil {
			t.Fatal(err)
		}
		work, err := f.Work()
		if err != nil {
			t.Fatal(err)
		}
		writes, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for n := 0; n < 5000 && os.WriteFile(filepath.Join(work, strconv.Itoa(n)), nil, 0o600) == nil; n++ {
				if n == 100 {
					close(writes)
				}
			}
		}()
		<-writes
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		<-done
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}
