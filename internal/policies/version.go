package policies

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/internal/policies/canary"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// version is one version of a tenant's policy as the gateway sees it: a strategy that is loaded when it is called. It
// lasts from its first use until it is deleted, so that its figures survive its being unloaded.
type version struct {
	tenant *tenant
	policy string
	number int
	label  string // "cheap@3"
	module store.Digest
	hash   string // the same in hex
	size   int64  // of the module, in bytes
	config []byte

	resident  atomic.Pointer[residency]
	footprint atomic.Int64 // bytes of its instances when it was unloaded last
	desc      atomic.Pointer[abi.Description]
	listens   atomic.Bool // it exports feedback
	gone      atomic.Bool // it was deleted; requests that chose it before may still call it

	figures  figuresOf
	compared atomic.Pointer[canary.Comparison] // the latest, nil of what was never a canary

	mu      sync.Mutex // guards the rest
	loading *flight
	failed  *loadError
	pause   time.Duration
}

// flight is a load that any number of calls wait for.
type flight struct {
	done    chan struct{}
	waiters int // guarded by version.mu
	r       *residency
	err     error
}

// patience is how long a call waits for its version, if tests don't say otherwise. Back from the cache one takes a tenth of a second at most; if it
// has to be compiled anew, others decide meanwhile.
const patience = 2 * time.Second

// A version that can't be loaded is tried again after a pause that doubles.
const (
	firstPause = 5 * time.Second
	maxPause   = 5 * time.Minute
)

// loadError says that a version could not be loaded.
type loadError struct {
	label string
	err   error
	retry time.Time
	again bool // it was not tried this time
}

func (e *loadError) Error() string {
	if e.again {
		return fmt.Sprintf("policy %s is not loaded again before %s: %v", e.label, e.retry.UTC().Format(time.TimeOnly), e.err)
	}
	return fmt.Sprintf("loading policy %s: %v", e.label, e.err)
}

func (e *loadError) Unwrap() error { return e.err }

// BreakerOpen says that the failure is not news.
func (e *loadError) BreakerOpen() bool { return e.again }

func newVersion(t *tenant, v *store.Version) *version {
	out := &version{
		tenant: t, policy: v.Policy, number: v.Number, label: label(v.Policy, v.Number), module: v.Module,
		hash: hex.EncodeToString(v.Module[:]), size: v.Size, config: v.Config,
	}
	return out
}

// label names a version for humans.
func label(policy string, number int) string { return fmt.Sprintf("%s@%d", policy, number) }

// source is what the host loads.
func (v *version) source() *host.Source {
	return &host.Source{
		Name: v.label, Owner: v.tenant.name, Hash: v.hash, Config: v.config, Faulted: v.faulted,
		Module: func(ctx context.Context) ([]byte, error) { return v.tenant.policies.store.Module(ctx, v.module) },
	}
}

// Describe returns what the version says of itself, as far as it has been loaded.
func (v *version) Describe() *abi.Description {
	if d := v.desc.Load(); d != nil {
		return d
	}
	return &abi.Description{ABI: abi.Version, Kind: abi.KindStrategy, Name: v.policy}
}

// Hash returns the hex SHA-256 of the module.
func (v *version) Hash() string { return v.hash }

// HasFeedback reports whether the version wants to hear how attempts end. One that was never loaded has not asked.
func (v *version) HasFeedback() bool { return v.listens.Load() }

// Score scores candidates, loading the version if need be.
func (v *version) Score(ctx context.Context, h *abi.Header, candidates []abi.Candidate, out *abi.ScoreOutput) (uint64, error) {
	r, err := v.enter(ctx, v.tenant.policies.patience)
	if err != nil {
		return 0, err
	}
	fuel, err := r.loaded.Score(ctx, h, candidates, out)
	r.release()
	v.figures.called(fuel, err)
	if v.gone.Load() {
		v.tenant.policies.shelf.drop(v)
	}
	return fuel, err
}

