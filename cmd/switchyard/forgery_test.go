package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

const forgeries = `
plugins: {dir: .}
defaults: {retries: 0, cooldown: 0}
providers: {p: {plugin: forger, base_url: "%s/base", auth: {api_key: the-operators-key}, headers: {x-operator: "1"}}}
models:
  f/*: {strategy: weighted, deployments: [{provider: p, model: "*"}]}
`

// TestForgedRequests has an adapter ask for what it may not, through the whole router: nothing goes out, the client reads no
// detail, and the log names what was refused.
func TestForgedRequests(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if h := r.Header; r.URL.Path != "/base/chat" || h.Get("X-Operator") != "1" || len(h.Values("Authorization")) != 1 || h.Get("Authorization") != "Bearer the-operators-key" {
			t.Errorf("the vendor got %s with %v", r.URL, h)
		}
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(vendor.Close)
	s := newStage(t, "../../plugins/strategies/weighted", "testdata/plugins/forger")
	s.begin(fmt.Sprintf(forgeries, vendor.URL))
	for _, tc := range []struct{ model, logged string }{
		{"path|/../admin", `..`}, {"path|/%2e%2e/admin", `%2e%2e`}, {"path|//evil.example/", `//evil.example/`}, {"path|http://evil.example/", `http://evil.example/`},
		{"path|@evil.example/", `@evil.example/`}, {"path|/%2fevil.example/", `%2fevil.example`}, {"path|/chat#x", `#`}, {"path|/chat\\..\\x", `may not stand`}, {"path|/a\r\nHost: evil", `Host: evil`},
		{"path|/é", "path"}, {"path|/chat?a=b", "path"}, {"path|", "path"},
		{"query|a=b\r\nHost: evil", "query"}, {"query|a#b", "query"}, {"query|key=mine", "key"}, {"query|a=%0d%0aHost:x", "0x0d"},
		{"header|Host|evil.example", "Host"}, {"header|hOsT|evil.example", "hOsT"}, {"header|Authorization|Bearer mine", "Authorization"}, {"header|x_api_key|mine", "x_api_key"},
		{"header|Cookie|a=b", "Cookie"}, {"header|Proxy-Authorization|x", "Proxy-Authorization"}, {"header|Connection|x-operator", "Connection"}, {"header|Transfer-Encoding|chunked", "Transfer-Encoding"},
		{"header|Content-Length|5", "Content-Length"}, {"header|Expect|100-continue", "Expect"}, {"header|Upgrade|h2c", "Upgrade"}, {"header|Accept-Encoding|gzip", "Accept-Encoding"},
		{"header|x-a|1\r\nHost: evil.example", "x-a"}, {"header|x-a|1\r\n folded", "x-a"}, {"header|x-a|\x00", "x-a"}, {"header|x-a\r\nHost|evil", "Host"}, {"header|X-Forwarded-Host|evil", "X-Forwarded-Host"},
		{"auth header|Host", "Host"}, {"auth header|a: b\r\nc", "name"}, {"auth header|Content-Length", "Content-Length"},
	} {
		before := len(s.log.String())
		body, err := json.Marshal(map[string]any{"model": "f/" + tc.model, "messages": []any{map[string]string{"role": "user", "content": "x"}}})
		if err != nil {
			t.Fatal(err)
		}
		status, text := s.send(http.MethodPost, "/v1/chat/completions", "", string(body))
		if status != http.StatusBadGateway || strings.Contains(text, "evil") {
			t.Errorf("%q: status %d, %s", tc.model, status, text)
		}
		log := s.log.String()[before:]
		_, line, _ := strings.Cut(log, "level=ERROR")
		line, _, _ = strings.Cut(line, "\n")
		if !strings.Contains(line, tc.logged) || strings.Contains(log, "the-operators-key") {
			t.Errorf("%q: the log says %s", tc.model, log)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests went out", n)
	}
	// What it may ask for goes out, with what the operator wants.
	for _, model := range []string{"header|x-operator|guest", "header|X_Operator|guest", "header|x-own|1", "query|a=b"} {
		if status, text := s.send(http.MethodPost, "/v1/chat/completions", "", `{"model":"f/`+model+`","messages":[{"role":"user","content":"x"}]}`); status != http.StatusOK {
			t.Errorf("%q: status %d, %s", model, status, text)
		}
	}
	if n := asked.Load(); n != 4 {
		t.Errorf("%d requests went out, want 4", n)
	}
}

// TestForgedAnswers has an adapter and a policy write line ends into all that reaches a client: each request gets one answer, none of
// whose headers is theirs, and a stream has no event that they forged.
func TestForgedAnswers(t *testing.T) {
	t.Parallel()
	const end = "\r\nInjected: yes\r\n\r\ndata: forged\n\nHTTP/1.1 200 OK\r\nInjected: yes\r\nContent-Length: 0\r\n\r\n"
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}\n") }))
	t.Cleanup(vendor.Close)
	s := newStage(t, "../../plugins/strategies/weighted", "testdata/plugins/forger", "testdata/plugins/nosy")
	s.begin(fmt.Sprintf(forgeries, vendor.URL) + "  rejects: {strategy: nosy, deployments: [{provider: p, model: m}]}\n")
	for _, tc := range []struct {
		model  string
		status int
		stream bool
	}{
		{"f/refusal|" + end, 402, false}, {"f/refusal|" + end, 402, true}, {"f/dropped|" + end, 200, false}, {"f/dropped|" + end, 200, true},
		{"f/body|" + end, 200, false}, {"f/chunk|" + end, 502, true}, {`f/chunk|{"a":1}` + "\rdata: forged", 502, true}, {"f/last error|" + end, 502, true},
		{"f/none|" + end, 200, true}, {"rejects", 409, false}, {"rejects", 409, true},
	} {
		conn, err := net.Dial("tcp", s.server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(map[string]any{"model": tc.model, "stream": tc.stream, "messages": []any{map[string]string{"role": "user", "content": end}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Switchyard-Tags: a\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(conn)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		rest := bufio.NewReader(bytes.NewReader(raw))
		resp, err := http.ReadResponse(rest, nil)
		if err != nil {
			t.Errorf("%q: %v in %q", tc.model, err, raw)
			continue
		}
		answer, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || rest.Buffered() > 0 || resp.StatusCode != tc.status || resp.Header.Get("Injected") != "" {
			t.Errorf("%q: %d bytes after the answer, status %d, %v: %q", tc.model, rest.Buffered(), resp.StatusCode, err, raw)
		}
		for line := range bytes.FieldsFuncSeq(answer, func(r rune) bool { return r == '\n' || r == '\r' }) {
			if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok && tc.stream && !json.Valid(data) && string(data) != "[DONE]" {
				t.Errorf("%q: the stream has the line %q", tc.model, line)
			}
		}
	}
}
