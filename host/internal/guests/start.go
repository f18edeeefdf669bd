package guests

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/tetratelabs/wazero/experimental"

	"github.com/switchyard-gateway/switchyard/host/internal/contract"
	"github.com/switchyard-gateway/switchyard/host/internal/threads"
	"github.com/switchyard-gateway/switchyard/host/meter"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Start makes one instance, ready for calls and in no pool. It gives up when ctx ends, with ctx's error; a start that
// hangs then keeps its goroutine, and the module, until it comes to an end.
func Start(ctx context.Context, s *Setup) (*Instance, error) {
	type result struct {
		i   *Instance
		err error
	}
	done := make(chan result)
	if !s.Module.Retain() {
		return nil, ErrClosed
	}
	go func() {
		defer s.Module.Release()
		var r result
		threads.LongTurns(func() { r.i, r.err = instantiate(s) })
		select {
		case done <- r:
		case <-ctx.Done():
			if r.i != nil {
				r.i.Close()
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

// instantiate runs a module's start functions, then describe (the first time) and configure, all on the fuel for starts.
func instantiate(s *Setup) (i *Instance, err error) {
	i = &Instance{setup: s}
	i.world.Init(s.Log, s.Lines, s.Still)
	memory := &i.memory
	memory.Owner = s.Owner
	defer func() {
		memory.Leave()
		if r := recover(); r != nil {
			err = fmt.Errorf("starting it made the runtime panic: %v", r)
		}
		if err != nil && i != nil {
			if i.mod != nil {
				i.Close()
			}
			memory.Free()
			i = nil
		}
	}()
	if i.mod, err = s.Module.Instantiate(experimental.WithMemoryAllocator(&i.world, memory)); err != nil {
		return i, fmt.Errorf("starting it: %w", err)
	}
	if err := i.begin(); err != nil {
		return i, fmt.Errorf("starting it: %w", err)
	}
	if s.Module.Description() == nil {
		d, err := i.describe()
		if err != nil {
			return i, fmt.Errorf("describe: %w", err)
		}
		s.Module.Describe(d)
	}
	if err := i.configure(); err != nil {
		return i, fmt.Errorf("configure: %w", err)
	}
	i.started = true
	i.calls.Store(0) // these were not the calls that status counts
	for e := range i.fns {
		i.renew(Export(e)) // what starting took of the host's stack is not kept
	}
	i.ceiling = ceiling(i.mem.Size(), s.Limits.Memory, s.Module.Feedback)
	return i, nil
}

// begin fills the tank of a new instance and calls the module's start functions.
func (i *Instance) begin() error {
	if err := i.world.Open(i.mod); err != nil {
		return err
	}
	i.world.Fill(i.setup.Limits.Fuel, i.setup.Limits.Stack)
	i.world.Begin()
	for _, name := range []string{meter.ExportStart, abi.ExportInit} {
		f := i.mod.ExportedFunction(name)
		if f == nil {
			continue
		}
		if err := f.CallWithStack(&i.world, nil); err != nil {
			err = i.trap(err)
			if i.mod.IsClosed() {
				return fmt.Errorf("there is nothing to call: %w", err)
			}
			return err
		}
	}
	i.mem = i.mod.ExportedMemory(abi.ExportMemory)
	i.input = i.mod.ExportedFunction(abi.ExportInput)
	for e := range i.fns {
		i.renew(Export(e))
	}
	return nil
}

func (i *Instance) describe() (*abi.Description, error) {
	text, err := i.Call(Describe, nil, i.setup.Limits.Fuel)
	if err != nil {
		return nil, err
	}
	d := new(abi.Description)
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("its description is not the JSON that it should be: %w", err)
	}
	return d, contract.Description(d, i.setup.Module.Kind)
}

func (i *Instance) configure() error {
	answer, err := i.Call(Configure, append(i.Room(), i.setup.Config...), i.setup.Limits.Fuel)
	if err != nil {
		return err
	}
	if err = abi.DecodeReply(answer); err != nil {
		return contract.Reply(err)
	}
	return nil
}

// An instance whose memory has grown to this many times what it had after its start, and beyond the floor, is replaced:
// a memory never shrinks, and one large body would occupy it for good. A quarter of what is allowed is a floor as well.
const (
	ceilingFactor = 4
	ceilingFloor  = 32 << 20
)

// ceiling returns the most memory that an instance may keep, given what it has after its start and how many pages it
// may have. A strategy that hears feedback may keep all: what it has learned lies there.
func ceiling(size, limit uint32, feedback bool) uint32 {
	if feedback {
		return math.MaxUint32
	}
	floor := min(ceilingFloor, uint64(limit)<<16/4)
	return uint32(min(max(ceilingFactor*uint64(size), floor), math.MaxUint32))
}
