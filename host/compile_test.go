package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// compilations counts what a folder's host has compiled, or tried to compile, in other processes.
func (f *folder) compilations() int {
	log := f.log.String()
	return strings.Count(log, `msg="compiled a plugin"`) + strings.Count(log, `msg="a plugin was not compiled"`)
}

// TestCompiler compiles in another process. The next host finds the code, and needs no compiler.
func TestCompiler(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	for n, command := range [][]string{CompilerOfTests(), {"/no/such/file"}, nil} {
		f := newFolder(t, Options{CacheDir: cache, Compiler: command})
		f.write("a", newStrategy(3).encode())
		f.write("b", newProvider().encode())
		set := f.build(nil, strategySpec("a", "a"), providerSpec("b", "b"))
		if scores, err := score(t, set.Strategy("a"), 1, 0); err != nil || scores[0] != 3 {
			t.Errorf("score: %v, %v", scores, err)
		}
		if want := []int{2, 0, 0}[n]; f.compilations() != want {
			t.Errorf("%q compiled %d modules, want %d:\n%s", command, f.compilations(), want, f.log)
		}
		f.closed(set)
	}
	f := newFolder(t, Options{CacheDir: cache, Compiler: []string{"/no/such/file"}, Limits: Limits{Locals: 77}})
	f.write("a", newStrategy(3).encode())
	contains(t, f.refused(nil, strategySpec("a", "a")).Error(), "starting the compiler: ", "/no/such/file")
	f.closed()
}

// TestCopies has one module under three names and for two owners: it is compiled once for each class of limits.
func TestCopies(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{Compiler: CompilerOfTests()})
	var specs []Spec
	for _, name := range []string{"a", "b", "c"} {
		f.write(name, newStrategy(3).encode())
		for _, owner := range []string{"", "acme", "other"} {
			specs = append(specs, Spec{Key: name + owner, Plugin: name, Kind: abi.KindStrategy, Owner: owner})
		}
	}
	set := f.build(nil, specs...)
	if f.compilations() != 2 {
		t.Errorf("%d modules were compiled:\n%s", f.compilations(), f.log)
	}
	f.closed(set)
}

// bomb is a strategy with a function that takes seconds, and a gigabyte, to compile.
func bomb() []byte {
	var body []byte
	for n := range 40_000 {
		from := []byte{0x20, byte(n % 100)}
		body = append(append(append(body, 0x02, 0x40), from...), 0x0d, 0) // block, local.get, br_if 0
		body = append(append(body, from...), 0x20, 0, 0x6a, 0x21, byte((n*7+3)%100), 0x0b)
	}
	g := newStrategy(1)
	g.set("bomb", typeI32toI, append(body, 0x20, 0))
	f := g.functions["bomb"]
	f.locals = 100
	g.functions["bomb"] = f
	return g.encode()
}

// TestBomb is refused by each of the limits. It is not tried again, for anybody, before the limits or the file change.
func TestBomb(t *testing.T) {
	t.Parallel()
	module, cache := bomb(), t.TempDir()
	limits := Limits{FunctionSize: 1 << 20} // the default would refuse it
	warm := newFolder(t, Options{CacheDir: cache, Limits: limits})
	warm.write("good", newStrategy(1).encode())
	warm.closed(warm.build(nil, strategySpec("good", "good")))
	for name, tc := range map[string]struct {
		limits Compile
		want   string
		tries  int
	}{
		"processor": {Compile{CPU: time.Second, Memory: 4 << 30, Timeout: time.Hour}, "more than 1s of processor time, the limit", 1},
		"memory":    {Compile{CPU: time.Hour, Memory: 64 << 20, Timeout: time.Hour}, "more than 64 MiB of memory, the limit", 1},
		"clock":     {Compile{CPU: time.Hour, Memory: 4 << 30, Timeout: 50 * time.Millisecond}, "more than 50ms, the limit", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limits := limits
			limits.Compile = tc.limits
			f := newFolder(t, Options{CacheDir: cache, Compiler: QuickCompiler(t), Limits: limits})
			f.write("good", newStrategy(1).encode())
			set := f.build(nil, strategySpec("good", "good"))
			f.write("a", module)
			f.write("b", module)
			for range 2 {
				list := f.refused(set, strategySpec("good", "good"), strategySpec("a", "a"))
				contains(t, list.Error(), "a.wasm: compiling it took "+tc.want)
			}
			contains(t, f.refused(set, strategySpec("b", "b")).Error(), tc.want)
			if tried := f.compilations(); tried != tc.tries {
				t.Errorf("it was compiled %d times, want %d", tried, tc.tries)
			}
			contains(t, f.status("a").Rejected.Error, tc.want)
			f.closed(set)
		})
	}
}

