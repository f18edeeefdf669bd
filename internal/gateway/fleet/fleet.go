// Package fleet describes what requests can be sent to: import it for deployments, the vendor
// accounts behind them, what they can take and what they cost. It decides nothing.
package fleet

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/exchange"
	"github.com/switchyard-gateway/switchyard/internal/gateway/health"
	"github.com/switchyard-gateway/switchyard/internal/gateway/inspect"
	"github.com/switchyard-gateway/switchyard/internal/gateway/price"
	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Provider translates between a client's dialect and a vendor's. Implementations are safe for
// concurrent use.
type Provider interface {
	Describe() *abi.Description
	exchange.Adapter
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

// PassesThrough reports whether the vendor speaks a client's dialect.
func (a *Account) PassesThrough(d abi.Dialect) bool {
	return slices.Contains(a.Plugin.Describe().Passthrough, d.String())
}

// Deployment is one model at one provider. It belongs to one snapshot; only its Health is shared.
type Deployment struct {
	ID      string
	Account *Account
	// Model is the vendor's name. In a group whose name ends in *, it may be * too, which stands
	// for what the client's model name has there.
	Model  string
	Region string // where it is, empty: not said
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

// Prepare computes what every request would compute alike. It comes before anything else.
func (d *Deployment) Prepare() { d.hash, d.tags = abi.Hash(d.ID), strings.Join(d.Tags, "\n") }

// Hash is the ID's hash, by which strategies know the deployment.
func (d *Deployment) Hash() uint64 { return d.hash }

// Pausing is what the operator configured for its cooldowns.
func (d *Deployment) Pausing() *health.Policy {
	return &health.Policy{Pause: d.Cooldown, Default: d.DefaultCooldown, AllowedFails: d.AllowedFails}
}

// ModelFor is the vendor's model name when a group's wildcard stands for matched.
func (d *Deployment) ModelFor(matched string) string {
	if d.Model == "*" {
		return matched
	}
	return d.Model
}

// Cost is the price in USD of a usage, NaN when it or a price that matters is not known.
func (d *Deployment) Cost(u *abi.Usage) float64 {
	if !u.Present {
		return math.NaN()
	}
	list := price.List{Input: d.PriceInput, Output: d.PriceOutput, Cached: d.PriceCached}
	return list.Cost(u.Prompt, u.Cached, u.Completion)
}

// Fitness says whether a deployment can serve a request at all, or why not.
type Fitness uint8

// The reasons, of which the first is none.
const (
	Fit Fitness = iota
	Disabled
	TooSmall // its context window is
	Unable   // it lacks an ability
	Fitnesses
)

// needed are the features that a deployment must have to give a right answer; without the
// others it gives a plainer one.
const needed = abi.FeatureTools | abi.FeatureImages | abi.FeatureAudio | abi.FeatureFiles | abi.FeatureJSONSchema | abi.FeatureEmbeddings

// Fitness judges the deployment by what a request's body says.
func (d *Deployment) Fitness(q *inspect.Facts) Fitness {
	switch {
	case d.Account.Disabled != "":
		return Disabled
	case d.Context > 0 && q.PromptTokens > d.Context:
		return TooSmall
	case d.AbilitiesKnown && q.Features&needed&^d.Abilities != 0:
		return Unable
	default:
		return Fit
	}
}

// Candidate is the deployment as strategies see it; matched is what a group's wildcard stands for,
// and flags are added to those of its own.
func (d *Deployment) Candidate(matched string, flags uint32, at time.Time) abi.Candidate {
	if d.AbilitiesKnown {
		flags |= abi.CandidateAbilitiesKnown
	}
	c := abi.Candidate{
		IDHash: d.hash, ID: d.ID, Provider: d.Account.Name, Model: d.ModelFor(matched), Tags: d.tags,
		Abilities: d.Abilities, Flags: flags, Weight: d.Weight, Order: d.Order,
		PriceInput: d.PriceInput, PriceOutput: d.PriceOutput, PriceCached: d.PriceCached,
		Context: d.Context, MaxOutput: d.MaxOutput, RPM: d.RPM, TPM: d.TPM,
	}
	d.Health.Fill(&c, at)
	return c
}
