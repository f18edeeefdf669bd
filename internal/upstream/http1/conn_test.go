package http1

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// serve serves each connection with a function, until the test ends.
func serve(t testing.TB, serve func(net.Conn)) *Host {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		conns []net.Conn
	)
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, conn := range conns {
			_ = conn.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			wg.Go(func() {
				defer func() { _ = conn.Close() }()
				serve(conn)
			})
		}
	})
	h := NewHost(&Options{Dial: new(net.Dialer).DialContext, MaxIdle: 100, MaxHead: 64 << 10}, l.Addr().String(), false)
	t.Cleanup(h.CloseIdle)
	return h
}

// echo answers requests with their bodies, in chunks.
func echo(conn net.Conn) {
	r := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		var out bytes.Buffer
		out.WriteString(inParts)
		for piece := range slices.Chunk(body, 10_000) {
			_, _ = fmt.Fprintf(&out, "%x\r\n%s\r\n", len(piece), piece)
		}
		out.WriteString("0\r\n\r\n")
		if _, err := conn.Write(out.Bytes()); err != nil {
			return
		}
	}
}

func TestRequestBytes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		r    Request
		want []string // lines, the first and the last in place
	}{
		{Request{Method: "POST", URI: "/a?b=c", Header: http.Header{"X-A": {"1", "2\t3"}, "x-b": {""}}, Body: []byte("{}")},
			[]string{"POST /a?b=c HTTP/1.1", "Content-Length: 2", "Host: vendor.example", "X-A: 1", "X-A: 2\t3", "x-b: "}},
		{Request{Method: "POST", URI: "/"}, []string{"POST / HTTP/1.1", "Content-Length: 0", "Host: vendor.example"}},
		{Request{Method: "GET", URI: "/"}, []string{"GET / HTTP/1.1", "Host: vendor.example"}},
	} {
		s := &script{pieces: [][]byte{[]byte("HTTP/1.1 204 x\r\n\r\n")}}
		if _, err := saying(Options{}, s).Do(t.Context(), &tc.r); err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(s.told.String(), "\r\n\r\n")
		lines := strings.Split(head, "\r\n")
		slices.Sort(lines[1:])
		if !slices.Equal(lines, tc.want) || body != string(tc.r.Body) {
			t.Errorf("sent %q", s.told.String())
		}
	}
}

func TestNothingEndsALineEarly(t *testing.T) {
	t.Parallel()
	for _, r := range []Request{
		{Method: "GET /x HTTP/1.1\r\n", URI: "/"}, {Method: "", URI: "/"}, {Method: "GET", URI: "/ HTTP/1.1"}, {Method: "GET", URI: "/\n"}, {Method: "GET", URI: ""},
		{Method: "GET", URI: "/", Header: http.Header{"A\r\nB": {"1"}}}, {Method: "GET", URI: "/", Header: http.Header{"A": {"1", "2\n3"}}},
		{Method: "GET", URI: "/", Header: http.Header{"A": {"\x00"}}}, {Method: "GET", URI: "/", Header: http.Header{"A": {"\x7f"}}}, {Method: "GET", URI: "/", Header: http.Header{"": {"1"}}},
	} {
		s := &script{}
		if _, err := saying(Options{}, s).Do(t.Context(), &r); err == nil || s.told.Len() > 0 {
			t.Errorf("%+v: %v, sent %q", r, err, s.told.String())
		}
	}
	for _, name := range []string{"", "h\r\nX: y", "h x"} {
		s := &script{}
		h := saying(Options{}, s)
		h.name = name
		if _, err := h.Do(t.Context(), &Request{Method: "GET", URI: "/"}); err == nil || s.told.Len() > 0 {
			t.Errorf("host %q: %v, sent %q", name, err, s.told.String())
		}
	}
}

var longBody = bytes.Repeat([]byte("0123456789"), 100_000)

func TestLongBodies(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	h := serve(t, func(conn net.Conn) {
		conns.Add(1)
		echo(conn)
	})
	for i := range 20 {
		body := longBody[:len(longBody)>>(i%8)]
		resp, err := h.Do(t.Context(), &Request{Method: "POST", URI: "/", Body: body})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(got, body) {
			t.Fatalf("%d bytes of %d, %v", len(got), len(body), err)
		}
	}
	h.CloseIdle()
	if n := conns.Load(); n > 20 { // the writer may still have one when the next request begins
		t.Errorf("%d connections", n)
	}
}

