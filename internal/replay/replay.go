// Package replay lets a policy decide once more what was decided already: import it to see, before
// a version of a policy serves, what it would have done with a tenant's past requests.
//
// The decisions come out of the log with their exact input, and are made by the code that makes
// them live (internal/gateway/decision). What the operator's filters removed stays removed, as it
// was recorded; what they are now is not asked. A request is followed as long as the policy
// decides as it was decided then: what would have come after another choice, nobody knows.
package replay

import (
	"context"
	"fmt"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/store/decisionlog"
)

// Source is where past decisions come from; a [decisionlog.Log] is one.
type Source interface {
	Len(ctx context.Context, tenant string) (int, error)
	Scan(ctx context.Context, tenant string, last int, yield func(*decisionlog.Record) error) error
}

// Options of a replay.
type Options struct {
	Tenant string
	Last   int // requests, the latest ones
	// Policy is the candidate.
	Policy decision.Policy
	// Busy reports whether live requests are under way. The replay then takes half the time of one
	// processor at most. Nil is never.
	Busy func() bool
	// Progress hears now and then how many requests are done.
	Progress func(done int)
}

// stride is how many requests are replayed between two looks at live traffic. They take less than
// a millisecond with ordinary policies.
const stride = 64

// Run replays. The same requests and the same policy give the same result. It ends early, with an
// error, when ctx does.
func Run(ctx context.Context, from Source, o Options) (*Result, error) {
	r := newRun(o.Policy)
	began := time.Now()
	err := from.Scan(ctx, o.Tenant, o.Last, func(rec *decisionlog.Record) error {
		r.request(ctx, rec)
		if r.result.Requests%stride != 0 {
			return ctx.Err()
		}
		if o.Progress != nil {
			o.Progress(r.result.Requests)
		}
		if o.Busy != nil && o.Busy() {
			rest(ctx, time.Since(began))
		}
		began = time.Now()
		return ctx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("replaying decisions of tenant %q: %w", o.Tenant, err)
	}
	return r.finish(), nil
}

// rest waits, unless ctx ends.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// run is a replay under way.
type run struct {
	policy   decision.Policy
	recorded recorded
	panel    *decision.Panel
	input    decision.Input
	decision decision.Decision
	fuel     []uint64
	result   *Result
	sums     sums
	largest  largest
}

func newRun(p decision.Policy) *run {
	r := &run{policy: p, result: newResult()}
	r.panel = r.recorded.panel()
	return r
}

// request replays one request's decisions.
func (r *run) request(ctx context.Context, rec *decisionlog.Record) {
	r.result.span(rec)
	var last *verdict
	for i := range rec.Picks {
		p := &rec.Picks[i]
		if !comparable(p) {
			continue
		}
		v := r.decide(ctx, rec, p)
		if ctx.Err() != nil {
			return
		}
		last = &v
		if v.moved() {
			break
		}
	}
	r.result.Requests++
	if last == nil {
		r.result.Undecided++
		return
	}
	r.count(rec, last)
}

// comparable reports whether a policy had, or would have had, a say that came to something.
func comparable(p *decisionlog.Pick) bool {
	switch decision.Outcome(p.Outcome) {
	case decision.Ranked:
		return p.Try >= 0
	case decision.Emptied, decision.Rejected:
		return endedByPolicy(p)
	default:
		return false
	}
}

// endedByPolicy reports whether the policy ended the decision, and not a filter before it.
func endedByPolicy(p *decisionlog.Pick) bool {
	return len(p.Calls) > 0 && p.Calls[len(p.Calls)-1].Policy
}

// decide makes one decision once more.
func (r *run) decide(ctx context.Context, rec *decisionlog.Record, p *decisionlog.Pick) verdict {
	r.recorded.pick = p
	r.input.Header, r.input.Candidates = p.Header, p.Candidates
	r.decision.Make(ctx, &r.input, r.panel, r.policy)
	v := verdict{pick: p, before: then(rec, p), after: r.now(rec, p)}
	for i := range r.decision.Calls {
		if c := &r.decision.Calls[i]; c.Policy {
			r.fuel = append(r.fuel, c.Fuel)
			v.failed = c.Failed
		}
	}
	if v.failed != "" {
		r.result.Faults[v.failed]++
	}
	return v
}
