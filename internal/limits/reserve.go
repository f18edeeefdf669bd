package limits

import (
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// Estimate is what a request will probably use. Neither is below 0.
type Estimate struct {
	Tokens int64 // of prompt and answer
	Cost   store.Money
}

// Reservation is what a request holds of its accounts until it is settled. The zero value holds
// nothing. One goroutine uses it at a time.
type Reservation struct {
	// Headroom is what was left after it was made.
	Headroom Headroom

	estimate    Estimate
	tenant, key held
	settled     bool
}

// Reserve lets a request in, with both accounts or neither; a nil account limits nothing. Accounts
// of tenants and of keys must not change places: they are locked in this order, so that no two
// requests wait for each other. It takes no lock that others share, and allocates only to refuse.
func Reserve(at time.Time, e Estimate, tenant, key *Account) (r Reservation, refused *Exceeded) {
	if tenant != nil {
		tenant.mu.Lock()
		defer tenant.mu.Unlock()
		refused = tenant.refuses(at)
	}
	if key != nil {
		key.mu.Lock()
		defer key.mu.Unlock()
		if refused == nil {
			refused = key.refuses(at)
		}
	}
	if refused != nil {
		refused.At, refused.Headroom = at, headroom(at, tenant, key)
		return r, refused
	}
	r.estimate = e
	if tenant != nil {
		r.tenant = tenant.take(&e)
	}
	if key != nil {
		r.key = key.take(&e)
	}
	r.Headroom = headroom(at, tenant, key)
	return r, nil
}

// Settle puts what the request has used in the place of the estimate, and ends its being open.
// Money counts for the day on which the request began. Only the first call counts.
func (r *Reservation) Settle(at time.Time, tokens int64, cost store.Money) {
	if r.settled {
		return
	}
	r.settled = true
	r.tenant.settle(at, &r.estimate, tokens, cost)
	r.key.settle(at, &r.estimate, tokens, cost)
}

// Headroom is what the x-ratelimit headers say of requests and of tokens a minute.
type Headroom struct{ Requests, Tokens Room }

// Room is what is left of a minute's limit. The zero value says that there is no limit.
type Room struct {
	Limit     int64
	Remaining int64
	Reset     time.Duration // until all of the limit is there again, to the millisecond
}

// headroom is that of the tighter account for each. Both are locked.
func headroom(at time.Time, accounts ...*Account) (h Headroom) {
	for _, a := range accounts {
		if a != nil {
			h.Requests.narrow(&a.requests, at)
			h.Tokens.narrow(&a.tokens, at)
		}
	}
	return h
}

func (r *Room) narrow(b *bucket, at time.Time) {
	if b.limit == 0 {
		return
	}
	b.fill(at)
	if left := b.left(); r.Limit == 0 || left < r.Remaining || left == r.Remaining && b.limit < r.Limit {
		*r = Room{Limit: b.limit, Remaining: left, Reset: b.until(float64(b.limit))}
	}
}
