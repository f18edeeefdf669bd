package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/switchyard-gateway/switchyard/internal/upstream/http1"
)

// Kind classifies an [Error] for the code that decides about retries.
type Kind uint8

const (
	// Unknown is a failure that fits no other kind.
	Unknown Kind = iota
	// Refused is a request that this package would not send: a forbidden header, path or credential. Retrying is useless.
	Refused
	// Unreachable is a connection that was never established: name lookup, dial, TLS, proxy, each also when it took too
	// long by itself. Nothing was sent.
	Unreachable
	// Timeout is an expired deadline of the context, before or after the response headers.
	Timeout
	// Canceled is a context that was cancelled, which is how a client that leaves shows.
	Canceled
	// Reset is a connection that broke before the response headers were complete.
	Reset
	// Truncated is a response body or an event stream that ended too early.
	Truncated
	// TooLarge is a body or an event beyond the caller's limit.
	TooLarge
	// Malformed is a response that breaks HTTP, its content-encoding or its stream framing.
	Malformed
	// Redirected is a 3xx answer. It is never followed, because the credential would travel along.
	Redirected
)

var kindNames = [...]string{"unknown", "refused", "unreachable", "timeout", "canceled", "reset", "truncated", "too_large", "malformed", "redirected"}

// String returns the kind as a lower-case word, stable for metrics and logs.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[Unknown]
}

// Error is every error of this package. Its text names neither host nor URL nor any header value, so it may be
// logged and shown to operators as it is.
type Error struct {
	Kind Kind
	// Op says what was being done, such as "send the request".
	Op string
	// Detail says what went wrong.
	Detail string
	// causes are matched by errors.Is and errors.As, never printed.
	causes []error
}

// Error returns "Op: Detail".
func (e *Error) Error() string { return e.Op + ": " + e.Detail }

// Unwrap gives the context's error and its cause for Timeout and Canceled, a system error number or an io sentinel otherwise.
func (e *Error) Unwrap() []error { return e.causes }

// ErrTruncated is returned by [Decoder.Close] when the stream ended inside an event.
var ErrTruncated error = &Error{Kind: Truncated, Op: "read the event stream", Detail: "the stream ended in the middle of an event", causes: []error{io.ErrUnexpectedEOF}}

// KindOf returns the kind of the first [*Error] in err's tree, or [Unknown].
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Unknown
}

func refuse(op, format string, args ...any) error {
	return &Error{Kind: Refused, Op: op, Detail: fmt.Sprintf(format, args...)}
}

func tooLarge(op, what string, limit int) error {
	return &Error{Kind: TooLarge, Op: op, Detail: fmt.Sprintf("%s is larger than the limit of %d bytes", what, limit)}
}

func malformed(op, format string, args ...any) error {
	return &Error{Kind: Malformed, Op: op, Detail: fmt.Sprintf(format, args...)}
}

// classify turns what the transport reported into an *Error. It reads types and error numbers rather than repeating
// texts, since those carry addresses. duringBody tells a body that broke from a response that never came.
func classify(ctx context.Context, op string, err error, duringBody bool) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if cerr := ctx.Err(); cerr != nil {
		return contextError(ctx, op, cerr)
	}
	if kind, detail := connectFailure(err); detail != "" {
		return &Error{Kind: kind, Op: op, Detail: detail, causes: errnoOf(err)}
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		if duringBody {
			return &Error{Kind: Truncated, Op: op, Detail: "the connection closed in the middle of the response body", causes: []error{io.ErrUnexpectedEOF}}
		}
		return &Error{Kind: Reset, Op: op, Detail: "the connection closed in the middle of the response headers", causes: []error{io.ErrUnexpectedEOF}}
	case errors.Is(err, io.EOF), strings.Contains(err.Error(), "server closed idle connection"):
		return &Error{Kind: Reset, Op: op, Detail: "the connection closed before the response"}
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED), errors.Is(err, net.ErrClosed):
		if duringBody {
			return &Error{Kind: Truncated, Op: op, Detail: "the connection was reset in the middle of the response body", causes: errnoOf(err)}
		}
		return &Error{Kind: Reset, Op: op, Detail: "the connection was reset before the response", causes: errnoOf(err)}
	case strings.Contains(err.Error(), "http2: "), strings.Contains(err.Error(), "stream error: "):
		// The HTTP/2 error types of net/http are not exported; the prefixes are.
		if duringBody {
			return &Error{Kind: Truncated, Op: op, Detail: "the HTTP/2 stream was reset in the middle of the response body"}
		}
		return &Error{Kind: Reset, Op: op, Detail: "the HTTP/2 stream was reset before the response"}
	case errors.Is(err, http1.ErrMalformed):
		return malformed(op, "the response is not valid HTTP")
	case strings.Contains(err.Error(), "malformed"), strings.Contains(err.Error(), "invalid"), strings.Contains(err.Error(), "server response headers exceeded"),
		strings.Contains(err.Error(), "bad Content-Length"), strings.Contains(err.Error(), "unsupported transfer encoding"):
		return malformed(op, "the response is not valid HTTP")
	}
	return &Error{Kind: Unknown, Op: op, Detail: "the exchange broke off for an unknown reason"}
}

func contextError(ctx context.Context, op string, cerr error) error {
	cause := context.Cause(ctx)
	e := &Error{Kind: Canceled, Op: op, Detail: "the caller cancelled the request", causes: []error{cerr, cause}}
	// A deadline may also be set as a cancellation with a deadline as its cause.
	if errors.Is(cerr, context.DeadlineExceeded) || errors.Is(cause, context.DeadlineExceeded) {
		e.Kind, e.Detail = Timeout, "the time for this request is over"
	}
	return e
}

// connectFailure recognises failures before the request was sent; detail is empty for all others.
func connectFailure(err error) (Kind, string) {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return Unreachable, "the host name is not known"
		}
		return Unreachable, "the host name could not be looked up"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		switch op.Op {
		case "dial", "proxyconnect", "socks connect":
			return Unreachable, dialDetail(op)
		case "remote error":
			return Unreachable, "the other side broke off the TLS handshake"
		}
	}
	if detail := tlsDetail(err); detail != "" {
		return Unreachable, detail
	}
	if errors.Is(err, http1.ErrHandshakeTimeout) {
		return Unreachable, "the TLS handshake took too long"
	}
	// These two have no type of their own.
	switch text := err.Error(); {
	case strings.Contains(text, "TLS handshake timeout"):
		return Unreachable, "the TLS handshake took too long"
	case strings.Contains(text, "HTTP response to HTTPS client"):
		return Unreachable, "the other side does not speak TLS"
	}
	return Unknown, ""
}

func dialDetail(op *net.OpError) string {
	what := "the connection"
	if op.Op != "dial" {
		what = "the connection through the proxy"
	}
	var errno syscall.Errno
	switch {
	case op.Timeout():
		return what + " took too long to establish"
	case errors.As(op.Err, &errno):
		return what + " could not be established: " + errno.Error()
	}
	return what + " could not be established"
}

func tlsDetail(err error) string {
	if hostname, ok := errors.AsType[x509.HostnameError](err); ok && hostname.Certificate != nil {
		return "the TLS certificate is for another host name"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "the TLS certificate is signed by an unknown authority"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return "the TLS certificate has expired or is not valid yet"
		}
		return "the TLS certificate is not valid"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the TLS certificate could not be verified"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the other side does not speak TLS"
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return "the other side broke off the TLS handshake"
	}
	return ""
}

func errnoOf(err error) []error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return []error{errno}
	}
	return nil
}
