package gateway

import (
	"context"
	"math"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/decision"
	"github.com/switchyard-gateway/switchyard/internal/gateway/exchange"
	"github.com/switchyard-gateway/switchyard/internal/gateway/health"
	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// maxErrorBody bounds what is read of a vendor's error.
const maxErrorBody = 1 << 20

// attempt is one upstream call, from the adapter's request to its answer.
type attempt struct {
	*groupRun
	pick
	index  int  // in the report
	sent   bool // the upstream was asked
	call   exchange.Call
	cancel context.CancelCauseFunc
	first  *time.Timer // first-token deadline of a stream
	limit  *time.Timer // of the whole attempt
}

// answer is what an attempt came to: a body, or a stream that is past its commit point.
type answer struct {
	body   []byte
	usage  abi.Usage
	stream *Stream
}

// attempt calls one deployment.
func (r *groupRun) attempt(ctx context.Context, p pick) (*answer, *Error) {
	model := p.d.ModelFor(r.matched)
	a := &r.first.attempt
	if len(r.report.Attempts) > 0 {
		a = &attempt{}
	}
	a.groupRun, a.pick, a.index = r, p, len(r.report.Attempts)
	a.call = exchange.Call{
		Request: &r.ask, Adapter: p.d.Account.Plugin, Model: []byte(model), Withhold: p.d.Account.PassesThrough(r.ask.Dialect),
	}
	r.report.Attempts = append(r.report.Attempts, Attempt{
		Group: r.group.Name, Deployment: p.d.ID, Provider: p.d.Account.Name, Strategy: p.strategy, Reason: p.reason, Trial: p.trial, Start: now(),
	})
	r.report.Deployment, r.report.Provider, r.report.Model, r.report.Strategy = p.d.ID, p.d.Account.Name, model, p.strategy
	p.d.Health.Begin()
	a.cancel = func(error) {}
	whole, first := a.limits()
	if whole > 0 || r.req.Stream { // else it ends with the request's context, or as soon as it has its answer
		ctx, a.cancel = context.WithCancelCause(ctx)
	}
	returned := false
	defer func() {
		if !returned {
			a.failed(panicked())
		}
	}()
	ans, e := a.serve(ctx, whole, first)
	returned = true
	switch {
	case e != nil:
		a.failed(e)
	case ans.stream == nil:
		a.succeeded(now(), &ans.usage)
		a.cancel(errFinished)
	}
	return ans, e
}

func (a *attempt) record() *Attempt { return &a.report.Attempts[a.index] }

// serve makes the call within its limits. Its errors are the client's, classified.
func (a *attempt) serve(ctx context.Context, whole, first time.Duration) (*answer, *Error) {
	req, e := a.prepare(ctx)
	if e != nil {
		return nil, e
	}
	a.startTimers(whole, first)
	a.sent = true
	began := now()
	resp, err := a.g.opts.Upstream.Do(ctx, req)
	a.upstream += now().Sub(began)
	if err != nil {
		return nil, a.classify(ctx, err)
	}
	a.record().Status = resp.Status
	switch {
	case resp.Status < 200 || resp.Status > 299:
		return nil, a.vendorError(ctx, resp)
	case a.req.Stream:
		return a.openStream(ctx, resp)
	default:
		return a.whole(ctx, resp)
	}
}

// prepare lets the adapter turn the client's request into the vendor's.
func (a *attempt) prepare(ctx context.Context) (*upstream.Request, *Error) {
	if a.ask.Body == nil {
		var err error
		if a.ask.Body, a.ask.Big, err = a.req.Stripped(); err != nil {
			return nil, InvalidRequest("invalid_json", "", "The request body can't be read: %v.", err)
		}
	}
	if err := a.call.Prepare(ctx); err != nil {
		return nil, a.classify(ctx, err)
	}
	a.report.Dropped = a.call.AppendDropped(a.report.Dropped[:0])
	if a.req.StrictParams && len(a.report.Dropped) > 0 {
		name := a.report.Dropped[0]
		e := InvalidRequest("unsupported_parameter", name, "Unsupported parameter: %q can't be passed on to this model, and strict_params is set.", name)
		e.class = abi.ClassOther
		return nil, e
	}
	req, err := a.call.Outgoing(a.d.Account.Target, a.d.Account.Credential)
	if err != nil {
		return nil, a.classify(ctx, err)
	}
	return req, nil
}

// limits are the attempt's own, of the whole of it and for the first token of a stream; the request's deadline is in the
// context. 0: none.
func (a *attempt) limits() (whole, first time.Duration) {
	whole = a.d.Timeout
	if whole == 0 {
		whole = a.d.Account.Timeout
	}
	whole = decision.Stricter(whole, a.attemptLimit)
	if !a.req.Stream {
		return whole, 0
	}
	first = a.group.StreamTimeout
	switch {
	case a.req.StreamTimeout != nil:
		first = *a.req.StreamTimeout
	case a.d.StreamTimeout != nil:
		first = *a.d.StreamTimeout
	}
	return whole, decision.Stricter(first, a.firstToken)
}

// startTimers arms the limits.
func (a *attempt) startTimers(whole, first time.Duration) {
	if whole > 0 {
		a.limit = time.AfterFunc(whole, func() { a.cancel(errAttemptLimit) })
	}
	if first > 0 {
		a.first = time.AfterFunc(first, func() { a.cancel(errFirstToken) })
	}
}

// stopTimers disarms the limits.
func (a *attempt) stopTimers() {
	if a.first != nil {
		a.first.Stop()
	}
	if a.limit != nil {
		a.limit.Stop()
	}
}

// whole reads and translates an unstreamed answer.
func (a *attempt) whole(ctx context.Context, resp *upstream.Response) (*answer, *Error) {
	began := now()
	body, err := resp.ReadAll(abi.MaxOutput)
	a.upstream += now().Sub(began)
	if err != nil {
		return nil, a.classify(ctx, err)
	}
	body, usage, err := a.call.Answer(ctx, resp.Status, resp.Header, body)
	if err != nil {
		return nil, a.classify(ctx, err)
	}
	ans := &a.run.first.answer
	ans.body, ans.usage = body, usage
	return ans, nil
}

// failed records a failure, decides about a cooldown and frees what the attempt held.
func (a *attempt) failed(e *Error) {
	a.stopTimers()
	a.cancel(errFinished)
	at := now()
	rec := a.record()
	rec.Duration, rec.Error, rec.Canceled = at.Sub(rec.Start), e.label(), e.canceled
	o := health.Outcome{At: at, Trial: a.trial, Total: rec.Duration, TTFT: rec.TTFT, Streamed: a.req.Stream}
	a.d.Health.End()
	blames := e.countsAgainst()
	if e.kind == abi.ErrorNotFound && a.d.Model == "*" {
		blames = false // the vendor has no such model, but may have all others
	}
	switch {
	case e.canceled, e.drained, e.unsent, !blames && !a.sent:
		// It ended for reasons of others, or was refused before the vendor saw it.
		if a.trial {
			a.d.Health.DropTrial()
		}
		return
	case !blames:
		a.d.Health.Refused(&o)
	default:
		f := e.failure()
		a.d.Health.Failed(&o, &f)
		a.d.Health.CoolAfter(at, &f, a.d.Pausing(), a.trial, a.othersLeft(a.d, at))
	}
	a.feedback(e, 0)
}

// succeeded records a whole answer, which was complete at a time just past.
func (a *attempt) succeeded(at time.Time, usage *abi.Usage) {
	a.stopTimers()
	rec := a.record()
	rec.Duration = at.Sub(rec.Start)
	a.report.Usage, a.report.Cost = *usage, a.d.Cost(usage)
	if !usage.Present { // the vendor is silent, and a budget must fill all the same
		foreseen := a.foreseen(a.group)
		a.report.Cost, a.report.Estimated = a.d.Cost(&foreseen), true
	}
	a.d.Health.End()
	a.d.Health.Succeeded(&health.Outcome{
		At: at, Trial: a.trial, TTFT: rec.TTFT, Total: rec.Duration, Streamed: a.req.Stream,
		Output: min(usage.Completion, maxTokens), Tokens: min(usage.Prompt, maxTokens) + min(usage.Completion, maxTokens),
	})
	if usage.Present && usage.Completion > 0 {
		a.group.output.Add(usage.Completion)
	}
	a.feedback(nil, usage.Completion)
}

// maxTokens is what one answer can add to the statistics: a vendor's absurd figure must not
// steer a group.
const maxTokens = 1 << 24

// feedbackWait is how long an answer may be held up because a strategy that listens is busy.
const feedbackWait = 50 * time.Millisecond

// feedback tells the strategies that listen how the attempt ended. The client may be gone by
// then, so its context does not govern.
func (a *attempt) feedback(e *Error, output uint64) {
	for i := range a.group.Strategies {
		u := &a.group.Strategies[i]
		a.tell(u.Name, u.Plugin, e, output)
	}
	if c := a.choice; c != nil {
		a.tell(c.Name, c.Plugin, e, output)
	}
}

// tell gives one strategy the feedback, if it listens.
func (a *attempt) tell(name string, s Strategy, e *Error, output uint64) {
	if !s.HasFeedback() {
		return
	}
	rec := a.record()
	f := abi.Feedback{
		IDHash: a.d.Hash(), Now: uint64(now().UnixMilli()), TTFTMS: orNaN(rec.TTFT), TotalMS: health.Milliseconds(rec.Duration),
		OutputTokens: uint32(output), Status: uint16(rec.Status), OK: e == nil, ID: []byte(a.d.ID), Group: []byte(a.group.Name),
	}
	if a.req.TenantName != "" {
		f.TenantHash = abi.Hash(a.req.TenantName)
	}
	if e != nil {
		f.Class = e.class
	}
	ctx, cancel := context.WithTimeout(context.Background(), feedbackWait)
	defer cancel()
	if err := s.Feedback(ctx, &f); err != nil && !decision.BreakerOpen(err) {
		a.g.opts.Log.Warn("strategy did not take feedback", "strategy", name, "error", err)
	}
}

func orNaN(d time.Duration) float64 {
	if d == 0 {
		return math.NaN()
	}
	return health.Milliseconds(d)
}
