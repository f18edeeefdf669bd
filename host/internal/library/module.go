package library

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/switchyard-gateway/switchyard/host/internal/contract"
	"github.com/switchyard-gateway/switchyard/host/internal/sandbox"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Module is one admitted version: compiled code that any number of instances share. There is one per key in a Library,
// and it is closed when nobody holds a reference, never while an instance runs.
type Module struct {
	Key
	Number uint32 // no other module that the Library ever had has it
	contract.Shape

	library  *Library
	size     int64
	compiled wazero.CompiledModule // nil once it is unloaded
	desc     atomic.Pointer[abi.Description]
	refs     int // guarded by library.mu

	vetting sync.Mutex   // guards the rest
	vetted  map[any]bool // by terms
}

// Description returns what the module says of itself, nil before its first instance was asked. Nobody may change it.
func (m *Module) Description() *abi.Description { return m.desc.Load() }

// Describe notes what the module says of itself, unless that is known.
func (m *Module) Describe(d *abi.Description) { m.desc.CompareAndSwap(nil, d) }

// Retain takes a reference and reports whether the module was still loaded.
func (m *Module) Retain() bool {
	m.library.mu.Lock()
	defer m.library.mu.Unlock()
	if m.refs == 0 {
		return false
	}
	m.refs++
	return true
}

// Release gives a reference back; the last one frees the code. The copy on disk stays.
func (m *Module) Release() {
	l := m.library
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.refs--; m.refs > 0 {
		return
	}
	delete(l.modules, m.Key)
	l.unload(m)
	l.checkEmpty()
}

// Size returns how much memory the module occupies, about, in bytes, its instances apart.
func (m *Module) Size() int64 { return m.size }

// Instantiate makes an instance, of which no code has run. The caller holds a reference as long as it has the instance.
func (m *Module) Instantiate(ctx context.Context) (api.Module, error) {
	i, err := m.library.runtime.InstantiateModule(ctx, m.compiled, sandbox.Config())
	if err != nil {
		return nil, err
	}
	m.library.instances.Add(1)
	return i, nil
}

// Discard closes an instance, once.
func (m *Module) Discard(ctx context.Context, i api.Module) {
	_ = i.Close(ctx)
	m.library.instances.Add(-1)
}

// Vet calls check, unless one under the same terms has succeeded before. Checks of a module run one at a time.
func (m *Module) Vet(terms any, check func() error) error {
	m.vetting.Lock()
	defer m.vetting.Unlock()
	if m.vetted[terms] {
		return nil
	}
	if err := check(); err != nil {
		return err
	}
	if m.vetted == nil {
		m.vetted = map[any]bool{}
	}
	m.vetted[terms] = true
	return nil
}
