package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"github.com/switchyard-gateway/switchyard/host/internal/guestlog"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// export is one of the functions that a host calls.
type export uint8

const (
	exportDescribe export = iota
	exportConfigure
	exportRequest
	exportResponse
	exportStream
	exportScore
	exportFeedback
	exportCount
)

var exportNames = [exportCount]string{
	abi.ExportDescribe, abi.ExportConfigure, abi.ExportRequest, abi.ExportResponse,
	abi.ExportStream, abi.ExportScore, abi.ExportFeedback,
}

func (e export) String() string { return exportNames[e] }

// instance is one memory that runs a module. One goroutine uses it at a time: whoever took it from its pool.
type instance struct {
	pool *pool
	slot int

	mod     api.Module
	mem     api.Memory
	input   api.Function
	calls   atomic.Uint64 // read by status at any time, as is memory
	memory  atomic.Uint32 // bytes
	ceiling uint32        // of memory: above it, the instance is replaced after its call
	fns     [exportCount]api.Function
	ctx     context.Context // carries the instance to host functions; see guestContext
	out     guestlog.Output // what the guest wrote to stderr during the current call

	// The guest's input buffer, zero until the first call that needs it.
	ptr, cap uint32
	stack    [1]uint64
}

// room returns the guest's input buffer to append a message to. A message that outgrows it ends up elsewhere, which
// call notices by its length.
func (i *instance) room() []byte {
	view, ok := i.mem.Read(i.ptr, i.cap)
	if !ok {
		i.cap = 0
		return nil
	}
	return view[:0]
}

// call hands the guest a message that was appended to room and returns the guest's answer, a view of its memory that
// is valid until the next call. After an error the instance must not be used again.
func (i *instance) call(e export, message []byte, limit uint32) (answer []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the host function that it called panicked: %v", r)
		}
	}()
	i.calls.Add(1)
	i.out.Reset()
	if len(message) > int(i.cap) {
		if err := i.resize(message); err != nil {
			return nil, err
		}
	}
	i.stack[0] = uint64(len(message))
	if err := i.fns[e].CallWithStack(i.ctx, i.stack[:]); err != nil {
		return nil, i.trap(err)
	}
	if size := i.mem.Size(); size != i.memory.Load() {
		i.memory.Store(size)
	}
	ptr, size := abi.Unpack(i.stack[0])
	if size > limit {
		return nil, fmt.Errorf("its output has %d bytes, the limit is %d", size, limit)
	}
	answer, ok := i.mem.Read(ptr, size)
	if !ok {
		return nil, fmt.Errorf("its output of %d bytes at address %d lies outside its memory of %d bytes", size, ptr, i.mem.Size())
	}
	return answer, nil
}

// copied is call with the answer copied to buf, which is grown as needed.
func (i *instance) copied(e export, message []byte, buf []byte) ([]byte, error) {
	answer, err := i.call(e, message, abi.MaxOutput)
	return append(buf[:0], answer...), err
}

// resize asks the guest for a larger input buffer and copies the message there. It asks for more than needed, so that
// slowly growing messages do not ask each time.
func (i *instance) resize(message []byte) error {
	const step = 16 << 10
	size := (uint64(len(message)) + step - 1) / step * step
	size = max(size, min(2*uint64(i.cap), 1<<20))
	if size > uint64(i.pool.host.opts.MemoryLimit)<<16 {
		return fmt.Errorf("its input has %d bytes, more than its memory may have", len(message))
	}
	i.stack[0] = size
	if err := i.input.CallWithStack(i.ctx, i.stack[:]); err != nil {
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
func (i *instance) trap(err error) error {
	var text string
	if exit, ok := errors.AsType[*sys.ExitError](err); ok {
		text = fmt.Sprintf("it exited with code %d", exit.ExitCode())
	} else {
		// The lines after the first are stack traces.
		text, _, _ = strings.Cut(err.Error(), "\n")
		if _, reason, ok := strings.Cut(text, "wasm error: "); ok {
			text = "it trapped: " + reason
		}
	}
	if said := i.out.Text(); said != "" {
		text += ": " + said
	}
	return errors.New(text)
}

// finish returns the instance to its pool after a call that ended in err, and drops it when err is anything but a
// refusal. It turns such an err into a *Fault.
func (i *instance) finish(e export, err error) error {
	p := i.pool
	if err == nil {
		p.giveBack(i)
		return nil
	}
	if _, ok := errors.AsType[*abi.Refusal](err); ok {
		p.record.refusals.Add(1)
		p.giveBack(i)
		return err
	}
	f := &Fault{Plugin: p.record.plugin, Export: e.String(), Hash: p.module.hash, Cause: err.Error()}
	p.replace(i)
	p.host.faulted(p, f)
	return f
}

// unserved is the fault of a call that got no instance: what get's error says.
func (p *pool) unserved(e export, err error) *Fault {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	f := &Fault{Plugin: p.record.plugin, Export: e.String(), Hash: p.module.hash, Cause: err.Error()}
	if s, ok := errors.AsType[*starvation](err); ok {
		f.Starved, f.err = true, s.cause
	}
	return f
}

// close frees the instance. It is called once.
func (i *instance) close() {
	_ = i.mod.Close(i.ctx)
	i.pool.host.instances.Add(-1)
}
