// Package policies runs what tenants upload: import it to admit a policy, to say which of its versions serve, and to
// give a tenant's requests the version that decides for them.
//
// A version's life:
//
//  1. [Policies.Upload] admits it as a plugin file is admitted, checks its configuration, and stores it under the next
//     number. It serves nothing yet.
//  2. [Policies.Canary] gives it a share of the tenant's requests. It is compared with the rest, and taken out when it
//     faults or is clearly worse.
//  3. [Policies.Activate] gives it all of them. If it faults in its first decisions, what was active before it comes back.
//  4. [Policies.Rollback] and [Policies.Deactivate] take it out, [Policies.DeleteVersion] removes it.
//
// A tenant has any number of policies, of which one serves at a time. Versions are loaded by the first request that they
// decide for, and unloaded when the memory is needed for others and none of their calls is under way.
package policies

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/store"
)

// DefaultMemory is what a zero Options.Memory stands for, in bytes.
const DefaultMemory = 1 << 30

// Options of Policies.
type Options struct {
	Host  *host.Host
	Store store.Policies
	// Memory bounds what loaded policies occupy, in bytes; 0 means DefaultMemory. Only calls under way may exceed it.
	Memory int64
	Log    *slog.Logger     // nil discards
	Now    func() time.Time // nil is time.Now
}

// Policies is every tenant's policies. It is safe for concurrent use.
//
// Errors of its methods wrap those of package store: ErrNotFound, ErrInUse, ErrConflict, ErrInvalid.
type Policies struct {
	host  *host.Host
	store store.Policies
	log   *slog.Logger
	now   func() time.Time
	shelf shelf
	// patience is how long a call waits for its version to be loaded.
	patience time.Duration

	life context.Context // ends with Close
	end  context.CancelFunc
	work sync.WaitGroup // what runs in the background, and what is borrowed

	mu      sync.Mutex // guards the rest
	tenants map[string]*tenant
	closed  bool

	canariesOut, rolledBack atomic.Uint64 // see Verdicts
}

// tidyEvery is how often loaded policies are held against the budget when nothing is loaded.
const tidyEvery = 250 * time.Millisecond

// Open reads which versions serve. It loads none.
func Open(ctx context.Context, o Options) (*Policies, error) {
	p := &Policies{host: o.Host, store: o.Store, log: o.Log, now: o.Now, patience: patience, tenants: map[string]*tenant{}}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if p.now == nil {
		p.now = time.Now
	}
	p.shelf.open(o.Host, cmp.Or(o.Memory, DefaultMemory))
	p.life, p.end = context.WithCancel(context.WithoutCancel(ctx))
	if err := p.read(ctx); err != nil {
		p.end()
		return nil, fmt.Errorf("reading which policies serve: %w", err)
	}
	p.work.Go(p.tidy)
	return p, nil
}

// read lets serve what is routed. Two policies of a tenant are routed when a process ended as one replaced the other.
func (p *Policies) read(ctx context.Context) error {
	all, err := p.store.ListPolicies(ctx, "")
	if err != nil {
		return err
	}
	latest := map[string]*store.Policy{} // by tenant
	for _, one := range all {
		if other := latest[one.Tenant]; one.Routing != (store.Routing{}) && (other == nil || one.Updated.After(other.Updated)) {
			latest[one.Tenant] = one
		}
	}
	for _, one := range all {
		t := p.tenant(one.Tenant)
		t.mu.Lock()
		switch serves := latest[one.Tenant]; {
		case one == serves:
			err = t.reroute(ctx, one)
		case one.Routing != (store.Routing{}):
			_, err = t.set(ctx, one.Name, store.Routing{}, byStart, "policy "+serves.Name+" was routed later")
		}
		t.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// tidy keeps the budget until the end.
func (p *Policies) tidy() {
	ticks := time.NewTicker(tidyEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			p.shelf.tidy()
		case <-p.life.Done():
			return
		}
	}
}

// Of returns what chooses among a tenant's policies, which may have none, now or later. It stays good until Close.
func (p *Policies) Of(tenant string) gateway.PolicySource { return p.tenant(tenant) }

func (p *Policies) tenant(name string) *tenant {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tenants[name]
	if t == nil {
		t = &tenant{policies: p, name: name, upload: make(chan struct{}, 1)}
		p.tenants[name] = t
	}
	return t
}

// Forget ends the policies of a tenant that was closed: the store has deleted them.
func (p *Policies) Forget(name string) {
	t := p.tenant(name)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.route.Store(nil)
	t.forget("", 0)
}

// begin enters background work, which ends with p.work.Done. It is refused after Close.
func (p *Policies) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.work.Add(1)
	return true
}

// Close unloads everything. It waits, as long as ctx allows, for loads, for verdicts that are being stored, and for
// candidates to be released; calls of versions that are under way end by themselves.
func (p *Policies) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.end()
	p.shelf.close()
	done := make(chan struct{})
	go func() {
		p.work.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing the policies: %w", ctx.Err())
	}
}
