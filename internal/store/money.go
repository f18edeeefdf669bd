package store

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Money is an amount in billionths of a US dollar. Sums of it are exact. It reaches over nine
// billion dollars; AddMoney stops there.
type Money int64

// USD is one dollar.
const USD Money = 1e9

// FromUSD rounds an amount to the nearest billionth, halves to the even one: over many requests
// the errors cancel out. It is done once, when a request enters the ledger. ok is false for what is
// no amount: NaN, negative or too large.
func FromUSD(amount float64) (m Money, ok bool) {
	nano := math.RoundToEven(amount * float64(USD))
	if !(nano >= 0 && nano < math.MaxInt64) {
		return 0, false
	}
	return Money(nano), true
}

// AddMoney adds two amounts that are not negative, and stops at the largest.
func AddMoney(a, b Money) Money {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// USD returns the amount in dollars, for people and JSON; do not add these up.
func (m Money) USD() float64 { return float64(m) / float64(USD) }

// String returns the amount in dollars, exactly: "0.00015".
func (m Money) String() string {
	sign, u := "", uint64(m)
	if m < 0 {
		sign, u = "-", -u
	}
	whole, part := u/uint64(USD), u%uint64(USD)
	if part == 0 {
		return sign + strconv.FormatUint(whole, 10)
	}
	return sign + strconv.FormatUint(whole, 10) + "." + strings.TrimRight(fmt.Sprintf("%09d", part), "0")
}
