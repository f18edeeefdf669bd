// Package keyring holds all keys and tenants in memory: import it to find the key of a secret on
// the request path without asking the store, and to make new secrets.
package keyring

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// Key is a stored key as requests see it. It is immutable but for the note of its last use.
type Key struct {
	*store.Key
	Owner *store.Tenant

	digest store.Digest
	ends   time.Time // of the secret or the key, whichever is first; zero: never
	used   *atomic.Int64
}

// Refusal says why a secret was not accepted. What a client is told is the same for all of them.
type Refusal uint8

// Refusals.
const (
	Accepted Refusal = iota
	Unknown
	Disabled
	Expired
	Suspended // its tenant is
)

// Ring is the current set of keys. The zero Ring has none. It is safe for concurrent use.
type Ring struct {
	loading sync.Mutex // one Load at a time, so that the newest is published last
	current atomic.Pointer[contents]
}

// contents is one immutable set.
type contents struct {
	keys    map[store.Digest]*Key
	tenants map[string]*store.Tenant
}

// Source is where a ring reads from.
type Source interface {
	ListTenants(ctx context.Context) ([]*store.Tenant, error)
	ListKeys(ctx context.Context, tenant string) ([]*store.Key, error)
}

// Load reads all tenants and keys and puts them in the place of those that are there. Call it at
// start and after each change; requests see the old set or the new one, never a mixture. On an
// error the old one stays.
func (r *Ring) Load(ctx context.Context, from Source) error {
	r.loading.Lock()
	defer r.loading.Unlock()
	// Keys first: a tenant that is made in between has no keys yet in what was read.
	keys, err := from.ListKeys(ctx, "")
	if err != nil {
		return fmt.Errorf("loading keys: %w", err)
	}
	tenants, err := from.ListTenants(ctx)
	if err != nil {
		return fmt.Errorf("loading tenants: %w", err)
	}
	next := &contents{keys: make(map[store.Digest]*Key, len(keys)), tenants: make(map[string]*store.Tenant, len(tenants))}
	for _, t := range tenants {
		next.tenants[t.Name] = t
	}
	old := r.current.Load()
	for _, k := range keys {
		owner, ok := next.tenants[k.Tenant]
		if !ok {
			continue
		}
		for i := range k.Secrets {
			s := &k.Secrets[i]
			key := &Key{Key: k, Owner: owner, digest: s.Digest, ends: earlier(k.Expires, s.Expires)}
			if was := old.key(s.Digest); was != nil {
				key.used = was.used // so that no use is forgotten
			} else {
				key.used = new(atomic.Int64)
			}
			next.keys[s.Digest] = key
		}
	}
	r.current.Store(next)
	return nil
}

func (c *contents) key(d store.Digest) *Key {
	if c == nil {
		return nil
	}
	return c.keys[d]
}

// earlier is the first of two times, of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Find returns the key of a secret, given its Digest, and whether it may be used now. It allocates
// nothing and takes no lock.
//
// Its time depends on the digest alone, of which a caller who does not know the secret can steer
// no bit: to learn by timing how much of a digest is right, one would have to make secrets whose
// digests share its beginning, which is as hard as finding the secret. So an ordinary map does, and
// no comparison runs over secrets themselves.
func (r *Ring) Find(d store.Digest, now time.Time) (*Key, Refusal) {
	k := r.current.Load().key(d)
	switch {
	case k == nil:
		return nil, Unknown
	case k.Disabled:
		return k, Disabled
	case !k.ends.IsZero() && !now.Before(k.ends):
		return k, Expired
	case k.Owner.State != store.TenantActive:
		return k, Suspended
	}
	// One store a minute and secret; what is shared is only read in between.
	if minute := now.Unix() / 60; k.used.Load() < minute {
		k.used.Store(minute)
	}
	return k, Accepted
}

// Tenant finds a tenant by name.
func (r *Ring) Tenant(name string) (*store.Tenant, bool) {
	c := r.current.Load()
	if c == nil {
		return nil, false
	}
	t, ok := c.tenants[name]
	return t, ok
}

// Tenants counts the tenants, closed ones too.
func (r *Ring) Tenants() int {
	c := r.current.Load()
	if c == nil {
		return 0
	}
	return len(c.tenants)
}

// Len counts the secrets.
func (r *Ring) Len() int {
	c := r.current.Load()
	if c == nil {
		return 0
	}
	return len(c.keys)
}

// Used returns which secrets were used since a time, and when last, to the minute: what the store
// is told now and then.
func (r *Ring) Used(since time.Time) map[store.Digest]time.Time {
	seen := map[store.Digest]time.Time{}
	c := r.current.Load()
	if c == nil {
		return seen
	}
	from := since.Unix() / 60
	for d, k := range c.keys {
		if m := k.used.Load(); m > 0 && m >= from {
			seen[d] = time.Unix(m*60, 0).UTC()
		}
	}
	return seen
}
