package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// feed is a vendor whose streams are written by the test, one send at a time.
type feed struct {
	lines    chan string
	canceled chan struct{} // closed when the gateway gives the call up
}

func newFeed() *feed { return &feed{lines: make(chan string), canceled: make(chan struct{})} }

func (f *feed) vendor(ctx context.Context, _ *upstream.Request) (*upstream.Response, error) {
	return &upstream.Response{Status: 200, Header: http.Header{}, Body: &feedBody{feed: f, ctx: ctx, closed: make(chan struct{})}}, nil
}

type feedBody struct {
	*feed
	ctx    context.Context
	rest   string
	closed chan struct{}
	once   sync.Once
}

func (b *feedBody) Read(p []byte) (int, error) {
	for b.rest == "" {
		select {
		case line, ok := <-b.lines:
			if !ok {
				return 0, io.EOF
			}
			b.rest = line
		case <-b.ctx.Done():
			close(b.canceled)
			return 0, b.ctx.Err()
		case <-b.closed:
			return 0, net.ErrClosed
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *feedBody) Close() error { b.once.Do(func() { close(b.closed) }); return nil }

// begin opens a stream and reads its first content.
func begin(t *testing.T, client *http.Client, url string, f *feed) (*http.Response, *bufio.Reader) {
	t.Helper()
	go func() { f.lines <- events(roleChunk, helChunk) }()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/chat/completions", strings.NewReader(streamBody))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(resp.Body)
	for line := ""; !strings.Contains(line, "Hel"); {
		if line, err = r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	return resp, r
}

func TestClientLeaves(t *testing.T) {
	t.Parallel()
	up := newFeed()
	f := newFixture(t, setting{vendor: up.vendor})
	srv := httptest.NewServer(f.Handler())
	defer srv.Close()
	resp, _ := begin(t, srv.Client(), srv.URL, up)
	_ = resp.Body.Close()
	<-up.canceled
	if rec := <-f.records; rec.Err == nil || !rec.Err.Canceled() {
		t.Errorf("the request ended with %v", rec.Err)
	}
	srv.Close() // waits for the handler, which logs last
	if log := f.log.String(); !strings.Contains(log, `"status":499`) || strings.Contains(log, `"level":"ERROR"`) {
		t.Errorf("log: %s", log)
	}
}

func TestClientLeavesBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	up := newFeed()
	f := newFixture(t, setting{vendor: up.vendor})
	srv := httptest.NewServer(f.Handler())
	defer srv.Close()
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		up.lines <- events(roleChunk) // the gateway reads: the request has arrived
		leave()
	}()
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, srv.URL+"/v1/chat/completions", strings.NewReader(streamBody))
	if resp, err := srv.Client().Do(req); err == nil {
		_ = resp.Body.Close()
		t.Fatalf("got %s", resp.Status)
	}
	<-up.canceled
	<-f.records
	srv.Close()
	if log := f.log.String(); !strings.Contains(log, `"status":499`) || strings.Contains(log, `"level":"ERROR"`) {
		t.Errorf("log: %s", log)
	}
}

// noticed tells when a listener was closed.
type noticed struct {
	net.Listener
	once   sync.Once
	closed chan struct{}
}

func (n *noticed) Close() error {
	err := n.Listener.Close()
	n.once.Do(func() { close(n.closed) })
	return err
}

// serving runs Serve on loopback. stop asks it to end; ended gives its result.
func serving(t *testing.T, f *fixture, limit time.Duration) (ln *noticed, stop context.CancelFunc, ended <-chan error) {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln = &noticed{Listener: inner, closed: make(chan struct{})}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Serve(ctx, ln, limit) }()
	t.Cleanup(stop)
	return ln, stop, done
}

