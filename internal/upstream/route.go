package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"

	"github.com/switchyard-gateway/switchyard/internal/upstream/http1"
)

// origin is a scheme and a host.
type origin struct{ scheme, host string }

// route is how requests of one client reach one origin.
type route struct {
	client *Client
	host   *http1.Host
	left   bool // to net/http for good: there is a proxy, or a host name that http1 does not take
	// direct says that http1 serves. For https it is found out: the first answer comes through net/http, which takes
	// HTTP/2 where it is offered; a host that chose HTTP/1.1 is served by http1 until it chooses otherwise.
	direct atomic.Bool
}

// route finds the route to a target, which remembers it.
func (c *Client) route(t *Target) *route {
	if r := t.route.Load(); r != nil && r.client == c {
		return r
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := origin{t.scheme, t.host}
	r := c.routes[key]
	if r == nil {
		r = &route{client: c, host: http1.NewHost(&c.direct, t.host, t.scheme == "https")}
		if c.transport.Proxy != nil {
			proxy, err := c.transport.Proxy(&http.Request{URL: &url.URL{Scheme: t.scheme, Host: t.host}})
			r.left = proxy != nil || err != nil // net/http says what is wrong with it
		}
		r.left = r.left || !plainHost(t.host)
		r.direct.Store(!r.left && t.scheme == "http")
		c.routes[key] = r
	}
	t.route.Store(r)
	return r
}

// send sends a request on its route. Errors are as they come.
func (c *Client) send(ctx context.Context, r *route, o *Outgoing) (*Response, error) {
	if r.direct.Load() {
		uri := o.URL.RawPath
		if o.URL.RawQuery != "" {
			uri += "?" + o.URL.RawQuery
		}
		res, err := r.host.Do(ctx, &http1.Request{Method: o.Method, URI: uri, Header: o.Header, Body: o.Body, Middle: o.Middle, End: o.End})
		if err == nil {
			return newResponse(ctx, res.Status, res.Header, res.Length, res.Body), nil
		}
		if !errors.Is(err, http1.ErrHTTP2) {
			return nil, err
		}
		r.direct.Store(false) // it has learnt HTTP/2 meanwhile; nothing was sent
	}
	res, err := c.transport.RoundTrip(o.httpRequest(ctx)) //nolint:bodyclose // the caller of Do closes it
	if err != nil {
		return nil, err
	}
	if !r.left && res.ProtoMajor == 1 {
		r.direct.Store(true)
	}
	return newResponse(ctx, res.StatusCode, res.Header, res.ContentLength, res.Body), nil
}

// plainHost reports whether a host is named as it goes over the wire: in ASCII, and without the zone of an address.
func plainHost(host string) bool {
	for i := range len(host) {
		if c := host[i]; c <= ' ' || c > '~' || c == '%' {
			return false
		}
	}
	return true
}

func (o *Outgoing) httpRequest(ctx context.Context) *http.Request {
	req := (&http.Request{
		Method:     o.Method,
		URL:        o.URL,
		Host:       o.URL.Host,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     o.Header,
	}).WithContext(ctx)
	if len(o.Body) == 0 {
		req.Body = http.NoBody
		return req
	}
	body := o.Body
	if len(o.Middle)+len(o.End) > 0 {
		body = slices.Concat(o.Body, o.Middle, o.End)
	}
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) {
		// Known to net/http as a body in memory, it leaves together with the headers.
		return io.NopCloser(bytes.NewReader(body)), nil
	}
	req.Body, _ = req.GetBody()
	return req
}
