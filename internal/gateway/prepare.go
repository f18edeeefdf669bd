package gateway

import (
	"context"

	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// prepare lets the adapter turn the client's request into the vendor's.
func (a *attempt) prepare(ctx context.Context) (*upstream.Request, *Error) {
	if a.ask.Body == nil {
		var err error
		if a.ask.Body, err = a.req.Stripped(); err != nil {
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

// flags are what an adapter hears of how the client wants its answer.
func (q *Request) flags() (f uint16) {
	if q.Stream {
		f |= abi.FlagStream
	}
	if q.IncludeUsage {
		f |= abi.FlagIncludeUsage
	}
	if q.StrictParams {
		f |= abi.FlagStrictParams
	}
	return f
}