// Feedback tells the version how an attempt ended, unless it was unloaded meanwhile: what it had learned is gone then.
func (v *version) Feedback(ctx context.Context, f *abi.Feedback) error {
	r := v.resident.Load()
	if r == nil || !r.acquire() {
		return nil
	}
	defer r.release()
	return r.loaded.Feedback(ctx, f)
}

// enter returns the version's residency with a reference for the caller, after loading it if need be. ctx and most, unless
// that is 0, bound the wait, not the load.
func (v *version) enter(ctx context.Context, most time.Duration) (*residency, error) {
	if r := v.resident.Load(); r != nil && r.acquire() {
		v.tenant.policies.shelf.touch(r)
		return r, nil
	}
	f, err := v.board()
	if err != nil {
		return nil, err
	}
	wait := ctx
	if most > 0 {
		var cancel context.CancelFunc
		wait, cancel = context.WithTimeout(ctx, most)
		defer cancel()
	}
	select {
	case <-f.done:
	case <-wait.Done():
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	f.waiters--
	select {
	case <-f.done:
	default:
		return nil, &loadError{label: v.label, err: fmt.Errorf("it took too long: %w", wait.Err())}
	}
	if f.err != nil {
		return nil, f.err
	}
	f.r.refs.Add(1) // the flight has a reference as long as somebody waits
	if f.waiters == 0 {
		f.r.release()
	}
	return f.r, nil
}

// board joins the load that is under way, or begins one.
func (v *version) board() (*flight, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := v.tenant.policies
	if e := v.failed; e != nil && p.now().Before(e.retry) {
		return nil, &loadError{label: e.label, err: e.err, retry: e.retry, again: true}
	}
	if v.loading == nil {
		f := &flight{done: make(chan struct{})}
		if !p.begin() {
			return nil, &loadError{label: v.label, err: errClosed}
		}
		v.loading = f
		go func() {
			defer p.work.Done()
			v.load(f)
		}()
	}
	v.loading.waiters++
	return v.loading, nil
}

// load is the flight's own goroutine.
func (v *version) load(f *flight) {
	p := v.tenant.policies
	r, err := p.shelf.load(p.life, v)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.loading = nil
	if err != nil {
		v.fail(f, err)
		close(f.done)
		return
	}
	v.failed, v.pause = nil, 0
	v.desc.Store(r.loaded.Describe())
	v.listens.Store(r.loaded.HasFeedback())
	v.figures.loads.Add(1)
	v.resident.Store(r)
	f.r = r
	if f.waiters == 0 {
		r.release()
	}
	close(f.done)
}

// fail notes why a load failed. What is the version's own fault counts as such. v.mu is held.
func (v *version) fail(f *flight, err error) {
	p := v.tenant.policies
	e := &loadError{label: v.label, err: err}
	f.err = e
	if p.life.Err() != nil {
		return
	}
	v.pause = min(max(2*v.pause, firstPause), maxPause)
	e.retry = p.now().Add(v.pause)
	v.failed = e
	p.log.Error("a policy could not be loaded", "tenant", v.tenant.name, "policy", v.label, "error", err)
	fault := v.blame(FaultLoad, err.Error())
	if _, ok := errors.AsType[*host.RefusedError](err); ok {
		v.tenant.faulted(v, fault)
	}
}

// faulted hears of the host's faults.
func (v *version) faulted(f *host.Fault) {
	kind := FaultTrap
	switch {
	case f.Export == "start":
		kind = FaultLoad
	case strings.HasPrefix(f.Cause, "it used up its fuel"), strings.HasPrefix(f.Cause, "its calls nested too deep"):
		kind = FaultFuel
	}
	v.tenant.faulted(v, v.blame(kind, f.Export+": "+f.Cause))
}

// blame counts a fault.
func (v *version) blame(kind, message string) *Fault {
	f := &Fault{At: v.tenant.policies.now(), Kind: kind, Message: message}
	v.figures.faulted(f)
	return f
}
