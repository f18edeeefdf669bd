package limits

import (
	"fmt"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// Limit is one of the limits.
type Limit uint8

// The limits.
const (
	Requests   Limit = iota + 1 // a minute
	Tokens                      // a minute
	Concurrent                  // requests at a time
	PerDay                      // billionths of a US dollar
	PerMonth                    // the same
)

// Budget reports whether the limit is one of money.
func (l Limit) Budget() bool { return l >= PerDay }

// Exceeded says which limit a request met.
type Exceeded struct {
	Limit      Limit
	Scope      string // "tenant" or "key"
	Name       string // of it
	Size       int64  // of the limit
	At         time.Time
	RetryAfter time.Duration // until it would be let in, if nobody else comes; a guess if it is Concurrent
	Headroom   Headroom
}

// Error says which limit of whom was met, how large it is, and when it frees.
func (e *Exceeded) Error() string {
	who := fmt.Sprintf("%s %q", e.Scope, e.Name)
	switch e.Limit {
	case Requests:
		return fmt.Sprintf("Rate limit reached for %s: %d requests per minute. Please try again in %s.", who, e.Size, e.RetryAfter)
	case Tokens:
		return fmt.Sprintf("Rate limit reached for %s: %d tokens per minute. Please try again in %s.", who, e.Size, e.RetryAfter)
	case Concurrent:
		return fmt.Sprintf("Rate limit reached for %s: %d requests at a time. Please try again when one of them has ended.", who, e.Size)
	}
	period := "day"
	if e.Limit == PerMonth {
		period = "month"
	}
	return fmt.Sprintf("The budget of %s is used up: %s USD a %s. The next %s begins at %s.",
		who, store.Money(e.Size), period, period, e.At.Add(e.RetryAfter).UTC().Round(time.Second).Format(time.RFC3339))
}
