package upstream

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

type flusher interface {
	io.WriteCloser
	Flush() error
}

func compressor(w io.Writer, coding string) flusher {
	switch coding {
	case "gzip":
		return gzip.NewWriter(w)
	case "zlib":
		return zlib.NewWriter(w)
	}
	f, err := flate.NewWriter(w, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	return f
}

func TestCompressedAnswers(t *testing.T) {
	const text = "{\"text\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}"
	for _, coding := range []string{"gzip", "zlib", "flate"} {
		t.Run(coding, func(t *testing.T) {
			target, _ := vendor(t, func(w http.ResponseWriter, _ *http.Request) {
				var b bytes.Buffer
				z := compressor(&b, coding)
				_, _ = io.WriteString(z, text)
				_ = z.Close()
				name := "deflate"
				if coding == "gzip" {
					name = "GZIP"
				}
				w.Header().Set("Content-Encoding", name)
				_, _ = w.Write(b.Bytes())
			})
			r, err := newClient(t, Options{}).Do(t.Context(), &Request{Target: target, Path: "/"})
			if err != nil {
				t.Fatal(err)
			}
			if r.Header.Get("Content-Encoding") != "" || r.Header.Get("Content-Length") != "" {
				t.Errorf("headers of the compressed form remain: %v", r.Header)
			}
			if body, err := r.ReadAll(len(text)); err != nil || string(body) != text {
				t.Errorf("%q, %v", body, err)
			}
		})
	}
}

// A compressed stream must come out event by event, not when it is over.
func TestCompressedStreamIsNotHeldBack(t *testing.T) {
	next := make(chan struct{})
	target, _ := vendor(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		for range 3 {
			_, _ = io.WriteString(z, "data: {}\n\n")
			_ = z.Flush()
			_ = http.NewResponseController(w).Flush()
			<-next // the reader has seen it
		}
		_ = z.Close()
	})
	r, err := newClient(t, Options{}).Do(t.Context(), &Request{Target: target, Path: "/"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	d, buf, events := NewDecoder(SSE, 100), make([]byte, 100), 0
	for {
		n, err := r.Body.Read(buf)
		if werr := d.Write(buf[:n]); werr != nil {
			t.Fatal(werr)
		}
		for _, ok := d.Next(); ok; _, ok = d.Next() {
			events++
			next <- struct{}{}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if events != 3 {
		t.Errorf("%d events", events)
	}
}

func TestCompressedLimits(t *testing.T) {
	target, _ := vendor(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		switch r.URL.RawQuery {
		case "bomb":
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, strings.Repeat("0", 1<<20))
			_ = z.Close()
		case "trailing":
			z := zlib.NewWriter(w)
			w.Header().Set("Content-Encoding", "deflate")
			_, _ = io.WriteString(z, "{}")
			_ = z.Close()
			_, _ = io.WriteString(w, strings.Repeat("x", 8<<10))
		}
	})
	c := newClient(t, Options{})
	for query, want := range map[string]Kind{"bomb": TooLarge, "trailing": Malformed} {
		r, err := c.Do(t.Context(), &Request{Target: target, Path: "/?" + query})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.ReadAll(1000); KindOf(err) != want {
			t.Errorf("%s: %v", query, err)
		}
	}
	r, err := c.Do(t.Context(), &Request{Target: target, Path: "/?empty"})
	if err != nil {
		t.Fatal(err)
	}
	if body, err := r.ReadAll(1000); err != nil || len(body) != 0 {
		t.Errorf("an empty body: %q, %v", body, err)
	}
}

// secure starts a TLS server that offers HTTP/2.
func secure(t *testing.T, h http.HandlerFunc) (*Target, *x509.CertPool) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return targetOf(t, s.URL), pool
}

func TestHTTP2(t *testing.T) {
	target, pool := secure(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.RawQuery {
		case "before":
			panic(http.ErrAbortHandler)
		case "during":
			_, _ = io.WriteString(w, "data: 1\n\n")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, r.Proto)
	})
	c := newClient(t, Options{RootCAs: pool})
	if body, err := fetch(t.Context(), c, target); err != nil || string(body) != "HTTP/2.0" {
		t.Errorf("%q, %v", body, err)
	}
	if _, err := c.Do(t.Context(), &Request{Target: target, Path: "/?before", Body: []byte("{}")}); KindOf(err) != Reset {
		t.Errorf("stream reset before the headers: %v, %v", KindOf(err), err)
	}
	r, err := c.Do(t.Context(), &Request{Target: target, Path: "/?during", Body: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	if body, err := r.ReadAll(100); KindOf(err) != Truncated {
		t.Errorf("stream reset in the body: %q, %v, %v", body, KindOf(err), err)
	}
}

func TestCertificateIsChecked(t *testing.T) {
	target, _ := secure(t, func(http.ResponseWriter, *http.Request) { t.Error("a request reached an unknown server") })
	_, err := fetch(t.Context(), newClient(t, Options{RootCAs: x509.NewCertPool()}), target)
	if KindOf(err) != Unreachable || !strings.HasSuffix(err.Error(), "the TLS certificate is signed by an unknown authority") {
		t.Errorf("got %v", err)
	}
}
