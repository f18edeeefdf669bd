// Package exchange is one exchange with a vendor in the words of its adapter: import it to turn a
// client's request into the vendor's, and the vendor's answer, stream or refusal into the
// client's. It knows nothing of routing, of retries, or of what errors look like to a client.
package exchange

import (
	"context"
	"net/http"
	"strings"

	"github.com/switchyard-gateway/switchyard/internal/gateway/inspect"
	"github.com/switchyard-gateway/switchyard/internal/redact"
	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// Adapter translates between a client's dialect and a vendor's. Outputs alias the returned
// buffer, which is buf, grown if needed. Errors are a *[abi.Refusal], or a fault of the plugin.
type Adapter interface {
	Request(ctx context.Context, in *abi.RequestInput, out *abi.RequestOutput, buf []byte) ([]byte, error)
	Response(ctx context.Context, in *abi.ResponseInput, out *abi.ResponseOutput, buf []byte) ([]byte, error)
	Stream(ctx context.Context, in *abi.StreamInput, out *abi.StreamOutput, buf []byte) ([]byte, error)
}

// Request is what a client asks for: the same in all calls that are made for it.
type Request struct {
	Endpoint  abi.Endpoint
	Dialect   abi.Dialect
	Flags     uint16
	Now       uint64 // when the request came, Unix seconds
	Seed      uint64
	RequestID []byte
	Body      []byte       // it is not changed
	Big       jsonraw.Span // where in the body a member's long value is; empty: not known
}

// Call is one upstream call through an adapter. Prepare comes first. One goroutine uses it.
type Call struct {
	*Request
	Adapter Adapter
	Model   []byte // the vendor's name
	// Withhold says that the vendor speaks the client's dialect, so that the adapter plans without
	// having seen the body.
	Withhold bool

	in     abi.RequestInput // while the adapter plans
	plan   abi.RequestOutput
	room   [planRoom]byte // of the plan, if it fits
	hidden *redact.Set    // what the vendor is sent and nobody else may see; nil: nothing
}

// planRoom takes the plan of an adapter that passes the body through.
const planRoom = 384

// Prepare lets the adapter plan the call.
func (c *Call) Prepare(ctx context.Context) error {
	in := &c.in
	*in = abi.RequestInput{
		Endpoint: c.Endpoint, Dialect: c.Dialect, Flags: c.Flags, Now: c.Now, Seed: c.Seed,
		Model: c.Model, RequestID: c.RequestID, Body: c.Body,
	}
	if c.Withhold {
		in.Flags |= abi.FlagBodyWithheld
		in.Body = nil
	}
	// The plan outlives the call: its state and body are used until the attempt ends.
	_, err := c.Adapter.Request(ctx, in, &c.plan, c.room[:0])
	*in = abi.RequestInput{} // the body may be much, and the attempt a long stream
	if err != nil {
		return fault(err)
	}
	return nil
}

// AppendDropped appends the names of the client's parameters that do not reach the vendor.
func (c *Call) AppendDropped(names []string) []string {
	for name := range c.plan.Dropped.All {
		// An adapter that has not seen the body names all that it would drop.
		if name := string(name); !c.Withhold || has(c.Body, name) {
			names = append(names, name)
		}
	}
	return names
}

// has reports whether a body has a member, given as its name or as two joined by a dot.
func has(body []byte, name string) bool {
	return jsonraw.Value(body).Get(strings.Split(name, ".")...).Kind() != jsonraw.Missing
}

// Outgoing is the vendor's request: the plan together with what the operator configured.
func (c *Call) Outgoing(target *upstream.Target, cred upstream.Credential) (*upstream.Request, error) {
	both := &struct { // in one piece
		upstream.Request
		cred upstream.Credential
	}{Request: upstream.Request{Target: target, Body: c.plan.Body}, cred: cred}
	r := &both.Request
	if c.plan.RequestMode == abi.ModePassthrough {
		if err := c.splice(r); err != nil {
			return nil, fault(err)
		}
	}
	if len(c.plan.Query) > 0 {
		r.Path = string(c.plan.Path) + "?" + string(c.plan.Query)
	} else {
		r.Path = string(c.plan.Path)
	}
	for name, value := range c.plan.Headers.All {
		r.Header = append(r.Header, upstream.Field{Name: string(name), Value: string(value)})
	}
	auth := &both.cred
	if target != nil {
		c.hidden = target.Secrets(auth)
	}
	if c.plan.Auth == abi.AuthNone {
		return r, nil
	}
	if auth.Name != "" {
		auth.Scheme = upstream.HeaderKey // the operator's choice goes before the plugin's
	} else {
		auth.Scheme, auth.Name = lookup(schemes[:], c.plan.Auth), string(c.plan.AuthName)
	}
	if c.plan.Auth == abi.AuthSigV4 {
		auth.Service = auth.Name
	}
	if auth.Key != "" || auth.SecretKey != "" {
		r.Auth = auth
	}
	return r, nil
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

// splice makes the adapter's edits. A long value that they leave alone is not copied.
func (c *Call) splice(r *upstream.Request) error {
	var room [8]jsonraw.Edit
	list := room[:0]
	for ed := range c.plan.Edits.All {
		list = append(list, jsonraw.Edit{Op: jsonraw.Op(ed.Op), Path: ed.Path, Value: ed.Value})
	}
	rest := len(c.Body) - (c.Big.End - c.Big.Start)
	body, cut, err := jsonraw.SpliceAround(make([]byte, 0, rest+128), c.Body, list, c.Big)
	if err != nil {
		return err
	}
	if r.Body = body; cut >= 0 {
		r.Body, r.Middle, r.End = body[:cut:cut], c.Body[c.Big.Start:c.Big.End], body[cut:]
	}
	return nil
}

// Answer turns a whole successful answer into the client's, and says what it used. It may be body
// itself. What the vendor was sent in secret and echoes is blotted out before anybody reads it, the
// adapter and the client alike.
func (c *Call) Answer(ctx context.Context, status int, header http.Header, body []byte) ([]byte, abi.Usage, error) {
	body = c.hidden.Clean(body)
	if c.plan.ResponseMode == abi.ModePassthrough {
		if usage, ok := inspect.Answer(body); ok {
			return body, usage, nil
		}
	}
	out, err := c.translate(ctx, status, header, body)
	if err != nil {
		return nil, abi.Usage{}, err
	}
	if !out.AsIs {
		body = out.Body
	}
	return body, out.Usage, nil
}

// Refused lets the adapter say what an answer with an error status means. There is always an error.
func (c *Call) Refused(ctx context.Context, status int, header http.Header, body []byte) error {
	if _, err := c.translate(ctx, status, header, c.hidden.Clean(body)); err != nil {
		return err
	}
	return badAnswer("The upstream answered with status %d, which its adapter does not take for an error.", status)
}

// translate hands a whole upstream answer, of any status, to the adapter. The body has no secrets.
func (c *Call) translate(ctx context.Context, status int, header http.Header, body []byte) (*abi.ResponseOutput, error) {
	in := abi.ResponseInput{
		Endpoint: c.Endpoint, Dialect: c.Dialect, Flags: c.Flags, Status: status, Now: c.Now, Seed: c.Seed,
		Model: c.Model, RequestID: c.RequestID, Headers: c.pairs(header), State: c.plan.State, Body: body,
	}
	out := &abi.ResponseOutput{}
	if _, err := c.Adapter.Response(ctx, &in, out, nil); err != nil {
		return nil, fault(err)
	}
	return out, nil
}

// pairs are the response headers that an adapter may want; cookies are nobody's business, and a
// name that has a secret would betray it in any case.
func (c *Call) pairs(h http.Header) abi.Pairs {
	size := 0
	for name, values := range h {
		for _, v := range values {
			size += 2 + len(name) + 2 + len(v)
		}
	}
	p := make(abi.Pairs, 0, size)
	var room [256]byte
	text := room[:0]
	for name, values := range h {
		if name == "Set-Cookie" || c.hidden.InName(name) {
			continue
		}
		for _, v := range values {
			if text = append(text[:0], v...); c.hidden.In(text) {
				v = string(c.hidden.Clean(text))
			}
			at := len(p) + 2
			p = p.Append(name, v)
			lower(p[at:][:min(len(name), len(p)-at)])
		}
	}
	return p
}

// lower makes a header's name what it is in lower case.
func lower(name []byte) {
	for i, b := range name {
		if 'A' <= b && b <= 'Z' {
			name[i] = b + 'a' - 'A'
		}
	}
}
