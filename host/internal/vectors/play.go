package vectors

import (
	"context"
	"fmt"

	"github.com/switchyard-gateway/switchyard/host/internal/guests"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Play makes the calls of golden vectors and compares the answers. Each config that the list has gets an instance of its
// own, made as setup says otherwise; fuel is the budget of a call. The error, an *Error, names the first vector that was
// not answered as it says, or during which ctx ended.
func Play(ctx context.Context, setup *guests.Setup, list []abi.Vector, fuel func(e guests.Export, input []byte) int64) error {
	played := map[abi.RawJSON]bool{}
	for _, v := range list {
		if played[v.Config] {
			continue
		}
		played[v.Config] = true
		configured := *setup
		configured.Config = []byte(v.Config)
		if err := playConfig(ctx, &configured, list, fuel); err != nil {
			return err
		}
	}
	return nil
}

// playConfig plays the vectors of a setup's config.
func playConfig(ctx context.Context, setup *guests.Setup, list []abi.Vector, fuel func(guests.Export, []byte) int64) error {
	var i *guests.Instance
	for n := range list {
		v := &list[n]
		if string(v.Config) != string(setup.Config) {
			continue
		}
		if i == nil {
			var err error
			if i, err = guests.Start(ctx, setup); err != nil {
				return &Error{n, v.Name, err}
			}
			defer i.Close()
		}
		err := ctx.Err()
		if err != nil {
			err = fmt.Errorf("playing it was given up: %w", err)
		} else {
			err = play(i, v, fuel)
		}
		if err != nil {
			return &Error{n, v.Name, err}
		}
	}
	return nil
}

// play makes the call of one vector.
func play(i *guests.Instance, v *abi.Vector, fuel func(guests.Export, []byte) int64) error {
	e, ok := guests.Named(v.Export)
	if !ok || !i.Has(e) {
		return fmt.Errorf("the module has no export %q", v.Export)
	}
	answer, err := i.Call(e, append(i.Room(), v.Input...), fuel(e, v.Input))
	if err != nil {
		return fmt.Errorf("%s: %w", v.Export, err)
	}
	return Compare(v, answer)
}
