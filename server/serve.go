package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/switchyard-gateway/switchyard/server/http1"
)

const (
	headerTime  = 10 * time.Second // for a request's headers to arrive
	idleTime    = 2 * time.Minute  // between two requests of a connection
	headerBytes = 64 << 10
	// cutTime is how long requests that were cut get to unwind.
	cutTime = 5 * time.Second
)

// Serve answers requests on ln until ctx ends. Then it accepts no more, /readyz turns to 503, and
// requests and streams in progress have until limit to end; what is left is cut. The error is nil
// when everything ended by itself.
func (s *Server) Serve(ctx context.Context, ln net.Listener, limit time.Duration) error {
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	// There is no write timeout because streams take as long as they take; single writes have
	// one, see stall.
	srv := http1.New(&http.Server{
		Handler: s.handler, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: headerBytes,
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		BaseContext: func(net.Listener) context.Context { return base },
	})
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Serve(ln) }()
	select {
	case err := <-stopped:
		_ = srv.Close()
		return fmt.Errorf("serve on %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	drain, cancel := context.WithTimeout(base, limit)
	defer cancel()
	err := srv.Shutdown(drain)
	<-stopped //nolint:errcheck // it is http.ErrServerClosed
	if err == nil {
		return nil
	}
	left := s.active.Load()
	_ = srv.Close()
	cut()
	s.unwind()
	switch {
	case !errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("stop serving on %s: %w", ln.Addr(), err)
	case left == 0: // only connections without a request
		return nil
	default:
		return fmt.Errorf("stop serving on %s: %d requests had not ended after %s and were cut", ln.Addr(), left, limit)
	}
}

// unwind waits for handlers whose connections were closed.
func (s *Server) unwind() {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(cutTime); s.active.Load() > 0 && time.Now().Before(end); {
		<-tick.C
	}
}
