package store

import (
	"errors"
	"math"
	"slices"
	"testing"
	"testing/quick"
	"time"
)

func TestFromUSD(t *testing.T) {
	for _, c := range []struct {
		amount float64
		want   Money
		ok     bool
	}{
		{0, 0, true}, {1, USD, true}, {0.15 * 1000 / 1e6, 150_000, true}, {2.5e-9, 2, true}, {3.5e-9, 4, true}, {0.4e-9, 0, true}, {1e9, 1e18, true},
		{math.NaN(), 0, false}, {-1, 0, false}, {math.Inf(1), 0, false}, {1e10, 0, false},
	} {
		if got, ok := FromUSD(c.amount); got != c.want || ok != c.ok {
			t.Errorf("%v USD: %d, %v", c.amount, got, ok)
		}
	}
}

func TestMoneyText(t *testing.T) {
	for m, want := range map[Money]string{0: "0", USD: "1", 150_000: "0.00015", 1: "0.000000001", -3 * USD / 2: "-1.5", math.MaxInt64: "9223372036.854775807", math.MinInt64: "-9223372036.854775808"} {
		if got := m.String(); got != want {
			t.Errorf("%d: %s, want %s", int64(m), got, want)
		}
	}
}

func TestAddMoney(t *testing.T) {
	if got := AddMoney(math.MaxInt64-1, 5); got != math.MaxInt64 {
		t.Errorf("beyond the end: %d", got)
	}
	if got := AddMoney(2, 3); got != 5 {
		t.Errorf("2 + 3 = %d", got)
	}
}

func TestDays(t *testing.T) {
	if err := quick.Check(func(seconds int32) bool {
		at := time.Unix(int64(seconds), 0).UTC()
		d := DayOf(at)
		y, m, _ := at.Date()
		return d.String() == at.Format(time.DateOnly) && !at.Before(d.Time()) && at.Before((d + 1).Time()) &&
			d.Month().Time().Equal(time.Date(y, m, 1, 0, 0, 0, 0, time.UTC))
	}, nil); err != nil {
		t.Error(err)
	}
	east := time.FixedZone("east", 9*3600)
	if got := DayOf(time.Date(2026, 5, 5, 8, 0, 0, 0, east)).String(); got != "2026-05-04" {
		t.Errorf("a morning in the east is %s in UTC", got)
	}
}

func TestEntryIDs(t *testing.T) {
	at := time.Date(2026, 5, 4, 3, 2, 1, 987654321, time.UTC)
	id := NewEntryID(at)
	if !id.Time().Equal(at.Truncate(time.Millisecond)) {
		t.Errorf("time %s of an ID for %s", id.Time(), at)
	}
	if id == NewEntryID(at) {
		t.Error("two IDs are the same")
	}
	if later := NewEntryID(at.Add(time.Millisecond)); !id.Before(later) || later.Before(id) || id.Before(FirstEntryID(at)) {
		t.Error("IDs do not sort by time")
	}
}

func TestScopes(t *testing.T) {
	for s := Scopes(1); s <= allScopes; s++ {
		got, err := ParseScopes(s.Names())
		if err != nil || got != s || len(s.Names()) == 0 {
			t.Errorf("%v became %v, %v", s, got, err)
		}
	}
	if _, err := ParseScopes([]string{"complete", "root"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("an unknown scope: %v", err)
	}
	if names := (ScopeComplete | ScopeActFor).Names(); !slices.Equal(names, []string{"complete", "act-for"}) {
		t.Errorf("names: %v", names)
	}
	if s := ScopeComplete | ScopeUsage; !s.Has(ScopeUsage) || s.Has(ScopeUsage|ScopePolicy) {
		t.Errorf("%v has the wrong scopes", s)
	}
}
