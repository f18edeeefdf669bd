package http1

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestTLS(t *testing.T) {
	t.Parallel()
	for _, h2 := range []bool{false, true} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
		s.EnableHTTP2 = h2
		s.StartTLS()
		defer s.Close()
		roots := x509.NewCertPool()
		roots.AddCert(s.Certificate())
		h := NewHost(&Options{Dial: new(net.Dialer).DialContext, TLS: &tls.Config{RootCAs: roots}, MaxIdle: 1}, strings.TrimPrefix(s.URL, "https://"), true)
		for range 3 {
			resp, err := h.Do(t.Context(), &Request{Method: "POST", URI: "/", Body: longBody})
			if h2 {
				if !errors.Is(err, ErrHTTP2) {
					t.Errorf("HTTP/2: %v", err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(resp.Body); len(body) != len(longBody) || err != nil {
				t.Errorf("%d bytes, %v", len(body), err)
			}
		}
		h.CloseIdle()
	}
}

func TestHandshakeTimeout(t *testing.T) {
	t.Parallel()
	silent := serve(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	h := NewHost(&Options{Dial: new(net.Dialer).DialContext, TLS: &tls.Config{}, HandshakeTimeout: time.Millisecond}, silent.name, true)
	if _, err := h.Do(t.Context(), &Request{Method: "POST", URI: "/"}); !errors.Is(err, ErrHandshakeTimeout) {
		t.Error(err)
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"h": "h 80", "h:1": "h 1", "[::1]": "::1 80", "[::1]:8080": "::1 8080", "10.0.0.1": "10.0.0.1 80", "h:": "h: 80",
	} {
		a, port := NewHost(nil, host, false).address()
		if a+" "+port != want {
			t.Errorf("%q: %q %q", host, a, port)
		}
	}
	if _, port := NewHost(nil, "h", true).address(); port != "443" {
		t.Errorf("https goes to port %s", port)
	}
}
