package host

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync/atomic"
	"time"

	"github.com/switchyard-gateway/switchyard/host/internal/breaker"
	"github.com/switchyard-gateway/switchyard/host/internal/guests"
	"github.com/switchyard-gateway/switchyard/host/internal/library"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// poolKey identifies a pool: sets that need the same plugin, version and config for the same owner share it. What one
// owner's calls leave in an instance, another's never meet.
type poolKey struct {
	record *record
	module library.Key
	config [sha256.Size]byte
}

// pool is instances of one plugin with one config, for one owner, and what became of their calls. It starts with one
// reference and one idle instance. The last release closes it.
type pool struct {
	host   *Host
	key    poolKey
	record *record
	module *library.Module
	limits *Limits
	setup  guests.Setup
	guests *guests.Pool

	breaker breaker.Breaker
	trial   atomic.Pointer[trial] // the latest that a line of this pool took part in; hears of failed starts
	refs    atomic.Int64
}

// poolFor returns a pool with one reference for the caller, who holds the module: a live one, or a new one with a warm
// instance.
func (h *Host) poolFor(ctx context.Context, r *record, m *library.Module, config []byte) (*pool, error) {
	if len(config) == 0 {
		config = []byte("{}")
	}
	key := poolKey{record: r, module: m.Key, config: sha256.Sum256(config)}
	h.mu.Lock()
	if p := h.pools[key]; p != nil && p.acquire() {
		h.mu.Unlock()
		return p, nil
	}
	h.mu.Unlock()

	limits := h.limits(r.key.owner)
	size := limits.Instances
	if m.Feedback {
		size = 1
	}
	p := &pool{host: h, key: key, record: r, module: m, limits: limits, setup: guests.Setup{
		Module: m, Owner: r.key.owner, Config: append([]byte(nil), config...), Limits: limits.instance(), Still: r.key.owner != "", Log: h.log, Lines: &r.lines,
	}}
	ctx, cancel := context.WithTimeout(ctx, limits.Compile.Timeout)
	defer cancel()
	var err error
	if p.guests, err = guests.Open(ctx, &p.setup, size, p, &r.ledger); err != nil {
		return nil, err
	}
	p.refs.Store(1)
	h.mu.Lock()
	h.pools[key] = p
	h.mu.Unlock()
	return p, nil
}

// acquire takes a reference and reports whether the pool was still open.
func (p *pool) acquire() bool { return acquire(&p.refs) }

// acquire increments a count unless it is zero.
func acquire(refs *atomic.Int64) bool {
	for {
		n := refs.Load()
		if n == 0 {
			return false
		}
		if refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release gives a reference back; the last one closes the pool. Nobody finds it any more then, but its instances are
// still counted.
func (p *pool) release() {
	if p.refs.Add(-1) > 0 {
		return
	}
	h := p.host
	h.mu.Lock()
	h.ending[p] = struct{}{}
	if h.pools[p.key] == p {
		delete(h.pools, p.key)
	}
	h.mu.Unlock()
	p.guests.Close()
}

// Ended implements guests.Owner.
func (p *pool) Ended() {
	h := p.host
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.ending, p)
	if r := p.record; r.unlisted && h.records[r.key] == r && len(h.poolsByRecord()[r]) == 0 {
		delete(h.records, r.key)
	}
}

// Waited implements guests.Owner.
func (p *pool) Waited(d time.Duration) {
	if o := p.host.opts.Observer; o != nil && p.record.listener == nil {
		o.Waited(p.record.plugin, d)
	}
}

// Failed implements guests.Owner: a start that failed is a fault, one for all calls that wait for it.
func (p *pool) Failed(err error) error {
	f := &Fault{Plugin: p.record.plugin, Export: "start", Hash: p.module.Hash, Cause: "no instance could be started: " + sentence(err), counted: true}
	p.host.faulted(p, f)
	p.tripped(f, false)
	if t := p.trial.Load(); t != nil && t.state.Load() == trialOpen {
		t.faulted(f) // before the calls that wait are repeated elsewhere
	}
	return f
}

// finish returns an instance after a call that ended in err, and drops it when err is anything but a refusal. It turns
// such an err into a *Fault.
func (p *pool) finish(i *guests.Instance, e guests.Export, err error) error {
	if err == nil {
		i.Return()
		return nil
	}
	if _, ok := errors.AsType[*abi.Refusal](err); ok {
		p.record.refusals.Add(1)
		i.Return()
		return err
	}
	f := &Fault{Plugin: p.record.plugin, Export: e.String(), Hash: p.module.Hash, Cause: sentence(err)}
	p.host.faulted(p, f) // before a start that replaces it can fail, too
	i.Replace()
	return f
}

// unserved is the fault of a call that got no instance: what Get's error says.
func (p *pool) unserved(e guests.Export, err error) *Fault {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	f := &Fault{Plugin: p.record.plugin, Export: e.String(), Hash: p.module.Hash, Cause: sentence(err)}
	if s, ok := errors.AsType[*guests.StarvedError](err); ok {
		f.Starved, f.err = true, s.Cause
	}
	return f
}
