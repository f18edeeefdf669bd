// Package codecache keeps compiled plugins between runs: import it to look for the code of a module and to put it there.
// What lies there is executed.
//
// A folder may be shared by any number of processes. It has
//
//	modules/<key>    what was compiled: the outline of the rewritten module, with the name, size and checksum of its code
//	wazero-*/<name>  the code, written by wazero and named by it
//	work-*           one compilation each; a process that was killed may leave its own behind
//	lock             shared by those who load, exclusive to one who prunes
//
// An entry appears whole or not at all: it is written to a work folder, flushed, and moved.
package codecache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/tetratelabs/wazero"
)

const (
	modulesDir = "modules"
	workPrefix = "work-"
	lockFile   = "lock"
)

// Folder is an open cache. It is safe for concurrent use.
type Folder struct {
	dir     string // absolute
	private bool
}

// Open returns the cache in dir, which [Check] must approve of. Without dir it is a private one in the system's folder
// for temporary files, and Close removes it.
func Open(dir string) (*Folder, error) {
	f := new(Folder)
	var err error
	if dir == "" {
		f.private = true
		if f.dir, err = os.MkdirTemp("", "switchyard-code-"); err != nil {
			return nil, fmt.Errorf("creating a folder for compiled code: %w", err)
		}
	} else {
		if f.dir, err = filepath.Abs(dir); err != nil {
			return nil, fmt.Errorf("finding the compilation cache %q: %w", dir, err)
		}
		if err := Check(f.dir); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(filepath.Join(f.dir, modulesDir), 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("creating the compilation cache: %w", err), f.Close())
	}
	return f, nil
}

// Dir returns the folder's absolute path.
func (f *Folder) Dir() string { return f.dir }

// Close removes a private folder. The code that was loaded from it stays usable.
func (f *Folder) Close() error {
	if !f.private {
		return nil
	}
	gone := f.dir + "-gone" // what was given up and still writes does not find it
	err := os.Rename(f.dir, gone)
	if err == nil {
		err = os.RemoveAll(gone)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing compiled code: %w", err)
	}
	return nil
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

// starting is held while wazero makes a cache and a runtime: on the first of them it works out its own version and keeps
// that in a variable without a guard.
var starting sync.Mutex

// Runtime is a WebAssembly runtime whose compiler looks in a folder first and leaves there what it compiles.
type Runtime struct {
	wazero.Runtime
	cache wazero.CompilationCache
}

// NewRuntime returns a runtime on a folder, in which no memory grows beyond so many pages of 64 KiB. Metered modules declare
// one more, which they never get.
func NewRuntime(ctx context.Context, dir string, pages uint32) (*Runtime, error) {
	starting.Lock()
	defer starting.Unlock()
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the compilation cache %q: %w", dir, err)
	}
	return &Runtime{cache: cache, Runtime: wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().
		WithCompilationCache(cache).
		WithMemoryLimitPages(min(pages+1, 1<<16)).
		WithDebugInfoEnabled(false))}, nil
}

// Close closes every instance, and frees the code.
func (r *Runtime) Close(ctx context.Context) error {
	return errors.Join(r.Runtime.Close(ctx), r.cache.Close(ctx))
}
