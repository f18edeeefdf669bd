package sandbox

import (
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero/api"

	"github.com/switchyard-gateway/switchyard/host/meter"
)

// Tank is what the calls of one instance may use up, kept in globals of the metered module. It is used by the goroutine
// that runs the instance.
type Tank struct {
	fuel, reserve, stack, deep api.MutableGlobal
	given                      int64
	depth                      uint32
}

// errDry ends a host function that the guest can't pay for.
var errDry = errors.New("out of fuel")

// Open finds the tank of an instance. The error says that its module is not metered.
func (t *Tank) Open(mod api.Module) error {
	for name, g := range map[string]*api.MutableGlobal{
		meter.ExportFuel: &t.fuel, meter.ExportReserve: &t.reserve, meter.ExportStack: &t.stack, meter.ExportDeep: &t.deep,
	} {
		m, ok := mod.ExportedGlobal(name).(api.MutableGlobal)
		if !ok {
			return fmt.Errorf("the module has no global %q, so it is not metered", name)
		}
		*g = m
	}
	return nil
}

// First is the fuel of a call's first slice. It is a few tens of microseconds of work: nearly all calls of adapters end
// within it, so that they need not give way, wait for a place among the guests that run for long, and keep others waiting
// for their instance meanwhile.
const First = 4 * meter.Slice

// Shallow is how much stack, in bytes as the meter counts them, calls may take without being called deep. What the
// runtime's stack grows to for that is worth keeping: it serves the next call.
const Shallow = 128 << 10

// Fill gives the calls that follow, up to the next Fill, fuel in instructions and stack in bytes.
func (t *Tank) Fill(fuel int64, stack uint32) {
	t.given, t.depth = fuel, stack
	slice := min(fuel, First)
	t.fuel.Set(uint64(slice))
	t.reserve.Set(uint64(fuel - slice))
	shallow := min(stack, Shallow)
	t.stack.Set(uint64(shallow))
	t.deep.Set(uint64(stack - shallow))
}

// Deep reports whether calls have nested for more than Shallow since the last Fill.
func (t *Tank) Deep() bool { return t.depth > Shallow && t.deep.Get() == 0 }

// Used returns the fuel that was used since the last Fill.
func (t *Tank) Used() int64 {
	left := int64(t.fuel.Get())
	if left < 0 {
		return t.given
	}
	return t.given - left - int64(t.reserve.Get())
}

// Charge takes fuel for what a host function does, which must not return to a guest that can't pay.
func (t *Tank) Charge(n int64) {
	left := int64(t.fuel.Get())
	if n <= left {
		t.fuel.Set(uint64(left - n))
		return
	}
	reserve := int64(t.reserve.Get())
	if n -= max(left, 0); n > reserve {
		t.fuel.Set(^uint64(0))
		t.reserve.Set(0)
		panic(errDry)
	}
	t.fuel.Set(0)
	t.reserve.Set(uint64(reserve - n))
}

// Empty says what ran out and made a call trap, nil if neither fuel nor stack did.
func (t *Tank) Empty() error {
	switch {
	case int64(t.fuel.Get()) < 0:
		return fmt.Errorf("it used up its fuel of %d instructions", t.given)
	case int32(t.stack.Get()) < 0:
		return fmt.Errorf("its calls nested too deep: they need more than %s of stack", size(t.depth))
	}
	return nil
}

// size writes a number of bytes as people do.
func size(bytes uint32) string {
	switch {
	case bytes > 0 && bytes%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", bytes>>20)
	case bytes > 0 && bytes%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", bytes>>10)
	}
	return fmt.Sprintf("%d bytes", bytes)
}
