package limits

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

var noon = time.Date(2026, 2, 27, 12, 0, 0, 0, time.UTC)

// let makes so many reservations at once and returns those that were made, and the first refusal.
func let(n int, at time.Time, e Estimate, tenant, key *Account) (made []Reservation, refused *Exceeded) {
	for range n {
		r, x := Reserve(at, e, tenant, key)
		if x != nil {
			return made, x
		}
		made = append(made, r)
	}
	return made, nil
}

func TestEachLimit(t *testing.T) {
	t.Parallel()
	usual := Estimate{Tokens: 100, Cost: store.USD / 10}
	for _, tc := range []struct {
		name    string
		limits  store.Limits
		let     int // at once
		limit   Limit
		retry   time.Duration
		message string
	}{
		{"none", store.Limits{}, 1000, 0, 0, ""},
		{"requests", store.Limits{RequestsPerMinute: 6}, 6, Requests, 10 * time.Second,
			`Rate limit reached for tenant "acme": 6 requests per minute. Please try again in 10s.`},
		{"tokens, the last request takes more than is left", store.Limits{TokensPerMinute: 250}, 3, Tokens, 12240 * time.Millisecond, // 51 at 250 a minute
			`Rate limit reached for tenant "acme": 250 tokens per minute. Please try again in 12.24s.`},
		{"concurrent", store.Limits{Concurrent: 4}, 4, Concurrent, time.Second,
			`Rate limit reached for tenant "acme": 4 requests at a time. Please try again when one of them has ended.`},
		{"a day", store.Limits{PerDay: store.USD}, 10, PerDay, 12 * time.Hour,
			`The budget of tenant "acme" is used up: 1 USD a day. The next day begins at 2026-02-28T00:00:00Z.`},
		{"a month", store.Limits{PerMonth: store.USD / 4}, 3, PerMonth, 36 * time.Hour,
			`The budget of tenant "acme" is used up: 0.25 USD a month. The next month begins at 2026-03-01T00:00:00Z.`},
		{"the day before the rest", store.Limits{RequestsPerMinute: 1, Concurrent: 1, TokensPerMinute: 1, PerDay: 1, PerMonth: 1}, 1, PerDay, 12 * time.Hour, "budget"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var reg Registry
			made, refused := let(1000, noon, usual, reg.Tenant("acme", tc.limits), nil)
			if len(made) != tc.let {
				t.Fatalf("%d were let in, want %d", len(made), tc.let)
			}
			if tc.limit == 0 {
				return
			}
			if refused.Limit != tc.limit || refused.RetryAfter != tc.retry || !strings.Contains(refused.Error(), tc.message) || refused.Limit.Budget() != strings.Contains(tc.message, "budget") {
				t.Errorf("limit %d after %v: %v", refused.Limit, refused.RetryAfter, refused)
			}
			// The same holds for a key.
			keyed, refused := let(1000, noon, usual, nil, reg.Key("acme", "ci", tc.limits))
			if len(keyed) != tc.let || refused == nil || !strings.Contains(refused.Error(), `key "ci"`) {
				t.Errorf("of a key %d: %v", len(keyed), refused)
			}
		})
	}
}

// TestRetryAfterHolds waits as long as it was told, and no less, for each limit that time lifts.
func TestRetryAfterHolds(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]store.Limits{
		"requests": {RequestsPerMinute: 7}, "tokens": {TokensPerMinute: 999}, "day": {PerDay: 1}, "month": {PerMonth: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var reg Registry
				a := reg.Tenant("acme", l)
				for range 50 {
					made, refused := let(100, time.Now(), Estimate{Tokens: 333, Cost: 1}, a, nil)
					for i := range made {
						made[i].Settle(time.Now(), 333, 1)
					}
					time.Sleep(refused.RetryAfter - time.Millisecond)
					if _, x := Reserve(time.Now(), Estimate{Tokens: 333, Cost: 1}, a, nil); x == nil {
						t.Fatalf("it was let in before %v had passed", refused.RetryAfter)
					}
					time.Sleep(time.Millisecond)
					r, x := Reserve(time.Now(), Estimate{Tokens: 333, Cost: 1}, a, nil)
					if x != nil {
						t.Fatalf("it was told to wait %v, and then: %v", refused.RetryAfter, x)
					}
					r.Settle(time.Now(), 333, 1)
				}
			})
		})
	}
}

