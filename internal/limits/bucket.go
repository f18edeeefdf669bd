package limits

import (
	"math"
	"time"
)

// bucket holds what may be used at once: at most a minute's worth. The zero value is no limit.
type bucket struct {
	limit int64   // a minute, 0: none
	level float64 // below 0: debt
	at    time.Time
}

const (
	// whole is what must be there for one more, less the rounding of fractions.
	whole = 1 - 1e-6
	// maxMinutes is how many minutes' worth a request can take at most if its estimate was lower: a
	// vendor's absurd figure must not lock a tenant out for ever.
	maxMinutes = 60
)

// resize changes the limit; what was used of the old one counts against the new one, but a lower
// limit alone makes no debt.
func (b *bucket) resize(limit int64) {
	if b.limit == 0 {
		b.level = float64(limit)
	} else {
		used := float64(b.limit) - b.level
		b.level = max(float64(limit)-used, min(b.level, 0))
	}
	b.limit = limit
}

// fill brings the level up to date.
func (b *bucket) fill(at time.Time) {
	if b.limit == 0 {
		return
	}
	if b.at.IsZero() {
		b.at = at
	}
	if passed := at.Sub(b.at); passed > 0 {
		b.level = min(float64(b.limit), b.level+passed.Minutes()*float64(b.limit))
		b.at = at
	}
}

// admits reports whether there is room for one more.
func (b *bucket) admits() bool { return b.limit == 0 || b.level >= whole }

// take uses n.
func (b *bucket) take(n int64) {
	if b.limit > 0 {
		b.level -= float64(n)
	}
}

// correct puts what was used in the place of what was taken.
func (b *bucket) correct(taken, used int64) {
	most := maxMinutes * float64(b.limit)
	b.level = min(b.level+float64(taken)-min(float64(used), max(most, float64(taken))), float64(b.limit))
}

// until is how long it takes to reach a level, to the millisecond above.
func (b *bucket) until(level float64) time.Duration {
	if b.level >= level {
		return 0
	}
	ms := math.Ceil((level - b.level) / float64(b.limit) * 60_000)
	return time.Duration(ms) * time.Millisecond
}

// left is what may be used now, in whole ones.
func (b *bucket) left() int64 { return int64(max(0, math.Floor(b.level+1-whole))) }