// TestBodiesInPieces: what arrives is the same, whether a piece leaves with the head, by itself or beside the reading.
func TestBodiesInPieces(t *testing.T) {
	t.Parallel()
	h := serve(t, echo)
	sizes := []int{0, 1, 4000, bufferSize, inlineBody, 2 * inlineBody}
	for _, first := range sizes {
		for _, second := range sizes {
			for _, third := range sizes {
				body := longBody[:first+second+third]
				r := &Request{Method: "POST", URI: "/", Body: body[:first], Middle: body[first : first+second], End: body[first+second:]}
				resp, err := h.Do(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(got, body) {
					t.Fatalf("%d, %d and %d bytes came back as %d, %v", first, second, third, len(got), err)
				}
			}
		}
	}
}

// TestEarlyAnswer has a host answer before it has read the body, which it never does. The rest of the body must not get into
// the way of another request.
func TestEarlyAnswer(t *testing.T) {
	t.Parallel()
	for _, closes := range []bool{true, false} {
		done := make(chan bool)
		h := serve(t, func(conn net.Conn) {
			_, _ = bufio.NewReaderSize(conn, 16).ReadString('\n')
			_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge")
			if closes {
				_ = conn.(*net.TCPConn).CloseWrite()
			}
			<-done
		})
		for range 2 {
			resp, err := h.Do(t.Context(), &Request{Method: "POST", URI: "/", Body: bytes.Repeat(longBody, 16)})
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if resp.Status != 413 || string(body) != "large" || err != nil {
				t.Errorf("%d %q, %v", resp.Status, body, err)
			}
		}
		close(done)
	}
}

// TestLeaving ends the context at each stage: the host sees the connection close.
func TestLeaving(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		says string
		body []byte
	}{
		"while the body is written": {"", bytes.Repeat(longBody, 16)},
		"before the headers":        {"", nil},
		"in the headers":            {"HTTP/1.1 200 O", nil},
		"in the body":               {ok200 + "Content-Length: 5\r\n\r\nhel", nil},
		"in a chunk":                {inParts + "5\r\nhel", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			arrived, gone := make(chan bool), make(chan bool)
			h := serve(t, func(conn net.Conn) {
				_, _ = conn.Read(make([]byte, 100))
				_, _ = io.WriteString(conn, tc.says)
				close(arrived)
				_, _ = io.Copy(io.Discard, conn)
				close(gone)
			})
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-arrived
				cancel()
			}()
			resp, err := h.Do(ctx, &Request{Method: "POST", URI: "/", Body: tc.body})
			if err == nil {
				_, err = io.ReadAll(resp.Body)
			}
			if err == nil || ctx.Err() == nil {
				t.Errorf("%v, context %v", err, ctx.Err())
			}
			<-gone
		})
	}
}

func TestContextThatEndedBefore(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &script{}
	if _, err := saying(Options{}, s).Do(ctx, post("")); !errors.Is(err, context.Canceled) || s.told.Len() > 0 {
		t.Errorf("%v, sent %q", err, s.told.String())
	}
}

// TestHammer has many callers read, leave, and give up at once. They must not get each other's answers.
func TestHammer(t *testing.T) {
	t.Parallel()
	h := serve(t, echo)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 60 {
				hammer(t, h, bytes.Repeat([]byte{byte('a' + g)}, 1+(i*7919)%200_000), i%4)
			}
		})
	}
	wg.Wait()
	h.CloseIdle()
}

func hammer(t *testing.T, h *Host, body []byte, manner int) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if manner == 1 {
		go cancel()
	}
	resp, err := h.Do(ctx, &Request{Method: "POST", URI: "/", Body: body})
	if err != nil {
		if manner != 1 {
			t.Errorf("manner %d: %v", manner, err)
		}
		return
	}
	switch manner {
	case 2:
		_ = resp.Body.Close()
		return
	case 3:
		go func() { _ = resp.Body.Close() }()
	}
	got, err := io.ReadAll(resp.Body)
	if !bytes.HasPrefix(body, got) || err == nil && len(got) != len(body) || err != nil && manner == 0 {
		t.Errorf("manner %d: sent %d bytes of %q, got %d, %v", manner, len(body), body[0], len(got), err)
	}
}