// TestPeriods lets budgets be used up across midnight and the ends of months, of a leap year too.
func TestPeriods(t *testing.T) {
	t.Parallel()
	date := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, tc := range []struct {
		name   string
		limits store.Limits
		spent  string // when all of it was spent
		still  string // refused
		again  string // let in
	}{
		{"midnight", store.Limits{PerDay: 5}, "2026-11-23T00:00:00Z", "2026-11-23T23:59:59.999Z", "2026-11-24T00:00:00Z"},
		{"midnight is that of UTC", store.Limits{PerDay: 5}, "2026-11-23T01:30:00+02:00", "2026-11-23T01:59:59+02:00", "2026-11-23T02:00:00+02:00"},
		{"the end of a month", store.Limits{PerMonth: 5}, "2026-11-01T00:00:00Z", "2026-11-30T23:59:59Z", "2026-12-01T00:00:00Z"},
		{"the end of a year", store.Limits{PerMonth: 5}, "2026-12-31T23:00:00Z", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"},
		{"February of a leap year", store.Limits{PerMonth: 5}, "2028-02-28T00:00:00Z", "2028-02-29T23:59:59Z", "2028-03-01T00:00:00Z"},
		{"months apart", store.Limits{PerMonth: 5}, "2026-01-31T00:00:00Z", "2026-01-31T00:00:01Z", "2026-03-31T00:00:00Z"},
		{"the day ends, the month does not", store.Limits{PerDay: 5, PerMonth: 6}, "2026-11-23T12:00:00Z", "2026-11-23T13:00:00Z", "2026-11-24T00:00:00Z"},
	} {
		var reg Registry
		a := reg.Tenant("acme", tc.limits)
		r, _ := Reserve(date(tc.spent), Estimate{Cost: 1}, a, nil)
		r.Settle(date(tc.spent), 0, 5)
		if _, x := Reserve(date(tc.still), Estimate{Cost: 1}, a, nil); x == nil {
			t.Errorf("%s: let in at %s", tc.name, tc.still)
		} else if got := date(tc.still).Add(x.RetryAfter); !got.Equal(date(tc.again)) && tc.name != "months apart" {
			t.Errorf("%s: it is to free at %s", tc.name, got)
		}
		if _, x := Reserve(date(tc.again), Estimate{Cost: 1}, a, nil); x != nil {
			t.Errorf("%s: at %s %v", tc.name, tc.again, x)
		}
	}
}

// TestMoneyCountsWhereItBegan settles requests in another day and month than they began in.
func TestMoneyCountsWhereItBegan(t *testing.T) {
	t.Parallel()
	var reg Registry
	a := reg.Tenant("acme", store.Limits{PerDay: 10, PerMonth: 20})
	evening, morning := time.Date(2026, 11, 29, 23, 59, 0, 0, time.UTC), time.Date(2026, 11, 30, 0, 1, 0, 0, time.UTC)
	late, _ := Reserve(evening, Estimate{Cost: 9}, a, nil)
	if _, x := Reserve(morning, Estimate{Cost: 9}, a, nil); x != nil {
		t.Fatalf("yesterday's reservation holds today: %v", x)
	}
	late.Settle(morning, 0, 8)
	if a.day.spent != 0 || a.day.reserved != 9 || a.month.spent != 8 || a.month.reserved != 9 {
		t.Errorf("day %+v, month %+v", a.day, a.month)
	}
	next := morning.AddDate(0, 0, 1)
	over, _ := Reserve(morning, Estimate{Cost: 5}, a, nil)
	if _, x := Reserve(next, Estimate{}, a, nil); x != nil {
		t.Fatal(x)
	}
	over.Settle(next, 0, 5)
	if a.day.spent != 0 || a.day.reserved != 0 || a.month.spent != 0 || a.month.reserved != 0 {
		t.Errorf("day %+v, month %+v", a.day, a.month)
	}
}

// TestSettle holds that the difference to the estimate is given back, or taken, once.
func TestSettle(t *testing.T) {
	t.Parallel()
	var reg Registry
	a := reg.Tenant("acme", store.Limits{RequestsPerMinute: 10, TokensPerMinute: 1000, Concurrent: 1, PerDay: 100, PerMonth: 100})
	r, _ := Reserve(noon, Estimate{Tokens: 600, Cost: 60}, a, nil)
	if want := (Headroom{Requests: Room{10, 9, 6 * time.Second}, Tokens: Room{1000, 400, 36 * time.Second}}); r.Headroom != want {
		t.Errorf("headroom %+v", r.Headroom)
	}
	r.Settle(noon, 100, 30)
	r.Settle(noon, 100, 30)
	if a.tokens.level != 900 || a.open != 0 || a.day.spent != 30 || a.day.reserved != 0 || a.month.spent != 30 || a.requests.level != 9 {
		t.Errorf("%+v", a)
	}
	r, _ = Reserve(noon, Estimate{Tokens: 100}, a, nil)
	r.Settle(noon, 2000, 0)
	if a.tokens.level != -1100 {
		t.Errorf("level %v", a.tokens.level)
	}
	if _, x := Reserve(noon, Estimate{}, a, nil); x == nil || x.RetryAfter != 66060*time.Millisecond || x.Headroom.Tokens.Remaining != 0 {
		t.Errorf("%+v", x)
	}
	if _, x := Reserve(noon.Add(66060*time.Millisecond), Estimate{}, a, nil); x != nil {
		t.Error(x)
	}
	// An estimate beyond all bounds is given back in full; an absurd figure costs an hour.
	b := reg.Tenant("globex", store.Limits{TokensPerMinute: 10})
	r, _ = Reserve(noon, Estimate{Tokens: 1 << 31}, b, nil)
	r.Settle(noon, 7, 0)
	if b.tokens.level != 3 {
		t.Errorf("level %v", b.tokens.level)
	}
	r, _ = Reserve(noon, Estimate{Tokens: 1}, b, nil)
	r.Settle(noon, 1<<50, 0)
	if b.tokens.level != 3-600 {
		t.Errorf("level %v", b.tokens.level)
	}
	var none Reservation
	none.Settle(noon, 5, 5)
}

// TestBothOrNeither holds that what one account refuses takes nothing of the other.
func TestBothOrNeither(t *testing.T) {
	t.Parallel()
	var reg Registry
	wide, tight := store.Limits{RequestsPerMinute: 100, Concurrent: 100, PerDay: 100}, store.Limits{RequestsPerMinute: 3}
	for name, pair := range map[string][2]*Account{
		"the key refuses":    {reg.Tenant("a", wide), reg.Key("a", "k", tight)},
		"the tenant refuses": {reg.Tenant("b", tight), reg.Key("b", "k", wide)},
	} {
		made, refused := let(10, noon, Estimate{Cost: 1}, pair[0], pair[1])
		if len(made) != 3 || refused.Headroom.Requests.Limit != 3 {
			t.Errorf("%s: %d were let in, then %+v", name, len(made), refused)
		}
		for _, a := range pair {
			if a.open != 3 || a.day.reserved != 3 {
				t.Errorf("%s: %d open, %v reserved", name, a.open, a.day.reserved)
			}
		}
	}
}

func TestHeadroomIsTheTighter(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		tenant, key      store.Limits
		requests, tokens [2]int64 // limit and remaining
	}{
		{store.Limits{}, store.Limits{}, [2]int64{}, [2]int64{}},
		{store.Limits{RequestsPerMinute: 9}, store.Limits{}, [2]int64{9, 8}, [2]int64{}},
		{store.Limits{RequestsPerMinute: 9}, store.Limits{RequestsPerMinute: 5, TokensPerMinute: 100}, [2]int64{5, 4}, [2]int64{100, 60}},
		{store.Limits{RequestsPerMinute: 4, TokensPerMinute: 41}, store.Limits{RequestsPerMinute: 5, TokensPerMinute: 100}, [2]int64{4, 3}, [2]int64{41, 1}},
		{store.Limits{TokensPerMinute: 30}, store.Limits{TokensPerMinute: 20}, [2]int64{}, [2]int64{20, 0}},
	} {
		var reg Registry
		r, _ := Reserve(noon, Estimate{Tokens: 40}, reg.Tenant("a", tc.tenant), reg.Key("a", "k", tc.key))
		h := r.Headroom
		if got := [2]int64{h.Requests.Limit, h.Requests.Remaining}; got != tc.requests {
			t.Errorf("%+v: requests %v", tc, got)
		}
		if got := [2]int64{h.Tokens.Limit, h.Tokens.Remaining}; got != tc.tokens {
			t.Errorf("%+v: tokens %v", tc, got)
		}
	}
}

