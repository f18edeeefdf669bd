package host

import (
	"context"
	"fmt"

	"github.com/switchyard-gateway/switchyard/host/internal/contract"
	"github.com/switchyard-gateway/switchyard/host/internal/guests"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Strategy calls one configured strategy plugin. It is valid as long as its Set is held, and safe for concurrent use.
// Errors are a *abi.Refusal that the plugin gave, or a *Fault.
type Strategy struct{ line *line }

// Describe returns what the version that serves now says of itself. The caller must not change it.
func (s *Strategy) Describe() *abi.Description { return s.line.active().module.Description() }

// Hash returns the hash of the version that serves now.
func (s *Strategy) Hash() string { return s.line.active().module.Hash }

// Mode returns abi.ModeScore or abi.ModeFilter.
func (s *Strategy) Mode() string {
	if m := s.Describe().Mode; m != "" {
		return m
	}
	return abi.ModeScore
}

// HasFeedback reports whether the strategy wants to hear how attempts end.
func (s *Strategy) HasFeedback() bool { return s.line.active().module.Feedback }

// Score scores candidates, and returns the fuel that it took, errors included. Without an error, out has one score for
// each of them; a score may be NaN or infinite. The scores reuse out.Scores. A *Fault that says Open comes at once.
func (s *Strategy) Score(ctx context.Context, h *abi.Header, candidates []abi.Candidate, out *abi.ScoreOutput) (uint64, error) {
	if len(candidates) > abi.MaxCandidates {
		return 0, fmt.Errorf("scoring %d candidates: the contract allows %d", len(candidates), abi.MaxCandidates)
	}
	c := s.line.begin()
	if f := c.enter(); f != nil {
		return 0, f
	}
	for fuel := uint64(0); ; {
		i, err := c.borrow(ctx, guests.Score)
		if err != nil {
			return fuel, err
		}
		var answer []byte
		if answer, err = i.Call(guests.Score, abi.AppendScore(i.Room(), h, candidates), c.pool.limits.Fuel.score(len(candidates))); err == nil {
			if err = out.Decode(answer); err == nil {
				err = contract.Score(out, len(candidates))
			} else {
				err = contract.Reply(err)
			}
		}
		fuel += i.Used()
		if err = c.pool.finish(i, guests.Score, err); !c.again(err) {
			return fuel, err
		}
	}
}

// Feedback tells the strategy how an attempt ended; without HasFeedback, and while the breaker is not closed, it does
// nothing.
func (s *Strategy) Feedback(ctx context.Context, f *abi.Feedback) error {
	c := s.line.begin()
	if !c.pool.breaker.Closed() {
		return nil
	}
	for {
		if !c.pool.module.Feedback {
			return nil
		}
		i, err := c.borrow(ctx, guests.Feedback)
		if err != nil {
			return err
		}
		var answer []byte
		if answer, err = i.Call(guests.Feedback, f.Append(i.Room()), c.pool.limits.Fuel.Score); err == nil {
			if err = abi.DecodeReply(answer); err != nil {
				err = contract.Reply(err)
			}
		}
		if err = c.pool.finish(i, guests.Feedback, err); !c.again(err) {
			return err
		}
	}
}
