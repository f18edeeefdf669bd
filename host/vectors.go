package host

import (
	"context"

	"github.com/switchyard-gateway/switchyard/host/internal/guests"
	"github.com/switchyard-gateway/switchyard/host/internal/vectors"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Vectors returns the golden vectors that a module carries, none when it carries none. The error is a sentence about the
// module, or about one of the vectors.
func Vectors(module []byte) ([]abi.Vector, error) { return vectors.Read(module) }

// WithVectors returns a module with these golden vectors in place of those that it has. Whether the module answers so is
// seen when it is admitted.
func WithVectors(module []byte, list []abi.Vector) ([]byte, error) {
	return vectors.Write(module, list)
}

// ParseVectors reads golden vectors as a module carries them, without the module.
func ParseVectors(text []byte) ([]abi.Vector, error) { return vectors.Parse(text) }

// vet plays golden vectors, unless the pool's module has answered them before under the same limits. They run in
// instances that serve nothing else, made like those of the pool. The error names the vector that was not answered as it
// says.
func (p *pool) vet(ctx context.Context, list []abi.Vector) error {
	return p.module.Vet(p.limits, func() error {
		ctx, cancel := context.WithTimeout(ctx, p.limits.Compile.Timeout)
		defer cancel()
		return vectors.Play(ctx, &p.setup, list, p.limits.Fuel.of)
	})
}

// of returns the budget of a call with an input as it crosses.
func (f *Fuel) of(e guests.Export, input []byte) int64 {
	switch e {
	case guests.Score:
		if in := abi.View(input); in.Valid() {
			return f.score(in.Len())
		}
		return f.score(0)
	case guests.Feedback:
		return f.Score
	}
	return f.message(len(input))
}
