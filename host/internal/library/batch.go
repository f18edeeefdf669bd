package library

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/switchyard-gateway/switchyard/host/internal/compiler"
	"github.com/switchyard-gateway/switchyard/host/internal/contract"
	"github.com/switchyard-gateway/switchyard/host/internal/sandbox"
)

// Batch is modules that are asked for together, by any number of goroutines, so that copies of one are compiled once and
// no more are compiled at a time than there are processors to spare.
type Batch struct {
	library   *Library
	room      chan struct{} // has a place for each compilation that may run at a time
	compiling sync.Map      // Key → *sync.Mutex
	compiled  atomic.Bool   // something was, so that the disk cache may have grown
}

// Batch returns an empty one. While something serves, compilations, each of which uses two processors, don't outnumber those.
func (l *Library) Batch(serving bool) *Batch {
	n := runtime.GOMAXPROCS(0)
	if serving {
		n = max(1, n/2)
	}
	return &Batch{library: l, room: make(chan struct{}, n)}
}

// End is called when no more modules are asked for.
func (b *Batch) End() {
	if b.compiled.Load() {
		b.library.prune()
	}
}

// Module returns the module of a key with one reference for the caller: one that is loaded, or data compiled within
// bounds and checked from outside. plugin is for the log. The error is a sentence about the module, or ctx's.
func (b *Batch) Module(ctx context.Context, plugin string, key Key, data []byte, bounds *compiler.Bounds) (*Module, error) {
	if m := b.library.live(&key); m != nil {
		return m, nil
	}
	m := &Module{Key: key, library: b.library}
	if err := b.load(ctx, plugin, m, data, bounds); err != nil {
		return nil, err
	}
	return b.library.enter(m), nil
}

// load gets m's code from the disk cache, where it puts it first if it isn't there, and checks what it is.
func (b *Batch) load(ctx context.Context, plugin string, m *Module, data []byte, bounds *compiler.Bounds) error {
	use := func(metered []byte) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("loading its code: the runtime panicked: %v", p)
			}
		}()
		if m.compiled, err = b.library.runtime.CompileModule(ctx, metered); err != nil {
			return fmt.Errorf("loading its code: %w", err)
		}
		return nil
	}
	found, err := b.library.store.find(plugin, &m.Key, use)
	if err == nil && !found {
		err = b.compile(ctx, plugin, &m.Key, data, bounds, use)
	}
	if err != nil {
		return err
	}
	rules := contract.Rules{Imports: sandbox.Imports(), Memory: m.Limits.Memory}
	if m.Shape, err = contract.Module(m.compiled, &rules); err != nil {
		return errors.Join(err, m.compiled.Close(ctx))
	}
	return nil
}

// compile waits for room and then puts a module's code into the disk cache, unless it is there by then, and uses it.
func (b *Batch) compile(ctx context.Context, plugin string, key *Key, data []byte, bounds *compiler.Bounds, use func([]byte) error) error {
	one, _ := b.compiling.LoadOrStore(*key, new(sync.Mutex))
	one.(*sync.Mutex).Lock() // its holder gives up with ctx
	defer one.(*sync.Mutex).Unlock()
	select {
	case b.room <- struct{}{}:
		defer func() { <-b.room }()
	case <-ctx.Done():
		return ctx.Err()
	}
	// A copy under another name may have been refused, or compiled, meanwhile.
	s := b.library.store
	if err := s.verdict(key); err != nil {
		return err
	}
	if found, err := s.find(plugin, key, use); found || err != nil {
		return err
	}
	b.compiled.Store(true)
	return s.add(ctx, plugin, key, data, bounds, use)
}
