package upstream

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// vendor starts a server and returns a target for it, whose base path is /base.
func vendor(t testing.TB, h http.HandlerFunc) (*Target, *httptest.Server) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return targetOf(t, s.URL), s
}

func targetOf(t testing.TB, base string, operator ...Field) *Target {
	t.Helper()
	target, err := NewTarget(base+"/base/", operator)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func newClient(t testing.TB, o Options) *Client {
	t.Helper()
	c := New(o)
	t.Cleanup(c.CloseIdle)
	return c
}

// maker is newClient, or what takes its place.
type maker func(t testing.TB, o Options) *Client

// both runs a test with a client as it is, and with one that leaves everything to net/http.
func both(t *testing.T, test func(t *testing.T, newClient maker)) {
	t.Run("http1", func(t *testing.T) { test(t, newClient) })
	t.Run("net-http", func(t *testing.T) {
		test(t, func(t testing.TB, o Options) *Client {
			c := newClient(t, o)
			c.transport.Proxy = func(r *http.Request) (*url.URL, error) {
				if r.Header == nil { // asked for the route
					return nil, errors.New("not directly")
				}
				return nil, nil
			}
			return c
		})
	})
}

// fetch sends a small request and reads the whole answer.
func fetch(ctx context.Context, c *Client, target *Target) ([]byte, error) {
	r, err := c.Do(ctx, &Request{Target: target, Path: "/v1/chat", Body: []byte(`{}`)})
	if err != nil {
		return nil, err
	}
	return r.ReadAll(1 << 20)
}

func TestWhatIsSent(t *testing.T) { both(t, testWhatIsSent) }

func testWhatIsSent(t *testing.T, newClient maker) {
	type seen struct {
		method, uri, host, body string
		length                  int64
		header                  http.Header
	}
	got := make(chan seen, 1)
	_, s := vendor(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- seen{r.Method, r.RequestURI, r.Host, string(b), r.ContentLength, r.Header}
		w.Header().Set("X-Request-Id", "r1")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, "\n\n {\"ok\":true} \r\n")
	})
	target := targetOf(t, s.URL, Field{"X-Title", "router"}, Field{"x-both", "operator"})
	c := newClient(t, Options{})
	r, err := c.Do(t.Context(), &Request{
		Target: target, Path: "/models/a%2Fb:run?alt=sse&x=%2f", Body: []byte(`{"a"`), Middle: []byte(`:1`), End: []byte(`}`),
		Header: []Field{{"x-both", "plugin"}, {"anthropic-version", "2023-06-01"}, {"x-two", "1"}, {"X-Two", "2"}},
		Auth:   &Credential{Scheme: Bearer, Key: "k"},
	})
	if err != nil {
		t.Fatal(err)
	}
	body, err := r.ReadAll(100)
	if err != nil || string(body) != `{"ok":true}` || r.Status != 429 || r.Header.Get("x-request-id") != "r1" {
		t.Errorf("answer %d %q %v, %v", r.Status, body, r.Header, err)
	}
	w := <-got
	if w.method != "POST" || w.uri != "/base/models/a%2Fb:run?alt=sse&x=%2f" || w.host != strings.TrimPrefix(s.URL, "http://") || w.body != `{"a":1}` || w.length != 7 {
		t.Errorf("arrived as %+v", w)
	}
	want := http.Header{
		"X-Title": {"router"}, "X-Both": {"operator"}, "Anthropic-Version": {"2023-06-01"}, "X-Two": {"1", "2"}, "Authorization": {"Bearer k"},
		"Accept-Encoding": {"identity"}, "User-Agent": {"switchyard"}, "Content-Type": {"application/json"}, "Content-Length": {"7"},
	}
	if fmt.Sprint(w.header) != fmt.Sprint(want) {
		t.Errorf("headers\n got %v\nwant %v", w.header, want)
	}
	if fmt.Sprint(target.header) != fmt.Sprint(http.Header{"X-Title": {"router"}, "X-Both": {"operator"}}) {
		t.Errorf("the target was changed: %v", target.header)
	}

	if _, err := c.Do(t.Context(), &Request{Target: target, Method: "GET", Path: "/models"}); err != nil {
		t.Fatal(err)
	}
	if w = <-got; w.method != "GET" || w.length != 0 || w.header.Get("Content-Type") != "" {
		t.Errorf("GET arrived as %+v", w)
	}
}

func TestSmugglingIsRefused(t *testing.T) { both(t, testSmugglingIsRefused) }

