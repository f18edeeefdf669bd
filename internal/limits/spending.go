package limits

import "github.com/switchyard-gateway/switchyard/internal/store"

// String names the limit in one word.
func (l Limit) String() string {
	names := [...]string{Requests: "requests", Tokens: "tokens", Concurrent: "concurrent", PerDay: "day", PerMonth: "month"}
	if int(l) >= len(names) {
		return ""
	}
	return names[l]
}

// Spending is what is spent of a tenant's budget.
type Spending struct {
	Tenant string
	Period Limit // PerDay or PerMonth
	Spent  store.Money
	Limit  store.Money
}

// Spending returns what is spent of the tenants' budgets on a day and in its month, in no order. What is reserved is not
// in it.
func (r *Registry) Spending(day store.Day) []Spending {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []Spending
	for _, a := range r.tenants {
		list = a.spending(list, day)
	}
	return list
}

func (a *Account) spending(list []Spending, day store.Day) []Spending {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.enter(day)
	for period, b := range map[Limit]*budget{PerDay: &a.day, PerMonth: &a.month} {
		if b.limit > 0 {
			list = append(list, Spending{Tenant: a.name, Period: period, Spent: b.spent, Limit: b.limit})
		}
	}
	return list
}
