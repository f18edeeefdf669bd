// Package limits holds tenants and keys to what they may use: import it to reserve what a request
// will probably take before it is sent, and to settle what it took.
//
// There are five limits, each of a tenant or of a key, and a request has to pass those of both:
//
//   - Requests and tokens a minute are buckets that hold a minute's worth and fill continuously, so
//     that after a pause a minute's worth may be used at once.
//   - Concurrent requests are counted from reservation to settlement.
//   - Budgets a day and a month, in UTC, count what was spent and what is reserved.
//
// Requests and concurrency are exact. Of tokens and money nobody knows beforehand how much a request
// takes. So a request is let in while something is left, and its estimate is reserved at once: any
// number of parallel requests overshoots by less than one estimate, plus what answers take more than
// was estimated. What a request took too much of a minute's tokens is paid back by those who come
// later: over time the rate holds.
//
// Accounts are in memory. Budgets survive a restart through the ledger, see [Registry.Restore];
// buckets are full after one.
package limits

import (
	"strings"
	"sync"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// Registry keeps the accounts of a process: they outlive snapshots and changes of limits. The zero
// value has none. Its methods are safe for concurrent use; none is needed while a request is served.
type Registry struct {
	mu      sync.Mutex
	tenants map[string]*Account
	keys    map[keyID]*Account
}

type keyID struct{ tenant, key string }

// Tenant returns the account of a tenant, the same one each time, and gives it these limits.
func (r *Registry) Tenant(name string, l store.Limits) *Account {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.tenant(name)
	a.limit(&l)
	return a
}

// Key returns the account of a tenant's key, the same one each time, and gives it these limits. key
// is what the ledger knows the key by.
func (r *Registry) Key(tenant, key string, l store.Limits) *Account {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.key(tenant, key)
	a.limit(&l)
	return a
}

// Restore notes what was spent before the process began, as [store.Ledger.SpentOn] has it for a day.
// Call it once, before the first request, and after the ledger has taken over what its journal held.
// A key that acted for another tenant is spelt OWNER/KEY, where KEY has no slash: what it cost counts
// against that tenant, and against the key.
func (r *Registry) Restore(day store.Day, spent []store.Spent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range spent {
		s := &spent[i]
		if s.Tenant != "" {
			r.tenant(s.Tenant).restore(day, s)
		}
		owner, key := s.Tenant, s.Key
		if at := strings.LastIndexByte(s.Key, '/'); at >= 0 { // names of tenants may have one, IDs of keys have none
			owner, key = s.Key[:at], s.Key[at+1:]
		}
		if key != "" {
			r.key(owner, key).restore(day, s)
		}
	}
}

func (r *Registry) tenant(name string) *Account {
	a := r.tenants[name]
	if a == nil {
		if r.tenants == nil {
			r.tenants = map[string]*Account{}
		}
		a = &Account{scope: "tenant", name: name}
		r.tenants[name] = a
	}
	return a
}

func (r *Registry) key(tenant, key string) *Account {
	id := keyID{tenant, key}
	a := r.keys[id]
	if a == nil {
		if r.keys == nil {
			r.keys = map[keyID]*Account{}
		}
		a = &Account{scope: "key", name: key}
		r.keys[id] = a
	}
	return a
}
