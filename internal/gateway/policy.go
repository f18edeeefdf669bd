package gateway

import (
	"context"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
)

// PolicySource says which version of its policy decides for a tenant's request. Implementations are
// safe for concurrent use; Choose is on the hot path.
//
// In every group that the request comes to, fallbacks included, the policy scores what the group's
// filters have left, in place of the group's scoring strategies. Like these it may remove
// deployments, refuse the request and shorten timeouts; it can neither bring back what a filter
// removed nor reach a group or a deployment that the tenant may not use. When it fails, the group's
// scoring strategies decide.
type PolicySource interface {
	// Choose picks the version for one request, by a hash: of its session if it has one, else its
	// seed. Nil: the group's strategies decide. The choice holds for all of the request's attempts
	// and fallbacks and for its feedback; the gateway changes nothing in it, and calls its Release
	// once, at the very end.
	Choose(ctx context.Context, hash uint64) *PolicyChoice
}

// PolicyChoice is a version of a policy.
type PolicyChoice struct {
	Name string
	// Version is "3", for a label NAME@VERSION; empty: the plugin's own hash, which a file has.
	Version string
	Number  int // of the version, 0: it has none
	Canary  bool
	Plugin  Strategy
	Release func() // nil: nothing to do
}

// Versioned is a strategy that says which version of it serves.
type Versioned interface {
	Strategy
	decision.Versioned
}

// PluginPolicy is the policy that a plugin of the configuration is, whichever version of it serves.
func PluginPolicy(name string, plugin Versioned) PolicySource {
	return &pluginPolicy{PolicyChoice{Name: name, Plugin: plugin}}
}

type pluginPolicy struct{ choice PolicyChoice }

// Choose returns the plugin.
func (p *pluginPolicy) Choose(context.Context, uint64) *PolicyChoice { return &p.choice }

// policy is who scores for the tenant's requests.
func (r *run) policy() decision.Policy {
	if r.choice == nil {
		return decision.Policy{}
	}
	return decision.Policy{Name: r.choice.Name, Version: r.choice.Version, Strategy: r.choice.Plugin}
}

// versionDigits is how much of a hash tells versions apart for humans.
const versionDigits = 12

// versioned names a policy and its version, as NAME@VERSION.
func versioned(name, version string) string {
	return name + "@" + version[:min(len(version), versionDigits)]
}
