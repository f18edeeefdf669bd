package upstream

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// secured starts a server with TLS. It says which protocol each request came with.
func secured(t *testing.T, h2 bool) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	s.EnableHTTP2 = h2
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s, roots
}

// TestRouteFollowsTheHost has a host offer HTTP/2 or not, and change its mind.
func TestRouteFollowsTheHost(t *testing.T) {
	t.Parallel()
	for _, h2 := range []bool{false, true} {
		s, roots := secured(t, h2)
		c, target := newClient(t, Options{RootCAs: roots}), targetOf(t, s.URL)
		want := "HTTP/1.1"
		if h2 {
			want = "HTTP/2.0"
		}
		ask := func() {
			t.Helper()
			if body, err := fetch(t.Context(), c, target); string(body) != want || err != nil {
				t.Fatalf("%s, %v; want %s", body, err, want)
			}
		}
		if c.route(target).direct.Load() {
			t.Error("http1 serves a host of which nothing is known")
		}
		ask()
		ask()
		if c.route(target).direct.Load() == h2 {
			t.Errorf("HTTP/2 %v: direct is %v", h2, !h2)
		}
		// As if it had been the other way before.
		c.route(target).direct.Store(true)
		ask()
		if c.route(target).direct.Load() == h2 {
			t.Errorf("HTTP/2 %v: direct is %v after a change", h2, !h2)
		}
		ask()
	}
}

func TestProxiedHostsAreLeftToNetHTTP(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.RequestURI }))
	t.Cleanup(proxy.Close)
	u, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, Options{})
	c.transport.Proxy = http.ProxyURL(u)
	target := targetOf(t, "http://vendor.invalid")
	for range 2 {
		if _, err := fetch(t.Context(), c, target); err != nil {
			t.Fatal(err)
		}
		if uri := <-seen; !strings.HasPrefix(uri, "http://vendor.invalid/base/") {
			t.Errorf("the proxy was asked for %q", uri)
		}
	}
	if c.route(target).direct.Load() {
		t.Error("the host is served directly")
	}
}

func TestHostNames(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	c.transport.Proxy = nil
	for base, direct := range map[string]bool{
		"http://vendor.example": true, "http://127.0.0.1:1": true, "http://[::1]:1": true, "http://[fe80::1%25eth0]:1": false, "http://bücher.example": false,
	} {
		if got := c.route(targetOf(t, base)).direct.Load(); got != direct {
			t.Errorf("%s: direct is %v", base, got)
		}
	}
}