// TestChangesOfLimits holds that an account is one through all changes, and what was used stays used.
func TestChangesOfLimits(t *testing.T) {
	t.Parallel()
	var reg Registry
	a := reg.Tenant("acme", store.Limits{})
	made, _ := let(5, noon, Estimate{Tokens: 10, Cost: 2}, a, nil)
	if reg.Tenant("acme", store.Limits{Concurrent: 5, PerDay: 10}) != a || reg.Key("acme", "acme", store.Limits{}) == a || reg.Tenant("other", store.Limits{}) == a {
		t.Fatal("accounts are mixed up")
	}
	if _, x := Reserve(noon, Estimate{}, a, nil); x == nil || x.Limit != PerDay {
		t.Errorf("what was reserved without a limit is forgotten: %v", x)
	}
	reg.Tenant("acme", store.Limits{Concurrent: 5})
	if _, x := Reserve(noon, Estimate{}, a, nil); x == nil || x.Limit != Concurrent {
		t.Errorf("open requests are forgotten: %v", x)
	}
	for i := range made {
		made[i].Settle(noon, 10, 2)
	}
	for _, step := range []struct {
		limit, level int64
	}{{100, 100}, {200, 170}, {50, 0}, {500, 450}, {0, 0}, {10, 10}} {
		reg.Tenant("acme", store.Limits{TokensPerMinute: step.limit})
		if got := a.tokens.level; step.limit > 0 && got != float64(step.level) {
			t.Errorf("at %d a minute the level is %v, want %d", step.limit, got, step.level)
		}
		r, x := Reserve(noon, Estimate{Tokens: 30}, a, nil)
		if x == nil {
			r.Settle(noon, 30, 0)
		}
	}
}

