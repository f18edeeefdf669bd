package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

var may4 = time.Date(2026, 5, 4, 23, 59, 59, 0, time.UTC)

// entry makes an entry of a time.
func entry(at time.Time, change func(e *store.Entry)) store.Entry {
	e := store.Entry{
		ID: store.NewEntryID(at), RequestID: "req", Tenant: "acme", Key: "k1", Group: "fast", Deployment: "openai/gpt-4o", Provider: "openai", Model: "gpt-4o",
		Surface: "openai.chat", Status: 200, Attempts: 1, Latency: 800 * time.Millisecond, Counted: true, Priced: true,
		Tokens: store.Tokens{Prompt: 10, Completion: 5}, Cost: 1000,
	}
	if change != nil {
		change(&e)
	}
	return e
}

func record(t *testing.T, s store.Store, entries ...store.Entry) {
	t.Helper()
	must(t, s.Record(t.Context(), &store.Batch{Journal: [16]byte{1}, Segment: 1, Offset: 1, Entries: entries}))
}

func ledger(t *testing.T, s store.Store) {
	ctx := t.Context()
	if segment, offset, err := s.Position(ctx, [16]byte{7}); err != nil || segment != 0 || offset != 0 {
		t.Errorf("a new journal: %d, %d, %v", segment, offset, err)
	}
	full := entry(may4, func(e *store.Entry) {
		e.Policy, e.Version, e.Error, e.Status, e.Stream, e.FirstToken = "cheap", 3, "timeout", 504, true, 70*time.Millisecond
		e.Tokens = store.Tokens{Prompt: 1, Completion: 2, Cached: 3, CacheWrite: 4, Reasoning: 5}
		e.Counted, e.Priced = false, false
	})
	later := entry(may4.Add(time.Second), nil)
	other := entry(may4, func(e *store.Entry) { e.Tenant = "bolt" })
	must(t, s.Record(ctx, &store.Batch{Journal: [16]byte{7}, Segment: 3, Offset: 99, Entries: []store.Entry{full, other, later}, Unread: [][]byte{{1}}}))
	if segment, offset, err := s.Position(ctx, [16]byte{7}); err != nil || segment != 3 || offset != 99 {
		t.Errorf("position: %d, %d, %v", segment, offset, err)
	}
	must(t, s.Record(ctx, &store.Batch{Journal: [16]byte{7}, Segment: 4, Offset: 32}))
	if segment, offset, err := s.Position(ctx, [16]byte{7}); err != nil || segment != 4 || offset != 32 {
		t.Errorf("position after an empty batch: %d, %d, %v", segment, offset, err)
	}
	got, err := s.Entries(ctx, &store.EntryQuery{Tenant: "acme", Limit: 10})
	must(t, err)
	same(t, "entries", got, []store.Entry{later, full})
	got, err = s.Entries(ctx, &store.EntryQuery{Tenant: "acme", Limit: 1})
	must(t, err)
	same(t, "first page", got, []store.Entry{later})
	got, err = s.Entries(ctx, &store.EntryQuery{Tenant: "acme", Before: got[0].ID, Limit: 1})
	must(t, err)
	same(t, "second page", got, []store.Entry{full})
	got, err = s.Entries(ctx, &store.EntryQuery{Tenant: "nobody", Limit: 1})
	must(t, err)
	if len(got) > 0 {
		t.Errorf("entries of nobody: %+v", got)
	}
}

