package meter_test

import (
	"bytes"
	"context"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/switchyard-gateway/switchyard/host/meter"
)

// instance is a guest as a host holds it: metered, or not, when the counters are nil.
type instance struct {
	api.Module
	memory                     *memory
	fuel, reserve, stack, more counter
	given                      int64
}

// memory is that of an instance, as meter asks for: it never gives the last page.
type memory struct {
	buffer []byte
	most   uint64
	turns  int // how often it was asked for that
}

func (m *memory) Allocate(_, most uint64) experimental.LinearMemory {
	m.most = most
	return m
}

func (m *memory) Reallocate(size uint64) []byte {
	if size == m.most {
		m.turns++
		return nil
	}
	m.buffer = append(m.buffer, make([]byte, size-uint64(len(m.buffer)))...)
	return m.buffer[:size:size]
}

func (m *memory) Free() {}

// counter is one of the globals that Rewrite adds.
type counter struct{ api.MutableGlobal }

func (c counter) set(v int64) {
	if c.Type() == api.ValueTypeI32 {
		v = int64(uint32(v))
	}
	c.Set(uint64(v))
}

func (c counter) left() int64 {
	if c.Type() == api.ValueTypeI32 {
		return int64(int32(c.Get()))
	}
	return int64(c.Get())
}

// instantiate makes an instance of a module, rewritten or not, and runs nothing that can use fuel.
func instantiate(ctx context.Context, r wazero.Runtime, module []byte, name string) (*instance, error) {
	mem := &memory{}
	if bytes.Contains(module, []byte(meter.ExportFuel)) {
		ctx = experimental.WithMemoryAllocator(ctx, mem)
	}
	m, err := r.InstantiateWithConfig(ctx, module, wazero.NewModuleConfig().WithName(name).WithStartFunctions())
	if err != nil {
		return nil, err
	}
	in := &instance{Module: m, memory: mem}
	for export, c := range map[string]*counter{
		meter.ExportFuel: &in.fuel, meter.ExportReserve: &in.reserve, meter.ExportStack: &in.stack, meter.ExportDeep: &in.more,
	} {
		c.MutableGlobal, _ = m.ExportedGlobal(export).(api.MutableGlobal)
	}
	return in, nil
}

func (in *instance) metered() bool { return in.fuel.MutableGlobal != nil }

// shallow is how much stack calls have at first.
const shallow = 2 << 10

// give sets the counters as a host does before a call.
func (in *instance) give(fuel, stack int64) {
	if !in.metered() {
		return
	}
	first := min(fuel, meter.Slice)
	in.fuel.set(first)
	in.reserve.set(fuel - first)
	first = min(stack, shallow)
	in.stack.set(first)
	in.more.set(stack - first)
	in.given = fuel
}

// dry says whether the call since give ended for want of fuel.
func (in *instance) dry() bool { return in.metered() && in.fuel.left() < 0 }

// deep says whether the call since give ended for want of stack.
func (in *instance) deep() bool { return in.metered() && in.stack.left() < 0 }

// nested says whether calls since give have nested for more than shallow.
func (in *instance) nested() bool { return in.more.left() == 0 }

// used is the fuel used since give.
func (in *instance) used() int64 {
	if !in.metered() || in.dry() {
		return in.given
	}
	return in.given - in.fuel.left() - in.reserve.left()
}

// start runs what was the module's start function, if it had one.
func (in *instance) start(ctx context.Context) error {
	f := in.ExportedFunction(meter.ExportStart)
	if f == nil {
		return nil
	}
	_, err := f.Call(ctx)
	return err
}

// compiles says why wazero would not take a module, or nil.
func compiles(ctx context.Context, r wazero.Runtime, module []byte) error {
	c, err := r.CompileModule(ctx, module)
	if err != nil {
		return err
	}
	return c.Close(ctx)
}
