// Package draw is what a strategy imports that needs chance: every draw is a function of the seed
// in the score input and of the thing that is drawn, so a recorded decision replays exactly and the
// order of the candidates does not matter.
//
// The usual form derives one seed per purpose, so that two strategies which see the same request do
// not draw the same lots, and keys it by candidate:
//
//	seed := draw.Mix(in.Seed(), purpose)
//	lot := draw.Race(seed, c.IDHash(), weight)
package draw

import "math"

const golden = 0x9e3779b97f4a7c15

// Mix combines a seed and a key into 64 evenly spread bits. It is not symmetric.
func Mix(seed, key uint64) uint64 { return finish((finish(seed+golden) ^ key) + golden) }

// finish is the output function of SplitMix64.
func finish(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Unit draws evenly between 0 and 1, both excluded.
func Unit(seed, key uint64) float64 { return (float64(Mix(seed, key)>>12) + 0.5) * 0x1p-52 }

// Race draws the time at which key arrives in a race where each key runs at the speed of its weight:
// the first of a set is each key with the probability weight / sum of weights, and what remains
// after taking it away is such a race again. With a seed that stands for a tenant it is weighted
// rendezvous hashing. A weight that is not above 0 never arrives: +Inf.
func Race(seed, key uint64, weight float64) float64 {
	if !(weight > 0) {
		return math.Inf(1)
	}
	return -ln(Unit(seed, key)) / weight
}

// ln is the natural logarithm of u, 0 < u < 1, to ten digits. Unlike math.Log, which has an own form for
// some processors, it gives the same bits everywhere, so that a recorded decision replays on any machine.
func ln(u float64) float64 {
	const (
		mantissa = 1<<52 - 1
		half     = 1022 << 52 // the exponent of 0.5
		sqrt2    = math.Sqrt2 / 2
	)
	bits := math.Float64bits(u)
	exponent := float64(int(bits>>52) - 1022)
	m := math.Float64frombits(bits&mantissa | half) // u = m * 2^exponent, 0.5 <= m < 1
	if m < sqrt2 {
		m *= 2
		exponent--
	}
	// ln m = 2 artanh s; the conversions forbid fusing a product and a sum, which some processors do.
	s := (m - 1) / (m + 1)
	q := float64(s * s)
	sum := float64(q*(1./11)) + 1./9
	sum = float64(q*sum) + 1./7
	sum = float64(q*sum) + 1./5
	sum = float64(q*sum) + 1./3
	sum = float64(q*sum) + 1
	return float64(exponent*math.Ln2) + float64(2*s*sum)
}

// Lot maps an arrival time to 0..1, keeping the order; 1 is for what never arrives.
func Lot(arrival float64) float64 {
	if math.IsInf(arrival, 1) {
		return 1
	}
	return arrival / (1 + arrival)
}

// The range of weights other than 0. Inside it no quotient of a count and a weight overflows.
const (
	MinWeight = 1e-9
	MaxWeight = 1e9
)

// Weight reads a deployment's weight: NaN, which stands for none given, is 1, what is below
// MinWeight is 0, and MaxWeight is the most.
func Weight(w float64) float64 {
	switch {
	case math.IsNaN(w):
		return 1
	case w < MinWeight:
		return 0
	default:
		return min(w, MaxWeight)
	}
}
