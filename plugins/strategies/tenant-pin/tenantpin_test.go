package main

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/strategytest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

func tenant(name string) abi.Header {
	return abi.Header{Tenant: name, TenantHash: abi.Hash(name)}
}

func kept(t *testing.T, s *sdktest.Strategy, h abi.Header, cands ...abi.Candidate) string {
	t.Helper()
	return strategytest.Order(strategytest.Score(t, s, h, cands...), cands...)
}

func plain(ids ...string) []abi.Candidate {
	var cands []abi.Candidate
	for _, id := range ids {
		cands = append(cands, strategytest.Candidate(id))
	}
	return cands
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	a, b, c := strategytest.Candidate("a"), strategytest.Candidate("b"), strategytest.Candidate("c")
	flagged := func(c abi.Candidate, flags uint32) abi.Candidate {
		c.Flags |= flags
		return c
	}
	const pin, failed, cooling = abi.CandidatePinned, abi.CandidateFailed, abi.CandidateCooling
	const table = `{"table":{"acme":"b","lost":"gone"}}`
	const strict = `{"strict":true,"table":{"acme":"b","lost":"gone"}}`
	for _, tc := range []struct {
		name   string
		config string
		h      abi.Header
		cands  []abi.Candidate
		kept   string
		reason string
	}{
		{"nothing to pin by", "", abi.Header{}, []abi.Candidate{a, b}, "a b", "no tenant to pin by: all 2"},
		{"nothing at all", "", abi.Header{}, nil, "", ""},
		{"operator", "", tenant("acme"), []abi.Candidate{a, flagged(b, pin), c}, "b", "b: pinned (operator)"},
		{"operator before table", table, tenant("acme"), []abi.Candidate{a, b, flagged(c, pin)}, "c", "c: pinned (operator)"},
		{"operator without a key", `{"by":"session"}`, tenant("acme"), []abi.Candidate{a, flagged(b, pin)}, "b", "b: pinned (operator)"},
		{"table", table, tenant("acme"), []abi.Candidate{a, b, c}, "b", "b: pinned (table)"},
		{"table while another is down", table, tenant("acme"), []abi.Candidate{flagged(a, cooling), b}, "b", "b: pinned (table)"},
		{"pinned one failed", table, tenant("acme"), []abi.Candidate{a, flagged(b, failed)}, "a", "a: next by hash, b is down"},
		{"pinned one cooling", "", tenant("acme"), []abi.Candidate{a, flagged(b, pin|cooling)}, "a", "a: next by hash, b is down"},
		{"pinned one missing", table, tenant("lost"), []abi.Candidate{a}, "a", "a: next by hash, gone is not on offer"},
		{"all cooling", table, tenant("acme"), []abi.Candidate{flagged(a, cooling), flagged(b, cooling)}, "b", "b: pinned (table)"},
		{"failed before cooling", table, tenant("acme"), []abi.Candidate{flagged(a, failed), flagged(b, cooling)}, "a", "a: next by hash, b is down"},
		{"strict stays", strict, tenant("acme"), []abi.Candidate{a, flagged(b, failed|cooling)}, "b", "b: pinned (table)"},
		{"strict operator stays", strict, tenant("acme"), []abi.Candidate{a, b, flagged(c, pin|failed)}, "c", "c: pinned (operator)"},
		{"strict and missing", strict, tenant("lost"), []abi.Candidate{a, b}, "", "tenant-pin: pinned to gone, which is not on offer"},
		{"strict says nothing of others", strict, tenant("other"), []abi.Candidate{a}, "a", "a: the tenant's place by hash"},
		{"session in the table", `{"by":"session","table":{"ann":"c"}}`, abi.Header{SessionHash: abi.Hash("ann")}, []abi.Candidate{a, b, c}, "c", "c: pinned (table)"},
		{"no session", `{"by":"session"}`, tenant("acme"), []abi.Candidate{a, b}, "a b", "no session to pin by: all 2"},
		{"no prefix", `{"by":"prefix"}`, tenant("acme"), []abi.Candidate{a}, "a", "no prefix to pin by: all 1"},
		{"prefix", `{"by":"prefix"}`, abi.Header{PrefixHash: 5}, []abi.Candidate{a}, "a", "a: the prefix's place by hash"},
		{"backup only when alone", "", tenant("acme"), []abi.Candidate{strategytest.Candidate("z", strategytest.Weight(0)), a}, "a", "a: the tenant's place by hash"},
	} {
		s := sdktest.NewStrategy(t, newPlugin(), tc.config)
		out := strategytest.Score(t, s, tc.h, tc.cands...)
		if got := strategytest.Order(out, tc.cands...); got != tc.kept {
			t.Errorf("%s: keeps %q, want %q", tc.name, got, tc.kept)
		}
		if out.Reason != tc.reason {
			t.Errorf("%s: reason %q, want %q", tc.name, out.Reason, tc.reason)
		}
		if out.Directives != 0 {
			t.Errorf("%s: directives %b", tc.name, out.Directives)
		}
	}
}

