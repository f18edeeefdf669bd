package host

import (
	"context"
	"fmt"

	"github.com/switchyard-gateway/switchyard/host/internal/contract"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Strategy calls one configured strategy plugin. It is valid as long as its Set is held, and safe for concurrent use.
// Errors are a *abi.Refusal that the plugin gave, or a *Fault.
type Strategy struct{ line *line }

// Describe returns what the version that serves now says of itself. The caller must not change it.
func (s *Strategy) Describe() *abi.Description { return s.line.active().module.desc.Load() }

// Hash returns the hash of the version that serves now.
func (s *Strategy) Hash() string { return s.line.active().module.hash }

// Mode returns abi.ModeScore or abi.ModeFilter.
func (s *Strategy) Mode() string {
	if m := s.Describe().Mode; m != "" {
		return m
	}
	return abi.ModeScore
}

// HasFeedback reports whether the strategy wants to hear how attempts end.
func (s *Strategy) HasFeedback() bool { return s.line.active().module.Feedback }

// Score scores candidates. Without an error, out has one score for each of them; a score may be NaN or infinite. The
// scores reuse out.Scores.
func (s *Strategy) Score(ctx context.Context, h *abi.Header, candidates []abi.Candidate, out *abi.ScoreOutput) error {
	if len(candidates) > abi.MaxCandidates {
		return fmt.Errorf("scoring %d candidates: the contract allows %d", len(candidates), abi.MaxCandidates)
	}
	for c := s.line.begin(); ; {
		i, err := c.borrow(ctx, exportScore)
		if err != nil {
			return err
		}
		var answer []byte
		if answer, err = i.call(exportScore, abi.AppendScore(i.room(), h, candidates), abi.MaxScoreOutput); err == nil {
			if err = out.Decode(answer); err == nil {
				err = contract.Score(out, len(candidates))
			} else {
				err = contract.Reply(err)
			}
		}
		if err = i.finish(exportScore, err); !c.again(err) {
			return err
		}
	}
}

// Feedback tells the strategy how an attempt ended; without HasFeedback it does nothing.
func (s *Strategy) Feedback(ctx context.Context, f *abi.Feedback) error {
	for c := s.line.begin(); ; {
		if !c.pool.module.Feedback {
			return nil
		}
		i, err := c.borrow(ctx, exportFeedback)
		if err != nil {
			return err
		}
		var answer []byte
		if answer, err = i.call(exportFeedback, f.Append(i.room()), abi.MaxOutput); err == nil {
			if err = abi.DecodeReply(answer); err != nil {
				err = contract.Reply(err)
			}
		}
		if err = i.finish(exportFeedback, err); !c.again(err) {
			return err
		}
	}
}
