package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/health"
	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Snapshot is the immutable set of groups, accounts, plugins and tenants that one request uses
// from start to end. It is born with one reference, which Publish takes over.
type Snapshot struct {
	ID      uint64
	groups  []*Group
	exact   map[string]*Group
	wild    []*Group // longest prefix first
	keys    map[[sha256.Size]byte]*Key
	tenants map[string]*Tenant
	open    bool
	refs    atomic.Int64
	drain   drain
	onClose func()
}

// SnapshotSpec is what a snapshot is made of.
type SnapshotSpec struct {
	ID      uint64
	Groups  []*Group
	Tenants []*Tenant
	Keys    []*Key
	// Open serves everybody without a key.
	Open bool
	// Drain is how long requests may go on once another snapshot has replaced this one; 0 is for
	// as long as their own deadlines.
	Drain time.Duration
	// OnClose runs once, after the last release.
	OnClose func()
}

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

	label   string // of its strategies, for the response header
	filters []*StrategyUse
	scorers []*StrategyUse
	output  health.Expectation
}

// DefaultTimeout is the time for a request when neither it nor its group says.
const DefaultTimeout = 10 * time.Minute

// StrategyUse is one strategy of a group. Weight says how much its scores count beside those of
// other scoring strategies; 0 leaves it only its right to remove candidates.
type StrategyUse struct {
	Name   string
	Plugin Strategy
	Weight float64
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

// Tenant is a customer of the gateway.
type Tenant struct {
	Name   string
	Models map[string]bool   // groups it may use; nil: all
	Pins   map[string]string // group → deployment ID
	Tags   []string          // of its requests; the server adds them to Request.Tags
}

// MayUse reports whether the tenant may use a group. The nil tenant, who exists only when the
// gateway is open, may use all.
func (t *Tenant) MayUse(group string) bool { return t == nil || t.Models == nil || t.Models[group] }

// Key is an API key of a tenant.
type Key struct {
	Hash   [sha256.Size]byte
	Name   string
	Tenant *Tenant
	ActFor bool // may name another tenant in a request
}

// NewSnapshot prepares what requests look up.
func NewSnapshot(spec SnapshotSpec) *Snapshot {
	s := &Snapshot{
		ID: spec.ID, groups: spec.Groups, open: spec.Open, onClose: spec.OnClose, drain: newDrain(spec.Drain),
		exact:   make(map[string]*Group, len(spec.Groups)),
		keys:    make(map[[sha256.Size]byte]*Key, len(spec.Keys)),
		tenants: make(map[string]*Tenant, len(spec.Tenants)),
	}
	for _, t := range spec.Tenants {
		s.tenants[t.Name] = t
	}
	for _, g := range spec.Groups {
		g.prepare()
		if strings.HasSuffix(g.Name, "*") {
			s.wild = append(s.wild, g)
		} else {
			s.exact[g.Name] = g
		}
	}
	slices.SortStableFunc(s.wild, func(a, b *Group) int { return len(b.Name) - len(a.Name) })
	for _, k := range spec.Keys {
		s.keys[k.Hash] = k
	}
	s.refs.Store(1)
	return s
}

// prepare computes what every request would compute alike.
func (g *Group) prepare() {
	names := make([]string, len(g.Strategies))
	for i := range g.Strategies {
		u := &g.Strategies[i]
		names[i] = u.Name
		if u.Plugin.Describe().Mode == abi.ModeFilter {
			g.filters = append(g.filters, u)
		} else {
			g.scorers = append(g.scorers, u)
		}
	}
	g.label = strings.Join(names, "+")
	for _, d := range g.Deployments {
		d.hash, d.tags = abi.Hash(d.ID), strings.Join(d.Tags, "\n")
	}
}

// statistics is the set of all that its deployments use.
func (s *Snapshot) statistics() map[*health.Health]bool {
	used := map[*health.Health]bool{}
	for _, g := range s.groups {
		for _, d := range g.Deployments {
			used[d.Health] = true
		}
	}
	return used
}

// inherit takes over what the groups of an older snapshot have learnt.
func (s *Snapshot) inherit(old *Snapshot) {
	for _, g := range s.groups {
		i := slices.IndexFunc(old.groups, func(o *Group) bool { return o.Name == g.Name })
		if i >= 0 {
			g.output.Inherit(&old.groups[i].output)
		}
	}
}

// acquire adds a reference unless the snapshot is already closed.
func (s *Snapshot) acquire() bool {
	for {
		n := s.refs.Load()
		if n <= 0 {
			return false
		}
		if s.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release gives one reference back; the last one closes the snapshot.
func (s *Snapshot) Release() {
	if s.refs.Add(-1) != 0 {
		return
	}
	s.drain.end()
	if s.onClose != nil {
		s.onClose()
	}
}

// Open reports whether requests need no key.
func (s *Snapshot) Open() bool { return s.open }

// Authenticate finds the key of a secret. Only digests are compared, so its time says nothing
// about how much of a guess was right.
func (s *Snapshot) Authenticate(secret string) (*Key, bool) {
	sum := sha256.Sum256([]byte(secret))
	k, ok := s.keys[sum]
	if !ok || subtle.ConstantTimeCompare(k.Hash[:], sum[:]) != 1 {
		return nil, false
	}
	return k, true
}

// Tenant finds a tenant by name.
func (s *Snapshot) Tenant(name string) (*Tenant, bool) {
	t, ok := s.tenants[name]
	return t, ok
}

// group finds the group that serves a model name, and what a wildcard in it stands for.
func (s *Snapshot) group(model string) (g *Group, matched string, ok bool) {
	if g, ok := s.exact[model]; ok {
		return g, "", true
	}
	for _, g := range s.wild {
		prefix := g.Name[:len(g.Name)-1]
		if rest, found := strings.CutPrefix(model, prefix); found && rest != "" {
			return g, rest, true
		}
	}
	return nil, "", false
}

// Serves reports whether a tenant's request for a model name finds a group that it may use.
func (s *Snapshot) Serves(t *Tenant, model string) bool {
	g, _, ok := s.group(model)
	return ok && t.MayUse(g.Name)
}

// Models lists the groups that a tenant may use, in the order of the config.
func (s *Snapshot) Models(t *Tenant) []string {
	names := make([]string, 0, len(s.groups))
	for _, g := range s.groups {
		if t.MayUse(g.Name) {
			names = append(names, g.Name)
		}
	}
	return names
}

// Groups returns the groups in the order of the config. They must not be changed.
func (s *Snapshot) Groups() []*Group { return s.groups }
