package host

import (
	"context"
	"fmt"

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

// vet plays a candidate's golden vectors, unless its module has answered them before under the same limits. p is a pool
// of the module, whose first instance has started.
func (b *build) vet(ctx context.Context, c *candidate, p *pool) error {
	return c.module.Vet(p.limits, func() error { return p.play(ctx, c.vectors) })
}

// play runs golden vectors in instances that serve nothing else, made like those of p. The error names the vector that
// was not answered as it says.
func (p *pool) play(ctx context.Context, list []abi.Vector) error {
	ctx, cancel := context.WithTimeout(ctx, p.limits.Compile.Timeout)
	defer cancel()
	played := map[abi.RawJSON]bool{}
	for _, v := range list {
		if played[v.Config] {
			continue
		}
		played[v.Config] = true
		if err := p.playConfig(ctx, list, v.Config); err != nil {
			return err
		}
	}
	return nil
}

// playConfig runs the vectors of one config.
func (p *pool) playConfig(ctx context.Context, list []abi.Vector, config abi.RawJSON) error {
	var i *guests.Instance
	for n := range list {
		v := &list[n]
		if v.Config != config {
			continue
		}
		wrong := func(err error) error { return &vectors.Error{Index: n, Name: v.Name, Err: err} }
		if i == nil {
			var err error
			setup := p.setup
			setup.Config = []byte(config)
			if i, err = guests.Start(ctx, &setup); err != nil {
				return wrong(err)
			}
			defer i.Close()
		}
		if err := ctx.Err(); err != nil {
			return wrong(fmt.Errorf("playing it was given up: %w", err))
		}
		if err := p.limits.play(i, v); err != nil {
			return wrong(err)
		}
	}
	return nil
}

// play makes the call of a vector and compares the answer.
func (l *Limits) play(i *guests.Instance, v *abi.Vector) error {
	e, ok := guests.Named(v.Export)
	if !ok || !i.Has(e) {
		return fmt.Errorf("the module has no export %q", v.Export)
	}
	answer, err := i.Call(e, append(i.Room(), v.Input...), l.Fuel.of(e, v.Input))
	if err != nil {
		return fmt.Errorf("%s: %w", v.Export, err)
	}
	return vectors.Compare(v, answer)
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
