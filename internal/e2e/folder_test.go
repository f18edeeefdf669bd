package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// folder is a plugin folder of a test's own, whose files it replaces.
type folder struct {
	t   testing.TB
	dir string
}

// copyPlugins makes a folder with the shipped plugins of these names.
func copyPlugins(t testing.TB, names ...string) folder {
	t.Helper()
	f := folder{t, t.TempDir()}
	for _, name := range names {
		f.rename(name, shipped(t, name))
	}
	return f
}

func shipped(t testing.TB, name string) []byte {
	t.Helper()
	return []byte(readFile(t, filepath.Join(modules, name+".wasm")))
}

func (f folder) path(name string) string { return filepath.Join(f.dir, name+".wasm") }

// rename replaces a file as a careful program does: there is no moment at which it is not whole.
func (f folder) rename(name string, module []byte) {
	f.t.Helper()
	temp := f.path(name) + ".new"
	if err := errors.Join(os.WriteFile(temp, module, 0o600), os.Rename(temp, f.path(name))); err != nil {
		f.t.Fatal(err)
	}
}

// overwrite replaces a file as a copy does: it is empty first, and then fills.
func (f folder) overwrite(name string, module []byte) {
	f.t.Helper()
	if err := os.WriteFile(f.path(name), module, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// variant is another version of a module: the same code under another hash. 0 is the module itself.
func variant(module []byte, n byte) []byte {
	if n == 0 {
		return module
	}
	section := []byte{0, 5, 3, 'e', '2', 'e', n} // a custom section: id, size, name, content
	return append(slices.Clip(module), section...)
}

func hashOf(module []byte) string {
	sum := sha256.Sum256(module)
	return hex.EncodeToString(sum[:])
}