// However entries came in, in overlapping batches of any size, pages of any size list each once, the
// newest first; and what is trimmed is exactly what is older.
func pagesOfEntries(t *testing.T, s store.Store) {
	ctx := t.Context()
	rnd := rand.New(rand.NewPCG(5, 6))
	want := map[string][]store.EntryID{}
	for i := 0; i < 3000; {
		var batch []store.Entry
		for range 1 + rnd.IntN(1+rnd.IntN(200)) {
			// About in the order of time, as requests take longer or shorter.
			e := entry(may4.Add(time.Duration(i+rnd.IntN(100))*time.Millisecond), func(e *store.Entry) {
				e.Tenant, e.RequestID = []string{"a", "a", "a", "b"}[rnd.IntN(4)], strings.Repeat("r", rnd.IntN(300))
			})
			batch = append(batch, e)
			want[e.Tenant] = append(want[e.Tenant], e.ID)
			i++
		}
		record(t, s, batch...)
	}
	check := func() {
		t.Helper()
		for tenant, all := range want {
			slices.SortFunc(all, func(a, b store.EntryID) int { return b.Compare(a) })
			q := store.EntryQuery{Tenant: tenant, Limit: 1 + rnd.IntN(150)}
			var got []store.EntryID
			for {
				page, err := s.Entries(ctx, &q)
				must(t, err)
				for i := range page {
					got = append(got, page[i].ID)
				}
				if len(page) < q.Limit {
					break
				}
				q.Before = got[len(got)-1]
			}
			if !slices.Equal(got, all) {
				t.Errorf("%s in pages of %d: %d entries of %d, or in another order", tenant, q.Limit, len(got), len(all))
			}
		}
	}
	check()
	for range 5 {
		limit := store.FirstEntryID(may4.Add(time.Duration(rnd.IntN(3000)) * time.Millisecond))
		gone := 0
		for tenant, all := range want {
			n := len(all)
			want[tenant] = slices.DeleteFunc(all, func(id store.EntryID) bool { return id.Before(limit) })
			gone += n - len(want[tenant])
		}
		n, err := s.TrimEntries(ctx, limit.Time())
		must(t, err)
		if n != gone {
			t.Errorf("%d were trimmed, not %d", n, gone)
		}
		check()
	}
}

// Old entries go, their sums stay.
func trimmedEntries(t *testing.T, s store.Store) {
	ctx := t.Context()
	var all []store.Entry
	for i := range 12_000 {
		all = append(all, entry(may4.Add(time.Duration(i)*time.Second), nil))
	}
	record(t, s, all...)
	n, err := s.TrimEntries(ctx, may4.Add(11_000*time.Second))
	must(t, err)
	left, err := s.Entries(ctx, &store.EntryQuery{Tenant: "acme", Limit: 20_000})
	must(t, err)
	if n != 11_000 || len(left) != 1000 || left[999].ID != all[11_000].ID {
		t.Errorf("%d deleted, %d left", n, len(left))
	}
	sums, err := s.Usage(ctx, &store.UsageQuery{To: 1 << 20})
	must(t, err)
	if sums[0].Requests != 12_000 {
		t.Errorf("sums: %+v", sums)
	}
}

// An entry that comes again, in the same batch or another, changes nothing.
func twice(t *testing.T, s store.Store) {
	ctx := t.Context()
	a, b := entry(may4, nil), entry(may4, nil)
	record(t, s, a, b, a)
	changed := a
	changed.Cost = 7e9
	record(t, s, changed, b)
	got, err := s.Usage(ctx, &store.UsageQuery{From: store.DayOf(may4), To: store.DayOf(may4) + 1})
	must(t, err)
	if len(got) != 1 || got[0].Requests != 2 || got[0].Cost != 2000 {
		t.Errorf("sums: %+v", got)
	}
}

