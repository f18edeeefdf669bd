package http1

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server serves connections of one listener. Its methods are safe for concurrent use.
type Server struct {
	rest  *http.Server // for connections whose requests are not plain
	queue *queue       // on which it finds them
	base  context.Context

	patrol   patrol
	taken    atomic.Uint64 // connections
	draining atomic.Bool
	beat     atomic.Uint64 // counts the rounds of tidy

	mu       sync.Mutex
	listener net.Listener
	conns    map[*conn]struct{}
}

// New returns a server with the handler, the BaseContext, the ErrorLog, the ReadHeaderTimeout and the IdleTimeout of rest,
// which serves what this one does not, and is shut down with it. The other timeouts of rest and its hooks have no effect
// here. The limits of time are kept to within a quarter of the shorter one.
func New(rest *http.Server) *Server {
	return &Server{rest: rest, queue: newQueue(), base: context.Background(), conns: map[*conn]struct{}{}}
}

// Serve accepts connections on ln, which it closes, until that fails, or until Shutdown or Close: then the error is
// [http.ErrServerClosed]. It is called once.
func (s *Server) Serve(ln net.Listener) error {
	defer func() { _ = ln.Close() }()
	if s.rest.BaseContext != nil {
		s.base = s.rest.BaseContext(ln)
	}
	s.mu.Lock()
	s.listener, s.queue.addr = ln, ln.Addr()
	s.mu.Unlock()
	if s.draining.Load() {
		return http.ErrServerClosed
	}
	go func() { _ = s.rest.Serve(s.queue) }() // until the queue closes
	stop := make(chan struct{})
	defer close(stop)
	go s.tidy(stop)
	return s.accept(ln)
}

// Pauses after an error of accept that may pass, as having no file descriptors left.
const (
	pauseFirst = 5 * time.Millisecond
	pauseMost  = time.Second
)

func (s *Server) accept(ln net.Listener) error {
	var pause time.Duration
	for {
		socket, err := ln.Accept()
		if err == nil {
			pause = 0
			s.take(socket)
			continue
		}
		if s.draining.Load() {
			return http.ErrServerClosed
		}
		var passing interface{ Temporary() bool }
		if !errors.As(err, &passing) || !passing.Temporary() {
			return err
		}
		pause = min(max(2*pause, pauseFirst), pauseMost)
		s.logf("http1: accepting a connection: %v; the next try is in %v", err, pause)
		select {
		case <-time.After(pause):
		case <-s.queue.done:
		}
	}
}

// take begins to serve a connection.
func (s *Server) take(socket net.Conn) {
	if _, encrypted := socket.(interface{ HandshakeContext(context.Context) error }); encrypted {
		s.queue.put(socket)
		return
	}
	c := newConn(s, socket)
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	go c.serve()
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}

// tidy closes connections that have been waiting for too long. One goroutine that looks at all of them now and then is
// cheaper than a deadline for each of their requests.
func (s *Server) tidy(stop <-chan struct{}) {
	head, idle := s.rest.ReadHeaderTimeout, s.rest.IdleTimeout
	every := shorter(head, idle) / 4
	if every <= 0 {
		return
	}
	beats := func(limit time.Duration) uint64 { return uint64((limit + every - 1) / every) }
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-stop:
			return
		}
		now := s.beat.Add(1)
		s.each(func(c *conn) {
			since, what := c.phase()
			switch {
			case what == idling && idle > 0 && now-since > beats(idle):
			case what == expecting && head > 0 && now-since > beats(head):
			default:
				return
			}
			c.dismiss(since, what)
		})
	}
}

// shorter is the shorter limit; 0 is none.
func shorter(a, b time.Duration) time.Duration {
	if a <= 0 || b > 0 && b < a {
		return b
	}
	return a
}

func (s *Server) each(visit func(*conn)) (left int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		visit(c)
	}
	return len(s.conns)
}

// Shutdown stops accepting, closes connections without a request, and waits for the others to answer the one that they
// have. It returns ctx's error when ctx ends first; then Close cuts what is left.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	rest := make(chan error, 1)
	go func() { rest <- s.rest.Shutdown(ctx) }()
	err := s.drain(ctx)
	if e := <-rest; err == nil {
		err = e
	}
	return err
}

// Pauses between two looks at the connections that are left.
const (
	lookFirst = time.Millisecond
	lookMost  = 500 * time.Millisecond
)

// freshTime is how long a connection that has said nothing yet may do so during a shutdown: its first request may be
// under way.
const freshTime = 5 * time.Second

func (s *Server) drain(ctx context.Context) error {
	pause := lookFirst
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		now := time.Now()
		left := s.each(func(c *conn) {
			if since, what := c.phase(); what == idling || what == expecting && now.Sub(c.born) > freshTime {
				c.dismiss(since, what)
			}
		})
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			pause = min(2*pause, lookMost)
			timer.Reset(pause)
		}
	}
}

// Close closes the listener and all connections.
func (s *Server) Close() error {
	s.stop()
	s.each(func(c *conn) { _ = c.socket.Close() })
	return s.rest.Close()
}

func (s *Server) stop() {
	s.draining.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		_ = s.listener.Close()
	}
	s.queue.close()
}

func (s *Server) logf(format string, args ...any) {
	if s.rest.ErrorLog != nil {
		s.rest.ErrorLog.Printf(format, args...)
		return
	}
	log.Printf(format, args...)
}
