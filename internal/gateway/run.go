package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/gateway/exchange"
	"github.com/switchyard-gateway/switchyard/internal/gateway/lease"
	"github.com/switchyard-gateway/switchyard/internal/gateway/tier"
	"github.com/switchyard-gateway/switchyard/internal/limits"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// maxDepth is how many groups deep fallbacks may lead.
const maxDepth = 5

// Backoff between attempts when no other healthy deployment is left.
const (
	backoffBase = 500 * time.Millisecond
	backoffMax  = 8 * time.Second
)

// Result is an answer: Body, or Stream for a request that asked for one. Without either, the
// request failed. The report is always there.
type Result struct {
	Report *Report
	Body   []byte
	Stream *Stream // must be Run or Closed
}

// run is one request's life across groups.
type run struct {
	g        *Gateway
	snap     *Snapshot
	req      *Request
	report   *Report
	ask      exchange.Request // its Body is without what is meant for the gateway
	tags     string
	start    time.Time
	deadline time.Time
	cancel   func() // ends the request's context
	visited  []*Group
	upstream time.Duration // spent waiting for vendors and pauses

	rec      Record
	choice   *PolicyChoice   // nil: the groups' strategies decide
	picks    *decision.Picks // nil: not recorded
	reserved limits.Reservation
	estimate limits.Estimate
	finished bool

	// first has what most requests need one of, so that it is there in one piece.
	first struct {
		report  Report
		result  Result
		visit   [1]*Group
		group   groupRun
		attempt attempt
		answer  answer
	}
}

// Causes of an ended context.
var (
	errDeadline     = errors.New("the request's deadline passed")
	errAttemptLimit = errors.New("the attempt's time limit passed")
	errFirstToken   = errors.New("no first token in time")
	errFinished     = errors.New("the attempt is finished")
)

// Do serves a request from snap, which the caller holds; a stream that it returns holds the
// snapshot itself. ctx ends when the client leaves, and must not end before a stream has. The
// error is nil or what the client should see; before the first content byte everything that
// could be retried has been.
func (g *Gateway) Do(ctx context.Context, snap *Snapshot, req *Request) (*Result, *Error) {
	g.inFlight.Add(1)
	start := now()
	r := &run{
		g: g, snap: snap, req: req, start: start, tags: strings.Join(req.Tags, "\n"),
		ask: exchange.Request{
			Endpoint: req.Endpoint, Dialect: req.Dialect, Flags: req.flags(), Now: uint64(start.Unix()), Seed: g.opts.Seed(), RequestID: []byte(req.ID),
		},
	}
	r.report, r.visited = &r.first.report, r.first.visit[:0]
	r.report.Begin(Clip(req.Model))
	r.rec = Record{ID: store.NewEntryID(start), Request: req, Key: req.Key, Report: r.report, Snapshot: snap.ID, Start: start}
	result := &r.first.result
	result.Report = r.report
	defer func() {
		if !r.finished && result.Stream == nil { // a panic is passing by: what is held must not be lost
			if r.cancel != nil {
				r.cancel()
			}
			r.finish(panicked())
		}
	}()
	group, matched, ok := snap.group(req.Model)
	if !ok || !req.Tenant.reaches(group) {
		err := modelNotFound(req.Model)
		r.finish(err)
		return result, err
	}
	if err := r.checkFallbacks(); err != nil {
		r.finish(err)
		return result, err
	}
	if err := r.reserve(group); err != nil {
		r.finish(err)
		return result, err
	}
	timeout := cmp.Or(req.Timeout, group.Timeout, DefaultTimeout)
	r.deadline = r.start.Add(timeout)
	ctx, unbind := snap.lease.Bound(ctx, timeout)
	ctx, stop := context.WithDeadlineCause(ctx, r.deadline, errDeadline)
	r.cancel = func() { stop(); unbind() }

	r.consider(ctx)
	ans, err := r.enter(ctx, group, matched, 0)
	r.report.Overhead = now().Sub(r.start) - r.upstream
	if err == nil && ans.stream != nil {
		snap.lease.Hold() // the caller's reference keeps it from being closed meanwhile
		result.Stream = ans.stream
		return result, nil
	}
	switch {
	case err == nil:
		result.Body = ans.body
	case ctx.Err() != nil && !ours(context.Cause(ctx)):
		err = clientGone() // whatever came of the attempts, nobody waits for it
	}
	r.cancel()
	r.finish(err)
	return result, err
}