func usage(t *testing.T, s store.Store) {
	ctx := t.Context()
	june1 := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	record(t, s,
		entry(may4, nil),
		entry(may4, func(e *store.Entry) { e.Error, e.Priced, e.Cost = "timeout", false, 0 }),
		entry(may4.Add(time.Second), func(e *store.Entry) { e.Model, e.Deployment = "haiku", "anthropic/haiku" }),
		entry(june1.Add(-time.Millisecond), func(e *store.Entry) { e.Key = "k2" }),
		entry(june1, nil),
		entry(may4, func(e *store.Entry) { e.Tenant, e.Cost = "bolt", 50 }),
	)
	from, to := store.DayOf(may4), store.DayOf(june1)+1
	sum := func(u store.Usage, requests, failed, unpriced int64, cost store.Money) store.Usage {
		u.Requests, u.Failed, u.Unpriced, u.Cost = requests, failed, unpriced, cost
		u.Tokens = store.Tokens{Prompt: 10 * requests, Completion: 5 * requests}
		u.Latency = time.Duration(requests) * 800 * time.Millisecond
		return u
	}
	for _, c := range []struct {
		name string
		q    store.UsageQuery
		want []store.Usage
	}{
		{"all", store.UsageQuery{}, []store.Usage{sum(store.Usage{}, 6, 1, 1, 4050)}},
		{"none", store.UsageQuery{Tenant: "nobody"}, []store.Usage{{}}},
		{"tenants", store.UsageQuery{By: []store.Dimension{store.ByTenant}}, []store.Usage{
			sum(store.Usage{Tenant: "acme"}, 5, 1, 1, 4000), sum(store.Usage{Tenant: "bolt"}, 1, 0, 0, 50),
		}},
		{"months of a tenant", store.UsageQuery{Tenant: "acme", By: []store.Dimension{store.ByMonth}}, []store.Usage{
			sum(store.Usage{Day: from.Month()}, 4, 1, 1, 3000), sum(store.Usage{Day: to - 1}, 1, 0, 0, 1000),
		}},
		{"days and models", store.UsageQuery{Tenant: "acme", To: from + 2, By: []store.Dimension{store.ByDay, store.ByModel, store.ByDeployment}}, []store.Usage{
			sum(store.Usage{Day: from, Model: "gpt-4o", Deployment: "openai/gpt-4o"}, 2, 1, 1, 1000),
			sum(store.Usage{Day: from + 1, Model: "haiku", Deployment: "anthropic/haiku"}, 1, 0, 0, 1000),
		}},
		{"keys", store.UsageQuery{Tenant: "acme", Model: "gpt-4o", Group: "fast", By: []store.Dimension{store.ByKey, store.BySurface, store.ByProvider, store.ByGroup}}, []store.Usage{
			sum(store.Usage{Key: "k1", Surface: "openai.chat", Provider: "openai", Group: "fast"}, 3, 1, 1, 2000),
			sum(store.Usage{Key: "k2", Surface: "openai.chat", Provider: "openai", Group: "fast"}, 1, 0, 0, 1000),
		}},
		{"one key", store.UsageQuery{Key: "k2"}, []store.Usage{sum(store.Usage{}, 1, 0, 0, 1000)}},
	} {
		if c.q.From = from; c.q.To == 0 {
			c.q.To = to
		}
		got, err := s.Usage(ctx, &c.q)
		must(t, err)
		same(t, c.name, got, c.want)
	}
	_, err := s.Usage(ctx, &store.UsageQuery{By: []store.Dimension{99}})
	want(t, "a dimension that is none", err, store.ErrInvalid)

	spent, err := s.SpentOn(ctx, store.DayOf(june1)-1)
	must(t, err)
	same(t, "spent on the last of May", spent, []store.Spent{
		{Tenant: "acme", Key: "k1", Month: 2000}, {Tenant: "acme", Key: "k2", Day: 1000, Month: 1000}, {Tenant: "bolt", Key: "k1", Month: 50},
	})
	spent, err = s.SpentOn(ctx, store.DayOf(june1))
	must(t, err)
	same(t, "spent on the first of June", spent, []store.Spent{{Tenant: "acme", Key: "k1", Day: 1000, Month: 1000}})
}

