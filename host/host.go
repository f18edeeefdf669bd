// Package host runs plugins: import it to load WebAssembly modules that follow sdk/abi, to call them from request
// handlers, and to replace them while calls are in flight.
//
// A plugin's life:
//
//  1. [Host.Build] reads the files that its specs name, admits each (size, limits, metering, compile, imports, exports,
//     start, describe, configure, golden vectors) and warms one instance per plugin and config. It succeeds wholly or
//     changes nothing.
//  2. The [Set] that it returns is immutable. A request acquires it, takes its [Provider] and [Strategy] handles from
//     it, and releases it at its end. What is unchanged is shared with the sets before it.
//  3. Calls borrow an instance from a bounded pool. Each has its fuel, stack and output limited. An instance that traps,
//     exits, uses up what it was given or answers nonsense is dropped, and the pool replaces it in the background.
//  4. A new version of a plugin is on probation for its first calls: a call that faults is repeated on the version
//     before it, and a third fault puts that version back.
//  5. A strategy that goes on faulting is not called for a while: its breaker opens, and tries it again by itself.
//  6. The last release of a set closes what no other set uses.
//
// What a tenant uploads has no file: [Host.Load] admits it alone, and whoever loads a version decides when it serves and
// what takes its place.
package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/switchyard-gateway/switchyard/host/internal/compiler"
	"github.com/switchyard-gateway/switchyard/host/internal/library"
)

// Options of a Host. The zero value is usable.
type Options struct {
	// CacheDir keeps compiled code between runs; empty means a private folder that Close removes. What lies there is
	// executed, so New creates it with mode 0700 and refuses a folder that others can write to.
	CacheDir string
	// CacheSize is how many bytes CacheDir may have; what was used longest ago goes first. 0 means DefaultCacheSize.
	CacheSize int64
	// Compiler is the command, path and arguments, of a program that does nothing but CompilerMain. Modules are then
	// compiled in a process of its own, under the Compile limits. Empty means in this one, where only the timeout holds.
	Compiler []string
	// Log gets admissions, reverts, drops and what plugins write; nil discards.
	Log *slog.Logger
	// Limits are those of the operator's plugins, Policies those of what runs for one tenant.
	Limits, Policies Limits
	// Observer hears of events worth a metric; nil is none.
	Observer Observer
}

// DefaultCacheSize is what a zero Options.CacheSize stands for: room for some two hundred plugins in Go.
const DefaultCacheSize = 2 << 30

// CompilerMain is the program behind Options.Compiler: it compiles one module under limits and ends. in and out are the
// process's own standard input and output. The error says that it was not started by a Host.
func CompilerMain(in io.Reader, out io.Writer) error { return compiler.Main(in, out) }

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
	// Breaker reports that the breaker of a strategy's key opened, or closed again. What it was is not repeated, and a
	// trial call does not count as closed.
	Breaker(plugin, key string, open bool)
}

// Host owns the WebAssembly runtime and everything that is loaded. It is safe for concurrent use.
type Host struct {
	opts    Options
	log     *slog.Logger
	library *library.Library

	building sync.Mutex     // held by Build, so that two never load the same file at once
	loading  sync.RWMutex   // held by Load for reading
	closing  bool           // guarded by both: changed with both, read with one
	modules  *library.Batch // that Load asks for

	mu      sync.Mutex // guards the rest
	pools   map[poolKey]*pool
	ending  map[*pool]struct{} // pools without references whose last instance is not closed yet
	records map[recordKey]*record
}

// ErrClosed is returned by Build and Load after Close.
var ErrClosed = errors.New("the plugin host is closed")

// New returns a Host. The error names a cache folder that can't be used.
func New(ctx context.Context, o Options) (*Host, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	orElse(&o.CacheSize, DefaultCacheSize)
	o.Limits.complete(DefaultLimits())
	o.Policies.complete(DefaultPolicies())
	l, err := library.Open(ctx, &library.Options{
		Dir: o.CacheDir, Size: o.CacheSize, Command: o.Compiler, Memory: max(o.Limits.Memory, o.Policies.Memory), Log: o.Log,
	})
	if err != nil {
		return nil, err
	}
	return &Host{
		opts: o, log: o.Log, library: l, modules: l.Batch(true), pools: map[poolKey]*pool{}, ending: map[*pool]struct{}{}, records: map[recordKey]*record{},
	}, nil
}

// limits returns those that hold for what runs on behalf of an owner.
func (h *Host) limits(owner string) *Limits {
	if owner == "" {
		return &h.opts.Limits
	}
	return &h.opts.Policies
}

// Close refuses further builds and loads, waits until every Set and every Loaded is released and every borrowed instance is back, then frees the
// runtime. When ctx ends first, nothing is freed and the error says how many pools are in use: code that runs is never
// unmapped. Close may be called again.
func (h *Host) Close(ctx context.Context) error {
	h.building.Lock()
	h.loading.Lock()
	h.closing = true
	idle := h.library.Drain()
	h.loading.Unlock()
	h.building.Unlock()

	select {
	case <-idle:
	case <-ctx.Done():
		h.mu.Lock()
		n := len(h.pools) + len(h.ending)
		h.mu.Unlock()
		return fmt.Errorf("closing the plugin host: %d plugin pools are still in use: %w", n, ctx.Err())
	}
	return h.library.Close(ctx)
}
