package http1

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	testHeaderTime = 10 * time.Second
	testIdleTime   = 2 * time.Minute
)

// bubble is a server on connections in memory, where time passes when all wait.
type bubble struct {
	t      *testing.T
	server *Server
	conns  *queue
	ended  chan error
}

// inBubble runs a test in a bubble. Afterwards the server is closed.
func inBubble(t *testing.T, h http.HandlerFunc, test func(b *bubble)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{t: t, conns: newQueue(), ended: make(chan error, 1)}
		b.conns.addr = &net.UnixAddr{Name: "memory", Net: "unix"}
		b.server = New(&http.Server{
			Handler: h, ReadHeaderTimeout: testHeaderTime, IdleTimeout: testIdleTime, ErrorLog: log.New(t.Output(), "", 0),
		})
		go func() { b.ended <- b.server.Serve(b.conns) }()
		test(b)
		_ = b.server.Close()
		if err := <-b.ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
}

// client is one in a bubble.
type client struct {
	*bubble
	net.Conn
	r *bufio.Reader
}

func (b *bubble) dial() *client {
	ours, theirs := net.Pipe()
	b.conns.put(theirs)
	b.t.Cleanup(func() { _ = ours.Close() })
	return &client{b, ours, bufio.NewReader(ours)}
}

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Error(err)
	}
}

// expect reads an answer, and returns whether it is the connection's last.
func (c *client) expect(status int, body string) (last bool) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != status || string(got) != body {
		c.t.Fatalf("got %s %q %v, want %d %q", resp.Status, got, err, status, body)
	}
	return resp.Close
}

// ends waits for the end of the connection, which must come after a time.
func (c *client) ends(after, within time.Duration) {
	c.t.Helper()
	start := time.Now()
	if b, err := c.r.ReadByte(); err == nil {
		rest, _ := io.ReadAll(c.r)
		c.t.Errorf("got %q instead of the end", string(b)+string(rest))
	}
	if took := time.Since(start); took < after || took > after+within {
		c.t.Errorf("the connection ended after %v, want %v", took, after)
	}
}

