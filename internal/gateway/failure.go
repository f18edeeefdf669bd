package gateway

import (
	"context"
	"errors"

	"github.com/switchyard-gateway/switchyard/internal/gateway/exchange"
	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// How an attempt's failures become errors for the client.

// vendorError lets the adapter say what an error status means. If its body can't be read the
// status alone has to do.
func (a *attempt) vendorError(ctx context.Context, resp *upstream.Response) *Error {
	asked, _ := upstream.ParseRetryAfter(resp.Header, now())
	began := now()
	body, err := resp.ReadAll(maxErrorBody)
	a.upstream += now().Sub(began)
	if err != nil && ctx.Err() != nil {
		return a.stopped(ctx)
	}
	e := a.classify(ctx, a.call.Refused(ctx, resp.Status, resp.Header, body))
	if e.RetryAfter == 0 {
		e.RetryAfter = asked
	}
	return e
}

// classify is the client's error for what an exchange came to.
func (a *attempt) classify(ctx context.Context, err error) *Error {
	if ref, ok := errors.AsType[*abi.Refusal](err); ok {
		return fromRefusal(ref)
	}
	if bad, ok := errors.AsType[*exchange.BadAnswer](err); ok {
		return badResponse("%s", bad.Message)
	}
	if errors.Is(err, exchange.ErrClient) {
		return clientGone()
	}
	if ctx.Err() != nil {
		return a.stopped(ctx)
	}
	if f, ok := errors.AsType[*exchange.Fault](err); ok {
		// A fault of the plugin, which another deployment may not share.
		a.g.opts.Log.Error("provider plugin failed", "provider", a.d.Account.Name, "deployment", a.d.ID, "request", a.req.ID, "error", f.Err)
		e := serverError(502, "plugin_error", "The provider's adapter failed on this request.")
		e.class, e.unsent = abi.ClassOther, !a.sent
		return e
	}
	return a.transport(err)
}

// transport classifies a failure of the connection.
func (a *attempt) transport(err error) *Error {
	switch upstream.KindOf(err) {
	case upstream.Timeout:
		return upstreamTimeout("The upstream did not answer in time.")
	case upstream.Unreachable, upstream.Reset:
		return serverError(502, "upstream_unreachable", "The upstream could not be reached.")
	case upstream.Truncated, upstream.TooLarge, upstream.Malformed:
		return badResponse("The upstream's answer could not be read: %v.", err)
	case upstream.Refused, upstream.Redirected:
		a.g.opts.Log.Error("upstream request refused", "provider", a.d.Account.Name, "deployment", a.d.ID, "request", a.req.ID, "error", err)
		e := serverError(502, "upstream_error", "The request could not be sent to the upstream.")
		e.class, e.unsent = abi.ClassOther, upstream.KindOf(err) == upstream.Refused
		return e
	default:
		a.g.opts.Log.Warn("exchange with the upstream broke off", "provider", a.d.Account.Name, "deployment", a.d.ID, "request", a.req.ID, "error", err)
		return serverError(502, "upstream_error", "The exchange with the upstream broke off.")
	}
}

// stopped is the error of an attempt whose context ended.
func (a *attempt) stopped(ctx context.Context) *Error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errFirstToken):
		return upstreamTimeout("The upstream sent no token in time.")
	case errors.Is(cause, errAttemptLimit):
		return upstreamTimeout("The upstream did not answer in time.")
	default:
		return a.ended(ctx)
	}
}

func upstreamTimeout(message string) *Error {
	e := serverError(504, "upstream_timeout", "%s", message)
	e.kind, e.waited = abi.ErrorTimeout, true
	return e
}

func badResponse(format string, args ...any) *Error {
	e := serverError(502, "bad_upstream_response", format, args...)
	e.kind = abi.ErrorBadResponse
	return e
}
