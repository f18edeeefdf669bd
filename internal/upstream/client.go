package upstream

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/upstream/http1"
	"github.com/switchyard-gateway/switchyard/internal/upstream/permit"
)

// Options tune a [Client]; the zero value is good.
type Options struct {
	// DialTimeout bounds the connection, and once more the TLS handshake. Default 10 s.
	DialTimeout time.Duration
	// MaxIdlePerHost is how many idle connections are kept for one vendor. Default 512.
	MaxIdlePerHost int
	// RootCAs replaces the system's certificate authorities when it is not nil.
	RootCAs *x509.CertPool
}

const (
	idleTimeout     = 90 * time.Second
	maxAge          = 5 * time.Minute // of a connection that is still asked to serve
	keepAlive       = 30 * time.Second
	maxHeaderBytes  = 256 << 10
	socketBuffer    = 8 << 10
	opSend          = "send the request"
	opHeader        = "check the request headers"
	maxFields       = 64       // headers that a plugin may choose
	maxFieldBytes   = 32 << 10 // in all of them
	defaultDial     = 10 * time.Second
	defaultIdle     = 512
	pingAfter       = 30 * time.Second
	pingAnswerLimit = 15 * time.Second
)

// Values of headers that many requests have. Nobody changes them.
var (
	ourAgent = []string{"switchyard"}
	asItIs   = []string{"identity"}
	inJSON   = []string{"application/json"}
)

// Client sends requests to vendors over kept connections, HTTP/2 where it is offered. It is safe for concurrent use;
// one serves the whole process. Proxies come from the environment (HTTP_PROXY, HTTPS_PROXY, NO_PROXY).
//
// Vendors that are reached directly and speak HTTP/1.1 are served by package http1, which costs less; for HTTP/2 and proxies
// there is the client of net/http. The caller sees no difference.
type Client struct {
	transport *http.Transport
	direct    http1.Options

	mu     sync.Mutex
	routes map[origin]*route
}

// New returns a client.
func New(o Options) *Client {
	dial := cmp.Or(o.DialTimeout, defaultDial)
	dialer := &net.Dialer{Timeout: dial, KeepAlive: keepAlive}
	secure := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs}
	c := &Client{transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, r *http.Response) error {
			if r.StatusCode != http.StatusOK {
				return &Error{Kind: Unreachable, Op: opSend, Detail: fmt.Sprintf("the proxy answered with status %d", r.StatusCode)}
			}
			return nil
		},
		DialContext:            dialer.DialContext,
		TLSClientConfig:        secure.Clone(),
		TLSHandshakeTimeout:    dial,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAnswerLimit},
		DisableCompression:     true, // the body is decoded here, so that streams and limits are under control
		MaxIdleConnsPerHost:    cmp.Or(o.MaxIdlePerHost, defaultIdle),
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ReadBufferSize:         socketBuffer,
		WriteBufferSize:        socketBuffer,
	}}
	c.routes = map[origin]*route{}
	c.direct = http1.Options{
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return c.transport.DialContext(ctx, network, addr)
		},
		TLS: secure, HandshakeTimeout: dial, MaxIdle: cmp.Or(o.MaxIdlePerHost, defaultIdle), IdleTimeout: idleTimeout, MaxAge: maxAge, MaxHead: maxHeaderBytes,
	}
	return c
}

// CloseIdle closes the connections that no request uses.
func (c *Client) CloseIdle() {
	c.transport.CloseIdleConnections()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.routes {
		r.host.CloseIdle()
	}
}

// Field is one header field.
type Field struct{ Name, Value string }

// Request is one attempt at a vendor.
type Request struct {
	Target *Target
	// Method is POST when empty.
	Method string
	// Path is the plugin's choice, with an optional query; see [permit.Path].
	Path string
	// Header is the plugin's choice; see [permit.Header].
	Header []Field
	// Body is not copied and must not be changed, not even after Do has returned: a vendor may answer before it has read it all.
	Body []byte
	// Middle and End follow Body, which is not empty then, so that a long part need not be copied. What holds for Body
	// holds for them.
	Middle, End []byte
	// Auth is added last; nil adds nothing.
	Auth *Credential
}

// Do sends r and returns as soon as the response headers are there. How long that may take is up to ctx alone, which also
// governs the body: when it ends the connection is closed at once. The caller must call Close or ReadAll on the
// response. Any status other than 3xx is a response, not an error. Errors are of type [*Error].
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) {
	o, err := prepare(r)
	if err != nil {
		return nil, err
	}
	if r.Auth != nil && !r.Target.names[r.Auth.header()] {
		if err := Apply(o, r.Auth, time.Now()); err != nil {
			return nil, err
		}
	}
	if o.Header.Get("User-Agent") == "" {
		o.Header["User-Agent"] = ourAgent
	}
	res, err := c.send(ctx, c.route(r.Target), o)
	switch {
	case err != nil:
		return nil, classify(ctx, opSend, err, false)
	case res.Status >= 300 && res.Status < 400:
		_ = res.Close()
		return nil, &Error{Kind: Redirected, Op: opSend, Detail: fmt.Sprintf("the vendor answered with status %d; redirects are not followed", res.Status)}
	case res.Status < 200:
		_ = res.Close()
		return nil, malformed(opSend, "the vendor answered with status %d, which nobody asked for", res.Status)
	}
	if err := res.decode(); err != nil {
		return nil, err
	}
	return res, nil
}

// prepare checks what the plugin chose and lays the operator's headers over it.
func prepare(r *Request) (*Outgoing, error) {
	u, err := r.Target.resolve(r.Path)
	if err != nil {
		return nil, err
	}
	o := &Outgoing{Method: cmp.Or(r.Method, http.MethodPost), URL: u, Body: r.Body, Middle: r.Middle, End: r.End}
	if permit.Field(o.Method, "") != nil || o.Method == http.MethodConnect {
		return nil, refuse(opSend, "%.80q is not a method that a plugin may use", r.Method)
	}
	o.Header = make(http.Header, len(r.Header)+len(r.Target.header)+4)
	if len(r.Header) > maxFields {
		return nil, refuse(opHeader, "there are %d of them, the limit is %d", len(r.Header), maxFields)
	}
	values := make([]string, len(r.Header)) // one backing array for all
	size := 0
	for i, f := range r.Header {
		if size += len(f.Name) + len(f.Value); size > maxFieldBytes {
			return nil, refuse(opHeader, "up to %.80q they have %d bytes, the limit is %d", f.Name, size, maxFieldBytes)
		}
		if err := permit.Header(f.Name, f.Value); err != nil {
			return nil, refuse(opHeader, "%v", err)
		}
		if r.Target.owns(f.Name) {
			continue
		}
		key := textproto.CanonicalMIMEHeaderKey(f.Name)
		if old, ok := o.Header[key]; ok {
			if key == "Content-Type" {
				return nil, refuse(opHeader, "%q is there twice", f.Name)
			}
			o.Header[key] = append(old, f.Value)
			continue
		}
		values[i] = f.Value
		o.Header[key] = values[i : i+1 : i+1]
	}
	for key, v := range r.Target.header {
		o.Header[key] = slices.Clip(v)
	}
	o.Header["Accept-Encoding"] = asItIs
	if _, ok := o.Header["Content-Type"]; !ok && len(r.Body) > 0 {
		o.Header["Content-Type"] = inJSON
	}
	return o, nil
}
