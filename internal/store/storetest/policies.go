package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

func policies(t *testing.T, s store.Store) {
	ctx := t.Context()
	add := func(code string) *store.Version {
		v := &store.Version{Tenant: "acme", Policy: "cheap", Config: json.RawMessage(` {"a": 1} `), By: "ci", Note: "n"}
		must(t, s.AddVersion(ctx, v, []byte(code)))
		return v
	}
	one, two, three := add("one"), add("two"), add("one")
	if one.Number != 1 || two.Number != 2 || three.Number != 3 || one.Module != three.Module || one.Module == two.Module || one.Size != 3 {
		t.Fatalf("versions: %+v %+v %+v", one, two, three)
	}
	got, err := s.Version(ctx, "acme", "cheap", 1)
	must(t, err)
	same(t, "version", got, one)
	code, err := s.Module(ctx, two.Module)
	must(t, err)
	if string(code) != "two" {
		t.Errorf("module: %q", code)
	}
	want(t, "no code", s.AddVersion(ctx, &store.Version{Tenant: "acme", Policy: "x"}, nil), store.ErrInvalid)
	want(t, "a bad name", s.AddVersion(ctx, &store.Version{Tenant: "acme", Policy: "x/y"}, []byte("z")), store.ErrInvalid)
	want(t, "a bad configuration", s.AddVersion(ctx, &store.Version{Tenant: "acme", Policy: "x", Config: json.RawMessage("{")}, []byte("z")), store.ErrInvalid)

	p, err := s.Policy(ctx, "acme", "cheap")
	must(t, err)
	same(t, "routing at first", p.Routing, store.Routing{})
	route := func(to store.Routing, reason string) {
		t.Helper()
		p, err = s.SetRouting(ctx, "acme", "cheap", p.Revision, to, "me", reason)
		must(t, err)
	}
	route(store.Routing{Active: 1}, "first")
	_, err = s.SetRouting(ctx, "acme", "cheap", p.Revision-1, store.Routing{Active: 2}, "me", "")
	want(t, "an old revision", err, store.ErrConflict)
	route(store.Routing{Active: 1, Canary: 2, Share: 100}, "try")
	for _, to := range []store.Routing{
		{Active: -1}, {Canary: 2}, {Share: 5}, {Active: 1, Canary: 2, Share: 1001}, {Active: 1, Canary: 1, Share: 5},
	} {
		_, err = s.SetRouting(ctx, "acme", "cheap", p.Revision, to, "me", "")
		want(t, fmt.Sprintf("routing %+v", to), err, store.ErrInvalid)
	}
	_, err = s.SetRouting(ctx, "acme", "cheap", p.Revision, store.Routing{Active: 9}, "me", "")
	want(t, "a version that is not there", err, store.ErrNotFound)

	for _, n := range []int{1, 2} {
		want(t, "deleting what serves", s.DeleteVersion(ctx, "acme", "cheap", n), store.ErrInUse)
		want(t, "withdrawing what serves", s.SetVersionState(ctx, "acme", "cheap", n, store.VersionWithdrawn, "x"), store.ErrInUse)
	}
	route(store.Routing{Active: 1}, "canary had faults")
	must(t, s.SetVersionState(ctx, "acme", "cheap", 2, store.VersionWithdrawn, "17 faults"))
	_, err = s.SetRouting(ctx, "acme", "cheap", p.Revision, store.Routing{Active: 2}, "me", "")
	want(t, "a version that is withdrawn", err, store.ErrInvalid)
	want(t, "a state that is none", s.SetVersionState(ctx, "acme", "cheap", 2, 7, ""), store.ErrInvalid)
	want(t, "no version", s.SetVersionState(ctx, "acme", "cheap", 8, store.VersionReady, ""), store.ErrNotFound)

	stored, err := s.Policy(ctx, "acme", "cheap")
	must(t, err)
	same(t, "policy", stored, p)
	history, err := s.History(ctx, "acme", "cheap", 2)
	must(t, err)
	if len(history) != 2 || history[0].Reason != "canary had faults" || history[1].Reason != "try" ||
		history[1].From != (store.Routing{Active: 1}) || history[1].To != (store.Routing{Active: 1, Canary: 2, Share: 100}) || history[0].By != "me" {
		t.Errorf("history: %+v", history)
	}

	must(t, s.DeleteVersion(ctx, "acme", "cheap", 3))
	must(t, s.DeleteVersion(ctx, "acme", "cheap", 2))
	if v := add("four"); v.Number != 4 {
		t.Errorf("the number %d was used before", v.Number)
	}
	versions, err := s.ListVersions(ctx, "acme", "cheap")
	must(t, err)
	if len(versions) != 2 || versions[0].Number != 4 {
		t.Errorf("versions: %+v", versions)
	}
	must(t, s.DeletePolicy(ctx, "acme", "cheap"))
	want(t, "deleting again", s.DeletePolicy(ctx, "acme", "cheap"), store.ErrNotFound)
	if v := add("five"); v.Number != 5 {
		t.Errorf("the number %d was used before", v.Number)
	}
	if history, err := s.History(ctx, "acme", "cheap", 9); err != nil || len(history) != 0 {
		t.Errorf("a new policy has the history %+v, %v", history, err)
	}
}

