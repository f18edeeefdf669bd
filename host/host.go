// Package host runs plugins: import it to load WebAssembly modules that follow sdk/abi, to call them from request
// handlers, and to replace them while calls are in flight.
//
// A plugin's life:
//
//  1. [Host.Build] reads the files that its specs name, admits each (size, compile, imports, exports, memory, start,
//     describe, configure) and warms one instance per plugin and config. It succeeds wholly or changes nothing.
//  2. The [Set] that it returns is immutable. A request acquires it, takes its [Provider] and [Strategy] handles from
//     it, and releases it at its end. What is unchanged is shared with the sets before it.
//  3. Calls borrow an instance from a bounded pool. An instance that traps, exits or answers nonsense is dropped, and
//     the pool replaces it in the background.
//  4. A new version of a plugin is on probation for its first calls: a call that faults is repeated on the version
//     before it, and a third fault puts that version back.
//  5. The last release of a set closes what no other set uses.
package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/switchyard-gateway/switchyard/host/internal/codecache"
	"github.com/switchyard-gateway/switchyard/host/internal/contract"
	"github.com/switchyard-gateway/switchyard/host/internal/sandbox"
)

// Defaults of Options, in force where a field is zero.
const (
	DefaultMemoryLimit uint32 = 4096 // pages of 64 KiB: 256 MiB
	DefaultMaxModule   int64  = 64 << 20
	DefaultTimeout            = 30 * time.Second
)

// Options of a Host. The zero value is usable.
type Options struct {
	// CacheDir keeps compiled code between runs; empty means memory only. What lies there is executed, so New creates
	// it with mode 0700 and refuses a folder that others can write to.
	CacheDir string
	// Log gets admissions, reverts, drops and what plugins write; nil discards.
	Log *slog.Logger
	// Instances is the most that one pool runs, 0 means GOMAXPROCS: a guest never blocks, so more could not run.
	Instances int
	// MemoryLimit is the most memory of one instance, in pages of 64 KiB.
	MemoryLimit uint32
	// MaxModule is the size of the largest file that is admitted, in bytes.
	MaxModule int64
	// Timeout bounds each of compiling and starting a module.
	Timeout time.Duration
	// Rewrite examines a module before it is compiled and returns what to compile in its place, or an error that
	// refuses it. It must be a pure function: the result is kept under the hash of its input.
	Rewrite func(module []byte) ([]byte, error)
	// Observer hears of events worth a metric; nil is none.
	Observer Observer
}

// Observer receives events from any goroutine. Its methods must return quickly and must not call the Host. The counts
// of calls are not among them: Host.Plugins has those.
type Observer interface {
	// Admitted reports a version that begins to serve, or was refused with err. The hash is empty when there was no file
	// to read.
	Admitted(plugin, hash string, err error)
	// Waited reports how long a call waited for an instance. Calls that need not wait are not reported.
	Waited(plugin string, d time.Duration)
	// Faulted reports a call that ended in a Fault of the plugin's making.
	Faulted(plugin, export string)
	// Reverted reports that a version failed its probation.
	Reverted(plugin string)
}

// Host owns the WebAssembly runtime and everything that is loaded. It is safe for concurrent use.
type Host struct {
	opts    Options
	log     *slog.Logger
	cache   wazero.CompilationCache
	runtime wazero.Runtime
	rules   contract.Rules

	instances atomic.Int64 // that exist, wherever they are

	building sync.Mutex // held by Build, so that two never load the same file at once

	mu      sync.Mutex // guards the rest
	modules map[string]*module
	numbers uint32 // given to modules so far
	pools   map[poolKey]*pool
	ending  map[*pool]struct{} // pools without references whose last instance is not closed yet
	records map[string]*record // by path
	closing bool
	idle    chan struct{} // closed when closing and no pool is left
}

// ErrClosed is returned by Build after Close.
var ErrClosed = errors.New("the plugin host is closed")

// New returns a Host. The error names a cache folder that can't be used.
func New(ctx context.Context, o Options) (*Host, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Instances <= 0 {
		o.Instances = runtime.GOMAXPROCS(0)
	}
	if o.MemoryLimit == 0 {
		o.MemoryLimit = DefaultMemoryLimit
	}
	o.MemoryLimit = min(o.MemoryLimit, 1<<16)
	if o.MaxModule == 0 {
		o.MaxModule = DefaultMaxModule
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	h := &Host{
		opts: o, log: o.Log, idle: make(chan struct{}),
		modules: map[string]*module{}, pools: map[poolKey]*pool{}, ending: map[*pool]struct{}{}, records: map[string]*record{},
	}
	if err := h.startRuntime(ctx); err != nil {
		return nil, err
	}
	imports, err := sandbox.Provide(ctx, h.runtime, hostLog)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("preparing host functions: %w", err), h.runtime.Close(ctx), h.cache.Close(ctx))
	}
	h.rules = contract.Rules{Imports: imports, Memory: o.MemoryLimit}
	return h, nil
}

// starting is held while wazero makes a cache and a runtime: on the first of them it works out its own version and keeps
// that in a variable without a guard.
var starting sync.Mutex

func (h *Host) startRuntime(ctx context.Context) (err error) {
	starting.Lock()
	defer starting.Unlock()
	if h.cache, err = codecache.Open(h.opts.CacheDir); err != nil {
		return err
	}
	h.runtime = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().
		WithCompilationCache(h.cache).
		WithMemoryLimitPages(h.opts.MemoryLimit).
		WithDebugInfoEnabled(false))
	return nil
}

// Close refuses further builds, waits until every Set is released and every borrowed instance is back, then frees the
// runtime. When ctx ends first, nothing is freed and the error says how many pools are in use: code that runs is never
// unmapped. Close may be called again.
func (h *Host) Close(ctx context.Context) error {
	h.building.Lock()
	h.mu.Lock()
	if !h.closing {
		h.closing = true
		h.checkIdle()
	}
	h.mu.Unlock()
	h.building.Unlock()

	select {
	case <-h.idle:
	case <-ctx.Done():
		h.mu.Lock()
		n := len(h.pools) + len(h.ending)
		h.mu.Unlock()
		return fmt.Errorf("closing the plugin host: %d plugin pools are still in use: %w", n, ctx.Err())
	}
	return errors.Join(h.runtime.Close(ctx), h.cache.Close(ctx))
}

// checkIdle closes h.idle once nothing is left. h.mu is held.
func (h *Host) checkIdle() {
	if !h.closing || len(h.pools) > 0 || len(h.modules) > 0 {
		return
	}
	select {
	case <-h.idle:
	default:
		close(h.idle)
	}
}
