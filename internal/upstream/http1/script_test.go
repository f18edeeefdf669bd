package http1

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// script is a connection that says what it was given, in pieces, and keeps what it was told.
type script struct {
	net.Conn // nil: nothing else is called
	pieces   [][]byte
	end      error // io.EOF if nil

	mu     sync.Mutex
	told   bytes.Buffer
	closed bool
}

func (s *script) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, net.ErrClosed
	}
	for len(s.pieces) > 0 && len(s.pieces[0]) == 0 {
		s.pieces = s.pieces[1:]
	}
	if len(s.pieces) == 0 {
		if s.end != nil {
			return 0, s.end
		}
		return 0, io.EOF
	}
	n := copy(p, s.pieces[0])
	s.pieces[0] = s.pieces[0][n:]
	return n, nil
}

func (s *script) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told.Write(p)
}

func (s *script) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *script) SetWriteDeadline(time.Time) error { return nil }

func (s *script) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// saying returns a host whose connections are these, in turn.
func saying(o Options, scripts ...net.Conn) *Host {
	o.Dial = func(context.Context, string, string) (net.Conn, error) {
		if len(scripts) == 0 {
			return nil, io.ErrNoProgress
		}
		next := scripts[0]
		scripts = scripts[1:]
		return next, nil
	}
	if o.MaxIdle == 0 {
		o.MaxIdle = 4
	}
	return NewHost(&o, "vendor.example", false)
}

// cut cuts text into pieces of a size.
func cut(text string, size int) (pieces [][]byte) {
	for len(text) > size {
		pieces = append(pieces, []byte(text[:size]))
		text = text[size:]
	}
	return append(pieces, []byte(text))
}

func post(body string) *Request {
	return &Request{Method: "POST", URI: "/v1/x", Body: []byte(body)}
}

// fetched is what came of one request.
type fetched struct {
	status int
	body   string
	length int64
	kept   bool // the connection serves another request
}

// fetch sends r over a connection that says text, in pieces of size.
func fetch(t testing.TB, r *Request, text string, size int) (f fetched, resp *Response, err error) {
	t.Helper()
	s := &script{pieces: cut(text, size)}
	c := saying(Options{MaxHead: 4 << 10}, s)
	defer c.CloseIdle()
	if resp, err = c.Do(t.Context(), r); err != nil {
		if !s.isClosed() {
			t.Errorf("%q: the connection was left open after %v", text, err)
		}
		return f, nil, err
	}
	body, err := io.ReadAll(resp.Body)
	f = fetched{resp.Status, string(body), resp.Length, !s.isClosed()}
	if err != nil && f.kept {
		t.Errorf("%q: the connection was left open after %v", text, err)
	}
	if e := resp.Body.Close(); e != nil {
		t.Error(e)
	}
	return f, resp, err
}
