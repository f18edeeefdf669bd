package mock

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/bench/mark"
)

func start(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- new(Server).Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + ln.Addr().String()
}

func post(t *testing.T, url string, body io.Reader) (int, string) {
	t.Helper()
	res, err := http.Post(url, "application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestPlain(t *testing.T) {
	url := start(t)
	for _, path := range []string{"/v1/chat/completions", "/v1/messages"} {
		for _, body := range []io.Reader{
			strings.NewReader(`{"stream":false}`), strings.NewReader(`{"text":"` + strings.Repeat("x", 200_000) + `"}`),
			io.MultiReader(strings.NewReader(`{"a":`), strings.NewReader(`1}`)), // of unknown length: chunked
		} {
			status, text := post(t, url+path, body)
			if status != 200 || !strings.Contains(text, mark.Plain) || !json.Valid([]byte(text)) {
				t.Errorf("%s: status %d, %s", path, status, text)
			}
		}
	}
	if status, text := post(t, url+"/control", nil); status != 200 || text != "6" {
		t.Errorf("status %d, %s requests, want 6", status, text)
	}
}

func TestStream(t *testing.T) {
	url := start(t)
	if status, text := post(t, url+"/control?tokens=3&interval=1ms", nil); status != 200 {
		t.Fatal(text)
	}
	for path, end := range map[string]string{"/v1/chat/completions": "data: [DONE]\n\n", "/v1/messages": "data: {\"type\":\"message_stop\"}\n\n"} {
		_, text := post(t, url+path, strings.NewReader(`{"stream": true}`))
		if !strings.HasSuffix(text, end) {
			t.Errorf("%s ends with %q", path, text[max(0, len(text)-100):])
		}
		var s mark.Scanner
		next := 0
		if !s.Scan([]byte(text), func(_ int64, n int) {
			if n != next {
				t.Errorf("%s: token %d, want %d", path, n, next)
			}
			next++
		}) || next != 3 {
			t.Errorf("%s: %d tokens in %s", path, next, text)
		}
		for line := range strings.Lines(text) {
			if data, ok := strings.CutPrefix(line, "data: "); ok && data != "[DONE]\n" && !json.Valid([]byte(data)) {
				t.Errorf("%s: not JSON: %s", path, data)
			}
		}
	}
}

func TestControlRefuses(t *testing.T) {
	url := start(t)
	for _, query := range []string{"tokens=many", "delay=1", "speed=3"} {
		if status, _ := post(t, url+"/control?"+query, nil); status != 400 {
			t.Errorf("%s: status %d", query, status)
		}
	}
}

// TestPipelined sends two requests at once, cut at every byte.
func TestPipelined(t *testing.T) {
	url := start(t)
	const request = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	for cut := range len(request) {
		for _, part := range []string{request[:cut], request[cut:] + request} {
			if _, err := io.WriteString(conn, part); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			res, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("cut at %d: %v, %v", cut, res.Status, err)
			}
		}
	}
}
