package keyring

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

type source struct {
	tenants []*store.Tenant
	keys    []*store.Key
	err     error
}

func (s *source) ListTenants(context.Context) ([]*store.Tenant, error) { return s.tenants, s.err }
func (s *source) ListKeys(context.Context, string) ([]*store.Key, error) {
	return s.keys, nil
}

var noon = time.Date(2026, 5, 4, 12, 0, 30, 0, time.UTC)

func TestSecrets(t *testing.T) {
	form := regexp.MustCompile(`^sy_[0-9A-Za-z]{49}$`)
	seen := map[string]bool{}
	for range 500 {
		plain, stored := NewSecret()
		if !form.MatchString(plain) || !WellFormed(plain) || seen[plain] {
			t.Fatalf("secret %q", plain)
		}
		seen[plain] = true
		if stored.Digest != Digest(plain) || !strings.HasPrefix(plain, stored.Hint) || len(stored.Hint) != 8 {
			t.Fatalf("stored %+v", stored)
		}
	}
	plain, _ := NewSecret()
	for i := range plain {
		for _, c := range "a0_" {
			if other := plain[:i] + string(c) + plain[i+1:]; other != plain && WellFormed(other) {
				t.Errorf("%q with %q at %d passes the checksum", plain, c, i)
			}
		}
	}
	for _, s := range []string{"", "sy_", plain + "0", plain[1:], strings.Repeat("0", len(plain))} {
		if WellFormed(s) {
			t.Errorf("%q is well-formed", s)
		}
	}
}

func TestFind(t *testing.T) {
	active := &store.Tenant{Name: "acme", State: store.TenantActive}
	asleep := &store.Tenant{Name: "sleepy", State: store.TenantSuspended}
	src := &source{tenants: []*store.Tenant{active, asleep}}
	secrets := map[string]string{}
	add := func(name, tenant string, change func(k *store.Key, s *store.Secret)) {
		plain, s := NewSecret()
		k := &store.Key{ID: name, Tenant: tenant, Name: name}
		change(k, &s)
		k.Secrets = append(k.Secrets, s)
		src.keys = append(src.keys, k)
		secrets[name] = plain
	}
	add("good", "acme", func(*store.Key, *store.Secret) {})
	add("disabled", "acme", func(k *store.Key, _ *store.Secret) { k.Disabled = true })
	add("expired", "acme", func(k *store.Key, _ *store.Secret) { k.Expires = noon })
	add("rotated", "acme", func(k *store.Key, s *store.Secret) { k.Expires, s.Expires = noon.Add(time.Hour), noon })
	add("not yet", "acme", func(k *store.Key, s *store.Secret) { k.Expires, s.Expires = noon.Add(time.Hour), noon.Add(1) })
	add("suspended", "sleepy", func(*store.Key, *store.Secret) {})
	add("orphan", "nobody", func(*store.Key, *store.Secret) {})
	secrets["never made"], _ = NewSecret()

	var r Ring
	if k, why := r.Find(Digest(secrets["good"]), noon); k != nil || why != Unknown {
		t.Errorf("before the first Load: %v, %v", k, why)
	}
	if err := r.Load(t.Context(), src); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Refusal{
		"good": Accepted, "disabled": Disabled, "expired": Expired, "rotated": Expired, "not yet": Accepted,
		"suspended": Suspended, "orphan": Unknown, "never made": Unknown,
	} {
		k, why := r.Find(Digest(secrets[name]), noon)
		if why != want || (want != Unknown) != (k != nil) {
			t.Errorf("%s: %v, want %v", name, why, want)
		}
		if want == Accepted && (k.ID != name || k.Owner != active) {
			t.Errorf("%s: found %+v", name, k)
		}
	}
	if got, ok := r.Tenant("acme"); !ok || got != active {
		t.Errorf("tenant: %v", got)
	}

	// A failed Load leaves what is there, a good one keeps the notes of use.
	src.err = errors.New("no database")
	if err := r.Load(t.Context(), src); !errors.Is(err, src.err) || r.Len() != 6 {
		t.Errorf("%d keys after %v", r.Len(), err)
	}
	src.err = nil
	if err := r.Load(t.Context(), src); err != nil {
		t.Fatal(err)
	}
	used := r.Used(noon.Add(-time.Minute))
	if len(used) != 2 || !used[Digest(secrets["good"])].Equal(noon.Truncate(time.Minute)) {
		t.Errorf("used: %v", used)
	}
	if later := r.Used(noon.Add(time.Minute)); len(later) != 0 {
		t.Errorf("used later: %v", later)
	}
}

// While sets are replaced, a request sees a key with its own tenant, or not at all.
func TestHammer(t *testing.T) {
	src := [2]*source{}
	var plains []string
	for i := range 50 {
		plain, s := NewSecret()
		plains = append(plains, plain)
		for g := range src {
			if src[g] == nil {
				src[g] = &source{}
			}
			name := fmt.Sprintf("t%d", i)
			tenant := &store.Tenant{Name: name, Display: fmt.Sprint(g), State: store.TenantActive}
			src[g].tenants = append(src[g].tenants, tenant)
			src[g].keys = append(src[g].keys, &store.Key{ID: name, Tenant: name, Name: fmt.Sprint(g), Secrets: []store.Secret{s}})
		}
	}
	var r Ring
	if err := r.Load(t.Context(), src[0]); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for i := range 5000 {
				k, why := r.Find(Digest(plains[i%50]), noon)
				if why != Accepted || k.Owner.Name != k.Tenant || k.Name != k.Owner.Display {
					t.Errorf("found %+v of %+v: %v", k.Key, k.Owner, why)
					return
				}
			}
		})
	}
	for i := range 200 {
		if err := r.Load(t.Context(), src[i%2]); err != nil {
			t.Error(err)
		}
		r.Used(time.Time{})
	}
	wg.Wait()
}

func ring(tb testing.TB, n int) (*Ring, []string) {
	src := &source{tenants: []*store.Tenant{{Name: "acme", State: store.TenantActive}}}
	var plains []string
	for range n {
		plain, s := NewSecret()
		plains = append(plains, plain)
		src.keys = append(src.keys, &store.Key{Tenant: "acme", Secrets: []store.Secret{s}})
	}
	r := &Ring{}
	if err := r.Load(tb.Context(), src); err != nil {
		tb.Fatal(err)
	}
	return r, plains
}

func TestFindDoesNotAllocate(t *testing.T) {
	r, plains := ring(t, 10)
	if n := testing.AllocsPerRun(100, func() { r.Find(Digest(plains[3]), noon) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFind(b *testing.B) {
	r, plains := ring(b, 10_000)
	for name, secret := range map[string]string{"known": plains[77], "unknown": plains[77][:51] + "-"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Find(Digest(secret), noon)
			}
		})
	}
}
