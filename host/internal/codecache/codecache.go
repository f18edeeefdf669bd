// Package codecache keeps compiled code between runs: import it to open a folder for it. What lies there is executed.
package codecache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tetratelabs/wazero"
)

// Open returns the cache in dir, which [Check] must approve of; without dir it is in memory.
func Open(dir string) (wazero.CompilationCache, error) {
	if dir == "" {
		return wazero.NewCompilationCache(), nil
	}
	if err := Check(dir); err != nil {
		return nil, err
	}
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the compilation cache %q: %w", dir, err)
	}
	return cache, nil
}

// Check makes sure that dir exists and that only its owner can write to it, creating it with mode 0700.
func Check(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("creating the compilation cache: %w", err)
	}
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return fmt.Errorf("looking at the compilation cache: %w", err)
	case !info.IsDir():
		return fmt.Errorf("the compilation cache %q is not a folder", dir)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("the compilation cache %q has mode %04o, so others could put code there: it must be 0700",
			dir, info.Mode()&fs.ModePerm)
	}
	return nil
}

// Damaged reports whether an error of the compiler says that an entry of the cache can't be read. It would refuse its
// module for ever.
func Damaged(err error) bool { return strings.HasPrefix(err.Error(), "compilationcache: ") }

// Clear removes the entries of the cache in dir.
func Clear(dir string) error {
	entries, err := filepath.Glob(filepath.Join(dir, "wazero-*", "*"))
	for _, path := range entries {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}
