package gateway

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/gateway/health"
	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
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
		d.hash, d.tags = abi.Hash(d.ID), strings.Join(d.Tags, "\n")
	}
}

// Account is a configured vendor account.
type Account struct {
	Name       string
	Plugin     Provider
	Target     *upstream.Target
	Credential upstream.Credential // Scheme and Name are the plugin's choice, unless Name is set: the header to use
	Timeout    time.Duration       // of one attempt, 0: none
	Disabled   string              // why it can't serve; empty: it can
}

func (a *Account) passesThrough(d abi.Dialect) bool {
	return slices.Contains(a.Plugin.Describe().Passthrough, d.String())
}

// Deployment is one model at one provider. It belongs to one snapshot; only its Health is shared.
type Deployment struct {
	ID      string
	Account *Account
	// Model is the vendor's name. In a group whose name ends in *, it may be * too, which stands
	// for what the client's model name has there.
	Model  string
	Weight float64
	Order  int32
	Tags   []string

	PriceInput, PriceOutput, PriceCached float64 // USD per million tokens, NaN: unknown

	Context, MaxOutput uint32 // tokens, 0: unknown
	Abilities          uint32 // Feature bits
	AbilitiesKnown     bool
	RPM                uint32
	TPM                uint64

	Retries       *int
	Cooldown      *time.Duration // nil: the vendor's Retry-After, else DefaultCooldown; 0: never
	AllowedFails  uint32         // in a row; 0: not configured
	Timeout       time.Duration  // of one attempt, 0: none
	StreamTimeout *time.Duration

	DefaultCooldown time.Duration
	Health          *health.Health

	hash uint64
	tags string
}

// cooldown is what the operator configured for its cooldowns.
func (d *Deployment) cooldown() *health.Policy {
	return &health.Policy{Pause: d.Cooldown, Default: d.DefaultCooldown, AllowedFails: d.AllowedFails}
}

// model is the vendor's model name for this request.
func (d *Deployment) model(matched string) string {
	if d.Model == "*" {
		return matched
	}
	return d.Model
}

// cost is the price of a usage, NaN when a price that matters is not known.
func (d *Deployment) cost(u *abi.Usage) float64 {
	if !u.Present {
		return math.NaN()
	}
	cached := min(u.Cached, u.Prompt)
	cachedPrice := d.PriceCached
	if math.IsNaN(cachedPrice) {
		cachedPrice = d.PriceInput
	}
	sum := 0.0
	for _, part := range [...]struct {
		tokens uint64
		price  float64
	}{{u.Prompt - cached, d.PriceInput}, {cached, cachedPrice}, {u.Completion, d.PriceOutput}} {
		if part.tokens > 0 {
			sum += float64(part.tokens) * part.price / 1e6
		}
	}
	return sum
}
