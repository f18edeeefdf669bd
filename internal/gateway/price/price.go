// Package price turns tokens into money: import it for what a usage costs at the prices of a
// deployment, or at those that a recorded candidate had.
package price

import "math"

// List is the prices of a deployment in USD per million tokens. NaN is not known.
type List struct {
	Input, Output float64
	Cached        float64 // of the prompt's cached part; not known: as Input
}

// Cost is the price in USD of so many tokens, of which cached are a part of the prompt's. It is NaN
// when a price that matters is not known.
func (l *List) Cost(prompt, cached, completion uint64) float64 {
	cached = min(cached, prompt)
	dear := l.Cached
	if math.IsNaN(dear) {
		dear = l.Input
	}
	sum := 0.0
	for _, part := range [...]struct {
		tokens uint64
		price  float64
	}{{prompt - cached, l.Input}, {cached, dear}, {completion, l.Output}} {
		if part.tokens > 0 {
			sum += float64(part.tokens) * part.price / 1e6
		}
	}
	return sum
}
