package library

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/switchyard-gateway/switchyard/host/internal/compiler"
	"github.com/switchyard-gateway/switchyard/host/internal/contract"
	"github.com/switchyard-gateway/switchyard/host/internal/sandbox"
	"github.com/switchyard-gateway/switchyard/host/internal/threads"
)

// Batch is modules that are asked for together, by any number of goroutines, so that copies of one are compiled once and
// no more are compiled at a time than there are processors to spare.
type Batch struct {
	library  *Library
	room     chan struct{} // has a place for each compilation that may run at a time
	compiled atomic.Bool   // something was, so that the disk cache may have grown
	loading  turns[Key]
}

// Batch returns an empty one. While something serves, half as many compilations run as there are processors.
func (l *Library) Batch(serving bool) *Batch {
	n := runtime.GOMAXPROCS(0)
	if serving {
		n = max(1, n/2)
	}
	return &Batch{library: l, room: make(chan struct{}, n)}
}

// End is called when no more modules are asked for, or from time to time.
func (b *Batch) End() {
	if b.compiled.Swap(false) {
		b.library.prune()
	}
}

// Module returns the module of a key with one reference for the caller: one that is loaded, or data compiled within
// bounds and checked from outside. plugin is for the log. The error is a sentence about the module, or ctx's.
func (b *Batch) Module(ctx context.Context, plugin string, key Key, data []byte, bounds *compiler.Bounds) (*Module, error) {
	return b.module(ctx, plugin, &key, func(use func([]byte) error) error {
		return b.compile(ctx, plugin, &key, data, bounds, use)
	})
}

// Find is Module for what is loaded or was compiled before. It returns nil when neither holds.
func (b *Batch) Find(ctx context.Context, plugin string, key Key) (*Module, error) {
	m, err := b.module(ctx, plugin, &key, func(func([]byte) error) error { return errAbsent })
	if errors.Is(err, errAbsent) {
		return nil, nil
	}
	return m, err
}

var errAbsent = errors.New("it was not compiled before")

// module returns a module that is loaded, or loads it. One goroutine at a time does that for a key, so that no code is
// mapped twice.
func (b *Batch) module(ctx context.Context, plugin string, key *Key, compile func(use func([]byte) error) error) (*Module, error) {
	if m := b.library.live(key); m != nil {
		return m, nil
	}
	defer b.loading.enter(*key)()
	if m := b.library.live(key); m != nil {
		return m, nil
	}
	m := &Module{Key: *key, library: b.library}
	if err := b.load(ctx, plugin, m, compile); err != nil {
		return nil, err
	}
	return b.library.enter(m), nil
}

// load gets m's code from the disk cache, or else lets compile put it there, and checks what it is.
func (b *Batch) load(ctx context.Context, plugin string, m *Module, compile func(use func([]byte) error) error) error {
	use := func(outline []byte) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("loading its code: the runtime panicked: %v", p)
			}
		}()
		// The runtime knows code by its bytes, which copies of a module that differ in what is not executed share, and finds
		// what another goroutine is still about to load.
		defer b.library.mapping.enter(sha256.Sum256(outline))()
		threads.LongTurns(func() { m.compiled, err = b.library.runtime.CompileModule(ctx, outline) })
		if err != nil {
			return fmt.Errorf("loading its code: %w", err)
		}
		m.size = resident(len(outline), b.library.store.codeSize(&m.Key))
		return nil
	}
	found, err := b.library.store.find(plugin, &m.Key, use)
	if err == nil && !found {
		err = compile(use)
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

// compile waits for room and then puts a module's code into the disk cache, and uses it.
func (b *Batch) compile(ctx context.Context, plugin string, key *Key, data []byte, bounds *compiler.Bounds, use func([]byte) error) error {
	select {
	case b.room <- struct{}{}:
		defer func() { <-b.room }()
	case <-ctx.Done():
		return ctx.Err()
	}
	s := b.library.store
	if err := s.verdict(key); err != nil {
		return err
	}
	b.compiled.Store(true)
	return s.add(ctx, plugin, key, data, bounds, use)
}