// After any run of uploads and deletions, the modules that are there are those that versions have.
func modules(t *testing.T, s store.Store) {
	ctx := t.Context()
	rnd := rand.New(rand.NewPCG(1, 2))
	type place struct {
		tenant, policy string
		number         int
	}
	has := map[place]store.Digest{}
	code := func(i int) []byte { return fmt.Appendf(nil, "module %d", i) }
	for range 120 {
		tenant, policy := fmt.Sprintf("t%d", rnd.IntN(3)), fmt.Sprintf("p%d", rnd.IntN(2))
		switch rnd.IntN(5) {
		case 0, 1, 2:
			v := &store.Version{Tenant: tenant, Policy: policy}
			must(t, s.AddVersion(ctx, v, code(rnd.IntN(6))))
			has[place{tenant, policy, v.Number}] = v.Module
		case 3:
			for p := range has {
				must(t, s.DeleteVersion(ctx, p.tenant, p.policy, p.number))
				delete(has, p)
				break
			}
		case 4:
			err := s.DeletePolicy(ctx, tenant, policy)
			if err != nil {
				want(t, "deleting", err, store.ErrNotFound)
			}
			for p := range has {
				if p.tenant == tenant && p.policy == policy {
					delete(has, p)
				}
			}
		}
		kept := map[store.Digest]bool{}
		for _, d := range has {
			kept[d] = true
		}
		for i := range 6 {
			d := store.Digest(sha256.Sum256(code(i)))
			got, err := s.Module(ctx, d)
			if kept[d] != (err == nil) || err == nil && !bytes.Equal(got, code(i)) {
				t.Fatalf("module %d: %q, %v, and versions that have it: %v", i, got, err, kept[d])
			}
		}
	}
}

// What one tenant has, no call with another's name finds.
func isolation(t *testing.T, s store.Store) {
	ctx := t.Context()
	must(t, s.AddVersion(ctx, &store.Version{Tenant: "acme", Policy: "p"}, []byte("code")))
	for what, call := range map[string]func(ctx context.Context) error{
		"policy":   func(ctx context.Context) error { _, err := s.Policy(ctx, "bolt", "p"); return err },
		"versions": func(ctx context.Context) error { _, err := s.ListVersions(ctx, "bolt", "p"); return err },
		"version":  func(ctx context.Context) error { _, err := s.Version(ctx, "bolt", "p", 1); return err },
		"history":  func(ctx context.Context) error { _, err := s.History(ctx, "bolt", "p", 1); return err },
		"routing": func(ctx context.Context) error {
			_, err := s.SetRouting(ctx, "bolt", "p", 1, store.Routing{Active: 1}, "", "")
			return err
		},
		"version state": func(ctx context.Context) error {
			return s.SetVersionState(ctx, "bolt", "p", 1, store.VersionWithdrawn, "")
		},
		"deletion":      func(ctx context.Context) error { return s.DeleteVersion(ctx, "bolt", "p", 1) },
		"deletion, all": func(ctx context.Context) error { return s.DeletePolicy(ctx, "bolt", "p") },
	} {
		want(t, what, call(ctx), store.ErrNotFound)
	}
	all, err := s.ListPolicies(ctx, "bolt")
	must(t, err)
	if len(all) != 0 {
		t.Errorf("listed: %+v", all)
	}
}
