package host

import (
	"errors"
	"time"

	"github.com/switchyard-gateway/switchyard/host/internal/breaker"
	"github.com/switchyard-gateway/switchyard/host/internal/library"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Strategies have breakers, one for each pool: their callers have another way to decide. Providers have none: a client's
// body can make an adapter fault, and must not take it from others.

// Breaker is the state of the breaker of one of a strategy's keys.
type Breaker struct {
	Key string `json:"key"`
	breaker.Status
}

// enter asks the breaker of an attempt's pool. The attempt is over when it returns a fault.
func (a *attempt) enter() *Fault {
	if a.pool.breaker.Closed() {
		return nil
	}
	probe, refusal := a.pool.breaker.Enter(time.Now())
	if a.probe = probe; refusal == "" {
		return nil
	}
	p := a.pool
	return &Fault{Plugin: p.record.plugin, Export: abi.ExportScore, Hash: p.module.Hash, Cause: refusal, Open: true}
}

// settle tells the breaker of an attempt's pool how the attempt ended.
func (a *attempt) settle(err error) {
	if err == nil && !a.probe {
		return
	}
	probe := a.probe
	a.probe = false
	if fault := pluginFault(err); fault != nil {
		if probe || !fault.counted {
			a.pool.tripped(fault, probe)
		}
		return
	}
	if !probe {
		return
	}
	if _, ok := errors.AsType[*Fault](err); ok { // nobody asked the plugin
		a.pool.breaker.Abandon()
		return
	}
	a.pool.breaker.Answered(time.Now())
	a.pool.host.log.Info("a plugin's breaker closed", a.pool.record.lines.Who, "key", a.line.key)
	a.pool.record.tellBreakers(a.pool.host.opts.Observer)
}

// tripped tells a pool's breaker of a fault.
func (p *pool) tripped(f *Fault, probe bool) {
	if p.module.Kind != abi.KindStrategy || !p.breaker.Failed(f.Cause, probe, time.Now(), p.guests.Made()) {
		return
	}
	p.host.log.Warn("a plugin's breaker opened", p.record.lines.Who, "hash", library.Short(f.Hash), "cause", f.Cause)
	p.record.tellBreakers(p.host.opts.Observer)
}

// tellBreakers tells the observer which keys' breakers have opened or closed since it was told last.
func (r *record) tellBreakers(o Observer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := map[string]bool{}
	for _, l := range r.scoring {
		if l.active().breaker.Closed() {
			continue
		}
		now[l.key] = true
		if !r.open[l.key] && o != nil {
			o.Breaker(r.plugin, l.key, true)
		}
	}
	for key := range r.open {
		if !now[key] && o != nil {
			o.Breaker(r.plugin, key, false)
		}
	}
	r.open = now
}

// retire takes note that no spec asks for the plugin any more.
func (r *record) retire(o Observer) {
	r.mu.Lock()
	r.version, r.scoring = nil, nil
	r.mu.Unlock()
	r.tellBreakers(o)
}
