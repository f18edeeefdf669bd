package gateway

import (
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/gateway/fleet"
	"github.com/switchyard-gateway/switchyard/internal/gateway/health"
)

// What a group consists of.
type (
	Provider   = fleet.Provider
	Account    = fleet.Account
	Deployment = fleet.Deployment
)

// Group is a model group: the name that a client asks for.
type Group struct {
	Name        string // may end in *, see Deployment.Model
	Deployments []*Deployment
	Strategies  []StrategyUse

	Fallbacks              []string
	ContextWindowFallbacks []string
	ContentPolicyFallbacks []string

	Retries       int
	Timeout       time.Duration // of a whole request that asks for this group; 0: DefaultTimeout
	StreamTimeout time.Duration // until the first token, 0: none
	FailOpen      bool          // try a deployment that is cooling down rather than refuse

	panel  *decision.Panel // of its strategies
	output health.Expectation
}

// DefaultTimeout is the time for a request when neither it nor its group says.
const DefaultTimeout = 10 * time.Minute

// prepare computes what every request would compute alike.
func (g *Group) prepare() {
	g.panel = panel(g.Strategies)
	for _, d := range g.Deployments {
		d.Prepare()
	}
}
