package gateway

import (
	"context"
	"strings"

	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// prepare lets the adapter turn the client's request into the vendor's.
func (a *attempt) prepare(ctx context.Context) (*upstream.Request, *Error) {
	if a.run.body == nil {
		var err error
		if a.run.body, err = a.req.stripped(); err != nil {
			return nil, InvalidRequest("invalid_json", "", "The request body can't be read: %v.", err)
		}
	}
	if a.req.Stream {
		a.flags |= abi.FlagStream
	}
	if a.req.IncludeUsage {
		a.flags |= abi.FlagIncludeUsage
	}
	if a.req.StrictParams {
		a.flags |= abi.FlagStrictParams
	}
	in := abi.RequestInput{
		Endpoint: a.req.Endpoint, Dialect: a.req.Dialect, Flags: a.flags, Now: uint64(a.start.Unix()), Seed: a.seed,
		Model: a.model, RequestID: a.id, Body: a.run.body,
	}
	if a.d.Account.passesThrough(a.req.Dialect) {
		in.Flags |= abi.FlagBodyWithheld
		in.Body = nil
	}
	// The plan outlives the call: its state and body are used until the attempt ends.
	if _, err := a.d.Account.Plugin.Request(ctx, &in, &a.plan, nil); err != nil {
		return nil, a.plugin(ctx, err)
	}
	a.report.Dropped = a.report.Dropped[:0]
	withheld := in.Flags&abi.FlagBodyWithheld != 0
	for name := range a.plan.Dropped.All {
		// An adapter that has not seen the body names all that it would drop.
		if name := string(name); !withheld || has(a.run.body, name) {
			a.report.Dropped = append(a.report.Dropped, name)
		}
	}
	if a.req.StrictParams && len(a.report.Dropped) > 0 {
		name := a.report.Dropped[0]
		e := InvalidRequest("unsupported_parameter", name, "Unsupported parameter: %q can't be passed on to this model, and strict_params is set.", name)
		e.class = abi.ClassOther
		return nil, e
	}
	body := a.plan.Body
	if a.plan.RequestMode == abi.ModePassthrough {
		var err error
		if body, err = splice(a.run.body, a.plan.Edits); err != nil {
			return nil, a.plugin(ctx, err)
		}
	}
	return a.outgoing(body), nil
}

// has reports whether a body has a member, given as its name or as two joined by a dot.
func has(body []byte, name string) bool {
	return jsonraw.Value(body).Get(strings.Split(name, ".")...).Kind() != jsonraw.Missing
}

// outgoing puts the plan together with what the operator configured.
func (a *attempt) outgoing(body []byte) *upstream.Request {
	r := &upstream.Request{Target: a.d.Account.Target, Path: string(a.plan.Path), Body: body}
	if len(a.plan.Query) > 0 {
		r.Path += "?" + string(a.plan.Query)
	}
	for name, value := range a.plan.Headers.All {
		r.Header = append(r.Header, upstream.Field{Name: string(name), Value: string(value)})
	}
	if a.plan.Auth == abi.AuthNone {
		return r
	}
	cred := a.d.Account.Credential
	cred.Scheme, cred.Name = lookup(schemes[:], a.plan.Auth), string(a.plan.AuthName)
	if a.plan.Auth == abi.AuthSigV4 {
		cred.Service = cred.Name
	}
	if cred.Key != "" || cred.SecretKey != "" {
		r.Auth = &cred
	}
	return r
}

var schemes = [...]upstream.Scheme{
	abi.AuthNone: upstream.NoAuth, abi.AuthBearer: upstream.Bearer, abi.AuthHeader: upstream.HeaderKey, abi.AuthQuery: upstream.QueryKey,
	abi.AuthSigV4: upstream.SigV4, abi.AuthGCP: upstream.GCP, abi.AuthAzure: upstream.AzureKey,
}

var framings = [...]upstream.Framing{
	abi.FramingNone: upstream.None, abi.FramingSSE: upstream.SSE, abi.FramingNDJSON: upstream.NDJSON, abi.FramingEventStream: upstream.EventStream,
}

// lookup is the entry for a number that a plugin gave, or the first for one that is not known.
func lookup[T any, I ~uint8](table []T, i I) T {
	if int(i) < len(table) {
		return table[i]
	}
	return table[0]
}

// splice makes the adapter's edits.
func splice(body []byte, edits abi.Edits) ([]byte, error) {
	var room [8]jsonraw.Edit
	list := room[:0]
	for ed := range edits.All {
		list = append(list, jsonraw.Edit{Op: jsonraw.Op(ed.Op), Path: ed.Path, Value: ed.Value})
	}
	return jsonraw.Splice(make([]byte, 0, len(body)+128), body, list)
}
