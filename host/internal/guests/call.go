package guests

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"github.com/switchyard-gateway/switchyard/host/internal/guestmemory"
	"github.com/switchyard-gateway/switchyard/host/internal/sandbox"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Instance is one memory that runs a module. One goroutine uses it at a time: whoever started it, or has it from its
// pool.
type Instance struct {
	setup   *Setup
	pool    *Pool // nil of one that is in none
	slot    int
	started bool // from here on, each call has a budget of its own

	mod     api.Module
	mem     api.Memory
	memory  guestmemory.Allocator // of mem
	input   api.Function
	calls   atomic.Uint64 // read by status at any time, as are fuel, dearest and size
	fuel    atomic.Uint64 // of all calls together
	dearest atomic.Uint64 // fuel of the call that used most
	size    atomic.Uint32 // of its memory, in bytes
	used    uint64        // fuel of the last call
	ceiling uint32        // of memory: above it, the instance is replaced after its call
	fns     [exportCount]api.Function
	world   sandbox.World

	// The guest's input buffer, zero until the first call that needs it.
	ptr, cap uint32
	stack    [1]uint64
}

// Has reports whether the module has an export.
func (i *Instance) Has(e Export) bool { return i.fns[e] != nil }

// Used returns the fuel of the last call, errors included.
func (i *Instance) Used() uint64 { return i.used }

// Room returns the guest's input buffer to append a message to. A message that outgrows it ends up elsewhere, which
// Call notices by its length.
func (i *Instance) Room() []byte {
	view, ok := i.mem.Read(i.ptr, i.cap)
	if !ok {
		i.cap = 0
		return nil
	}
	return view[:0]
}

// Call hands the guest a message that was appended to Room and returns the guest's answer, a view of its memory that
// is valid until the next call. After an error the instance must not be used again. While the instance starts, its calls
// share the fuel that begin gave.
func (i *Instance) Call(e Export, message []byte, fuel int64) (answer []byte, err error) {
	defer func() {
		i.memory.Leave()
		if r := recover(); r != nil {
			err = fmt.Errorf("the host function that it called panicked: %v", r)
		}
	}()
	i.calls.Add(1)
	i.world.Begin()
	if len(message) > int(i.cap) {
		if err := i.resize(message, fuel); err != nil {
			return nil, err
		}
	}
	i.fill(fuel)
	i.stack[0] = uint64(len(message))
	if err := i.fns[e].CallWithStack(&i.world, i.stack[:]); err != nil {
		i.account()
		return nil, i.trap(err)
	}
	if i.account(); i.world.Deep() {
		i.renew(e)
	}
	if size := i.mem.Size(); size != i.size.Load() {
		i.size.Store(size)
	}
	ptr, size := abi.Unpack(i.stack[0])
	if limit := i.setup.Limits.output(e); size > limit {
		return nil, fmt.Errorf("its output has %d bytes, the limit is %d", size, limit)
	}
	answer, ok := i.mem.Read(ptr, size)
	if !ok {
		return nil, fmt.Errorf("its output of %d bytes at address %d lies outside its memory of %d bytes", size, ptr, i.mem.Size())
	}
	return answer, nil
}

// Copied is Call with the answer copied to buf, which is grown as needed.
func (i *Instance) Copied(e Export, message []byte, fuel int64, buf []byte) ([]byte, error) {
	answer, err := i.Call(e, message, fuel)
	return append(buf[:0], answer...), err
}

// fill fills the tank for a call.
func (i *Instance) fill(fuel int64) {
	if i.started {
		i.world.Fill(fuel, i.setup.Limits.Stack)
	}
}

// account notes what the last call used.
func (i *Instance) account() {
	i.used = uint64(i.world.Used())
	if !i.started {
		return
	}
	i.fuel.Add(i.used)
	if i.used > i.dearest.Load() {
		i.dearest.Store(i.used)
	}
}

// renew takes an export anew from the module. The runtime keeps the stack that a function's deepest call needed for as
// long as the function is held.
func (i *Instance) renew(e Export) { i.fns[e] = i.mod.ExportedFunction(exportNames[e]) }

// resize asks the guest for a larger input buffer and copies the message there. It asks for more than needed, so that
// slowly growing messages do not ask each time. The guest has the fuel of the call for it, and then once more for the
// call itself, so that equal calls use equal fuel.
func (i *Instance) resize(message []byte, fuel int64) error {
	const step = 16 << 10
	size := (uint64(len(message)) + step - 1) / step * step
	size = max(size, min(2*uint64(i.cap), 1<<20))
	if size > uint64(i.setup.Limits.Memory)<<16 {
		return fmt.Errorf("its input has %d bytes, more than its memory may have", len(message))
	}
	i.stack[0] = size
	i.fill(fuel)
	err := i.input.CallWithStack(&i.world, i.stack[:])
	if i.account(); i.world.Deep() {
		i.input = i.mod.ExportedFunction(abi.ExportInput)
	}
	if err != nil {
		return fmt.Errorf("export %q of %d bytes: %w", abi.ExportInput, size, i.trap(err))
	}
	ptr := uint32(i.stack[0])
	view, ok := i.mem.Read(ptr, uint32(size))
	if !ok {
		return fmt.Errorf("export %q returned address %d, where no %d bytes fit into its memory of %d bytes",
			abi.ExportInput, ptr, size, i.mem.Size())
	}
	i.ptr, i.cap = ptr, uint32(size)
	copy(view, message)
	return nil
}

// trap puts a failed call into words: what happened, and what the guest wrote to stderr last.
func (i *Instance) trap(err error) error {
	var text string
	if exit, ok := errors.AsType[*sys.ExitError](err); ok {
		text = fmt.Sprintf("it exited with code %d", exit.ExitCode())
	} else if empty := i.world.Empty(); empty != nil {
		text = empty.Error()
	} else {
		// The lines after the first are stack traces.
		text, _, _ = strings.Cut(err.Error(), "\n")
		if _, reason, ok := strings.Cut(text, "wasm error: "); ok {
			text = "it trapped: " + reason
		}
	}
	if said := i.world.LastWords(); said != "" {
		text += ": " + said
	}
	return errors.New(text)
}

// Close frees an instance that is in no pool. It is called once.
func (i *Instance) Close() { i.setup.Module.Discard(&i.world, i.mod) }
