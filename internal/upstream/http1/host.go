package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// Options are what a [Host] needs; several can share them. Dial is required; the rest may be zero, where it means no limit
// unless a field says otherwise.
type Options struct {
	// Dial opens a connection to a host and port, and bounds how long that takes.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLS is for hosts that want it. Its ServerName is set for each.
	TLS *tls.Config
	// HandshakeTimeout bounds the TLS handshake.
	HandshakeTimeout time.Duration
	// MaxIdle is how many unused connections are kept for one host, 0 for none.
	MaxIdle int
	// IdleTimeout is how long an unused connection is kept.
	IdleTimeout time.Duration
	// MaxAge is how long after its beginning a connection may serve another request, so that busy ones follow a host
	// name to new addresses too.
	MaxAge time.Duration
	// MaxHead bounds the bytes of an answer's status line and headers, those of interim answers included.
	MaxHead int
}

// What Do, and reading a body, may return besides errors of the network and of the context.
var (
	// ErrMalformed is an answer that is not HTTP/1.1 as this package takes it. What it wraps has no bytes of the answer.
	ErrMalformed = errors.New("malformed HTTP response")
	// ErrHTTP2 is a host that insists on HTTP/2. Nothing was sent.
	ErrHTTP2 = errors.New("the host chose HTTP/2")
	// ErrHandshakeTimeout is a TLS handshake that took too long. Nothing was sent.
	ErrHandshakeTimeout = errors.New("TLS handshake timeout")
)

// Host is where requests go, with the connections that are kept to it. It is safe for concurrent use.
type Host struct {
	o    *Options
	name string
	tls  bool
	pool pool
}

// NewHost returns a host by its name, with its port unless that is the scheme's.
func NewHost(o *Options, name string, tls bool) *Host {
	h := &Host{o: o, name: name, tls: tls}
	h.pool.o = o
	return h
}

// CloseIdle closes the connections that no request uses.
func (h *Host) CloseIdle() { h.pool.closeIdle() }

// Request is one request. Method, URI and Header must be valid; Do refuses line ends in them.
type Request struct {
	Method string
	// URI is the path with its query, escaped.
	URI string
	// Header has neither Host nor Content-Length, nor what concerns the connection.
	Header http.Header
	// Body is not copied, and a vendor may answer before it has read it all, so it must never be changed.
	Body []byte
	// Middle and End follow Body, so that its parts need not be put together.
	Middle, End []byte
}

// length is that of the whole body.
func (r *Request) length() int { return len(r.Body) + len(r.Middle) + len(r.End) }

// Response is an answer whose body has not been read.
type Response struct {
	Status int
	Header http.Header
	// Length is how many bytes the body has, -1 when only its end will tell.
	Length int64
	// Body must be closed or read to its end. One goroutine reads it; Close may come from any, and more than once.
	// Errors are io.ErrUnexpectedEOF for a body that was cut, ErrMalformed, or of the network.
	Body io.ReadCloser
}

// Do sends r and returns when the headers of the answer are there. The connection is closed as soon as ctx ends, before
// and after that, until the body has been read to its end. A request is sent again, over another connection, only when
// not a byte of it could be written.
func (h *Host) Do(ctx context.Context, r *Request) (*Response, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c := h.pool.get()
		if c == nil {
			var err error
			if c, err = h.dial(ctx); err != nil {
				return nil, err
			}
		}
		used := c.used
		resp, sent, err := c.exchange(ctx, r)
		if err == nil || sent || !used {
			return resp, err
		}
	}
}
