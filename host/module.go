package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/tetratelabs/wazero"

	"github.com/switchyard-gateway/switchyard/host/internal/contract"
	"github.com/switchyard-gateway/switchyard/host/internal/guestlog"
	"github.com/switchyard-gateway/switchyard/host/internal/sandbox"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// module is one admitted version: compiled code that any number of instances share. There is one per file hash in a
// Host, and it is closed when no pool, build or starting instance holds it, never while an instance runs.
type module struct {
	hash     string // hex SHA-256 of the file, before any rewriting
	number   uint32 // no other module that the Host ever had has it; see tagSize
	compiled wazero.CompiledModule
	contract.Shape
	desc atomic.Pointer[abi.Description] // set by the first start

	refs int // guarded by Host.mu
}

// retainModule takes a reference on a module and reports whether it was still loaded.
func (h *Host) retainModule(m *module) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m.refs == 0 {
		return false
	}
	m.refs++
	return true
}

// liveModule returns the module of a hash with one reference for the caller, nil when it isn't loaded.
func (h *Host) liveModule(hash string) *module {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.modules[hash]
	if m != nil {
		m.refs++
	}
	return m
}

// releaseModule gives a reference back; the last one frees the code. The copy on disk stays.
func (h *Host) releaseModule(m *module) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m.refs--; m.refs > 0 {
		return
	}
	delete(h.modules, m.hash)
	if err := m.compiled.Close(context.Background()); err != nil {
		h.log.Warn("unloading a module", "hash", short(m.hash), "error", err)
	}
	h.checkIdle()
}

// start makes one instance of a pool's module, ready for calls. It gives up when ctx ends, with ctx's error; a start that
// hangs then keeps its goroutine, and the module, until it comes to an end.
func (h *Host) start(ctx context.Context, p *pool) (*instance, error) {
	type result struct {
		i   *instance
		err error
	}
	done := make(chan result)
	if !h.retainModule(p.module) {
		return nil, errPoolClosed
	}
	go func() {
		defer h.releaseModule(p.module)
		i, err := h.instantiate(p)
		select {
		case done <- result{i, err}:
		case <-ctx.Done():
			if i != nil {
				i.close()
			}
		}
	}()
	select {
	case r := <-done:
		return r.i, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("starting it was given up: %w", ctx.Err())
	}
}

// instantiate runs a module's start functions, then describe (the first time) and configure.
func (h *Host) instantiate(p *pool) (i *instance, err error) {
	i = &instance{pool: p}
	i.ctx = guestContext{context.Background(), i}
	i.out.Init(h.log, &p.record.lines, "stderr")
	stdout := new(guestlog.Output)
	stdout.Init(h.log, &p.record.lines, "stdout")
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("starting it made the runtime panic: %v", r)
		}
		if err != nil && i != nil {
			if i.mod != nil {
				i.close()
			}
			i = nil
		}
	}()
	if i.mod, err = h.runtime.InstantiateModule(i.ctx, p.module.compiled, sandbox.Config(stdout, &i.out)); err != nil {
		i.mod = nil
		return i, fmt.Errorf("starting it: %w", i.trap(err))
	}
	h.instances.Add(1)
	if i.mod.IsClosed() {
		return i, errors.New("starting it: it exited with code 0, so there is nothing to call")
	}
	i.mem = i.mod.ExportedMemory(abi.ExportMemory)
	i.input = i.mod.ExportedFunction(abi.ExportInput)
	for e := range i.fns {
		i.fns[e] = i.mod.ExportedFunction(exportNames[e])
	}
	if p.module.desc.Load() == nil {
		d, err := i.describe()
		if err != nil {
			return i, fmt.Errorf("describe: %w", err)
		}
		p.module.desc.CompareAndSwap(nil, d)
	}
	if err := i.configure(p.config); err != nil {
		return i, fmt.Errorf("configure: %w", err)
	}
	i.calls.Store(0) // these were not the calls that status counts
	i.ceiling = ceiling(i.mem.Size(), p.module.Feedback)
	return i, nil
}

func (i *instance) describe() (*abi.Description, error) {
	text, err := i.call(exportDescribe, nil, abi.MaxOutput)
	if err != nil {
		return nil, err
	}
	d := new(abi.Description)
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("its description is not the JSON that it should be: %w", err)
	}
	return d, contract.Description(d, i.pool.module.Kind)
}

func (i *instance) configure(config []byte) error {
	answer, err := i.call(exportConfigure, append(i.room(), config...), abi.MaxOutput)
	if err != nil {
		return err
	}
	if err = abi.DecodeReply(answer); err == nil {
		return nil
	}
	if r, ok := errors.AsType[*abi.Refusal](err); ok {
		return r
	}
	return fmt.Errorf("its answer can't be decoded: %w", err)
}
