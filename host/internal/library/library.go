// Package library keeps compiled modules: import it to have one of its bytes, from memory, from the disk or from the
// compiler, and to share it until the last who uses it lets go.
package library

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/switchyard-gateway/switchyard/host/internal/codecache"
	"github.com/switchyard-gateway/switchyard/host/internal/compiler"
	"github.com/switchyard-gateway/switchyard/host/internal/sandbox"
	"github.com/switchyard-gateway/switchyard/host/meter"
)

// Options of a Library.
type Options struct {
	Dir     string           // of the disk cache, see codecache.Open
	Size    int64            // of the disk cache, in bytes; what was used longest ago goes first
	Command compiler.Command // compiles in a process of its own; empty means in this one
	Memory  uint32           // pages of 64 KiB that no instance's memory grows beyond, whatever its module's limits
	Log     *slog.Logger
}

// Library owns a WebAssembly runtime and all modules in it. It is safe for concurrent use.
type Library struct {
	log     *slog.Logger
	store   *store
	runtime *codecache.Runtime

	instances atomic.Int64 // that exist, wherever they are
	mapping   turns[[sha256.Size]byte]

	mu      sync.Mutex // guards the rest
	modules map[Key]*Module
	numbers uint32 // given to modules so far
	closing bool
	empty   chan struct{} // closed when closing and no module is left
}

// Key identifies a module: the limits that it was admitted under are part of its code.
type Key struct {
	Hash   string // hex SHA-256 of the file, before any rewriting
	Limits meter.Limits
}

// Short is the form of a hash for humans.
func Short(hash string) string { return hash[:min(len(hash), 12)] }

// Open returns a Library without modules. The error names a cache folder that can't be used.
func Open(ctx context.Context, o *Options) (*Library, error) {
	l := &Library{log: o.Log, modules: map[Key]*Module{}, empty: make(chan struct{})}
	var err error
	if l.store, err = openStore(ctx, o); err != nil {
		return nil, err
	}
	if l.runtime, err = codecache.NewRuntime(ctx, l.store.Dir(), o.Memory); err != nil {
		return nil, errors.Join(err, l.store.Close())
	}
	if err := sandbox.Provide(ctx, l.runtime); err != nil {
		return nil, errors.Join(fmt.Errorf("preparing host functions: %w", err), l.Close(ctx))
	}
	return l, nil
}

// Drain returns a channel that is closed once no module is in use. From the first call on, no module may be asked for.
func (l *Library) Drain() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closing = true
	l.checkEmpty()
	return l.empty
}

// Close frees the runtime and all in it, and a private folder. It must not be called before Drain's channel is closed:
// code that runs is never unmapped.
func (l *Library) Close(ctx context.Context) error {
	return errors.Join(l.runtime.Close(ctx), l.store.Close())
}

// Loaded counts the modules and the instances in memory, including those that a start which was given up still holds.
func (l *Library) Loaded() (modules, instances int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.modules), int(l.instances.Load())
}

// live returns the module of a key with one reference for the caller, nil when it isn't loaded.
func (l *Library) live(key *Key) *Module {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.modules[*key]
	if m != nil {
		m.refs++
	}
	return m
}

// enter makes a compiled module known, and returns it or the one that was entered meanwhile, with one reference for the
// caller.
func (l *Library) enter(m *Module) *Module {
	l.mu.Lock()
	defer l.mu.Unlock()
	if other := l.modules[m.Key]; other != nil { // a copy of the file under another name was faster
		other.refs++
		l.unload(m)
		return other
	}
	l.numbers++
	m.Number, m.refs = l.numbers, 1
	l.modules[m.Key] = m
	return m
}

// unload frees the code of a module that nobody has. Its memory goes back to the system when a collection finds that
// nothing points to it, so nothing may, whoever still has m.
func (l *Library) unload(m *Module) {
	if err := m.compiled.Close(context.Background()); err != nil {
		l.log.Warn("unloading a module", "hash", Short(m.Hash), "error", err)
	}
	m.compiled = nil
}

// prune keeps the disk cache within its size. Versions that are loaded stay: without them the next start would be slow.
func (l *Library) prune() {
	l.mu.Lock()
	used := make(map[codecache.Key]bool, len(l.modules))
	for k := range l.modules {
		used[l.store.key(&k)] = true
	}
	l.mu.Unlock()
	if err := l.store.Prune(l.store.max, func(k codecache.Key) bool { return used[k] }); err != nil {
		l.log.Warn("the compilation cache may grow", "error", err)
	}
}

// checkEmpty closes l.empty once nothing is left. l.mu is held.
func (l *Library) checkEmpty() {
	if !l.closing || len(l.modules) > 0 {
		return
	}
	select {
	case <-l.empty:
	default:
		close(l.empty)
	}
}
