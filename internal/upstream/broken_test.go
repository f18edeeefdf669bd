package upstream

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// raw answers each connection with these bytes and closes it, by a reset if asked.
func raw(t *testing.T, reset bool, answer string) *Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			req, err := http.ReadRequest(bufio.NewReader(conn))
			if err == nil {
				_, _ = io.Copy(io.Discard, req.Body)
			}
			_, _ = io.WriteString(conn, answer)
			if reset {
				_ = conn.(*net.TCPConn).SetLinger(0)
			}
			_ = conn.Close()
		}
	})
	return targetOf(t, "http://"+l.Addr().String())
}

func TestBrokenAnswers(t *testing.T) { both(t, testBrokenAnswers) }

func testBrokenAnswers(t *testing.T, newClient maker) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, c := range []struct {
		name, answer string
		reset        bool
		kind         Kind
	}{
		{"closed at once", "", false, Reset},
		{"reset at once", "", true, Reset},
		{"closed between headers", ok + "Content-Length: 2\r\n", false, Reset},
		{"closed in a header", ok + "Content-Len", false, Reset},
		{"cut below the length", ok + "Content-Length: 10\r\n\r\n{\"a\":", false, Truncated},
		{"nothing of the length", ok + "Content-Length: 10\r\n\r\n", false, Truncated},
		{"cut between chunks", ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", false, Truncated},
		{"cut in a chunk", ok + "Transfer-Encoding: chunked\r\n\r\n9\r\n{}", false, Truncated},
		{"reset in a chunk", ok + "Transfer-Encoding: chunked\r\n\r\n9\r\n{}", true, Truncated},
		{"bad chunk", ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}", false, Malformed},
		{"not http", "SSH-2.0-x\r\n\r\n", false, Malformed},
		{"bad header", ok + "no colon\r\n\r\n", false, Malformed},
		{"endless headers", ok + "X: " + strings.Repeat("x", 300<<10) + "\r\n\r\n", false, Malformed},
		{"claims too much", ok + "Content-Length: 9000000000\r\n\r\n{", false, TooLarge},
		{"cut gzip", ok + "Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00", false, Truncated},
		{"no gzip", ok + "Content-Encoding: gzip\r\n\r\nhello, this is not gzip", false, Malformed},
		{"cut length under gzip", ok + "Content-Encoding: gzip\r\nContent-Length: 50\r\n\r\n\x1f\x8b\x08\x00", false, Truncated},
		{"other encoding", ok + "Content-Encoding: br\r\n\r\nxxxx", false, Malformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			target := raw(t, c.reset, c.answer)
			body, err := fetch(t.Context(), newClient(t, Options{}), target)
			if c.reset && c.kind == Truncated && KindOf(err) == Reset {
				return // a reset may overtake the bytes before it
			}
			if c.name == "closed in a header" && KindOf(err) == Malformed {
				return // so says net/http
			}
			if KindOf(err) != c.kind {
				t.Fatalf("kind %v, want %v: %v (body %q)", KindOf(err), c.kind, err, body)
			}
			if strings.Contains(err.Error(), target.host) || strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("the message names the host: %v", err)
			}
		})
	}
}
