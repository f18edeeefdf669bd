package api

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/server/api/internal/shape"
)

// used puts requests of three days into the ledger: acme's, and one of another tenant.
func (f *fixture) used(from time.Time) {
	f.t.Helper()
	b := store.Batch{Journal: [16]byte{1}, Segment: 1, Offset: 1}
	for day := range 3 {
		for i := range day + 1 {
			at := from.AddDate(0, 0, day)
			b.Entries = append(b.Entries, store.Entry{
				ID: store.NewEntryID(at), Tenant: "acme", Key: fmt.Sprint("k", i), Group: "g", Deployment: "a/x", Provider: "a", Model: "=x", Status: 200, Latency: time.Second,
				Counted: true, Tokens: store.Tokens{Prompt: 100, Completion: 10}, Priced: true, Cost: 1,
			})
		}
	}
	b.Entries = append(b.Entries, store.Entry{ID: store.NewEntryID(from), Tenant: "rival", Key: "r", Model: "y", Status: 500, Error: "oh", Cost: 5})
	if err := f.store.Record(f.t.Context(), &b); err != nil {
		f.t.Fatal(err)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, secret := f.tenant("acme")
	f.used(time.Date(2026, 2, 27, 23, 0, 0, 0, time.UTC))
	for _, c := range []struct{ path, secret, want string }{
		{"/v1/usage?from=2026-02-01&to=2026-03-31", secret, "6 0 0.000000006"},
		{"/v1/usage?from=2026-02-28&to=2026-02-28", secret, "2 0 0.000000002"},
		{"/v1/usage?to=2026-02-28", secret, "3 0 0.000000003"},
		{"/v1/usage?from=2026-02-01&to=2026-03-31&by=day", secret, "2026-02-27 1; 2026-02-28 2; 2026-03-01 3; 6 0 0.000000006"},
		{"/v1/usage?from=2026-02-01&to=2026-03-31&by=month,key", secret, "2026-02/k0 2; 2026-02/k1 1; 2026-03/k0 1; 2026-03/k1 1; 2026-03/k2 1; 6 0 0.000000006"},
		{"/v1/usage?from=2026-02-01&to=2026-03-31&key=k2", secret, "1 0 0.000000001"},
		{"/v1/usage?from=2026-02-01&to=2026-03-31&tenant=acme", adminToken, "6 0 0.000000006"},
		{"/admin/usage?from=2026-02-01&to=2026-03-31&by=tenant", adminToken, "acme 6; rival 1; 7 1 0.000000011"},
		{"/admin/usage?from=2026-02-01&to=2026-03-31&tenant=rival", adminToken, "1 1 0.000000005"},
		{"/v1/usage", secret, "0 0 0"},
	} {
		var r shape.UsageReport
		a := f.want(200, &r, "GET", c.path, c.secret, "")
		var got strings.Builder
		for _, row := range r.Rows {
			if len(r.By) == 0 {
				break
			}
			name := row.Day + row.Month + row.Tenant
			if row.Month != "" {
				name += "/" + row.Key
			}
			fmt.Fprintf(&got, "%s %d; ", name, row.Requests)
		}
		fmt.Fprintf(&got, "%d %d %s", r.Total.Requests, r.Total.Failed, store.Money(r.Total.Cost))
		if got.String() != c.want {
			t.Errorf("%s: %s, want %s in %s", c.path, &got, c.want, a.body)
		}
	}
	for _, query := range []string{
		"from=2026-03-02&to=2026-03-01", "from=2024-01-01&to=2026-01-01", "from=yesterday", "to=2026-02-30", "by=tenant", "by=day,day", "by=phase-of-moon", "format=xml", "form=2026-01-01",
	} {
		if a := f.do("GET", "/v1/usage?"+query, secret, ""); a.status != 422 {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
}

func TestUsageAsCSV(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, secret := f.tenant("acme")
	f.used(time.Date(2026, 2, 27, 23, 0, 0, 0, time.UTC))
	const query = "/v1/usage?from=2026-02-01&to=2026-03-31&by=day,model"
	const want = "day,model,requests,failed,unpriced,prompt_tokens,completion_tokens,cached_tokens,cache_write_tokens,reasoning_tokens,cost_usd,mean_latency_ms\n" +
		"2026-02-27,'=x,1,0,0,100,10,0,0,0,0.000000001,1000\n2026-02-28,'=x,2,0,0,200,20,0,0,0,0.000000002,1000\n2026-03-01,'=x,3,0,0,300,30,0,0,0,0.000000003,1000\n"
	for _, c := range []struct {
		query, accept string
		csv           bool
	}{
		{"&format=csv", "", true}, {"&format=csv", "application/json", true}, {"", "text/csv", true}, {"", "text/csv; q=0.9, */*", true},
		{"", "", false}, {"&format=json", "text/csv", false}, {"", "application/json, text/csv", false}, {"", "*/*", false}, {"", "text/html", false},
	} {
		a := f.want(200, nil, "GET", query+c.query, secret, "", "Accept", c.accept)
		if c.csv && (a.body != want || a.header.Get("Content-Type") != "text/csv; charset=utf-8") || !c.csv && !json.Valid([]byte(a.body)) {
			t.Errorf("%s with %q: %v\n%s", c.query, c.accept, a.header, a.body)
		}
		if !c.csv {
			continue
		}
		if rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll(); err != nil || len(rows) != 4 {
			t.Errorf("%d rows, %v", len(rows), err)
		}
	}
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, secret := f.tenant("acme")
	var ids []string
	start := time.Now().Add(-time.Hour)
	for i := range 5 {
		ids = append(ids, f.decide("acme", start.Add(time.Duration(i)*time.Second)))
	}
	f.decide("rival", start)
	var seen []string
	for before, pages := "", 0; ; pages++ {
		var page struct {
			Decisions []shape.Summary
			Next      string
		}
		f.want(200, &page, "GET", "/v1/decisions?limit=2"+before, secret, "")
		for _, d := range page.Decisions {
			seen = append([]string{d.ID}, seen...)
		}
		if before = "&before=" + page.Next; page.Next == "" {
			if pages != 2 {
				t.Errorf("%d pages before the last", pages)
			}
			break
		}
	}
	if strings.Join(seen, " ") != strings.Join(ids, " ") {
		t.Errorf("seen %v, want %v", seen, ids)
	}

	var d map[string]any
	f.want(200, &d, "GET", "/v1/decisions/"+ids[2], secret, "")
	got := func(path ...any) any {
		var at any = d
		for _, p := range path {
			switch p := p.(type) {
			case string:
				at = at.(map[string]any)[p]
			case int:
				at = at.([]any)[p]
			}
		}
		return at
	}
	for _, c := range []struct {
		want any
		path []any
	}{
		{ids[2], []any{"id"}}, {"Because of acmes.", []any{"explanation", 0}}, {1234.567, []any{"latency_ms"}}, {0.0000015, []any{"cost_usd"}}, {10.0, []any{"tokens", "prompt"}},
		{"ranked", []any{"decisions", 0, "outcome"}}, {"8000000000000000", []any{"decisions", 0, "input", "seed"}}, {"tools", []any{"decisions", 0, "input", "features", 1}},
		{"fast", []any{"decisions", 0, "input", "tags", 1}}, {0.5, []any{"decisions", 0, "candidates", 0, "score"}}, {nil, []any{"decisions", 0, "candidates", 1, "score"}},
		{true, []any{"decisions", 0, "candidates", 1, "filtered"}}, {"pinned", []any{"decisions", 0, "candidates", 0, "flags", 0}}, {"1970-01-01T00:00:00.001Z", []any{"decisions", 0, "candidates", 1, "cooling_until"}},
		{321.0, []any{"decisions", 0, "calls", 0, "fuel"}}, {0.0, []any{"decisions", 0, "try"}}, {1000.0, []any{"tries", 0, "took_ms"}},
	} {
		if have := got(c.path...); have != c.want {
			t.Errorf("%v is %v, want %v", c.path, have, c.want)
		}
	}
	for path, status := range map[string]int{"?before=x": 422, "?before=": 200, "?limit=201": 422, "/" + strings.ToUpper(ids[0]): 422, "/1": 422} {
		if a := f.do("GET", "/v1/decisions"+path, secret, ""); a.status != status {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}
