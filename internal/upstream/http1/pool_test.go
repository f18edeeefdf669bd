package http1

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// torn is a connection that takes some bytes and then breaks.
type torn struct {
	script
	takes int
}

func (b *torn) Write(p []byte) (int, error) {
	if b.isClosed() {
		return 0, net.ErrClosed
	}
	return min(b.takes, len(p)), syscall.EPIPE
}

// TestSentAgain checks that a request goes out a second time only if nothing of it went out before, and only in place of a
// connection that had served.
func TestSentAgain(t *testing.T) {
	t.Parallel()
	const answer = ok200 + "Content-Length: 0\r\n\r\n"
	for _, tc := range []struct {
		name   string
		used   bool
		takes  int
		resent bool
	}{
		{"nothing written", true, 0, true}, {"a byte written", true, 1, false}, {"nothing written to a fresh connection", false, 0, false},
	} {
		bad, good := &torn{takes: tc.takes}, &script{pieces: cut(answer, 1000)}
		h := saying(Options{}, bad, good)
		if tc.used {
			h = saying(Options{}, good)
			h.pool.put(&conn{host: h, socket: bad, stream: bad, born: time.Now()})
		}
		_, err := h.Do(t.Context(), post("{}"))
		if (err == nil) != tc.resent || (good.told.Len() > 0) != tc.resent || !tc.resent && !errors.Is(err, syscall.EPIPE) || !bad.isClosed() {
			t.Errorf("%s: %v, sent %q", tc.name, err, good.told.String())
		}
	}
}

// TestHostClosesIdleConnections has the host close each connection after its answer, without saying so: no request meets it.
func TestHostClosesIdleConnections(t *testing.T) {
	t.Parallel()
	closed := make(chan bool)
	h := serve(t, func(conn net.Conn) {
		_, err := http.ReadRequest(bufio.NewReader(conn))
		if err == nil {
			_, _ = io.WriteString(conn, ok200+"Content-Length: 0\r\n\r\n")
		}
		_ = conn.Close()
		closed <- true
	})
	for range 20 {
		resp, err := h.Do(t.Context(), &Request{Method: "POST", URI: "/"})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		<-closed
	}
}

// TestUnaskedAnswer has the host say something between two requests: it must not be taken for the answer to the second.
func TestUnaskedAnswer(t *testing.T) {
	t.Parallel()
	said := make(chan bool)
	h := serve(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		_, _ = io.WriteString(conn, ok200+"Content-Length: 4\r\n\r\nmine")
		<-said
		_, _ = io.WriteString(conn, ok200+"Content-Length: 5\r\n\r\nother")
		said <- true
		_, _ = http.ReadRequest(r)
	})
	for range 3 {
		resp, err := h.Do(t.Context(), &Request{Method: "POST", URI: "/"})
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); string(body) != "mine" || err != nil {
			t.Fatalf("%q, %v", body, err)
		}
		said <- true
		<-said
	}
	h.CloseIdle()
}

// TestKeeping covers how many unused connections are kept, and how long.
func TestKeeping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		h := NewHost(&Options{MaxIdle: 2, IdleTimeout: 10 * time.Second, MaxAge: time.Minute, Dial: func(context.Context, string, string) (net.Conn, error) {
			made++
			ours, theirs := net.Pipe()
			go echo(theirs)
			return ours, nil
		}}, "h", false)
		ask := func(n int) {
			t.Helper()
			var list []*Response
			for i := range n {
				resp, err := h.Do(t.Context(), post(strconv.Itoa(i)))
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, resp)
			}
			for _, resp := range list {
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					t.Fatal(err)
				}
			}
		}
		want := func(what string, n int) {
			t.Helper()
			if made != n {
				t.Errorf("%s: %d connections were made, want %d", what, made, n)
			}
		}
		ask(3)
		want("three at once", 3)
		ask(3)
		want("two were kept", 4)
		for range 4 {
			time.Sleep(6 * time.Second)
			ask(1)
		}
		want("one was used all along", 4)
		ask(2)
		want("the other grew old", 5)
		for range 12 {
			time.Sleep(6 * time.Second)
			ask(1)
		}
		want("it has served for a minute", 6)
		time.Sleep(time.Minute)
		ask(1)
		want("nobody asked", 7)
		h.CloseIdle()
		ask(1)
		want("all were closed", 8)
		h.CloseIdle()
	})
}
