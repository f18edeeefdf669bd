package upstream

import (
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// canned is a vendor without a network: it answers every write alike.
type canned struct {
	net.Conn // nil: nothing else is called
	answer   string
	rest     string
}

func (c *canned) Write(p []byte) (int, error) {
	c.rest = c.answer
	return len(p), nil
}

func (c *canned) Read(p []byte) (int, error) {
	if c.rest == "" {
		return 0, io.EOF
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *canned) Close() error                     { return nil }
func (c *canned) SetWriteDeadline(time.Time) error { return nil }

// cannedExchange returns a function that sends a request of a plugin and reads a usual answer, over one connection.
func cannedExchange(t testing.TB) func(ctx context.Context) {
	t.Helper()
	body := `{"id":"c","choices":[{"message":{"role":"assistant","content":"` + strings.Repeat("All is well. ", 20) + `"}}]}`
	vendor := &canned{answer: "HTTP/1.1 200 OK\r\nDate: Mon, 02 Nov 2026 06:00:00 GMT\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) +
		"\r\nx-request-id: req_abc\r\nopenai-processing-ms: 12\r\nx-ratelimit-remaining-requests: 9999\r\nServer: x\r\n\r\n" + body}
	c := newClient(t, Options{})
	c.transport.Proxy = nil
	c.transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return vendor, nil }
	target := targetOf(t, "http://vendor.example")
	sent := []byte(`{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("word ", 80) + `"}]}`)
	return func(ctx context.Context) {
		r, err := c.Do(ctx, &Request{
			Target: target, Path: "/v1/chat/completions", Header: []Field{{"Content-Type", "application/json"}}, Body: sent, Auth: &Credential{Scheme: Bearer, Key: "k"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.ReadAll(1 << 20); err != nil || len(got) != len(body) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
}

// BenchmarkExchange is what the client itself costs, without the system's share.
func BenchmarkExchange(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	do := cannedExchange(b)
	b.ReportAllocs()
	for b.Loop() {
		do(ctx)
	}
}
