package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/socket"
)

// dial opens a connection, with TLS if the host wants it.
func (h *Host) dial(ctx context.Context) (*conn, error) {
	name, port := h.address()
	dialled, err := h.o.Dial(ctx, "tcp", net.JoinHostPort(name, port))
	if err != nil {
		return nil, err
	}
	wire := socket.Wrap(dialled)
	c := &conn{host: h, socket: wire, stream: wire, born: time.Now()}
	if h.tls {
		if err := c.handshake(ctx, name); err != nil {
			_ = wire.Close()
			return nil, err
		}
	}
	return c, nil
}

// handshake puts TLS over the socket.
func (c *conn) handshake(ctx context.Context, name string) error {
	o := c.host.o
	cfg := o.TLS.Clone()
	cfg.ServerName, cfg.NextProtos = name, []string{"h2", "http/1.1"}
	if o.HandshakeTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.HandshakeTimeout, ErrHandshakeTimeout)
		defer cancel()
	}
	secure := tls.Client(c.socket, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, ErrHandshakeTimeout) {
			return cause
		}
		return err
	}
	if secure.ConnectionState().NegotiatedProtocol == "h2" {
		return ErrHTTP2
	}
	c.stream = secure
	return nil
}

// address is where to connect to.
func (h *Host) address() (name, port string) {
	if name, port, err := net.SplitHostPort(h.name); err == nil && port != "" {
		return name, port
	}
	name = h.name
	if n := len(name); n > 1 && name[0] == '[' && name[n-1] == ']' {
		name = name[1 : n-1]
	}
	if h.tls {
		return name, "443"
	}
	return name, "80"
}