// Whatever is recorded, in whatever batches, the sums are those of the entries.
func sumsEqualEntries(t *testing.T, s store.Store) {
	rnd := rand.New(rand.NewPCG(3, 4))
	pick := func(all ...string) string { return all[rnd.IntN(len(all))] }
	type group struct {
		day                store.Day
		tenant, key, model string
	}
	sums := map[group]*store.Usage{}
	var all []store.Entry
	for range 600 {
		e := entry(may4.Add(time.Duration(rnd.Int64N(int64(50*24*time.Hour)))), func(e *store.Entry) {
			e.Tenant, e.Key, e.Model, e.Group = pick("a", "b"), pick("k1", "k2", "k3"), pick("m1", "m2", ""), pick("g1", "g2")
			e.Error, e.Priced = pick("", "", "timeout"), rnd.IntN(4) > 0
			e.Tokens = store.Tokens{Prompt: rnd.Int64N(1 << 32), Completion: rnd.Int64N(1000), Cached: rnd.Int64N(10), CacheWrite: rnd.Int64N(10), Reasoning: rnd.Int64N(10)}
			e.Cost, e.Latency = store.Money(rnd.Int64N(1e15)), time.Duration(rnd.Int64N(1e12))
		})
		all = append(all, e)
		g := group{store.DayOf(e.ID.Time()), e.Tenant, e.Key, e.Model}
		if sums[g] == nil {
			sums[g] = &store.Usage{Day: g.day, Tenant: g.tenant, Key: g.key, Model: g.model}
		}
		sums[g].Add(e.Usage())
	}
	for rest := all; len(rest) > 0; {
		n := min(len(rest), 1+rnd.IntN(90))
		record(t, s, rest[:n]...)
		again := all[rnd.IntN(len(all)):] // some that were recorded, some that will be
		record(t, s, again[:min(len(again), 5)]...)
		rest = rest[n:]
	}
	got, err := s.Usage(t.Context(), &store.UsageQuery{
		From: 0, To: 1 << 20, By: []store.Dimension{store.ByDay, store.ByTenant, store.ByKey, store.ByModel},
	})
	must(t, err)
	for i := range got {
		g := group{got[i].Day, got[i].Tenant, got[i].Key, got[i].Model}
		if sums[g] == nil {
			t.Errorf("a row of nothing: %+v", got[i])
		} else if d := cmp.Diff(*sums[g], got[i]); d != "" {
			t.Error(d)
		}
	}
	if len(got) != len(sums) {
		t.Errorf("%d rows of %d", len(got), len(sums))
	}
}

func block(tenant string, at time.Time, size int) store.Block {
	return store.Block{Tenant: tenant, First: store.NewEntryID(at), Last: store.NewEntryID(at.Add(time.Minute)), Count: 3, Data: slices.Repeat([]byte{'d'}, size)}
}

func blocks(t *testing.T, s store.Store) {
	ctx := t.Context()
	a, b, c := block("acme", may4, 10), block("bolt", may4, 20), block("acme", may4.Add(time.Hour), 30)
	must(t, s.AddBlocks(ctx, []store.Block{a, b, c}, nil))
	got, err := s.ListBlocks(ctx, "acme")
	must(t, err)
	if len(got) != 2 || got[0].First != a.First || got[0].Last != a.Last || got[1].Count != 3 || got[1].Bytes != 30 || got[0].ID >= got[1].ID {
		t.Fatalf("blocks: %+v", got)
	}
	data, err := s.BlockData(ctx, got[0].ID)
	must(t, err)
	if string(data) != "dddddddddd" {
		t.Errorf("data: %q", data)
	}
	merged := block("acme", may4, 5)
	must(t, s.AddBlocks(ctx, []store.Block{merged}, []int64{got[0].ID, got[1].ID}))
	after, err := s.ListBlocks(ctx, "acme")
	must(t, err)
	if len(after) != 1 || after[0].ID <= got[1].ID || after[0].Bytes != 5 {
		t.Errorf("after merging: %+v", after)
	}
	_, err = s.BlockData(ctx, got[0].ID)
	want(t, "a block that was replaced", err, store.ErrNotFound)
}

func trimming(t *testing.T, s store.Store) {
	ctx := t.Context()
	var all []store.Block
	for i := range 6 {
		all = append(all, block("acme", may4.Add(time.Duration(i)*time.Hour), 100), block(fmt.Sprintf("t%d", i), may4.Add(time.Duration(i)*time.Hour), 100))
	}
	must(t, s.AddBlocks(ctx, all, nil))
	count := func(tenant string) int {
		got, err := s.ListBlocks(ctx, tenant)
		must(t, err)
		return len(got)
	}
	n, err := s.TrimBlocks(ctx, 350, may4.Add(90*time.Minute))
	must(t, err)
	// Of acme the two oldest are too old and one is too much; of the others t0 and t1 are too old.
	if n != 5 || count("acme") != 3 || count("t1") != 0 || count("t2") != 1 {
		t.Errorf("%d deleted, acme has %d, t1 %d, t2 %d", n, count("acme"), count("t1"), count("t2"))
	}
	got, err := s.ListBlocks(ctx, "acme")
	must(t, err)
	if len(got) == 3 && got[2].First != all[10].First {
		t.Error("the newest was deleted")
	}
}
