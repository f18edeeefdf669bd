package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/switchyard-gateway/switchyard/host/internal/compiler"
	"github.com/switchyard-gateway/switchyard/host/internal/contract"
	"github.com/switchyard-gateway/switchyard/host/internal/guests"
	"github.com/switchyard-gateway/switchyard/host/internal/library"
	"github.com/switchyard-gateway/switchyard/host/internal/vectors"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Source is a strategy that does not come from a folder of plugins: a policy that a tenant has uploaded. It runs under
// Options.Policies, and the Observer does not hear of it.
type Source struct {
	Name   string // for the log and for faults, as "cheap@3"
	Owner  string // the tenant
	Hash   string // hex SHA-256 of the module
	Config []byte // JSON for configure; empty means {}
	// Module returns the module's bytes. It is called when its code is neither loaded nor in the cache.
	Module func(ctx context.Context) ([]byte, error)
	// Faulted hears of each fault of the plugin's making, those of the first start apart. It is called from any
	// goroutine, must return quickly and must not call the Host. nil is nobody.
	Faulted func(*Fault)
}

// Stages of an admission.
const (
	StageModule    = "module"    // its bytes, what it imports and exports, its code
	StageStart     = "start"     // its start functions, describe and configure
	StageConfigure = "configure" // configure was answered: it does not take the config
	StageVectors   = "vectors"   // its golden vectors
)

// RefusedError says why a Source is not admitted. It is about the plugin; other errors are not.
type RefusedError struct {
	Stage       string
	Description *abi.Description // nil when it did not come to describe itself
	Err         error
}

// Error is one sentence, whatever the plugin had to say.
func (e *RefusedError) Error() string { return sentence(e.Err) }

// Unwrap returns the cause.
func (e *RefusedError) Unwrap() error { return e.Err }

// Loaded is a strategy from a Source. It shares its code with whatever is made of the same module, and its instances with
// nothing. Release ends it.
type Loaded struct{ Strategy }

// Load admits a strategy, all but its golden vectors, and warms one instance. It may run beside Build. The error is a
// *RefusedError, ErrClosed, what Source.Module returned, or ctx's.
func (h *Host) Load(ctx context.Context, s *Source) (*Loaded, error) {
	h.loading.RLock()
	defer h.loading.RUnlock()
	if h.closing {
		return nil, ErrClosed
	}
	m, err := h.find(ctx, s)
	if err != nil {
		return nil, err
	}
	defer m.Release() // the pool has it
	if m.Kind != abi.KindStrategy {
		return nil, &RefusedError{Stage: StageModule, Err: fmt.Errorf("it is %s, and %s is asked for", contract.Noun(m.Kind), contract.Noun(abi.KindStrategy))}
	}
	r := h.newRecord(s.Name, recordKey{s.Name, s.Owner})
	r.listener = s.Faulted
	if r.listener == nil {
		r.listener = func(*Fault) {}
	}
	p, err := h.poolFor(ctx, r, m, s.Config)
	if err == nil {
		return &Loaded{Strategy{&line{key: s.Name, pool: p}}}, nil
	}
	if ctx.Err() != nil || errors.Is(err, guests.ErrClosed) {
		return nil, fmt.Errorf("starting plugin %q: %w", s.Name, err)
	}
	refused := &RefusedError{Stage: StageStart, Description: m.Description(), Err: err}
	if _, ok := errors.AsType[*abi.Refusal](err); ok {
		refused.Stage = StageConfigure
	}
	return nil, refused
}

// find returns a source's module with one reference for the caller.
func (h *Host) find(ctx context.Context, s *Source) (*library.Module, error) {
	limits := &h.opts.Policies
	key := library.Key{Hash: s.Hash, Limits: limits.module()}
	m, err := h.modules.Find(ctx, s.Name, key)
	if m != nil || err != nil {
		return m, err
	}
	data, err := s.Module(ctx)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != s.Hash {
		return nil, fmt.Errorf("loading plugin %q: its module is not the one with the hash %s", s.Name, library.Short(s.Hash))
	}
	if int64(len(data)) > limits.ModuleSize {
		return nil, &RefusedError{Stage: StageModule, Err: fmt.Errorf("it has %d bytes, and a module may have %d", len(data), limits.ModuleSize)}
	}
	bounds := limits.Compile.bounds(true)
	m, err = h.modules.Module(ctx, s.Name, key, data, &bounds)
	h.modules.End()
	if _, ok := errors.AsType[*compiler.RefusalError](err); ok {
		err = &RefusedError{Stage: StageModule, Err: err}
	}
	return m, err
}

// Vet plays the golden vectors that a module carries, which must be the strategy's. The error is a *RefusedError or ctx's.
func (l *Loaded) Vet(ctx context.Context, module []byte) error {
	list, err := vectors.Read(module)
	if err == nil {
		err = l.line.pool.vet(ctx, list)
	}
	if err != nil && ctx.Err() == nil {
		err = &RefusedError{Stage: StageVectors, Description: l.Describe(), Err: err}
	}
	return err
}

// Release closes the strategy, once. Calls that are under way are finished; no call may begin after it.
func (l *Loaded) Release() { l.line.leave() }

// Module returns what the compiled code occupies, about, in bytes. Everything that is loaded with the same hash shares it.
func (l *Loaded) Module() int64 { return l.line.pool.module.Size() }

// Instances counts the strategy's instances. Their Memory is what the guests see of it.
func (l *Loaded) Instances() Instances {
	p := l.line.pool
	c := p.record.ledger.Count([]*guests.Pool{p.guests})
	return Instances{Live: c.Live, Idle: c.Idle, Max: c.Max, Memory: c.Memory}
}
