// Package seed makes choices that look random and are the same for the same seed, on every platform.
package seed

import "math"

// Random is a splitmix64 sequence. It is a value without locks or allocations, and the same seed gives the same
// sequence on every platform.
type Random uint64

// Next returns 64 random bits.
func (r *Random) Next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Float is uniform in [0, 1).
func (r *Random) Float() float64 { return float64(r.Next()>>11) / (1 << 53) }

// Normal has mean 0 and deviation 1 (Box–Muller, one of the pair is dropped).
func (r *Random) Normal() float64 {
	u, v := 1-r.Float(), r.Float()
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// ID returns prefix followed by n characters of [0-9A-Za-z].
func (r *Random) ID(prefix string, n int) string {
	out := append(make([]byte, 0, len(prefix)+n), prefix...)
	for range n {
		out = append(out, base62[r.Next()%62])
	}
	return string(out)
}

// Hex returns n hexadecimal digits.
func (r *Random) Hex(n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = "0123456789abcdef"[r.Next()&15]
	}
	return string(out)
}

// New starts a sequence that depends on a seed, a text and a number.
func New(seed uint64, text string, n uint64) Random {
	h := uint64(14695981039346656037)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	r := Random(seed ^ h)
	return Random(r.Next() + n*0xd1342543de82ef95)
}
