package decision

import (
	"context"
	"errors"
	"strings"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Strategy scores candidates. Implementations are safe for concurrent use, and change neither the
// header nor the candidates.
type Strategy interface {
	// Score fills in out, and returns the fuel that the call used, whether or not it succeeded.
	// Errors are a *[abi.Refusal], or a fault of the plugin, see [BreakerOpen].
	Score(ctx context.Context, h *abi.Header, cands []abi.Candidate, out *abi.ScoreOutput) (fuel uint64, err error)
}

// Versioned is a strategy that says which version of it serves.
type Versioned interface {
	Strategy
	// Hash is the hex digest of the version that serves now.
	Hash() string
}

// Policy is a tenant's strategy, which scores in place of a panel's scoring strategies. The zero
// value is none.
type Policy struct {
	Name string
	// Version is which version of it the strategy is. Empty: whichever serves, if it is Versioned.
	Version  string
	Strategy Strategy
}

// Use is one strategy of a panel.
type Use struct {
	Name     string
	Strategy Strategy
	// Filter says that it only removes: its numbers rank nothing.
	Filter bool
	// Weight is how much its scores count beside those of other scoring strategies; 0 leaves it
	// only its right to remove candidates.
	Weight float64
	// Essential says that nothing is decided when it fails. Without it the others decide.
	Essential bool
}

// Panel is who decides in a group. It does not change and may be shared.
type Panel struct {
	filters, scorers []Use
	label            string // of all strategies, as configured
	filterLabel      string // of the filters alone
}

// NewPanel is made of a group's strategies, in the order in which they are asked; filters are
// asked before the others.
func NewPanel(uses []Use) *Panel {
	p := &Panel{}
	var names, filters []string
	for _, u := range uses {
		names = append(names, u.Name)
		if u.Filter {
			filters = append(filters, u.Name)
			p.filters = append(p.filters, u)
		} else {
			p.scorers = append(p.scorers, u)
		}
	}
	p.label, p.filterLabel = strings.Join(names, "+"), strings.Join(filters, "+")
	return p
}

// Why a strategy that was asked had no say.
const (
	FailedFault   = "fault"        // it trapped, ran dry or broke its contract
	FailedRefusal = "refusal"      // it answered that it can't
	FailedBreaker = "breaker_open" // it was not asked, because of earlier faults
)

// failure is the kind of a strategy's error.
func failure(err error) string {
	if BreakerOpen(err) {
		return FailedBreaker
	}
	if _, ok := errors.AsType[*abi.Refusal](err); ok {
		return FailedRefusal
	}
	return FailedFault
}

// BreakerOpen reports whether an error says that a plugin was not called because its breaker is
// open: it has a method BreakerOpen() bool that returns true. Whoever opened the breaker has
// reported it, so the calls that it spares are not news.
func BreakerOpen(err error) bool {
	u, ok := errors.AsType[interface {
		error
		BreakerOpen() bool
	}](err)
	return ok && u.BreakerOpen()
}