// TestRestore holds that a restart takes nothing back, and that a key which acts for other tenants
// keeps its own budget.
func TestRestore(t *testing.T) {
	t.Parallel()
	var reg Registry
	day := store.DayOf(noon)
	early := reg.Tenant("acme", store.Limits{PerDay: 10}) // made before
	reg.Restore(day, []store.Spent{
		{Tenant: "acme", Key: "k1", Day: 4, Month: 40}, {Tenant: "acme", Key: "k2", Day: 5, Month: 50},
		{Tenant: "acme", Key: "broker/k1", Day: 1, Month: 10}, {Tenant: "other", Key: "k1", Day: 7, Month: 7}, {Day: 9, Month: 9},
		{Tenant: "team/b", Key: "k1", Day: 2, Month: 2}, {Tenant: "other", Key: "team/b/k1", Day: 3, Month: 3},
	})
	for _, tc := range []struct {
		account    *Account
		day, month store.Money
	}{
		{reg.Tenant("acme", store.Limits{PerDay: 10}), 10, 100},
		{reg.Tenant("broker", store.Limits{}), 0, 0},
		{reg.Key("acme", "k1", store.Limits{}), 4, 40},
		{reg.Key("acme", "k2", store.Limits{}), 5, 50},
		{reg.Key("broker", "k1", store.Limits{}), 1, 10},
		{reg.Key("other", "k1", store.Limits{}), 7, 7},
		{reg.Tenant("team/b", store.Limits{}), 2, 2},
		{reg.Key("team/b", "k1", store.Limits{}), 5, 5},
	} {
		if tc.account.day.spent != tc.day || tc.account.month.spent != tc.month {
			t.Errorf("%s %q has spent %v and %v, want %v and %v", tc.account.scope, tc.account.name, tc.account.day.spent, tc.account.month.spent, tc.day, tc.month)
		}
	}
	if _, x := Reserve(noon, Estimate{}, early, nil); x == nil || x.Limit != PerDay {
		t.Errorf("let in: %v", x)
	}
	if _, x := Reserve(noon.AddDate(0, 0, 1), Estimate{}, early, nil); x != nil {
		t.Errorf("the next day: %v", x)
	}
	if early.month.spent != 100 {
		t.Errorf("the month has %v", early.month.spent)
	}
	// A restart at night: what was spent is of yesterday by the time that requests come.
	var late Registry
	late.Restore(day-1, []store.Spent{{Tenant: "acme", Key: "k", Day: 8, Month: 9}})
	a := late.Tenant("acme", store.Limits{PerDay: 5, PerMonth: 9})
	if _, x := Reserve(noon, Estimate{}, a, nil); x == nil || x.Limit != PerMonth {
		t.Errorf("%v", x)
	}
}

// TestClockGoesBack holds that a clock that is set back gives nothing away, and breaks nothing.
func TestClockGoesBack(t *testing.T) {
	t.Parallel()
	var reg Registry
	a := reg.Tenant("acme", store.Limits{RequestsPerMinute: 2, PerDay: 10})
	r, _ := Reserve(noon, Estimate{Cost: 10}, a, nil)
	back := noon.AddDate(0, 0, -1).Round(0)
	if _, x := Reserve(back, Estimate{}, a, nil); x == nil {
		t.Error("yesterday's budget is there again")
	}
	r.Settle(back, 0, 1)
	made, _ := let(9, back, Estimate{}, a, nil)
	if len(made) != 1 || a.day.spent != 1 {
		t.Errorf("%d were let in, %v spent", len(made), a.day.spent)
	}
}
