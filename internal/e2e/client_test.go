package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// plain is the client of every test without an SDK. It never repeats anything by itself, because a request with a body
// and without an idempotency key is not repeated once it was sent.
var plain = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}

// answer is a whole response.
type answer struct {
	status int
	header http.Header
	body   string
}

// json reads a path of the body, in gjson's notation.
func (a *answer) json(path string) string { return gjson.Get(a.body, path).String() }

// send makes one request. Headers are name, value, …
func send(ctx context.Context, method, url, body string, header ...string) (*answer, error) {
	resp, err := do(ctx, method, url, body, header...)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return &answer{resp.StatusCode, resp.Header, string(b)}, err
}

func do(ctx context.Context, method, url, body string, header ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return plain.Do(req)
}

// ask is a chat request with one message. Members, if any, follow it.
func ask(model, text string, members ...string) string {
	more := ""
	if len(members) > 0 {
		more = "," + strings.Join(members, ",")
	}
	return fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":%q}]%s}`, model, text, more)
}

const streamed = `"stream":true`

// post sends a request that must be answered, whatever the status.
func (r *router) post(path, body string, header ...string) *answer {
	r.t.Helper()
	a, err := send(r.t.Context(), http.MethodPost, r.url+path, body, header...)
	if err != nil {
		r.t.Fatalf("POST %s: %v", path, err)
	}
	return a
}

// stream is a response that is read as it comes.
type stream struct {
	header http.Header
	body   io.ReadCloser
	lines  *bufio.Scanner
}

// open begins a stream. An answer other than 200 is an error.
func open(ctx context.Context, url, body string, header ...string) (*stream, error) {
	resp, err := do(ctx, http.MethodPost, url, body, header...)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return nil, errors.Join(fmt.Errorf("status %d: %s", resp.StatusCode, b), err)
	}
	s := &stream{resp.Header, resp.Body, bufio.NewScanner(resp.Body)}
	s.lines.Buffer(nil, 1<<20)
	return s, nil
}

// next returns the data of the next event, or the next line of NDJSON, and io.EOF at an orderly end.
func (s *stream) next() (string, error) {
	for s.lines.Scan() {
		line := s.lines.Text()
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			return data, nil
		}
		if strings.HasPrefix(line, "{") {
			return line, nil
		}
		if line != "" {
			return "", fmt.Errorf("a line that is no event: %q", line)
		}
	}
	if err := s.lines.Err(); err != nil {
		return "", err
	}
	return "", io.EOF
}

// rest reads the stream to its end and closes it.
func (s *stream) rest() ([]string, error) {
	defer s.body.Close()
	var all []string
	for {
		data, err := s.next()
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return all, err
		}
		all = append(all, data)
	}
}

// open begins a stream that must be answered with 200. It is closed at the end of the test.
func (r *router) open(ctx context.Context, path, body string, header ...string) *stream {
	r.t.Helper()
	s, err := open(ctx, r.url+path, body, header...)
	if err != nil {
		r.t.Fatalf("POST %s: %v", path, err)
	}
	r.t.Cleanup(func() { s.body.Close() })
	return s
}

// texts reads until n pieces of text have come and returns them.
func (s *stream) texts(t testing.TB, n int) string {
	t.Helper()
	var b strings.Builder
	for n > 0 {
		data, err := s.next()
		if err != nil {
			t.Fatalf("after %q: %v", b.String(), err)
		}
		if text := textOf(data); text != "" {
			b.WriteString(text)
			n--
		}
	}
	return b.String()
}

// textOf is the text in an event of the OpenAI dialect, or in a line of /complete/stream.
func textOf(data string) string {
	if text := gjson.Get(data, "choices.0.delta.content"); text.Exists() {
		return text.String()
	}
	return gjson.Get(data, "text").String()
}

// whole checks that events of the OpenAI dialect are a complete answer and returns its text.
func whole(events []string) (string, error) {
	if len(events) < 3 || events[len(events)-1] != "[DONE]" {
		return "", fmt.Errorf("%d events that do not end in [DONE]: %q", len(events), events[max(0, len(events)-2):])
	}
	var b strings.Builder
	finish := ""
	for _, data := range events[:len(events)-1] {
		if e := gjson.Get(data, "error"); !gjson.Valid(data) || e.Exists() {
			return b.String(), fmt.Errorf("an event %s", data)
		}
		b.WriteString(textOf(data))
		if f := gjson.Get(data, "choices.0.finish_reason").String(); f != "" {
			finish += f
		}
	}
	return b.String(), want("finish reason", finish, "stop")
}

// marked checks that a text is n tokens that all begin with the marker: nothing is missing, nothing is another's.
func marked(text, marker string, n int) error {
	all := strings.Fields(text)
	if len(all) != n {
		return fmt.Errorf("marker %s: %d tokens, want %d: %q", marker, len(all), n, text)
	}
	for _, token := range all {
		if !strings.HasPrefix(token, marker+".") {
			return fmt.Errorf("marker %s: token %q in %q", marker, token, text)
		}
	}
	return nil
}
