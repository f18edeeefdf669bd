package http1

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// serverOf is a server of this package, or of net/http.
type serverOf interface {
	Serve(net.Listener) error
	Close() error
}

func servers(h http.Handler) map[string]serverOf {
	return map[string]serverOf{
		"http1":   New(&http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}),
		"nethttp": &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute},
	}
}

const usualHead = "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: bench/1\r\nAuthorization: Bearer sk-0123456789abcdef\r\n" +
	"Content-Type: application/json\r\nAccept: application/json\r\nContent-Length: 512\r\n\r\n"

// answering reads the body and answers with 600 bytes and some headers.
func answering() http.Handler {
	answer := []byte(strings.Repeat("x", 600))
	length, typ, id := []string{strconv.Itoa(len(answer))}, []string{"application/json"}, []string{"req-0123456789abcdef"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			panic(err)
		}
		h := w.Header()
		h["Content-Type"], h["Content-Length"] = typ, length
		for _, name := range []string{"X-Request-Id", "X-Switchyard-Deployment", "X-Switchyard-Provider", "X-Switchyard-Attempts", "X-Switchyard-Fallbacks", "X-Switchyard-Overhead-Us"} {
			h[name] = id
		}
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(answer)
	})
}

// BenchmarkRequest has 32 connections, client and server in this process; what the client does is the same for both, and
// little.
func BenchmarkRequest(b *testing.B) {
	request := []byte(usualHead + strings.Repeat("x", 512))
	for name, s := range servers(answering()) {
		b.Run(name, func(b *testing.B) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			go func() { _ = s.Serve(ln) }()
			const conns = 32
			var wg sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			before := processorTime()
			for range conns {
				wg.Go(func() {
					c, err := net.Dial("tcp", ln.Addr().String())
					if err != nil {
						b.Error(err)
						return
					}
					defer func() { _ = c.Close() }()
					answer := make([]byte, 4096)
					for range (b.N + conns - 1) / conns {
						if _, err := c.Write(request); err != nil {
							b.Error(err)
							return
						}
						if n, err := c.Read(answer); err != nil || !strings.HasPrefix(string(answer[:9]), "HTTP/1.1 ") || n < 600 {
							b.Error(n, err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(processorTime()-before)/float64(b.N)/1e3, "cpu-µs/op")
			b.StopTimer()
		})
		_ = s.Close()
	}
}

// BenchmarkChunk writes and flushes chunks of a stream.
func BenchmarkChunk(b *testing.B) {
	chunk := []byte("data: " + strings.Repeat("x", 250) + "\n\n")
	for name, s := range servers(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.Header.Get("X-Chunks"))
		flush := w.(http.Flusher)
		for range n {
			_, _ = w.Write(chunk)
			flush.Flush()
		}
	})) {
		b.Run(name, func(b *testing.B) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			go func() { _ = s.Serve(ln) }()
			c, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			b.ReportAllocs()
			b.ResetTimer()
			before := processorTime()
			if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX-Chunks: "+strconv.Itoa(b.N)+"\r\n\r\n"); err != nil {
				b.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReaderSize(c, 64<<10), nil)
			if err != nil {
				b.Fatal(err)
			}
			n, err := io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if err != nil || n != int64(b.N*len(chunk)) {
				b.Fatal(n, err)
			}
			b.ReportMetric(float64(processorTime()-before)/float64(b.N)/1e3, "cpu-µs/op")
		})
		_ = s.Close()
	}
}

// processorTime is what this process has used, in nanoseconds.
func processorTime() int64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}