// checkFallbacks refuses a client's list with a group that is not there, or not for this tenant:
// the client would learn of its mistake only when it needs the fallback.
func (r *run) checkFallbacks() *Error {
	for _, list := range [...]struct {
		param string
		names []string
	}{
		{"fallbacks", r.req.Fallbacks}, {"context_window_fallbacks", r.req.ContextWindowFallbacks}, {"content_policy_fallbacks", r.req.ContentPolicyFallbacks},
	} {
		for i, name := range list.names {
			if !r.snap.Serves(r.req.Tenant, name) {
				e := modelNotFound(name)
				e.Status, e.Param, e.kind = http.StatusBadRequest, fmt.Sprintf("%s[%d]", list.param, i), abi.ErrorInvalidRequest
				return e
			}
		}
	}
	return nil
}

// consider finds out who decides for the tenant, and whether that is recorded.
func (r *run) consider(ctx context.Context) {
	t := r.req.Tenant
	if t == nil {
		return
	}
	if t.Record {
		r.picks = decision.NewPicks()
	}
	if t.Policy != nil {
		hash := r.ask.Seed
		if r.req.Session != "" {
			hash = abi.Hash(r.req.Session)
		}
		if r.choice = t.Policy.Choose(ctx, hash); r.choice != nil {
			r.rec.Policy, r.rec.Version, r.rec.Canary = r.choice.Name, r.choice.Number, r.choice.Canary
		}
	}
}

// finish counts the request out, settles its limits, tells those who keep accounts, and lets go of
// what it has held.
func (r *run) finish(err *Error) {
	r.finished = true
	r.g.inFlight.Add(-1)
	at := now()
	r.settle(at, err)
	r.rec.Duration, r.rec.Err = at.Sub(r.start), err
	if r.picks != nil {
		r.rec.Picks = r.picks.List()
		defer r.picks.Free()
	}
	if c := r.choice; c != nil && c.Release != nil {
		defer c.Release()
	}
	r.g.opts.Account(&r.rec)
	r.g.opts.Observe(&r.rec)
}

// enter tries a group, then the groups that it falls back to. The error is the last that came of
// an attempt; a group that made none has nothing to tell once another has.
func (r *run) enter(ctx context.Context, g *Group, matched string, depth int) (*answer, *Error) {
	r.visited = append(r.visited, g)
	r.report.Group = g.Name
	gr := &r.first.group
	if depth > 0 {
		gr = &groupRun{}
	}
	gr.run, gr.group, gr.matched, gr.depth = r, g, matched, depth
	ans, err := gr.attemptAll(ctx)
	if err == nil || !err.fallsBack() || ctx.Err() != nil {
		return ans, err
	}
	for _, name := range r.fallbacks(g, err, depth) {
		next, rest, ok := r.reachable(name, depth)
		if !ok {
			continue
		}
		r.report.Fallbacks++
		made := len(r.report.Attempts)
		ans, e := r.enter(ctx, next, rest, depth+1)
		if e == nil {
			return ans, nil
		}
		if len(r.report.Attempts) > made {
			err = e
		}
		if ctx.Err() != nil || !err.fallsBack() {
			break
		}
	}
	return nil, err
}

// reachable finds a group that the request may fall back to: the tenant may use it, and it was
// not entered yet.
func (r *run) reachable(name string, depth int) (g *Group, matched string, ok bool) {
	g, matched, ok = r.snap.group(name)
	return g, matched, ok && depth < maxDepth && !slices.Contains(r.visited, g) && r.req.Tenant.reaches(g)
}

