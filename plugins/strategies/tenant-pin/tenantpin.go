// Package main is the filter tenant-pin: it keeps the one deployment where a tenant (or a session, or a
// prompt's start) has its place.
//
// The place is the operator's pin in plugins.yaml, else this config's table, else weighted rendezvous
// hashing: every key has an order of its own over the deployments, and adding or removing one moves only
// the keys whose first place it is. A place that is missing, cooling down or failed in this request gives
// way to the next in that order, and has its keys again when it is back.
package main

import (
	"math"

	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/ladder"
	"github.com/switchyard-gateway/switchyard/plugins/strategies/internal/note"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/settings"
	"github.com/switchyard-gateway/switchyard/sdk/strategy/draw"
)

// What is pinned.
const (
	byTenant  = "tenant"
	bySession = "session"
	byPrefix  = "prefix"
)

type config struct {
	by     string
	table  map[string]string
	strict bool
}

func defaults() config { return config{by: byTenant} }

func (c *config) fields() []settings.Field {
	return []settings.Field{
		settings.Choice("by", &c.by,
			"what has a place: the tenant, the session or user that the client names, or the start of the prompt",
			byTenant, bySession, byPrefix),
		settings.Table("table", &c.table, "deployment id by tenant or session name"),
		settings.Switch("strict", &c.strict,
			"a request whose place is in the table, or pinned by the operator, is not moved while its deployment is down"),
	}
}

type plugin struct {
	config
	places map[uint64]string // table by hash of the name, which is all that a session shows
	line   note.Line
}

func newPlugin() *plugin { return &plugin{config: defaults()} }

// Describe names the plugin.
func (p *plugin) Describe() abi.Description {
	c := defaults()
	return abi.Description{
		Name: "tenant-pin", Version: "1.0.0", Mode: abi.ModeFilter,
		About:        "keeps the one deployment where a tenant, session or prompt start has its place",
		ConfigSchema: settings.Schema(c.fields()...),
	}
}

// Configure takes the keys that Describe lists.
func (p *plugin) Configure(text []byte) error {
	c := defaults()
	if err := settings.Apply(text, c.fields()...); err != nil {
		return err
	}
	p.config, p.places = c, make(map[uint64]string, len(c.table))
	for name, id := range c.table {
		p.places[abi.Hash(name)] = id
	}
	return nil
}

// place is how one candidate stands for a request: lower fields decide first.
type place struct {
	standing uint8
	hashed   uint8 // 0 for a pinned one, 1 for the rest, 2 for those of weight 0
	arrival  float64
	idHash   uint64
}

func (a place) before(b place) bool {
	switch {
	case a.standing != b.standing:
		return a.standing < b.standing
	case a.hashed != b.hashed:
		return a.hashed < b.hashed
	case a.arrival != b.arrival:
		return a.arrival < b.arrival
	default:
		return a.idHash < b.idHash
	}
}

// Score keeps one candidate, or all if the request has neither a pin nor a key. It removes all only in
// strict mode, when the pinned deployment is not on offer.
func (p *plugin) Score(in abi.View, out *abi.ScoreOutput) error {
	n := in.Len()
	key := p.key(in)
	target, listed := "", false
	if key != 0 {
		target, listed = p.places[key]
	}
	operator := anyPinned(in)
	if key == 0 && !operator {
		if n > 0 {
			out.Reason = p.line.New().Text("no ").Text(p.by).Text(" to pin by: all ").Int(n).String()
		}
		return nil
	}
	listed = listed && !operator
	if key == 0 {
		key = in.TenantHash()
	}
	pinned := func(c abi.CandidateView) bool {
		return c.Flags()&abi.CandidatePinned != 0 || listed && string(c.ID()) == target
	}
	chosen, down := -1, -1
	var best place
	for i := range n {
		c := in.Candidate(i)
		pin := pinned(c)
		if p.strict && (operator || listed) && !pin {
			continue
		}
		at := stand(c, key, pin)
		if pin && at.standing != ladder.Usable {
			down = i
		}
		if chosen < 0 || at.before(best) {
			chosen, best = i, at
		}
	}
	for i := range n {
		if i != chosen {
			out.Scores[i] = math.NaN()
		}
	}
	out.Reason = p.reason(in, chosen, down, best, operator, target)
	return nil
}

func (p *plugin) key(in abi.View) uint64 {
	switch p.by {
	case bySession:
		return in.SessionHash()
	case byPrefix:
		return in.PrefixHash()
	default:
		return in.TenantHash()
	}
}

func anyPinned(in abi.View) bool {
	for i := range in.Len() {
		if in.Candidate(i).Flags()&abi.CandidatePinned != 0 {
			return true
		}
	}
	return false
}

func stand(c abi.CandidateView, key uint64, pinned bool) place {
	at := place{standing: ladder.Standing(c.Flags()), hashed: 1, idHash: c.IDHash()}
	weight := draw.Weight(c.Weight())
	switch {
	case pinned:
		at.hashed = 0
	case weight == 0:
		at.hashed = 2
	}
	if weight == 0 {
		weight = 1
	}
	at.arrival = draw.Race(key, at.idHash, weight)
	return at
}

func (p *plugin) reason(in abi.View, chosen, down int, best place, operator bool, target string) string {
	l := p.line.New()
	if chosen < 0 {
		if in.Len() > 0 {
			l.Text("tenant-pin: pinned to ").Name([]byte(target)).Text(", which is not on offer")
		}
		return l.String()
	}
	l.Name(in.Candidate(chosen).ID())
	source := " (table)"
	if operator {
		source = " (operator)"
	}
	switch {
	case best.hashed == 0:
		l.Text(": pinned").Text(source)
	case down >= 0:
		l.Text(": next by hash, ").Name(in.Candidate(down).ID()).Text(" is down")
	case target != "" && !operator:
		l.Text(": next by hash, ").Name([]byte(target)).Text(" is not on offer")
	default:
		l.Text(": the ").Text(p.by).Text("'s place by hash")
	}
	return l.String()
}
