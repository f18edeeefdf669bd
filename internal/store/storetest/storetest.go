// Package storetest is what every store must do, as tests: import it to show that a database
// behind store.Store keeps the contract.
package storetest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// Run runs all tests. open returns a store that is empty, and closes it when the test ends.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s store.Store)
	}{
		{"tenants", tenants}, {"keys", keys}, {"rotation", rotation}, {"policies", policies}, {"modules", modules}, {"isolation", isolation},
		{"ledger", ledger}, {"twice", twice}, {"pages of entries", pagesOfEntries}, {"trimmed entries", trimmedEntries}, {"usage", usage}, {"property", sumsEqualEntries}, {"blocks", blocks}, {"trimming", trimming},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// want checks an error.
func want(t *testing.T, what string, err, is error) {
	t.Helper()
	if !errors.Is(err, is) {
		t.Errorf("%s: %v, want %v", what, err, is)
	}
}

// must stops at an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// same compares what is stored with what was written.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func tenant(t *testing.T, s store.Store, name string) {
	t.Helper()
	must(t, s.CreateTenant(t.Context(), &store.Tenant{Name: name}))
}

// secret makes a stored secret that is like no other.
func secret(n uint32) store.Secret {
	s := store.Secret{Hint: fmt.Sprintf("sy_%05d", n)}
	binary.LittleEndian.PutUint32(s.Digest[:], n)
	return s
}

func tenants(t *testing.T, s store.Store) {
	ctx := t.Context()
	acme := &store.Tenant{
		Name: "acme", Display: "Ácme \"Inc\"", State: store.TenantSuspended,
		Allow:  store.Restrictions{Models: []string{"fast", "openai/*"}, Regions: []string{"eu"}, Pins: map[string]string{"fast": "openai/gpt-4o"}},
		Limits: store.Limits{RequestsPerMinute: 60, Concurrent: 4, PerMonth: 25 * store.USD},
	}
	must(t, s.CreateTenant(ctx, acme))
	if acme.State != store.TenantActive || acme.Revision != 1 || time.Since(acme.Created) > time.Hour {
		t.Errorf("created: %+v", acme)
	}
	tenant(t, s, "Bolt.2")
	got, err := s.Tenant(ctx, "acme")
	must(t, err)
	same(t, "tenant", got, acme)

	want(t, "a name that is taken", s.CreateTenant(ctx, &store.Tenant{Name: "acme"}), store.ErrExists)
	for _, name := range []string{"", "-x", "a/b", "ä", "a b", string(make([]byte, 65))} {
		want(t, fmt.Sprintf("name %q", name), s.CreateTenant(ctx, &store.Tenant{Name: name}), store.ErrInvalid)
	}
	want(t, "a negative limit", s.CreateTenant(ctx, &store.Tenant{Name: "x", Limits: store.Limits{PerDay: -1}}), store.ErrInvalid)
	_, err = s.Tenant(ctx, "nobody")
	want(t, "nobody", err, store.ErrNotFound)
	want(t, "changing nobody", s.UpdateTenant(ctx, &store.Tenant{Name: "nobody", State: store.TenantActive}), store.ErrNotFound)

	old := *acme
	acme.Display, acme.State, acme.Allow = "Acme", store.TenantSuspended, store.Restrictions{}
	must(t, s.UpdateTenant(ctx, acme))
	want(t, "an old revision", s.UpdateTenant(ctx, &old), store.ErrConflict)
	got, err = s.Tenant(ctx, "acme")
	must(t, err)
	same(t, "changed tenant", got, acme)

	all, err := s.ListTenants(ctx)
	must(t, err)
	if len(all) != 2 || all[0].Name != "Bolt.2" || all[1].Name != "acme" {
		t.Errorf("listed: %+v", all)
	}

	// Closing takes keys and policies, and is for good.
	must(t, s.CreateKey(ctx, &store.Key{Tenant: "acme", Name: "k", Scopes: store.ScopeComplete, Secrets: []store.Secret{secret(1)}}))
	must(t, s.AddVersion(ctx, &store.Version{Tenant: "acme", Policy: "p"}, []byte("code")))
	acme.State = store.TenantClosed
	must(t, s.UpdateTenant(ctx, acme))
	left, err := s.ListKeys(ctx, "")
	must(t, err)
	policies, err := s.ListPolicies(ctx, "")
	must(t, err)
	if len(left)+len(policies) > 0 {
		t.Errorf("a closed tenant has %d keys and %d policies", len(left), len(policies))
	}
	acme.State = store.TenantActive
	want(t, "reopening", s.UpdateTenant(ctx, acme), store.ErrInvalid)
	want(t, "the name again", s.CreateTenant(ctx, &store.Tenant{Name: "acme"}), store.ErrExists)
	want(t, "a policy of a closed tenant", s.AddVersion(ctx, &store.Version{Tenant: "acme", Policy: "p"}, []byte("code")), store.ErrInvalid)
	want(t, "a key of a closed tenant", s.CreateKey(ctx, &store.Key{Tenant: "acme", Name: "k", Scopes: store.ScopeComplete, Secrets: []store.Secret{secret(1)}}), store.ErrNotFound)
}

