package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/socket"
)

// TestHammer has many clients send, pipeline, stream, and leave when they like, on connections of both kinds.
func TestHammer(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(net.Listener) net.Listener{
		"net": func(ln net.Listener) net.Listener { return ln }, "socket": socket.Listen,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var active atomic.Int64
			s := New(&http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				active.Add(1)
				defer active.Add(-1)
				reflecting(w, r)
			}), ErrorLog: log.New(t.Output(), "", 0), ReadHeaderTimeout: time.Minute})
			ended := make(chan error, 1)
			go func() { ended <- s.Serve(wrap(ln)) }()
			var clients sync.WaitGroup
			for n := range 24 {
				clients.Go(func() {
					r := rand.New(rand.NewPCG(7, uint64(n)))
					for range 12 {
						session(t, ln.Addr().String(), r)
					}
				})
			}
			clients.Wait()
			if err := s.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
			if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
				t.Error(err)
			}
			if n := active.Load(); n != 0 {
				t.Errorf("Shutdown left %d handlers", n)
			}
		})
	}
}

// reflecting answers with the body that it gets, in the way that the path says.
func reflecting(w http.ResponseWriter, r *http.Request) {
	how, pause, _ := strings.Cut(r.URL.Path[1:], "/")
	if d, err := time.ParseDuration(pause); err == nil {
		select {
		case <-time.After(d):
		case <-r.Context().Done():
			return
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	switch how {
	case "whole":
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	case "stream":
		for len(body) > 0 {
			n := min(len(body), 700)
			_, _ = w.Write(body[:n])
			if http.NewResponseController(w).Flush() != nil {
				return
			}
			body = body[n:]
		}
	case "abort":
		_, _ = w.Write(body)
		panic(http.ErrAbortHandler)
	case "wait":
		<-r.Context().Done()
	}
}

// session is one connection of a client.
func session(t *testing.T, addr string, r *rand.Rand) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	for range 12 {
		body := string(filler(r.IntN(1500)))
		if r.IntN(8) == 0 {
			body = string(filler(r.IntN(60_000)))
		}
		how, n := []string{"whole", "stream"}[r.IntN(2)], 1
		switch r.IntN(30) {
		case 0:
			how = "abort"
		case 1:
			how = "wait"
		case 2, 3, 4, 5:
			n += r.IntN(4)
		}
		if r.IntN(6) == 0 {
			how += "/" + strconv.Itoa(r.IntN(25)) + "ms"
		}
		framing := fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
		if r.IntN(40) == 0 { // for net/http
			framing = fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body)+1, body+"!")
			body += "!"
		}
		request := strings.Repeat("POST /"+how+" HTTP/1.1\r\nHost: x\r\n"+framing, n)
		cut := len(request)
		if r.IntN(5) == 0 {
			cut = r.IntN(len(request))
		}
		go func() { // a client that pipelines reads at the same time
			_, _ = io.WriteString(c, request[:cut])
			_, _ = io.WriteString(c, request[cut:])
		}()
		if r.IntN(20) == 0 || strings.HasPrefix(how, "wait") {
			return
		}
		for range n {
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				if !strings.HasPrefix(how, "abort") {
					t.Errorf("%s: %v", how, err)
				}
				return
			}
			got, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil && strings.HasPrefix(how, "abort") {
				return
			}
			if err != nil || resp.StatusCode != http.StatusOK || string(got) != body {
				t.Errorf("%s: %s with %d bytes, want %d, and %v", how, resp.Status, len(got), len(body), err)
				return
			}
		}
	}
}
