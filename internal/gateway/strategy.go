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

// Policy is a tenant's own strategy. In every group that the tenant's requests come to, fallbacks
// included, it scores what the group's filters have left, in place of the group's scoring
// strategies. Like these it may remove deployments, refuse the request and shorten timeouts; it can
// neither bring back what a filter removed nor reach a group that the tenant may not use. When it
// fails, the group's scoring strategies decide.
type Policy struct {
	Name   string // of the plugin
	Plugin Versioned
}

// Versioned is a strategy that says which version of it serves.
type Versioned interface {
	Strategy
	// Hash is the hex digest of the version that serves now.
	Hash() string
}

// versionDigits is how much of a hash tells versions apart for humans.
const versionDigits = 12

// versioned names a plugin and its version, as NAME@VERSION.
func versioned(name, hash string) string { return name + "@" + hash[:min(len(hash), versionDigits)] }
