package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"testing"
)

const (
	ok200   = "HTTP/1.1 200 OK\r\n"
	inParts = ok200 + "Transfer-Encoding: chunked\r\n\r\n"
)

// answers are whole answers and what they mean.
var answers = []struct {
	name, text string
	want       fetched
}{
	{"length", ok200 + "Content-Length: 5\r\n\r\nhello", fetched{200, "hello", 5, true}},
	{"no words", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", fetched{200, "", 0, true}},
	{"empty words", "HTTP/1.1 404 \r\nContent-Length: 1\r\n\r\nx", fetched{404, "x", 1, true}},
	{"LF alone", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", fetched{200, "hi", 2, true}},
	{"the same length twice", ok200 + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", fetched{200, "hi", 2, true}},
	{"chunks", inParts + "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", fetched{200, "hello world", -1, true}},
	{"chunk with leading zeros, capitals, an extension", inParts + "00A;a=\"b\"\r\n0123456789\r\n1 \t\r\nx\r\n0;last\r\n\r\n", fetched{200, "0123456789x", -1, true}},
	{"trailers", inParts + "1\r\nx\r\n0\r\nX-Sum: 1\r\nX-Other:\r\n\r\n", fetched{200, "x", -1, true}},
	{"no chunk", inParts + "0\r\n\r\n", fetched{200, "", -1, true}},
	{"chunks and a length", ok200 + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", fetched{200, "x", -1, false}},
	{"to the end", ok200 + "\r\nto the end", fetched{200, "to the end", -1, false}},
	{"to an end at once", ok200 + "\r\n", fetched{200, "", -1, false}},
	{"no content", "HTTP/1.1 204 No Content\r\n\r\n", fetched{204, "", 0, true}},
	{"no content, with a length", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", fetched{204, "", 0, true}},
	{"not modified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", fetched{304, "", 0, true}},
	{"will close", ok200 + "Connection: x, Close\r\nContent-Length: 1\r\n\r\nx", fetched{200, "x", 1, false}},
	{"old", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", fetched{200, "x", 1, false}},
	{"old and kept", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx", fetched{200, "x", 1, true}},
	{"interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok200 + "Content-Length: 1\r\n\r\nx", fetched{200, "x", 1, true}},
	{"switching", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nraw", fetched{101, "", 0, false}},
	{"bytes after the body", ok200 + "Content-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n", fetched{200, "x", 1, false}},
	{"bytes after no body", "HTTP/1.1 204 No Content\r\n\r\nx", fetched{204, "", 0, false}},
	{"bytes after the chunks", inParts + "0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", fetched{200, "", -1, false}},
	{"large head", ok200 + "X-A: " + strings.Repeat("a", 3000) + "\r\nContent-Length: 1\r\n\r\nx", fetched{200, "x", 1, true}},
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, tc := range answers {
		for size := 1; size < 2*len(tc.text); size += 1 + size/20 {
			got, _, err := fetch(t, post("{}"), tc.text, size)
			want := tc.want
			if strings.HasPrefix(tc.name, "bytes after") && size < len(tc.text) {
				want.kept = got.kept // if they have not come yet, the probe finds them before the connection is used again
			}
			if err != nil || got != want {
				t.Errorf("%s, in pieces of %d bytes: %+v and %v, want %+v", tc.name, size, got, err, tc.want)
			}
		}
	}
	got, resp, err := fetch(t, &Request{Method: "HEAD", URI: "/"}, ok200+"content-length: 5\r\nx-a: 1\r\nX-A:\t2 \r\n\r\n", 100)
	if err != nil || got != (fetched{200, "", 0, true}) || !slices.Equal(resp.Header["X-A"], []string{"1", "2"}) {
		t.Errorf("HEAD: %+v, %v", got, err)
	}
}

// refused are answers that are not taken, and how far one may get with them.
var refused = map[string][]string{
	"before the headers": {
		"HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.2 200 OK\r\n\r\n", "http/1.1 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n",
		"HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 +20 OK\r\n\r\n", "HTTP/1.1 000 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n", "HTTP/1.1 200 O\x00K\r\n\r\n", "HTTP/1.1 200 O\rK\r\n\r\n",
		"\r\n\r\n", "\n\n", "SSH-2.0-x\r\n\r\n", "<html>\n\n", "\x16\x03\x01\n\n",
		ok200 + "no colon\r\n\r\n", ok200 + ": x\r\n\r\n", ok200 + "A : x\r\n\r\n", ok200 + "A\x00: x\r\n\r\n", ok200 + "Ä: x\r\n\r\n", ok200 + "A: x\x00\r\n\r\n", ok200 + "A: x\ry\r\n\r\n",
		ok200 + "A: 1\r\n folded\r\n\r\n", ok200 + " A: 1\r\n\r\n", ok200 + "A: 1\r\r\n\r\n", ok200 + "(a): 1\r\n\r\n",
		ok200 + "Content-Length: -1\r\n\r\n", ok200 + "Content-Length: +1\r\n\r\nx", ok200 + "Content-Length: 0x1\r\n\r\nx", ok200 + "Content-Length:\r\n\r\n", ok200 + "Content-Length: 1 1\r\n\r\nx",
		ok200 + "Content-Length: 1, 1\r\n\r\nx", ok200 + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", ok200 + "Content-Length: 99999999999999999999\r\n\r\n",
		ok200 + "Transfer-Encoding: gzip\r\n\r\n", ok200 + "Transfer-Encoding: gzip, chunked\r\n\r\n", ok200 + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
		ok200 + "Transfer-Encoding: identity\r\n\r\n", ok200 + "Transfer-Encoding: \x0bchunked\r\n\r\n", ok200 + "Transfer-Encoding:\r\n\r\n", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		ok200 + "X: " + strings.Repeat("x", 5000) + "\r\n\r\n", ok200 + strings.Repeat("X: y\r\n", 1000) + "\r\n", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 6) + ok200 + "\r\n",
		strings.Repeat("HTTP/1.1 103 Early\r\nX: "+strings.Repeat("x", 2000)+"\r\n\r\n", 3) + ok200 + "\r\n",
	},
	"in the body": {
		inParts + "\r\n", inParts + "x\r\n", inParts + "-1\r\n", inParts + "0x1\r\nx\r\n", inParts + " 1\r\nx\r\n", inParts + "1\nx\r\n", inParts + "1 x\r\nx\r\n", inParts + "1\rx\r\n",
		inParts + "1;a\nb\r\nx\r\n0\r\n\r\n", inParts + "1;\x00\r\nx\r\n", inParts + "1\r\nxy\r\n", inParts + "1\r\nx\n0\r\n\r\n", inParts + "1\r\nx\r0\r\n\r\n", inParts + "fffffffffffffffff\r\n",
		inParts + "0000000000000001\r\nx\r\n", inParts + "1;" + strings.Repeat("x", 20<<10) + "\r\nx\r\n0\r\n\r\n", inParts + "0\r\n" + strings.Repeat("X: y\r\n", 4000) + "\r\n",
		inParts + strings.Repeat("1;"+strings.Repeat("x", 200)+"\r\nx\r\n", 200) + "0\r\n\r\n", inParts + "0\r\n\n", inParts + "0\r\n\rx", inParts + "0\r\nno colon\r\n\r\n", inParts + "0\r\n a: b\r\n\r\n",
		inParts + "0\r\nA: b\n\r\n", inParts + "0\r\nA: \x00\r\n\r\n",
	},
}

func TestRefusedAnswers(t *testing.T) {
	t.Parallel()
	for where, texts := range refused {
		for _, text := range texts {
			for _, size := range []int{1, 7, len(text)} {
				_, resp, err := fetch(t, post("{}"), text, size)
				if !errors.Is(err, ErrMalformed) || (resp != nil) != (where == "in the body") {
					t.Errorf("%.100q in pieces of %d: %v, want a refusal %s", text, size, err, where)
				}
				if err != nil && strings.Contains(err.Error(), "\r") {
					t.Errorf("the error quotes the answer: %v", err)
				}
			}
		}
	}
}

// TestCutAnswers ends the connection after each byte: what is cut is never taken for whole.
func TestCutAnswers(t *testing.T) {
	t.Parallel()
	for _, tc := range answers {
		if strings.HasPrefix(tc.name, "to ") || strings.HasPrefix(tc.name, "bytes after") || tc.name == "switching" {
			continue
		}
		for n := range len(tc.text) {
			_, resp, err := fetch(t, post("{}"), tc.text[:n], 1000)
			want := io.ErrUnexpectedEOF
			if n == 0 {
				want = io.EOF
			}
			if !errors.Is(err, want) || n == 0 && resp != nil {
				t.Errorf("%s, %d bytes: %v, want %v", tc.name, n, err, want)
			}
		}
	}
}

// reference reads an answer with net/http, as a client that asked with POST.
func reference(text string) (resp *http.Response, body []byte, err error) {
	r := bufio.NewReader(strings.NewReader(text))
	for {
		if resp, err = http.ReadResponse(r, &http.Request{Method: http.MethodPost}); err != nil {
			return nil, nil, err
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			break
		}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(resp.Body)
	return resp, body, err
}

// FuzzAnswer compares with net/http: what is taken here is taken there too, and means the same. It does not hold the other
// way round.
func FuzzAnswer(f *testing.F) {
	for _, tc := range answers {
		f.Add(tc.text, 7)
	}
	for _, texts := range refused {
		for _, text := range texts {
			f.Add(text, 1000)
		}
	}
	f.Fuzz(func(t *testing.T, text string, size int) {
		if len(text) > 4000 {
			return // net/http has other limits
		}
		got, resp, err := fetch(t, post("{}"), text, max(size, 1))
		again, _, sameErr := fetch(t, post("{}"), text, len(text)+1)
		if (err == nil) != (sameErr == nil) || got.status != again.status || got.body != again.body {
			t.Fatalf("in pieces of %d: %+v, %v; at once: %+v, %v", size, got, err, again, sameErr)
		}
		if err != nil {
			return
		}
		want, body, err := reference(text) //nolint:bodyclose // reference does
		if err != nil {
			if strings.Contains(strings.ToLower(text), "trailer") {
				return // net/http judges what it promises
			}
			t.Fatalf("net/http refuses what was taken: %v", err)
		}
		if want.StatusCode == http.StatusSwitchingProtocols {
			body = nil // there, it is another protocol's
		}
		if got.status != want.StatusCode || got.body != string(body) {
			t.Fatalf("%d %q, net/http reads %d %q", got.status, got.body, want.StatusCode, body)
		}
		if got.kept && want.Close {
			t.Fatal("kept, net/http would close")
		}
		// net/http takes these out, or puts them in, or counts them once.
		for _, name := range []string{"Content-Length", "Transfer-Encoding", "Trailer", "Cache-Control", "Connection"} {
			delete(resp.Header, name)
			delete(want.Header, name)
		}
		if !maps.EqualFunc(resp.Header, want.Header, slices.Equal) {
			t.Fatalf("headers %q, net/http reads %q", resp.Header, want.Header)
		}
	})
}

// FuzzChunks compares the chunks alone, however they are cut, with net/http's reader.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\n\r\n"), uint16(3))
	f.Add([]byte("A;x=y\r\n0123456789\r\n1 \r\nx\r\n0\r\nA: b\r\n\r\n"), uint16(1))
	f.Fuzz(func(t *testing.T, wire []byte, size uint16) {
		strip := func(size int) (out []byte, c chunks) {
			for rest := wire; len(rest) > 0 && c.state < chunksEnd; {
				p := bytes.Clone(rest[:min(len(rest), size)])
				rest = rest[len(p):]
				n, _ := c.strip(p)
				out = append(out, p[:n]...)
			}
			return out, c
		}
		out, c := strip(int(size) + 1)
		whole, d := strip(len(wire) + 1)
		if !bytes.Equal(out, whole) || c.state != d.state {
			t.Fatalf("cut: %q and state %d, whole: %q and %d", out, c.state, whole, d.state)
		}
		if c.state != chunksEnd || len(wire) > 4000 {
			return
		}
		want, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(wire)))
		if err != nil || !bytes.Equal(out, want) {
			t.Fatalf("%q, net/http reads %q, %v", out, want, err)
		}
	})
}
