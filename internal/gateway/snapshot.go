package gateway

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/health"
	"github.com/switchyard-gateway/switchyard/internal/gateway/lease"
)

// Snapshot is the immutable set of groups, accounts, plugins and tenants that one request uses
// from start to end. It is born with one reference, which Publish takes over.
type Snapshot struct {
	ID      uint64
	groups  []*Group
	exact   map[string]*Group
	wild    []*Group // longest prefix first
	keys    map[[sha256.Size]byte]*Key
	tenants map[string]*Tenant
	open    bool
	lease   *lease.Lease
}

// SnapshotSpec is what a snapshot is made of.
type SnapshotSpec struct {
	ID      uint64
	Groups  []*Group
	Tenants []*Tenant
	Keys    []*Key
	// Open serves everybody without a key.
	Open bool
	// Drain is how long requests may go on once another snapshot has replaced this one; 0 is for
	// as long as their own deadlines.
	Drain time.Duration
	// OnClose runs once, after the last release.
	OnClose func()
}

// NewSnapshot prepares what requests look up.
func NewSnapshot(spec SnapshotSpec) *Snapshot {
	s := &Snapshot{
		ID: spec.ID, groups: spec.Groups, open: spec.Open, lease: lease.New(spec.Drain, spec.OnClose),
		exact:   make(map[string]*Group, len(spec.Groups)),
		keys:    make(map[[sha256.Size]byte]*Key, len(spec.Keys)),
		tenants: make(map[string]*Tenant, len(spec.Tenants)),
	}
	for _, t := range spec.Tenants {
		s.tenants[t.Name] = t
	}
	for _, g := range spec.Groups {
		g.prepare()
		if strings.HasSuffix(g.Name, "*") {
			s.wild = append(s.wild, g)
		} else {
			s.exact[g.Name] = g
		}
	}
	slices.SortStableFunc(s.wild, func(a, b *Group) int { return len(b.Name) - len(a.Name) })
	for _, k := range spec.Keys {
		s.keys[k.Hash] = k
	}
	return s
}

// statistics is the set of all that its deployments use.
func (s *Snapshot) statistics() map[*health.Health]bool {
	used := map[*health.Health]bool{}
	for _, g := range s.groups {
		for _, d := range g.Deployments {
			used[d.Health] = true
		}
	}
	return used
}

// inherit takes over what the groups of an older snapshot have learnt.
func (s *Snapshot) inherit(old *Snapshot) {
	for _, g := range s.groups {
		i := slices.IndexFunc(old.groups, func(o *Group) bool { return o.Name == g.Name })
		if i >= 0 {
			g.output.Inherit(&old.groups[i].output)
		}
	}
}

// Release gives one reference back; the last one closes the snapshot.
func (s *Snapshot) Release() { s.lease.Release() }

// Open reports whether requests need no key.
func (s *Snapshot) Open() bool { return s.open }

// group finds the group that serves a model name, and what a wildcard in it stands for.
func (s *Snapshot) group(model string) (g *Group, matched string, ok bool) {
	if g, ok := s.exact[model]; ok {
		return g, "", true
	}
	for _, g := range s.wild {
		prefix := g.Name[:len(g.Name)-1]
		if rest, found := strings.CutPrefix(model, prefix); found && rest != "" {
			return g, rest, true
		}
	}
	return nil, "", false
}

// Groups returns the groups in the order of the config. They must not be changed.
func (s *Snapshot) Groups() []*Group { return s.groups }
