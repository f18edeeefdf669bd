// Package mock plays the vendors behind the contenders of the benchmark: OpenAI's and Anthropic's answers, fixed and
// built beforehand, written by one goroutine a connection with one system call each, so that the vendor is never what
// limits a run. It speaks just the HTTP/1.1 that gateways speak to vendors.
package mock

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

// Profile is how the vendor answers. The zero value answers at once, and streams nothing.
type Profile struct {
	Delay    time.Duration // before the first byte of an answer, plain or streamed
	Tokens   int           // content events of a stream, at most 999,999
	Interval time.Duration // between two of them; 0 is as fast as they can be written
}

// Server is a vendor. The zero value is ready for use.
type Server struct {
	profile  atomic.Pointer[Profile]
	requests atomic.Int64
}

// Set changes how requests that have not begun yet are answered.
func (s *Server) Set(p Profile) { s.profile.Store(&p) }

// Serve answers until ctx ends, or the listener does.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	if s.profile.Load() == nil {
		s.Set(Profile{})
	}
	defer context.AfterFunc(ctx, func() { ln.Close() })()
	for {
		conn, err := ln.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return fmt.Errorf("accepting a connection: %w", err)
		}
		go s.serveConn(conn)
	}
}

func (s *Server) serveConn(conn net.Conn) {
	defer func() { _ = conn.Close() }() // nothing is kept in it
	r := reader{conn: conn, buf: make([]byte, 0, 4096)}
	var w stream
	for {
		req, err := r.next()
		if err != nil {
			return
		}
		if err := s.answer(conn, req, &w); err != nil {
			return
		}
	}
}

func (s *Server) answer(conn net.Conn, req request, w *stream) error {
	var d *dialect
	switch path, query, _ := bytes.Cut(req.path, []byte("?")); {
	case bytes.HasSuffix(path, []byte("/chat/completions")):
		d = &openai
	case bytes.HasSuffix(path, []byte("/messages")):
		d = &anthropic
	case string(path) == "/control":
		return s.control(conn, string(query))
	default:
		_, err := conn.Write(plain("404 Not Found", `{"error":{"message":"no such path","type":"invalid_request_error"}}`))
		return err
	}
	s.requests.Add(1)
	p := s.profile.Load()
	if p.Delay > 0 {
		time.Sleep(p.Delay) //nolint:forbidigo // to take its time is what a slow vendor does
	}
	if !req.stream {
		_, err := conn.Write(d.plain)
		return err
	}
	return w.write(conn, d, p)
}

// control sets the profile from a query such as delay=1.5s&tokens=60&interval=100ms, what is absent being zero, and
// answers how many requests there were until now. Without a query it only answers.
func (s *Server) control(conn net.Conn, query string) error {
	if query != "" {
		p, err := parseProfile(query)
		if err != nil {
			_, err = conn.Write(plain("400 Bad Request", strconv.Quote(err.Error())))
			return err
		}
		s.Set(p)
	}
	_, err := conn.Write(plain("200 OK", strconv.FormatInt(s.requests.Load(), 10)))
	return err
}

func parseProfile(query string) (p Profile, err error) {
	q, err := url.ParseQuery(query)
	if err != nil {
		return p, fmt.Errorf("reading the query %q: %w", query, err)
	}
	for name, values := range q {
		value := values[0]
		switch name {
		case "delay":
			p.Delay, err = time.ParseDuration(value)
		case "interval":
			p.Interval, err = time.ParseDuration(value)
		case "tokens":
			p.Tokens, err = strconv.Atoi(value)
		default:
			err = errors.New("there is no such setting")
		}
		if err != nil {
			return p, fmt.Errorf("setting %q to %q: %w", name, value, err)
		}
	}
	return p, nil
}