func keys(t *testing.T, s store.Store) {
	ctx := t.Context()
	tenant(t, s, "acme")
	tenant(t, s, "bolt")
	make1 := func(tenant, name string, n uint32) *store.Key {
		return &store.Key{Tenant: tenant, Name: name, Scopes: store.ScopeComplete | store.ScopeUsage, Secrets: []store.Secret{secret(n)}}
	}
	k := make1("acme", "ci", 1)
	k.Limits, k.Expires = store.Limits{TokensPerMinute: 5}, time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)
	must(t, s.CreateKey(ctx, k))
	if k.ID == "" || k.Revision != 1 || len(k.Secrets) != 1 || k.Secrets[0].Created != k.Created {
		t.Errorf("created: %+v", k)
	}
	got, err := s.Key(ctx, "acme", k.ID)
	must(t, err)
	same(t, "key", got, k)
	_, err = s.Key(ctx, "bolt", k.ID)
	want(t, "another tenant's key", err, store.ErrNotFound)

	want(t, "a name that is taken", s.CreateKey(ctx, make1("acme", "ci", 2)), store.ErrExists)
	want(t, "a secret that is taken", s.CreateKey(ctx, make1("acme", "other", 1)), store.ErrExists)
	want(t, "no tenant", s.CreateKey(ctx, make1("nobody", "ci", 3)), store.ErrNotFound)
	want(t, "no scope", s.CreateKey(ctx, &store.Key{Tenant: "acme", Name: "n", Secrets: []store.Secret{secret(4)}}), store.ErrInvalid)
	want(t, "an unknown scope", s.CreateKey(ctx, &store.Key{Tenant: "acme", Name: "n", Scopes: 1 << 9, Secrets: []store.Secret{secret(4)}}), store.ErrInvalid)
	want(t, "no secret", s.CreateKey(ctx, &store.Key{Tenant: "acme", Name: "n", Scopes: 1}), store.ErrInvalid)
	must(t, s.CreateKey(ctx, make1("bolt", "ci", 5)))
	must(t, s.CreateKey(ctx, make1("acme", "app", 6)))

	of, err := s.ListKeys(ctx, "acme")
	must(t, err)
	all, err := s.ListKeys(ctx, "")
	must(t, err)
	if len(of) != 2 || of[0].Name != "app" || len(all) != 3 || len(all[2].Secrets) != 1 {
		t.Errorf("listed %d of acme and %d in all", len(of), len(all))
	}

	old := *k
	k.Name, k.Disabled, k.Scopes, k.Expires = "renamed", true, store.ScopePolicy, time.Time{}
	must(t, s.UpdateKey(ctx, k))
	want(t, "an old revision", s.UpdateKey(ctx, &old), store.ErrConflict)
	got, err = s.Key(ctx, "acme", k.ID)
	must(t, err)
	same(t, "changed key", got, k)
	k.Name = "app"
	want(t, "renaming to a name that is taken", s.UpdateKey(ctx, k), store.ErrExists)

	at := time.Date(2030, 1, 1, 0, 1, 0, 0, time.UTC)
	used := map[store.Digest]time.Time{secret(1).Digest: at, secret(99).Digest: at}
	must(t, s.MarkUsed(ctx, used))
	must(t, s.MarkUsed(ctx, map[store.Digest]time.Time{secret(1).Digest: at.Add(-time.Hour)}))
	if got, err = s.Key(ctx, "acme", k.ID); err != nil || !got.Secrets[0].LastUsed.Equal(at) {
		t.Errorf("last used: %v, %v", got.Secrets, err)
	}

	want(t, "deleting for another tenant", s.DeleteKey(ctx, "bolt", k.ID), store.ErrNotFound)
	must(t, s.DeleteKey(ctx, "acme", k.ID))
	want(t, "deleting again", s.DeleteKey(ctx, "acme", k.ID), store.ErrNotFound)
	must(t, s.CreateKey(ctx, make1("acme", "again", 1))) // its secret is free again
}

func rotation(t *testing.T, s store.Store) {
	ctx := t.Context()
	tenant(t, s, "acme")
	k := &store.Key{Tenant: "acme", Name: "ci", Scopes: 1, Secrets: []store.Secret{secret(1)}}
	must(t, s.CreateKey(ctx, k))
	before := time.Now()
	r, err := s.RotateKey(ctx, "acme", k.ID, secret(2), time.Hour)
	must(t, err)
	if len(r.Secrets) != 2 || r.ID != k.ID || r.Revision != 2 {
		t.Fatalf("rotated: %+v", r)
	}
	ends := map[store.Digest]time.Time{}
	for _, x := range r.Secrets {
		ends[x.Digest] = x.Expires
	}
	if !ends[secret(2).Digest].IsZero() {
		t.Errorf("the new secret ends at %s", ends[secret(2).Digest])
	}
	if e := ends[secret(1).Digest]; e.Before(before.Add(time.Hour-time.Second)) || e.After(time.Now().Add(time.Hour)) {
		t.Errorf("the old secret ends at %s", e)
	}
	// A longer overlap does not prolong what was to end.
	r, err = s.RotateKey(ctx, "acme", k.ID, secret(3), 10*time.Hour)
	must(t, err)
	for _, x := range r.Secrets {
		if x.Digest == secret(1).Digest && !x.Expires.Equal(ends[x.Digest]) {
			t.Errorf("the oldest secret ends at %s now", x.Expires)
		}
	}
	if len(r.Secrets) != 3 {
		t.Errorf("%d secrets", len(r.Secrets))
	}
	// Without an overlap all others are gone at once.
	r, err = s.RotateKey(ctx, "acme", k.ID, secret(4), 0)
	must(t, err)
	if len(r.Secrets) != 1 || r.Secrets[0].Digest != secret(4).Digest {
		t.Errorf("after a rotation without overlap: %+v", r.Secrets)
	}
	_, err = s.RotateKey(ctx, "acme", k.ID, secret(4), 0)
	if err != nil && !errors.Is(err, store.ErrExists) {
		t.Errorf("the same secret again: %v", err)
	}
	_, err = s.RotateKey(ctx, "other", k.ID, secret(5), 0)
	want(t, "another tenant's key", err, store.ErrNotFound)
}
