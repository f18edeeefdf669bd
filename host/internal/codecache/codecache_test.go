package codecache

import (
	"os"
	"path/filepath"
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

func TestClear(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	entries, other := filepath.Join(dir, "wazero-v1-amd64-linux"), filepath.Join(dir, "notes")
	if err := os.Mkdir(entries, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(entries, "one"), filepath.Join(entries, "two"), other} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Clear(dir); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(entries); err != nil || len(left) != 0 {
		t.Errorf("%v are left, %v", left, err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Errorf("what is no entry is gone: %v", err)
	}
}