// TestBuildIsCancelled ends a build while its compiler hangs: the compiler ends too, and the plugin is not blamed.
func TestBuildIsCancelled(t *testing.T) {
	t.Parallel()
	cache, pipe := t.TempDir(), filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFolder(t, Options{CacheDir: cache, Compiler: hangingCompiler(pipe)})
	f.write("a", newStrategy(1).encode())
	f.write("b", newStrategy(2).encode()) // waits for room, or hangs as well
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := f.host.Build(ctx, f.dir, []Spec{strategySpec("a", "a"), strategySpec("b", "b")}, nil)
		done <- err
	}()
	said, err := os.Open(pipe)
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	var pid int
	if _, err := fmt.Fscanln(said, &pid); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("build: %v", err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the compiler lives: %v", err)
	}
	for _, s := range f.host.Plugins() {
		if s.Rejected != nil {
			t.Errorf("%s was rejected: %s", s.Plugin, s.Rejected.Error)
		}
	}
	if left, err := filepath.Glob(filepath.Join(cache, "work-*")); err != nil || len(left) > 0 {
		t.Errorf("left %q, %v", left, err)
	}
	f.closed()
}

// TestSharedCache has hosts that compile, load and prune the same modules in one folder at once.
func TestSharedCache(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for range 3 {
				f := newFolder(t, Options{CacheDir: cache, CacheSize: 1, Compiler: QuickCompiler(t)})
				for n := range 3 {
					f.write("a", newStrategy(float64(n)).encode())
					set := f.build(nil, strategySpec("a", "a"))
					if scores, err := score(t, set.Strategy("a"), 1, 0); err != nil || scores[0] != float64(n) {
						t.Errorf("score: %v, %v; want %d", scores, err, n)
					}
					set.Release()
				}
				f.closed()
			}
		})
	}
	wg.Wait()
}

// TestCacheSize keeps what is loaded, and of the rest what fits.
func TestCacheSize(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	f := newFolder(t, Options{CacheDir: cache, CacheSize: 1})
	entries := func() int {
		t.Helper()
		list, err := filepath.Glob(filepath.Join(cache, "modules", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	f.write("a", newStrategy(1).encode())
	f.write("b", newStrategy(2).encode())
	both := f.build(nil, strategySpec("a", "a"), strategySpec("b", "b"))
	f.write("c", newStrategy(3).encode())
	all := f.build(both, strategySpec("a", "a"), strategySpec("b", "b"), strategySpec("c", "c"))
	if n := entries(); n != 3 {
		t.Errorf("%d entries while all are loaded", n)
	}
	both.Release()
	all.Release()
	f.settled(0)
	f.write("d", newStrategy(4).encode())
	set := f.build(nil, strategySpec("d", "d"))
	if n := entries(); n != 1 {
		t.Errorf("%d entries while one is loaded", n)
	}
	f.closed(set)
}

func TestPrivateCacheIsRemoved(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	f := newFolder(t, Options{Compiler: CompilerOfTests()})
	f.write("a", newStrategy(1).encode())
	set := f.build(nil, strategySpec("a", "a"))
	if list, err := os.ReadDir(temp); err != nil || len(list) == 0 {
		t.Errorf("%d files, %v", len(list), err)
	}
	f.closed(set)
	left, err := filepath.Glob(filepath.Join(temp, "switchyard-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left %q, %v", left, err)
	}
}
