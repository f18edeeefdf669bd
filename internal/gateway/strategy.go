package gateway

import (
	"context"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Strategy scores candidates, and may listen to how attempts end. Implementations are safe for
// concurrent use.
type Strategy interface {
	Describe() *abi.Description
	decision.Strategy
	// HasFeedback says whether the strategy wants to hear how attempts end.
	HasFeedback() bool
	Feedback(ctx context.Context, f *abi.Feedback) error
}

// StrategyUse is one strategy of a group. Weight says how much its scores count beside those of
// other scoring strategies; 0 leaves it only its right to remove candidates.
type StrategyUse struct {
	Name    string
	Plugin  Strategy
	Weight  float64
	OnFault OnFault
}

// OnFault says what becomes of a request when a strategy fails on it.
type OnFault uint8

const (
	// FaultDefault refuses when the strategy is a filter, else skips.
	FaultDefault OnFault = iota
	// FaultSkip decides without the strategy.
	FaultSkip
	// FaultRefuse refuses the request: nothing may pass that the strategy might have removed.
	FaultRefuse
)

// panel is who decides in a group with these strategies.
func panel(strategies []StrategyUse) *decision.Panel {
	uses := make([]decision.Use, len(strategies))
	for i, u := range strategies {
		filter := u.Plugin.Describe().Mode == abi.ModeFilter
		uses[i] = decision.Use{
			Name: u.Name, Strategy: u.Plugin, Filter: filter, Weight: u.Weight,
			Essential: u.OnFault == FaultRefuse || u.OnFault == FaultDefault && filter,
		}
	}
	return decision.NewPanel(uses)
}
