// Package tenants keeps the stored tenants and keys as the gateway wants them: import it to find on
// the request path whose a key is, without asking the store.
package tenants

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/limits"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/keyring"
)

// Options are what a Directory needs from outside.
type Options struct {
	Limits *limits.Registry
	// Policies returns what decides for a tenant's requests, nil if nothing does but the groups' strategies.
	Policies func(tenant string) gateway.PolicySource
}

// Directory is everybody whom the admin API has made. It is safe for concurrent use; what it
// returns is not changed.
type Directory struct {
	opts    Options
	ring    keyring.Ring
	loading sync.Mutex // one Load at a time, so that the newest is published last
	current atomic.Pointer[contents]
	told    time.Time // until when the store knows of the uses of secrets; guarded by loading
}

type contents struct {
	tenants map[string]*gateway.Tenant
	keys    map[string]*gateway.Key // by ID
}

// New returns an empty directory.
func New(o Options) *Directory {
	d := &Directory{opts: o}
	d.current.Store(&contents{})
	return d
}

// Load reads all tenants and keys. Call it at start and after each change. On an error what was
// there stays.
func (d *Directory) Load(ctx context.Context, from keyring.Source) error {
	d.loading.Lock()
	defer d.loading.Unlock()
	// Keys first: a tenant that is made in between has no keys yet in what was read.
	keys, err := from.ListKeys(ctx, "")
	if err != nil {
		return fmt.Errorf("loading keys: %w", err)
	}
	stored, err := from.ListTenants(ctx)
	if err != nil {
		return fmt.Errorf("loading tenants: %w", err)
	}
	next := &contents{tenants: make(map[string]*gateway.Tenant, len(stored)), keys: make(map[string]*gateway.Key, len(keys))}
	for _, t := range stored {
		if t.State == store.TenantActive {
			next.tenants[t.Name] = d.tenant(t)
		}
	}
	for _, k := range keys {
		if t := next.tenants[k.Tenant]; t != nil {
			next.keys[k.ID] = &gateway.Key{ID: k.ID, Name: k.Name, Tenant: t, Scopes: k.Scopes, Limits: d.opts.Limits.Key(k.Tenant, k.ID, k.Limits)}
		}
	}
	// Secrets are published before the keys that they open: until both are there a new key is unknown.
	if err := d.ring.Load(ctx, read{stored, keys}); err != nil {
		return err
	}
	d.current.Store(next)
	return nil
}

// read is what was read, for the ring to have the same.
type read struct {
	tenants []*store.Tenant
	keys    []*store.Key
}

func (r read) ListTenants(context.Context) ([]*store.Tenant, error)   { return r.tenants, nil }
func (r read) ListKeys(context.Context, string) ([]*store.Key, error) { return r.keys, nil }

func (d *Directory) tenant(t *store.Tenant) *gateway.Tenant {
	return &gateway.Tenant{
		Name: t.Name, Models: Set(t.Allow.Models), Deployments: Set(t.Allow.Deployments), Regions: Set(t.Allow.Regions), Pins: t.Allow.Pins, Tags: t.Allow.Tags,
		Policy: d.opts.Policies(t.Name), Limits: d.opts.Limits.Tenant(t.Name, t.Limits), Record: true,
	}
}

// Set is a list as the gateway looks it up; an empty one restricts nothing.
func Set(names []string) map[string]bool {
	if len(names) == 0 {
		return nil
	}
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// Find returns the key of a secret that may be used now.
func (d *Directory) Find(secret store.Digest, now time.Time) (*gateway.Key, bool) {
	found, refusal := d.ring.Find(secret, now)
	if refusal != keyring.Accepted {
		return nil, false
	}
	k, ok := d.current.Load().keys[found.ID]
	return k, ok
}

// Authenticate is Find for a secret as a request bears it.
func (d *Directory) Authenticate(secret string) (*gateway.Key, bool) {
	return d.Find(keyring.Digest(secret), time.Now())
}

// Tenant finds an active tenant.
func (d *Directory) Tenant(name string) (*gateway.Tenant, bool) {
	t, ok := d.current.Load().tenants[name]
	return t, ok
}

// Stored reports whether a name is taken in the store, by a tenant of any state.
func (d *Directory) Stored(name string) bool {
	_, ok := d.ring.Tenant(name)
	return ok
}

// Empty reports whether there has never been a tenant. Deleting the last key does not make it empty: whom the key was
// taken from would be let in without one.
func (d *Directory) Empty() bool { return d.ring.Tenants() == 0 }

// MarkUsed tells the store when secrets were used since it was told last.
func (d *Directory) MarkUsed(ctx context.Context, in store.Keys) error {
	d.loading.Lock()
	since := d.told
	d.loading.Unlock()
	now := time.Now()
	used := d.ring.Used(since)
	if len(used) == 0 {
		return nil
	}
	if err := in.MarkUsed(ctx, used); err != nil {
		return fmt.Errorf("noting when keys were used: %w", err)
	}
	d.loading.Lock()
	d.told = now
	d.loading.Unlock()
	return nil
}
