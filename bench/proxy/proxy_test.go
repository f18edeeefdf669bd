package proxy

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestForwards(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("X-Seen", r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write(body)
	}))
	defer upstream.Close()
	for _, kind := range []string{"echo", "fasthttp"} {
		t.Run(kind, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- Serve(ctx, kind, upstream.Listener.Addr().String(), ln) }()
			req, err := http.NewRequest(http.MethodPost, "http://"+ln.Addr().String()+"/v1/x", strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer k")
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || res.StatusCode != http.StatusTeapot || string(body) != "body" || res.Header.Get("X-Seen") != "POST /v1/x Bearer k" {
				t.Errorf("%v, status %d, %q, %v", err, res.StatusCode, body, res.Header)
			}
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("after its end: %v", err)
			}
		})
	}
}

func TestUnknownKind(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := Serve(t.Context(), "apache", "", ln); err == nil {
		t.Error("no error")
	}
}