func TestShutdownLetsStreamsEnd(t *testing.T) {
	t.Parallel()
	up := newFeed()
	f := newFixture(t, setting{vendor: up.vendor})
	ln, stop, ended := serving(t, f, time.Hour)
	resp, r := begin(t, http.DefaultClient, "http://"+ln.Addr().String(), up)
	defer func() { _ = resp.Body.Close() }()
	if w := f.do("GET", "/readyz", ""); w.Code != 200 {
		t.Errorf("/readyz answers %d before the shutdown", w.Code)
	}
	stop()
	<-ln.closed
	if w := f.do("GET", "/readyz", ""); w.Code != 503 || !strings.Contains(w.Body.String(), "shutting down") {
		t.Errorf("/readyz answers %d %s during the shutdown", w.Code, w.Body)
	}
	if w := f.do("GET", "/healthz", ""); w.Code != 200 {
		t.Errorf("/healthz answers %d during the shutdown", w.Code)
	}
	if _, err := net.Dial("tcp", ln.Addr().String()); err == nil {
		t.Error("a connection was accepted during the shutdown")
	}
	select {
	case err := <-ended:
		t.Fatalf("Serve ended before the stream did: %v", err)
	default:
	}
	up.lines <- events(loChunk, finishChunk, "[DONE]")
	rest, err := io.ReadAll(r)
	if err != nil || !strings.HasSuffix(string(rest), events(loChunk, finishChunk, "[DONE]")) {
		t.Errorf("the stream ended with %q, %v", rest, err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestShutdownCutsAtTheLimit(t *testing.T) {
	t.Parallel()
	up := newFeed()
	f := newFixture(t, setting{vendor: up.vendor})
	ln, stop, ended := serving(t, f, time.Millisecond)
	resp, r := begin(t, http.DefaultClient, "http://"+ln.Addr().String(), up)
	defer func() { _ = resp.Body.Close() }()
	stop()
	err := <-ended
	if err == nil || !strings.Contains(err.Error(), "1 requests had not ended after 1ms") {
		t.Errorf("Serve: %v", err)
	}
	<-up.canceled
	if rest, err := io.ReadAll(r); err == nil {
		t.Errorf("the stream looks whole after %q", rest)
	}
	if n := f.active.Load(); n != 0 {
		t.Errorf("Serve left %d handlers behind", n)
	}
}

func TestServeWithoutListener(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	err = newFixture(t, setting{}).Serve(t.Context(), ln, time.Second)
	if err == nil || !strings.HasPrefix(err.Error(), "serve on 127.0.0.1:") {
		t.Errorf("Serve: %v", err)
	}
}

// pipes is a listener in memory, for tests in which time is not real.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

func inMemory(t *testing.T, f *fixture) *pipes {
	p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Serve(ctx, p, 0) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestReaderThatStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		up := newFeed()
		f := newFixture(t, setting{vendor: up.vendor})
		conn := inMemory(t, f).dial()
		defer func() { _ = conn.Close() }()
		start := time.Now()
		go func() { up.lines <- events(roleChunk, helChunk) }()
		fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(streamBody), streamBody)
		if rec := <-f.records; rec.Err == nil || !rec.Err.Canceled() {
			t.Errorf("the request ended with %v", rec.Err)
		}
		if took := time.Since(start); took != stall {
			t.Errorf("the stream was given up after %s, want %s", took, stall)
		}
	})
}

func TestBodyThatDoesNotCome(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		set    setting
		status int
		code   string
	}{
		{setting{}, 408, "request_timeout"},
		{setting{bare: true}, 503, "not_ready"}, // refused without a look at the body
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, tc.set)
			conn := inMemory(t, f).dial()
			defer func() { _ = conn.Close() }()
			fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
			start := time.Now()
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if p := readProblem(t, string(body)); resp.StatusCode != tc.status || text(p.Error.Code) != tc.code {
				t.Errorf("got %d %s", resp.StatusCode, body)
			}
			if took := time.Since(start); took != bodyTime {
				t.Errorf("answered after %s, want %s", took, bodyTime)
			}
		})
	}
}

// TestSlowStreamIsNotCut has a stream take much longer than any single write or read may, on a
// connection that then serves other requests.
func TestSlowStreamIsNotCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		up := newFeed()
		f := newFixture(t, setting{vendor: func(ctx context.Context, r *upstream.Request) (*upstream.Response, error) {
			if streamed, _ := jsonraw.Value(r.Body).Get("stream").Bool(); streamed {
				return up.vendor(ctx, r)
			}
			return hello(ctx, r)
		}})
		conn := inMemory(t, f).dial()
		defer func() { _ = conn.Close() }()
		r := bufio.NewReader(conn)
		for _, tc := range []struct{ body, want string }{
			{streamBody, events(roleChunk, helChunk, loChunk, finishChunk, "[DONE]")},
			{chatBody, chatAnswer},
			{streamBody, events(roleChunk, helChunk, loChunk, finishChunk, "[DONE]")},
		} {
			if tc.body == streamBody {
				go func() {
					for _, c := range []string{roleChunk, helChunk, loChunk, finishChunk, "[DONE]"} {
						<-time.After(5 * time.Minute) // on the bubble's clock
						up.lines <- events(c)
					}
				}()
			}
			fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(tc.body), tc.body)
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || string(body) != tc.want {
				t.Fatalf("got %s, %v", body, err)
			}
			<-time.After(90 * time.Second) // idle, longer than the last deadline
			<-f.records
		}
	})
}

// TestShutdownWaitsForTheCut has a vendor take its time to notice that its call was given up.
func TestShutdownWaitsForTheCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const late = time.Second
		f := newFixture(t, setting{vendor: func(ctx context.Context, _ *upstream.Request) (*upstream.Response, error) {
			<-ctx.Done()
			<-time.After(late)
			return nil, ctx.Err()
		}})
		p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- f.Serve(ctx, p, time.Minute) }()
		conn := p.dial()
		defer func() { _ = conn.Close() }()
		fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(chatBody), chatBody)
		synctest.Wait()
		start := time.Now()
		stop()
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "1 requests had not ended after 1m0s") {
			t.Errorf("Serve: %v", err)
		}
		if took := time.Since(start); took < time.Minute+late || f.active.Load() != 0 {
			t.Errorf("Serve returned after %s with %d handlers left", took, f.active.Load())
		}
		<-f.records
	})
}