func testSmugglingIsRefused(t *testing.T, newClient maker) {
	var hits atomic.Int32
	target, _ := vendor(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	c := newClient(t, Options{})
	for name, r := range map[string]*Request{
		"header":        {Path: "/x", Header: []Field{{"authorization", "Bearer mine"}}},
		"header split":  {Path: "/x", Header: []Field{{"x-a", "b\r\nhost: evil"}}},
		"path":          {Path: "/../admin"},
		"other host":    {Path: "//evil.example/x"},
		"method":        {Path: "/x", Method: "GET /evil HTTP/1.1\r\nx:"},
		"connect":       {Path: "/x", Method: "CONNECT"},
		"no credential": {Path: "/x", Auth: &Credential{Scheme: Bearer}},
	} {
		r.Target = target
		if _, err := c.Do(t.Context(), r); KindOf(err) != Refused {
			t.Errorf("%s: accepted or wrong kind: %v", name, err)
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("%d requests went out", n)
	}
}

func TestConnectionsAreKept(t *testing.T) { both(t, testConnectionsAreKept) }

func testConnectionsAreKept(t *testing.T, newClient maker) {
	var conns atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for range 3 {
			_, _ = io.WriteString(w, "data: {}\n\n")
			_ = http.NewResponseController(w).Flush()
		}
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	target, c := targetOf(t, s.URL), newClient(t, Options{})
	for range 20 {
		if _, err := fetch(t.Context(), c, target); err != nil {
			t.Fatal(err)
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections for 20 requests, one after the other", n)
	}
}

func TestCancelBeforeHeaders(t *testing.T) { both(t, testCancelBeforeHeaders) }

func testCancelBeforeHeaders(t *testing.T, newClient maker) {
	arrived, gone := make(chan struct{}), make(chan struct{})
	target, _ := vendor(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done() // the server sees the connection close
		close(gone)
	})
	leaves := errors.New("the client left")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-arrived
		cancel(leaves)
	}()
	_, err := fetch(ctx, newClient(t, Options{}), target)
	if KindOf(err) != Canceled || !errors.Is(err, context.Canceled) || !errors.Is(err, leaves) {
		t.Errorf("got %v", err)
	}
	<-gone
}

func TestCancelDuringBody(t *testing.T) { both(t, testCancelDuringBody) }

func testCancelDuringBody(t *testing.T, newClient maker) {
	gone := make(chan struct{})
	target, _ := vendor(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "data: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := newClient(t, Options{}).Do(ctx, &Request{Target: target, Path: "/x", Body: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	if n, err := r.Body.Read(buf); err != nil || string(buf[:n]) != "data: 1\n\n" {
		t.Fatalf("first read: %q, %v", buf[:n], err)
	}
	cancel()
	if _, err := r.Body.Read(buf); KindOf(err) != Canceled || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-gone
}

func TestCloseFromAnotherGoroutine(t *testing.T) { both(t, testCloseFromAnotherGoroutine) }

func testCloseFromAnotherGoroutine(t *testing.T, newClient maker) {
	target, _ := vendor(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	r, err := newClient(t, Options{}).Do(t.Context(), &Request{Target: target, Path: "/x"})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = r.Close() }()
	if _, err := r.Body.Read(make([]byte, 1)); KindOf(err) != Canceled {
		t.Errorf("got %v", err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestDeadlines(t *testing.T) { both(t, testDeadlines) }

func testDeadlines(t *testing.T, newClient maker) {
	firstToken := errors.New("no first token")
	target, _ := vendor(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	c := newClient(t, Options{})
	past, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := fetch(past, c, target); KindOf(err) != Timeout || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline before the start: %v", err)
	}
	soon, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, firstToken)
	defer cancel()
	if _, err := fetch(soon, c, target); KindOf(err) != Timeout || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, firstToken) {
		t.Errorf("deadline with a cause: %v", err)
	}
	byCause, cancelCause := context.WithCancelCause(t.Context())
	cancelCause(fmt.Errorf("attempt: %w", context.DeadlineExceeded))
	if _, err := fetch(byCause, c, target); KindOf(err) != Timeout {
		t.Errorf("cancelled because of a deadline: %v", err)
	}
}

func TestRedirectIsRefused(t *testing.T) { both(t, testRedirectIsRefused) }

func testRedirectIsRefused(t *testing.T, newClient maker) {
	var followed atomic.Bool
	_, other := vendor(t, func(http.ResponseWriter, *http.Request) { followed.Store(true) })
	target, _ := vendor(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/steal", http.StatusTemporaryRedirect)
	})
	_, err := fetch(t.Context(), newClient(t, Options{}), target)
	if KindOf(err) != Redirected || strings.Contains(err.Error(), "steal") || followed.Load() {
		t.Errorf("got %v, followed %v", err, followed.Load())
	}
}

func TestUnreachable(t *testing.T) { both(t, testUnreachable) }

func testUnreachable(t *testing.T, newClient maker) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	_, err = fetch(t.Context(), newClient(t, Options{}), targetOf(t, "http://"+address))
	if KindOf(err) != Unreachable || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v", err)
	}
	if want := "send the request: the connection could not be established: connection refused"; err.Error() != want {
		t.Errorf("message %q, want %q", err, want)
	}
	_, plain := vendor(t, func(http.ResponseWriter, *http.Request) {})
	_, err = fetch(t.Context(), newClient(t, Options{}), targetOf(t, strings.Replace(plain.URL, "http:", "https:", 1)))
	if KindOf(err) != Unreachable || !strings.HasSuffix(err.Error(), "the other side does not speak TLS") {
		t.Errorf("plain server: %v", err)
	}
}