// fallbacks is the list for an error: of its type when there is one, else the general one. A
// client's general list replaces all configured ones and counts once, from the group that it
// asked for; a typed one replaces those of its type.
func (r *run) fallbacks(g *Group, e *Error, depth int) []string {
	q := r.req
	general, window, policy := g.Fallbacks, g.ContextWindowFallbacks, g.ContentPolicyFallbacks
	switch {
	case q.DisableFallbacks:
		return nil
	case q.Fallbacks != nil && depth > 0:
		general, window, policy = nil, nil, nil
	case q.Fallbacks != nil:
		general, window, policy = q.Fallbacks, nil, nil
	}
	if q.ContextWindowFallbacks != nil {
		window = q.ContextWindowFallbacks
	}
	if q.ContentPolicyFallbacks != nil {
		policy = q.ContentPolicyFallbacks
	}
	switch {
	case e.kind == abi.ErrorContextWindow && len(window) > 0:
		return window
	case e.kind == abi.ErrorContentPolicy && len(policy) > 0:
		return policy
	default:
		return general
	}
}

// attemptAll makes attempts in one group until one answers, the retries are used up, or nothing
// is left to try.
func (r *groupRun) attemptAll(ctx context.Context) (*answer, *Error) {
	for {
		p, e := r.next(ctx)
		if e != nil {
			return nil, e
		}
		ans, e := r.attempt(ctx, p)
		if e == nil {
			return ans, nil
		}
		r.attempts++
		r.last = e
		r.history.Add(p.d)
		if e.class == abi.ClassOther {
			r.gone = append(r.gone, p.d)
		}
		if e.canceled || e.class == abi.ClassFinal || ctx.Err() != nil || r.attempts > r.retriesOf(p.d) {
			return nil, e
		}
	}
}

// retriesOf is how many retries the group has, by the deployment that failed last.
func (r *groupRun) retriesOf(d *Deployment) int {
	switch {
	case r.req.NumRetries != nil:
		return *r.req.NumRetries
	case d.Retries != nil:
		return *d.Retries
	default:
		return r.group.Retries
	}
}

// next picks the deployment of the next attempt, after a pause if no fresh one is left. Where
// strategies remove all that are best available, the next best are offered to them.
func (r *groupRun) next(ctx context.Context) (pick, *Error) {
	sc := r.g.scratch()
	defer r.g.buffers.Put(sc)
	rested := r.attempts == 0
	r.removed = r.removed[:0]
	for {
		at := now()
		t, e := r.choose(sc, at)
		if e != nil {
			return pick{}, e
		}
		if t != tier.Fresh && !rested {
			if e := r.pause(ctx); e != nil {
				return pick{}, e
			}
			rested = true // and much may have changed meanwhile
			continue
		}
		p, ok, e := r.pick(ctx, sc, at)
		if ok || e != nil {
			return p, e
		}
		// They were removed, or were one half-open trial that another request has taken.
	}
}

// pause waits before an attempt that repeats a deployment: as long as the vendor asked for, else
// a random time whose bound doubles. It gives up at once when the deadline would not allow the
// wait, or when the vendor asks for more than a pause and another group may answer sooner.
func (r *groupRun) pause(ctx context.Context) *Error {
	wait := r.last.RetryAfter
	if wait <= 0 {
		bound := min(backoffBase<<min(r.attempts-1, 10), backoffMax)
		wait = rand.N(bound) + 1
	}
	began := now()
	if !began.Add(wait).Before(r.deadline) || wait > backoffMax && r.fallbackLeft(r.last, false) {
		return r.last
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		r.upstream += now().Sub(began)
		return nil
	case <-ctx.Done():
		return r.ended(ctx)
	}
}

// ours reports whether a context was ended by the gateway, not by the client's leaving.
func ours(cause error) bool {
	return errors.Is(cause, errDeadline) || errors.Is(cause, lease.ErrExpired)
}

// ended is the error of a request whose context ended: the client left, or time was up.
func (r *run) ended(ctx context.Context) *Error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, lease.ErrExpired):
		e := serverError(503, "drained", "The request was ended because it outlived the configuration that it began with.")
		e.class, e.drained = abi.ClassFinal, true
		return e
	case !errors.Is(cause, errDeadline):
		return clientGone()
	}
	e := serverError(504, "timeout", "The request's deadline of %s passed before a deployment answered.", r.deadline.Sub(r.start).Round(time.Millisecond))
	e.kind, e.class, e.waited = abi.ErrorTimeout, abi.ClassFinal, true
	return e
}

func clientGone() *Error {
	return &Error{Status: 499, Type: "invalid_request_error", Code: "client_closed_request", Message: "The client closed the request.", canceled: true}
}
