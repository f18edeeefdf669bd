package limits

import (
	"sync"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// Account is what one tenant or one key uses of its limits. It is safe for concurrent use. Make it
// with a [Registry].
type Account struct {
	scope, name string

	mu         sync.Mutex
	requests   bucket
	tokens     bucket
	concurrent int64 // limit, 0: none
	open       int64 // requests
	day, month budget
}

// limit gives the account other limits.
func (a *Account) limit(l *store.Limits) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l.RequestsPerMinute != a.requests.limit {
		a.requests.resize(l.RequestsPerMinute)
	}
	if l.TokensPerMinute != a.tokens.limit {
		a.tokens.resize(l.TokensPerMinute)
	}
	a.concurrent, a.day.limit, a.month.limit = l.Concurrent, l.PerDay, l.PerMonth
}

// restore adds what was spent in the day's period up to it.
func (a *Account) restore(day store.Day, s *store.Spent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.enter(day)
	a.day.settle(day, 0, s.Day)
	a.month.settle(day.Month(), 0, s.Month)
}

// enter brings the budgets up to a day.
func (a *Account) enter(day store.Day) {
	if day > a.day.begin {
		a.day.enter(day)
		a.month.enter(day.Month())
	}
}

// refuses says which limit a request meets, nil: none. The account is locked.
func (a *Account) refuses(at time.Time) *Exceeded {
	a.requests.fill(at)
	a.tokens.fill(at)
	a.enter(store.DayOf(at))
	switch {
	case !a.day.admits():
		return a.exceeded(PerDay, int64(a.day.limit), (a.day.begin + 1).Time().Sub(at))
	case !a.month.admits():
		return a.exceeded(PerMonth, int64(a.month.limit), nextMonth(a.month.begin).Time().Sub(at))
	case a.concurrent > 0 && a.open >= a.concurrent:
		return a.exceeded(Concurrent, a.concurrent, time.Second) // nobody knows when one ends
	case !a.requests.admits():
		return a.exceeded(Requests, a.requests.limit, a.requests.until(1))
	case !a.tokens.admits():
		return a.exceeded(Tokens, a.tokens.limit, a.tokens.until(1))
	}
	return nil
}

func (a *Account) exceeded(what Limit, size int64, retry time.Duration) *Exceeded {
	return &Exceeded{Limit: what, Scope: a.scope, Name: a.name, Size: size, RetryAfter: max(retry, time.Millisecond)}
}

// take reserves. The account is locked, and up to date.
func (a *Account) take(e *Estimate) held {
	a.open++
	a.requests.take(1)
	a.tokens.take(e.Tokens)
	a.day.reserved = store.AddMoney(a.day.reserved, e.Cost)
	a.month.reserved = store.AddMoney(a.month.reserved, e.Cost)
	return held{account: a, day: a.day.begin, month: a.month.begin}
}

// held is a reservation's part in one account: of which day and month. The zero value is none.
type held struct {
	account    *Account
	day, month store.Day
}

// settle ends it.
func (h *held) settle(at time.Time, e *Estimate, tokens int64, cost store.Money) {
	a := h.account
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open--
	a.tokens.fill(at)
	a.tokens.correct(e.Tokens, tokens)
	a.day.settle(h.day, e.Cost, cost)
	a.month.settle(h.month, e.Cost, cost)
}
