package replay

import (
	"context"
	"math"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/store/decisionlog"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// recorded stands in for the operator's strategies: it says of each candidate of a pick what they
// said then.
type recorded struct{ pick *decisionlog.Pick }

// panel is filters that remove what was removed, and strategies that score as they did. Where the
// policy of then has scored, they score all alike, so that weights draw.
func (r *recorded) panel() *decision.Panel {
	return decision.NewPanel([]decision.Use{
		{Name: "filters", Strategy: filters{r}, Filter: true},
		{Name: "strategies", Strategy: scorers{r}, Weight: 1},
	})
}

type filters struct{ *recorded }

func (f filters) Score(_ context.Context, _ *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) (uint64, error) {
	*out = abi.ScoreOutput{Scores: out.Scores[:0]}
	for i := range cands {
		score := 0.0
		if i < len(f.pick.Filtered) && f.pick.Filtered[i] {
			score = math.NaN()
		}
		out.Scores = append(out.Scores, score)
	}
	return 0, nil
}

type scorers struct{ *recorded }

// Score is asked about what the filters left, in the order in which it was recorded.
func (s scorers) Score(_ context.Context, _ *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) (uint64, error) {
	*out = abi.ScoreOutput{Scores: out.Scores[:0]}
	own := decision.Outcome(s.pick.Outcome) == decision.Ranked && !byPolicy(s.pick)
	for i := range s.pick.Candidates {
		if i < len(s.pick.Filtered) && s.pick.Filtered[i] {
			continue
		}
		score := 0.0
		if own && i < len(s.pick.Scores) {
			score = s.pick.Scores[i]
		}
		out.Scores = append(out.Scores, score)
	}
	out.Scores = out.Scores[:min(len(out.Scores), len(cands))]
	return 0, nil
}

// byPolicy reports whether a policy decided, or whether the operator's strategies did.
func byPolicy(p *decisionlog.Pick) bool {
	for i := range p.Calls {
		if c := &p.Calls[i]; c.Policy && c.Failed == "" {
			return true
		}
	}
	return false
}
