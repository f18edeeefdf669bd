package gateway

import (
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/gateway/health"
)

func TestSnapshotFindsGroups(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.group("openai/*", "*")
	w.group("openai/o*", "*")
	w.find("openai/*").Deployments[0].Model, w.find("openai/o*").Deployments[0].Model = "*", "fixed"
	s := w.publish()
	for _, tc := range []struct{ model, group, matched string }{
		{"fast", "fast", ""}, {"openai/gpt-4o", "openai/*", "gpt-4o"}, {"openai/o3", "openai/o*", "3"},
		{"openai/", "", ""}, {"openai/o", "openai/*", "o"}, {"Fast", "", ""}, {"", "", ""}, {"openai/*", "openai/*", "*"},
	} {
		g, matched, ok := s.group(tc.model)
		if ok != (tc.group != "") || ok && (g.Name != tc.group || matched != tc.matched) {
			t.Errorf("%q: %v %q %t", tc.model, g, matched, ok)
		}
	}
	if e := w.do("openai/gpt-4o"); e.report.Model != "gpt-4o" || w.up.calls[0].id != "gpt-4o" {
		t.Errorf("%+v, %+v", e.report, w.up.calls)
	}
	if e := w.do("openai/o3"); e.report.Model != "fixed" {
		t.Errorf("%+v", e.report)
	}
}

func TestSnapshotKnowsWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	w := newWorld()
	acme := &Tenant{Name: "acme", Models: map[string]bool{"quality": true, "fast": true}}
	root := &Tenant{Name: "root"}
	key := &Key{Hash: sha256.Sum256([]byte("secret")), Name: "k", Tenant: acme}
	s := NewSnapshot(SnapshotSpec{Groups: w.groups, Tenants: []*Tenant{acme, root}, Keys: []*Key{key}})
	if k, ok := s.Authenticate("secret"); !ok || k != key {
		t.Error("the key was not found")
	}
	for _, wrong := range []string{"", "Secret", "secret ", string(key.Hash[:])} {
		if _, ok := s.Authenticate(wrong); ok {
			t.Errorf("%q was let in", wrong)
		}
	}
	if got := s.Models(acme); !slices.Equal(got, []string{"fast", "quality"}) {
		t.Errorf("acme sees %v", got)
	}
	for _, all := range []*Tenant{root, nil} {
		if got := s.Models(all); !slices.Equal(got, []string{"local", "fast", "economy", "balanced", "quality"}) {
			t.Errorf("%v sees %v", all, got)
		}
	}
	if found, ok := s.Tenant("acme"); !ok || found != acme || s.Open() || len(s.Groups()) != 5 {
		t.Error("the snapshot is not what it was made of")
	}
	if _, ok := s.Tenant("nobody"); ok {
		t.Error("found a tenant that does not exist")
	}
}

func TestSnapshotIsClosedByTheLastRelease(t *testing.T) {
	t.Parallel()
	closed := 0
	g := New(Options{})
	if g.Acquire() != nil {
		t.Fatal("a snapshot before the first Publish")
	}
	first := NewSnapshot(SnapshotSpec{ID: 1, OnClose: func() { closed++ }})
	g.Publish(first)
	held := g.Acquire()
	g.Publish(NewSnapshot(SnapshotSpec{ID: 2}))
	if closed != 0 || held.ID != 1 || g.Acquire().ID != 2 {
		t.Fatalf("closed %d times", closed)
	}
	held.Release()
	if closed != 1 || first.lease.Acquire() {
		t.Errorf("closed %d times, or taken up again", closed)
	}
}

func TestHealthIsSharedAcrossSnapshots(t *testing.T) {
	t.Parallel()
	g := New(Options{})
	h := g.Health("a", "p", "m")
	if g.Health("a", "p", "m") != h || g.Health("a", "p", "n") == h || g.Health("a", "q", "m") == h {
		t.Error("identity is not by ID, provider and model")
	}
	snap := func(h *health.Health) *Snapshot {
		group := &Group{Name: "g", Deployments: []*Deployment{{ID: "a", Account: &Account{}, Health: h}}}
		group.output.Add(100_000)
		return NewSnapshot(SnapshotSpec{Groups: []*Group{group}})
	}
	first := snap(h)
	g.Publish(first)
	expected := first.groups[0].output.Value()
	second := NewSnapshot(SnapshotSpec{Groups: []*Group{{Name: "g", Deployments: []*Deployment{{ID: "a", Account: &Account{}, Health: h}}}}})
	g.Publish(second)
	if g.Health("a", "p", "m") != h {
		t.Error("a new snapshot with the deployment forgot its statistics")
	}
	if second.groups[0].output.Value() != expected {
		t.Error("a new snapshot with the group forgot how long its answers are")
	}
	g.Publish(NewSnapshot(SnapshotSpec{}))
	if g.Health("a", "p", "m") == h {
		t.Error("a snapshot without the deployment kept its statistics")
	}
}