func TestTheSeedDoesNotMatter(t *testing.T) {
	t.Parallel()
	s := sdktest.NewStrategy(t, newPlugin(), "")
	h := tenant("acme")
	want := kept(t, s, h, plain("a", "b", "c", "d")...)
	for seed := range uint64(50) {
		h.Seed = seed
		if got := kept(t, s, h, plain("a", "b", "c", "d")...); got != want {
			t.Fatalf("seed %d moves the tenant from %s to %s", seed, want, got)
		}
	}
}

func TestTenantsSpreadByWeight(t *testing.T) {
	t.Parallel()
	const n = 20000
	s := sdktest.NewStrategy(t, newPlugin(), "")
	cands := []abi.Candidate{strategytest.Candidate("a", strategytest.Weight(1)), strategytest.Candidate("b", strategytest.Weight(math.NaN())), strategytest.Candidate("c", strategytest.Weight(2))}
	places := map[string]int{}
	for i := range n {
		places[kept(t, s, tenant(fmt.Sprint("tenant-", i)), cands...)]++
	}
	strategytest.Share(t, "a", places["a"], n, 0.25)
	strategytest.Share(t, "b", places["b"], n, 0.25)
	strategytest.Share(t, "c", places["c"], n, 0.5)
}

// TestMinimalDisruption: taking a deployment away moves only its own tenants, and spreads them; bringing
// it back restores every place; adding one takes from the others only.
func TestMinimalDisruption(t *testing.T) {
	t.Parallel()
	const n = 5000
	s := sdktest.NewStrategy(t, newPlugin(), "")
	all := []string{"a", "b", "c", "d", "e"}
	moved := map[string]int{}
	for i := range n {
		h := tenant(fmt.Sprint("tenant-", i))
		home := kept(t, s, h, plain(all...)...)
		for _, gone := range all {
			rest := slices.DeleteFunc(slices.Clone(all), func(id string) bool { return id == gone })
			now := kept(t, s, h, plain(rest...)...)
			if gone != home && now != home {
				t.Fatalf("tenant %d lives at %s and moves to %s when %s goes", i, home, now, gone)
			}
			down := plain(all...)
			down[slices.Index(all, gone)].Flags |= abi.CandidateCooling
			if got := kept(t, s, h, down...); got != now {
				t.Fatalf("tenant %d: %s without %s, but %s while it cools down", i, now, gone, got)
			}
			if gone == home && gone == "a" {
				moved[now]++
			}
		}
		if grown := kept(t, s, h, append(plain(all...), strategytest.Candidate("f"))...); grown != home && grown != "f" {
			t.Fatalf("tenant %d moves from %s to %s when f comes", i, home, grown)
		}
	}
	total := 0
	for _, count := range moved {
		total += count
	}
	for _, id := range all[1:] {
		strategytest.Share(t, "tenants of a that go to "+id, moved[id], total, 0.25)
	}
}

func TestConfigure(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		`{"tables":{}}`:       `unknown key "tables"; known: by, table, strict`,
		`{"by":"user"}`:       `by: "user" is not one of tenant, session, prefix`,
		`{"table":{"a":[]}}`:  `table: {"a":[]} is not an object whose values are texts that are not empty`,
		`{"strict":"please"}`: `strict: "please" is not true or false`,
	} {
		if err := sdktest.ConfigureError(newPlugin(), config); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}