const simple = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// slowly answers with the path, after the time in the query.
func slowly(w http.ResponseWriter, r *http.Request) {
	d, _ := time.ParseDuration(r.URL.RawQuery)
	select {
	case <-time.After(d):
	case <-r.Context().Done():
		panic("the context ended: " + r.Context().Err().Error())
	}
	if r.Method != http.MethodGet && r.Method != http.MethodPost { // its first byte was lost
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
	fmt.Fprint(w, r.URL.Path)
}

func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n" }

// TestSlowHandlers has requests take longer than it takes for the watch to begin, in all orders with quick ones.
func TestSlowHandlers(t *testing.T) {
	inBubble(t, slowly, func(b *bubble) {
		c := b.dial()
		for _, d := range []string{"0s", "1s", "10ms", "1s", "0s", "5m", "9ms", "11ms", "10m"} {
			c.send(get("/" + d + "?" + d))
			c.expect(200, "/"+d)
			time.Sleep(time.Minute) // the bubble's
		}
	})
}

// TestPipelined sends requests while others are being answered.
func TestPipelined(t *testing.T) {
	inBubble(t, slowly, func(b *bubble) {
		c := b.dial()
		want := []string{"/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h"}
		go func() {
			c.send(get("/a?1s") + get("/b?1s") + get("/c?0s") + get("/d?1s"))
			time.Sleep(50 * time.Millisecond)
			c.send(get("/e?1s")[:1])
			time.Sleep(5 * time.Second)
			c.send(get("/e?1s")[1:])
			time.Sleep(50 * time.Millisecond)
			c.send(get("/f?1s"))
			c.send("POST /g?20ms HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + get("/h?0s"))
		}()
		for _, path := range want {
			c.expect(200, path)
		}
	})
}

// TestClientLeaves checks when a handler learns of it.
func TestClientLeaves(t *testing.T) {
	for name, send := range map[string]string{
		"no body":   simple,
		"body":      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
		"late body": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n",
	} {
		for _, streamed := range []bool{false, true} {
			for _, stay := range []time.Duration{0, time.Hour} {
				t.Run(fmt.Sprint(name, streamed, stay), func(t *testing.T) {
					var left chan time.Time // of the bubble
					inBubble(t, func(w http.ResponseWriter, r *http.Request) {
						_, _ = io.Copy(io.Discard, r.Body)
						if streamed {
							pieces(w, 3)
							flushed(w)
						}
						<-r.Context().Done()
						left <- time.Now()
					}, func(b *bubble) {
						left = make(chan time.Time)
						c := b.dial()
						c.send(send)
						if strings.HasPrefix(name, "late") {
							time.Sleep(time.Second)
							c.send("abc")
						}
						if streamed {
							_, _ = c.r.ReadString('3')
						}
						time.Sleep(stay)
						start := time.Now()
						_ = c.Close()
						if took := (<-left).Sub(start); took > watchAfter {
							t.Errorf("the handler learned of it after %v", took)
						}
					})
				})
			}
		}
	}
}

// TestIdleConnections checks when connections end that say nothing.
func TestIdleConnections(t *testing.T) {
	const grain = testHeaderTime/4 + time.Millisecond
	inBubble(t, slowly, func(b *bubble) {
		b.dial().ends(testHeaderTime, grain)

		c := b.dial()
		for range 3 {
			c.send(simple)
			c.expect(200, "/")
			time.Sleep(testIdleTime - time.Second)
		}
		c.send(get("/?1h"))
		c.expect(200, "/")
		c.ends(testIdleTime, grain)

		c = b.dial()
		c.send("GET / HT")
		start := time.Now()
		c.expect(400, "400 Bad Request") // from net/http
		if took := time.Since(start); took != testHeaderTime {
			t.Errorf("half a head was refused after %v", took)
		}

		c = b.dial()
		c.send(simple)
		c.expect(200, "/")
		c.send("GE")
		c.ends(testHeaderTime, grain)
	})
}

// TestBodyLimit has a handler limit the time of the body. The limit ends with the body.
func TestBodyLimit(t *testing.T) {
	var errs []error
	inBubble(t, func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Error(err)
		}
		_, err := io.Copy(io.Discard, r.Body)
		errs = append(errs, err)
		if err == nil && r.URL.Path == "/long" {
			time.Sleep(time.Hour)
		}
		if r.Context().Err() == nil != (err == nil) {
			t.Errorf("after %v the context has the error %v", err, r.Context().Err())
		}
	}, func(b *bubble) {
		c := b.dial()
		for _, path := range []string{"/long", "/", "/long"} {
			c.send("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
			time.Sleep(30 * time.Second)
			c.send("def")
			if c.expect(200, "") {
				t.Error("the connection will end")
			}
			time.Sleep(time.Minute)
		}
		c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
		start := time.Now()
		if last := c.expect(200, ""); !last || time.Since(start) != time.Minute {
			t.Errorf("answered after %v, closing %v", time.Since(start), last)
		}
		c.ends(0, 0)
		if len(errs) != 4 || errors.Join(errs[:3]...) != nil || !errors.Is(errs[3], os.ErrDeadlineExceeded) {
			t.Errorf("the handler got %v", errs)
		}
	})
}

// TestBodyIsNotRead has handlers that answer without a look at the body.
func TestBodyIsNotRead(t *testing.T) {
	inBubble(t, func(w http.ResponseWriter, _ *http.Request) { pieces(w, 1) }, func(b *bubble) {
		c := b.dial()
		go c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + string(filler(100_000)) + simple)
		c.expect(200, "0")
		c.expect(200, "0")

		c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
		start := time.Now()
		if last := c.expect(200, "0"); !last || time.Since(start) != drainTime {
			t.Errorf("answered after %v, closing %v", time.Since(start), last)
		}
		c.ends(0, 0)

		c = b.dial()
		c.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\nabc", drainMost+4))
		start = time.Now()
		if last := c.expect(200, "0"); !last || time.Since(start) != 0 {
			t.Errorf("answered after %v, closing %v", time.Since(start), last)
		}
		c.ends(0, 0)
	})
}

// TestBodyBreaksOff has the client leave in the middle of its body.
func TestBodyBreaksOff(t *testing.T) {
	var got chan error // of the bubble
	inBubble(t, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		got <- err
	}, func(b *bubble) {
		got = make(chan error, 1)
		c := b.dial()
		c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
		_ = c.Close()
		if err := <-got; !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v", err)
		}
	})
}

// TestReaderThatStopped has a client take nothing of an answer.
func TestReaderThatStopped(t *testing.T) {
	var got chan error // of the bubble
	inBubble(t, func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if err := control.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Error(err)
		}
		pieces(w, 10)
		err := control.Flush()
		<-r.Context().Done()
		if _, again := w.Write(filler(10)); again == nil {
			t.Error("writes succeed afterwards")
		}
		got <- err
	}, func(b *bubble) {
		got = make(chan error, 1)
		c := b.dial()
		start := time.Now()
		c.send(simple)
		if err := <-got; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
		c.ends(0, 0)
	})
}

// TestWriteLimitIsLifted has one request's limit pass before the next request.
func TestWriteLimitIsLifted(t *testing.T) {
	inBubble(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/limited" {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Second))
		}
		pieces(w, 1)
	}, func(b *bubble) {
		c := b.dial()
		for _, path := range []string{"/limited", "/", "/limited", "/"} {
			c.send(get(path))
			c.expect(200, "0")
			time.Sleep(time.Minute)
		}
	})
}
