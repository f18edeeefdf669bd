package limits

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

func TestSpending(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 30, 23, 0, 0, 0, time.UTC)
	day := store.DayOf(at)
	var r Registry
	acme := r.Tenant("acme", store.Limits{PerDay: 1000, PerMonth: 5000})
	r.Tenant("free", store.Limits{RequestsPerMinute: 5})
	r.Key("acme", "ci", store.Limits{PerDay: 7})
	r.Restore(day, []store.Spent{{Tenant: "acme", Day: 100, Month: 900}})
	reserved, refused := Reserve(at, Estimate{Cost: 50}, acme, nil)
	if refused != nil {
		t.Fatal(refused)
	}
	for _, tc := range []struct {
		name       string
		day        store.Day
		spent, all store.Money
	}{
		{"with a request under way", day, 100, 900},
		{"settled", day, 130, 930},
		{"the next day", day + 1, 0, 930},
		{"the next month", day + 2, 0, 0},
		{"asked about the past", day, 0, 0},
	} {
		if tc.name == "settled" {
			reserved.Settle(at, 0, 30)
		}
		got := r.Spending(tc.day)
		slices.SortFunc(got, func(a, b Spending) int { return strings.Compare(a.Period.String(), b.Period.String()) })
		want := []Spending{{"acme", PerDay, tc.spent, 1000}, {"acme", PerMonth, tc.all, 5000}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tc.name, diff)
		}
	}
	if (PerMonth+1).String() != "" || Concurrent.String() != "concurrent" {
		t.Error("names of limits")
	}
}
