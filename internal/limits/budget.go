package limits

import "github.com/switchyard-gateway/switchyard/internal/store"

// budget is what may be spent in a day or a month. The zero value is no limit.
type budget struct {
	limit    store.Money // 0: none
	begin    store.Day   // of the period
	spent    store.Money // in it
	reserved store.Money // by requests that began in it
}

// enter begins another period, unless it is an earlier one.
func (b *budget) enter(begin store.Day) {
	if begin > b.begin {
		b.begin, b.spent, b.reserved = begin, 0, 0
	}
}

// admits reports whether anything is left.
func (b *budget) admits() bool {
	return b.limit == 0 || store.AddMoney(b.spent, b.reserved) < b.limit
}

// settle turns a reservation into what was spent, in the period that the request began in.
func (b *budget) settle(begin store.Day, reserved, cost store.Money) {
	if begin == b.begin {
		b.reserved -= reserved
		b.spent = store.AddMoney(b.spent, cost)
	}
}

// nextMonth is the first day of the month after the one that begins on a day.
func nextMonth(begin store.Day) store.Day { return (begin + 31).Month() }