func TestNamesAreNotRepeated(t *testing.T) {
	for _, cause := range []error{
		&net.DNSError{Name: "secret.example", Err: "no such host", IsNotFound: true},
		&net.DNSError{Name: "secret.example", Err: "server misbehaving", Server: "10.0.0.1:53", IsTemporary: true},
		&net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}, Err: errors.New("i/o problem at secret.example")},
		&net.OpError{Op: "proxyconnect", Err: errors.New("secret.example")},
		x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"secret.example"}}, Host: "secret.example"},
		x509.CertificateInvalidError{Reason: x509.Expired, Detail: "secret.example"},
	} {
		err := classify(t.Context(), opSend, &url.Error{Op: "Post", URL: "https://secret.example/?key=secret", Err: cause}, false)
		if KindOf(err) != Unreachable || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "10.0.0.1") {
			t.Errorf("%T: %v, %v", cause, KindOf(err), err)
		}
	}
	err := classify(t.Context(), opSend, errors.New("something about secret.example"), false)
	if KindOf(err) != Unknown || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

func TestProxyRefusal(t *testing.T) {
	_, proxy := vendor(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			w.WriteHeader(http.StatusProxyAuthRequired)
		}
	})
	u, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, Options{})
	c.transport.Proxy = http.ProxyURL(u)
	_, err = fetch(t.Context(), c, targetOf(t, "https://api.invalid"))
	if KindOf(err) != Unreachable || !strings.Contains(err.Error(), "407") {
		t.Errorf("got %v", err)
	}
}

func TestReadAllLimit(t *testing.T) { both(t, testReadAllLimit) }

func testReadAllLimit(t *testing.T, newClient maker) {
	target, _ := vendor(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("chunked") {
			_ = http.NewResponseController(w).Flush()
		}
		_, _ = io.WriteString(w, strings.Repeat("x", 10))
	})
	c := newClient(t, Options{})
	for _, path := range []string{"/", "/?chunked"} {
		for limit, want := range map[int]Kind{9: TooLarge, 10: Unknown, 11: Unknown} {
			r, err := c.Do(t.Context(), &Request{Target: target, Path: path})
			if err != nil {
				t.Fatal(err)
			}
			body, err := r.ReadAll(limit)
			if KindOf(err) != want || (want == Unknown && (err != nil || len(body) != 10)) {
				t.Errorf("%s with limit %d: %q, %v", path, limit, body, err)
			}
		}
	}
}

// Many callers that read, leave, and give up at once must neither race nor get each other's answers.
func TestHammer(t *testing.T) { both(t, testHammer) }

func testHammer(t *testing.T, newClient maker) {
	target, _ := vendor(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		for range 5 {
			_, _ = fmt.Fprintf(w, "data: %s\n\n", b)
			_ = http.NewResponseController(w).Flush()
		}
	})
	c := newClient(t, Options{})
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 30 {
				hammerOnce(t, c, target, fmt.Sprintf(`{"g":%d,"i":%d}`, g, i), i%3)
			}
		})
	}
	wg.Wait()
}

func hammerOnce(t *testing.T, c *Client, target *Target, body string, manner int) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if manner == 1 {
		go cancel()
	}
	r, err := c.Do(ctx, &Request{Target: target, Path: "/x", Body: []byte(body), Auth: &Credential{Scheme: Bearer, Key: "k"}})
	if err != nil {
		if manner != 1 || KindOf(err) != Canceled {
			t.Errorf("manner %d: %v", manner, err)
		}
		return
	}
	defer func() { _ = r.Close() }()
	if manner == 2 {
		return // leaves without reading
	}
	d, buf := NewDecoder(SSE, 1000), make([]byte, 64)
	for {
		n, err := r.Body.Read(buf)
		_ = d.Write(buf[:n])
		for e, ok := d.Next(); ok; e, ok = d.Next() {
			if string(e.Data) != body {
				t.Errorf("sent %s, got %s", body, e.Data)
			}
		}
		if err != nil {
			if err != io.EOF && (manner != 1 || KindOf(err) != Canceled) {
				t.Errorf("manner %d: %v", manner, err)
			}
			return
		}
	}
}

func BenchmarkDo(b *testing.B) {
	target, _ := vendor(b, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"ok":true}`)
	})
	c := newClient(b, Options{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fetch(b.Context(), c, target); err != nil {
			b.Fatal(err)
		}
	}
}
