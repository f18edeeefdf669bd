package policies

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/policies/canary"
	"github.com/switchyard-gateway/switchyard/internal/store"
)

// tenant is what serves one tenant's requests. It implements gateway.PolicySource.
type tenant struct {
	policies *Policies
	name     string
	route    atomic.Pointer[route] // nil: no policy serves
	upload   chan struct{}         // has a place for the one upload at a time

	mu       sync.Mutex // held while something is changed, in the store too
	versions sync.Map   // versionKey → *version
}

type versionKey struct {
	policy string
	number int
}

// route says which versions serve. It does not change, but for what it counts.
type route struct {
	policy     string
	active     *side // nil: the groups' strategies
	canary     *side // nil: none
	share      uint64
	comparison *canary.Comparison // nil without a canary
	probation  *probation         // of the active version, nil: it has nothing to prove
	verdict    atomic.Bool        // somebody is taking a version out
}

// side is one of the versions of a route.
type side struct {
	*version
	choice gateway.PolicyChoice
}

func newSide(v *version, trial bool) *side {
	return &side{version: v, choice: gateway.PolicyChoice{
		Name: v.policy, Version: fmt.Sprint(v.number), Number: v.number, Canary: trial, Plugin: v,
	}}
}

// probation is the first decisions of a version after its activation.
type probation struct {
	from     uint64 // calls that it had had before
	faults   atomic.Int64
	replaced versionKey // what was active before, zero: nothing
}

const (
	probationCalls  = 1000
	probationFaults = 3
)

// left returns how many decisions of v belong to its probation.
func (p *probation) left(v *version) int {
	if p == nil {
		return 0
	}
	return int(probationCalls - min(v.figures.calls.Load()-p.from, probationCalls))
}

// Choose implements gateway.PolicySource. It does not load what it chooses: that is left to the call.
func (t *tenant) Choose(_ context.Context, hash uint64) *gateway.PolicyChoice {
	r := t.route.Load()
	switch {
	case r == nil:
		return nil
	case r.canary != nil && chosen(hash, r.canary.number) < r.share:
		return &r.canary.choice
	case r.active != nil:
		return &r.active.choice
	}
	return nil
}

// chosen returns a number below 1000 for a request: the same for equal hashes as long as the canary is the same one, so
// that a session stays where it is, and whoever is among a share is among a larger one.
func chosen(hash uint64, number int) uint64 {
	x := hash + 0x9e3779b97f4a7c15*uint64(number)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return (x ^ x>>31) % 1000
}

// label names what serves: NAME@VERSION, "" for nothing.
func (r *route) label() string {
	switch {
	case r == nil:
		return ""
	case r.active != nil:
		return r.active.version.label
	}
	return r.canary.version.label
}

// version returns what is known of a stored version, from now on the same.
func (t *tenant) version(v *store.Version) *version {
	key := versionKey{v.Policy, v.Number}
	if known, ok := t.versions.Load(key); ok {
		return known.(*version)
	}
	known, _ := t.versions.LoadOrStore(key, newVersion(t, v))
	return known.(*version)
}

// find is version for a number. What is known already needs no look into the store.
func (t *tenant) find(ctx context.Context, policy string, number int) (*version, error) {
	if known, ok := t.versions.Load(versionKey{policy, number}); ok {
		return known.(*version), nil
	}
	v, err := t.policies.store.Version(ctx, t.name, policy, number)
	if err != nil {
		return nil, err
	}
	return t.version(v), nil
}

// forget ends what is known of a version, or with number 0 of all versions of a policy, or without a policy of all.
func (t *tenant) forget(policy string, number int) {
	for key, known := range t.versions.Range {
		if k := key.(versionKey); policy == "" || k.policy == policy && (number == 0 || k.number == number) {
			v := known.(*version)
			t.versions.Delete(key)
			v.gone.Store(true)
			t.policies.shelf.drop(v)
		}
	}
}

// reroute reads the versions of a stored policy and lets them serve, nothing if there are none. A canary goes on being
// compared if both versions are the ones before. t.mu is held.
func (t *tenant) reroute(ctx context.Context, p *store.Policy) error {
	old := t.route.Load()
	if p.Routing == (store.Routing{}) {
		if old != nil && old.policy == p.Name {
			t.route.Store(nil)
		}
		return nil
	}
	next := &route{policy: p.Name, share: uint64(p.Routing.Share)}
	for _, s := range []struct {
		number int
		side   **side
		trial  bool
	}{{p.Routing.Active, &next.active, false}, {p.Routing.Canary, &next.canary, true}} {
		if s.number == 0 {
			continue
		}
		v, err := t.find(ctx, p.Name, s.number)
		if err != nil {
			return err
		}
		*s.side = newSide(v, s.trial)
	}
	if next.canary != nil {
		next.comparison = canary.New(t.policies.now())
	}
	if old != nil && old.active.is(next.active) {
		next.probation = old.probation
		if old.canary.is(next.canary) && next.canary != nil {
			next.comparison = old.comparison
		}
	}
	if next.canary != nil {
		next.canary.compared.Store(next.comparison)
	}
	t.route.Store(next)
	return nil
}

// is reports whether two sides have the same version, or none.
func (s *side) is(other *side) bool {
	if s == nil || other == nil {
		return s == other
	}
	return s.version == other.version
}
