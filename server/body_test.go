package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/switchyard-gateway/switchyard/internal/upstream"
)

func zipped(parts ...string) string {
	var b bytes.Buffer
	for _, p := range parts { // each part is a member of its own
		z := gzip.NewWriter(&b)
		_, _ = io.WriteString(z, p)
		_ = z.Close()
	}
	return b.String()
}

// padded is a chat request of exactly n bytes.
func padded(n int) string {
	return chatBody + strings.Repeat(" ", n-len(chatBody))
}

func TestBody(t *testing.T) {
	t.Parallel()
	const limit = 4096
	tooLarge := "request body is larger than 4096 bytes (server.max_body)"
	for _, tc := range []struct {
		name, coding, body string
		status             int
		code, message      string
	}{
		{"at the limit", "", padded(limit), 200, "", ""},
		{"over the limit", "", padded(limit + 1), 413, "request_too_large", tooLarge},
		{"far over the limit", "", padded(1 << 20), 413, "request_too_large", tooLarge},
		{"identity", "identity", chatBody, 200, "", ""},
		{"gzip", "gzip", zipped(chatBody), 200, "", ""},
		{"x-gzip, upper case", "X-GZIP", zipped(chatBody), 200, "", ""},
		{"gzip of several members", "gzip", zipped(chatBody[:20], "", chatBody[20:]), 200, "", ""},
		{"gzip at the limit", "gzip", zipped(padded(limit)), 200, "", ""},
		{"gzip over the limit", "gzip", zipped(padded(limit + 1)), 413, "request_too_large", tooLarge},
		{"gzip bomb", "gzip", zipped(padded(16 << 20)), 413, "request_too_large", tooLarge},
		{"gzip without content", "gzip", strings.Repeat(zipped(""), 1000), 413, "request_too_large", tooLarge},
		{"plain text as gzip", "gzip", chatBody, 400, "invalid_body", "not valid gzip"},
		{"gzip cut short", "gzip", zipped(chatBody)[:40], 400, "invalid_body", "not valid gzip"},
		{"gzip with a wrong checksum", "gzip", zipped(chatBody)[:len(zipped(chatBody))-8] + "12345678", 400, "invalid_body", "not valid gzip"},
		{"nothing as gzip", "gzip", "", 400, "invalid_body", "not valid gzip"},
		{"brotli", "br", chatBody, 415, "unsupported_content_encoding", `"br"`},
		{"two encodings", "gzip, gzip", chatBody, 415, "unsupported_content_encoding", `"gzip, gzip"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var sent []byte
			f := newFixture(t, setting{opts: Options{MaxBody: limit}, vendor: func(ctx context.Context, r *upstream.Request) (*upstream.Response, error) {
				sent = r.Body
				return hello(ctx, r)
			}})
			for _, length := range []string{"known", "unknown"} {
				sent = nil
				r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(tc.body))
				if length == "unknown" {
					r.ContentLength = -1
					r.Body = io.NopCloser(iotest.HalfReader(strings.NewReader(tc.body)))
				}
				r.Header.Set("Content-Encoding", tc.coding)
				w := httptest.NewRecorder()
				f.Handler().ServeHTTP(w, r)
				if w.Code != tc.status {
					t.Fatalf("length %s: got %d %s", length, w.Code, w.Body)
				}
				if tc.status == 200 {
					if want := `"model":"vendor-gpt","messages":[{"role":"user","content":"Hi"}]`; !bytes.Contains(sent, []byte(want)) {
						t.Errorf("length %s: the vendor got %q", length, sent)
					}
					continue
				}
				p := readProblem(t, w.Body.String())
				if text(p.Error.Code) != tc.code || !strings.Contains(p.Error.Message, tc.message) {
					t.Errorf("length %s: got %s", length, w.Body)
				}
			}
		})
	}
}

func TestDefaultBodyLimit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, setting{})
	w := f.chat(padded(5 << 20))
	if p := readProblem(t, w.Body.String()); w.Code != http.StatusRequestEntityTooLarge || p.Error.Message != "request body is larger than 4194304 bytes (server.max_body)" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestLargeBodyOverTheWire sends 5 MB with a known and with an unknown length: the client must be
// able to read the answer although its body is not wanted.
func TestLargeBodyOverTheWire(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(newFixture(t, setting{}).Handler())
	defer srv.Close()
	body := padded(5 << 20)
	for name, r := range map[string]io.Reader{"known": strings.NewReader(body), "unknown": io.MultiReader(strings.NewReader(body))} {
		for _, expect := range []string{"", "100-continue"} {
			req, err := http.NewRequest(http.MethodPost, srv.URL+"/v1/chat/completions", r)
			if err != nil {
				t.Fatal(err)
			}
			if expect != "" {
				req.Header.Set("Expect", expect)
				req.Body = io.NopCloser(strings.NewReader(body))
			}
			resp, err := srv.Client().Do(req)
			if err != nil {
				t.Fatalf("length %s, expect %q: %v", name, expect, err)
			}
			got, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(string(got), "request_too_large") {
				t.Errorf("length %s, expect %q: got %d %s (%v)", name, expect, resp.StatusCode, got, err)
			}
		}
	}
}

func TestBodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		err    error
		length int64
		status int
	}{
		{"client left, length known", io.EOF, 100, statusGone},
		{"client left, length unknown", io.ErrUnexpectedEOF, -1, statusGone},
		{"malformed chunk", errors.New("malformed chunked encoding"), -1, 400},
	} {
		for _, coding := range []string{"", "gzip"} {
			f := newFixture(t, setting{})
			start := `{"model":`
			if coding == "gzip" {
				start = zipped(chatBody)[:30]
			}
			r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", io.MultiReader(strings.NewReader(start), iotest.ErrReader(tc.err)))
			r.ContentLength = tc.length
			if errors.Is(tc.err, io.EOF) { // as net/http reports it
				r.Body = io.NopCloser(io.MultiReader(strings.NewReader(start), iotest.ErrReader(io.ErrUnexpectedEOF)))
			}
			r.Header.Set("Content-Encoding", coding)
			w := httptest.NewRecorder()
			f.Handler().ServeHTTP(w, r)
			if log := f.log.String(); w.Code != tc.status || !strings.Contains(log, fmt.Sprintf(`"status":%d`, tc.status)) || strings.Contains(log, `"ERROR"`) {
				t.Errorf("%s %s: got %d %s, log %s", tc.name, coding, w.Code, w.Body, log)
			}
		}
	}
}
