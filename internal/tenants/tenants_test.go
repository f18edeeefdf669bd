package tenants

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/limits"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/keyring"
	"github.com/switchyard-gateway/switchyard/internal/store/sqlite"
)

// source is a policy that can be told from others.
type source struct{ tenant string }

func (source) Choose(context.Context, uint64) *gateway.PolicyChoice { return nil }

// opened is a directory over an empty store.
func opened(t *testing.T) (*Directory, *sqlite.Store) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "switchyard.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	d := New(Options{Limits: &limits.Registry{}, Policies: func(tenant string) gateway.PolicySource { return source{tenant} }})
	return d, s
}

// key makes the key ci of the tenant acme, and returns its secret's digest.
func key(t *testing.T, s store.Keys) (store.Digest, *store.Key) {
	t.Helper()
	_, secret := keyring.NewSecret()
	k := &store.Key{Tenant: "acme", Name: "ci", Scopes: store.ScopeComplete | store.ScopePolicy, Secrets: []store.Secret{secret}}
	if err := s.CreateKey(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	return secret.Digest, k
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	d, s := opened(t)
	if _, ok := d.Find(store.Digest{}, time.Now()); ok || !d.Empty() {
		t.Error("an empty directory has a key")
	}
	if err := s.CreateTenant(t.Context(), &store.Tenant{
		Name: "acme", Limits: store.Limits{Concurrent: 3},
		Allow: store.Restrictions{Models: []string{"fast"}, Regions: []string{"eu"}, Pins: map[string]string{"fast": "a/x"}, Tags: []string{"t"}},
	}); err != nil {
		t.Fatal(err)
	}
	digest, made := key(t, s)
	if _, ok := d.Find(digest, time.Now()); ok {
		t.Error("a key is known before Load")
	}
	if err := d.Load(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	k, ok := d.Find(digest, time.Now())
	if !ok || k.ID != made.ID || k.Name != "ci" || !k.Scopes.Has(store.ScopePolicy) || k.Limits == nil || d.Empty() {
		t.Fatalf("%+v, %v", k, ok)
	}
	got := *k.Tenant
	if got.Policy != (source{"acme"}) || got.Limits == nil || !got.Record {
		t.Errorf("%+v", got)
	}
	got.Policy, got.Limits = nil, nil
	want := gateway.Tenant{Name: "acme", Models: map[string]bool{"fast": true}, Regions: map[string]bool{"eu": true}, Pins: map[string]string{"fast": "a/x"}, Tags: []string{"t"}, Record: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if same, ok := d.Tenant("acme"); !ok || same != k.Tenant {
		t.Errorf("%p is not the key's tenant %p", same, k.Tenant)
	}
}

// Nothing of a tenant that is suspended or closed is found, and its name stays taken.
func TestTenantsThatMayNotCall(t *testing.T) {
	t.Parallel()
	for _, state := range []store.TenantState{store.TenantSuspended, store.TenantClosed} {
		d, s := opened(t)
		tenant := &store.Tenant{Name: "acme"}
		if err := s.CreateTenant(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
		digest, _ := key(t, s)
		tenant.State = state
		if err := s.UpdateTenant(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
		if err := d.Load(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if _, ok := d.Find(digest, time.Now()); ok {
			t.Errorf("%v: its key is found", state)
		}
		if _, ok := d.Tenant("acme"); ok || !d.Stored("acme") || d.Stored("other") || d.Empty() {
			t.Errorf("%v: the tenant is found, or its name is free, or there is none", state)
		}
	}
}

// broken is a store that can't be read.
type broken struct{ keyring.Source }

func (broken) ListTenants(context.Context) ([]*store.Tenant, error) { return nil, errors.New("disk") }

func TestWhatWasLoadedStays(t *testing.T) {
	t.Parallel()
	d, s := opened(t)
	if err := s.CreateTenant(t.Context(), &store.Tenant{Name: "acme"}); err != nil {
		t.Fatal(err)
	}
	digest, _ := key(t, s)
	if err := d.Load(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if err := d.Load(t.Context(), broken{s}); err == nil || err.Error() != "loading tenants: disk" {
		t.Error(err)
	}
	if _, ok := d.Find(digest, time.Now()); !ok {
		t.Error("the key is gone")
	}
}

func TestMarkUsed(t *testing.T) {
	t.Parallel()
	d, s := opened(t)
	if err := s.CreateTenant(t.Context(), &store.Tenant{Name: "acme"}); err != nil {
		t.Fatal(err)
	}
	digest, made := key(t, s)
	if err := d.Load(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if err := d.MarkUsed(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	used := func() time.Time {
		k, err := s.Key(t.Context(), "acme", made.ID)
		if err != nil {
			t.Fatal(err)
		}
		return k.Secrets[0].LastUsed
	}
	if at := used(); !at.IsZero() {
		t.Errorf("a key that nobody used was used at %v", at)
	}
	now := time.Now()
	d.Find(digest, now)
	if err := d.MarkUsed(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if at := used(); !at.Equal(now.Truncate(time.Minute)) {
		t.Errorf("used at %v, not %v", at, now)
	}
}
