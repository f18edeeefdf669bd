package http1

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// seen is what a handler sees of a request.
type seen struct {
	Method, URI, Host, Proto, Remote, Body string
	Major, Minor                           int
	URL                                    url.URL
	Header                                 http.Header
	Length                                 int64
	Encoding                               []string
	Close                                  bool
	Err                                    string
}

func see(r *http.Request) seen {
	body, err := io.ReadAll(r.Body)
	s := seen{
		Method: r.Method, URI: r.RequestURI, Host: r.Host, Proto: r.Proto, Remote: r.RemoteAddr, Body: string(body),
		Major: r.ProtoMajor, Minor: r.ProtoMinor, URL: *r.URL, Header: r.Header, Length: r.ContentLength,
		Encoding: r.TransferEncoding, Close: r.Close,
	}
	if err != nil {
		s.Err = err.Error()
	}
	return s
}

// pair is both servers with one handler.
type pair map[string]*queue

// newPair starts both.
func newPair(t testing.TB, h http.HandlerFunc) pair {
	t.Helper()
	p := pair{}
	for name, ours := range map[string]bool{"http1": true, "nethttp": false} {
		q := newQueue()
		q.addr = &net.UnixAddr{Name: "here", Net: "unix"}
		server := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
		var s serverOf = server
		if ours {
			s = New(server)
		}
		done := make(chan struct{})
		go func() { defer close(done); _ = s.Serve(q) }()
		t.Cleanup(func() { _ = s.Close(); <-done })
		p[name] = q
	}
	return p
}

// play runs a script to its end.
func (p pair) play(name string, pieces ...[]byte) *script {
	s := newScript()
	for _, piece := range pieces {
		s.pieces = append(s.pieces, bytes.Clone(piece))
	}
	p[name].put(s)
	<-s.closed
	return s
}

// answer is a parsed answer.
type answer struct {
	Status int
	Header http.Header
	Body   string
	Err    string
}

// answers parses what a server wrote, leaving out what may differ.
func answers(out []byte, methods []string) (all []answer, rest string) {
	r := bufio.NewReader(bytes.NewReader(out))
	for i := 0; ; i++ {
		if _, err := r.Peek(1); err != nil {
			return all, ""
		}
		method := http.MethodGet
		if i < len(methods) {
			method = methods[i]
		}
		resp, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			left, _ := io.ReadAll(r)
			return all, fmt.Sprintf("%v before %q", err, left)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		a := answer{Status: resp.StatusCode, Header: resp.Header, Body: string(body)}
		if err != nil {
			a.Err = err.Error()
		}
		if resp.Close {
			a.Header.Set("Connection", "close")
		}
		for _, name := range []string{"Date", "Content-Length"} {
			delete(a.Header, name)
		}
		if resp.StatusCode >= 100 && resp.StatusCode < 200 {
			i--
		}
		all = append(all, a)
	}
}

// recording is a handler that keeps what it sees.
type recording struct {
	mu  sync.Mutex
	all []seen
}

func (rec *recording) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := see(r)
	rec.mu.Lock()
	rec.all = append(rec.all, s)
	n := len(rec.all)
	rec.mu.Unlock()
	w.Header().Set("X-Number", fmt.Sprint(n))
	fmt.Fprintf(w, "%s %s %q", s.Method, s.URI, s.Body)
}

func (rec *recording) take() []seen {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	all := rec.all
	rec.all = nil
	return all
}

// compare plays the same bytes to both servers. pieces may be how our server gets them; net/http gets them at once.
func compare(t *testing.T, p pair, rec *recording, pieces ...[]byte) []seen {
	t.Helper()
	whole := bytes.Join(pieces, nil)
	ours := p.play("http1", pieces...)
	oursSeen := rec.take()
	theirs := p.play("nethttp", whole)
	theirsSeen := rec.take()
	if !reflect.DeepEqual(oursSeen, theirsSeen) {
		t.Fatalf("of %q\nthe handler saw\n%+v\nand behind net/http\n%+v", pieces, oursSeen, theirsSeen)
	}
	var methods []string
	for _, s := range theirsSeen {
		methods = append(methods, s.Method)
	}
	a, restA := answers(ours.out.Bytes(), methods)
	b, restB := answers(theirs.out.Bytes(), methods)
	for i, s := range theirsSeen {
		if s.Err != "" && i < len(a) && i < len(b) { // that the connection ends then, one or the other forgets to say
			delete(a[i].Header, "Connection")
			delete(b[i].Header, "Connection")
		}
	}
	if !reflect.DeepEqual(a, b) || restA != restB {
		t.Fatalf("to %q\nthe answers were\n%+v %s\nand of net/http\n%+v %s", pieces, a, restA, b, restB)
	}
	return theirsSeen
}

// plain are requests that are served here, alone or one behind the other.
var plain = []string{
	"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /v1/models?limit=2&after=a%20b HTTP/1.1\r\nhost: example.com:80\r\nUser-Agent: a b\tc\r\naccept: */*\r\nACCEPT: text/plain\r\nX-Empty:\r\nx-9a-BC_d!: 1 \t \r\n\r\n",
	"POST /v1/chat/completions HTTP/1.1\r\nHost: [::1]:8080\r\nContent-Length: 5\r\ncontent-type: application/json\r\n\r\nhello",
	"POST /a.b/c~d/@e:f HTTP/1.1\r\nHost: x\r\ncontent-length: 0003\r\nConnection: Keep-Alive\r\n\r\nabc",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nCookie: a=b\r\nCookie: c=d\r\ncookie: e=f\r\n\r\nabc",
	"GET /?a?b HTTP/1.1\r\nHost: x\r\n\r\n",
}

// last are requests after which nothing follows.
var last = []string{
	"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nab",
}

// odd are requests that are not plain, some of which net/http serves. None may reach our parser's callers in another way.
var odd = []string{
	"",
	"\r\n",
	"GET / HTTP/1.0\r\nHost: x\r\n\r\n",
	"GET / HTTP/1.1\r\n\r\n",
	"GET / HTTP/1.1\r\nHost:\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
	"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n",
	"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na",
	"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
	"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"get / HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /  HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
	"GET / http/1.1\r\nHost: x\r\n\r\n",
	"GET / HTTP/1.2\r\nHost: x\r\n\r\n",
	"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
	"GET /\r\nHost: x\r\n\r\n",
	"GET //a/b HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET http://y/a HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /a%2Fb HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /a%zz HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /?a#b HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /a? HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /a!b HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /a[b] HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /\x80 HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET / HTTP/1.1\nHost: x\n\n",
	"GET / HTTP/1.1\r\nHost: x\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nA: b\nC: d\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\n A: b\r\n\r\n",
	"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
	"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nA(: b\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nA: \x7f\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nA: \xe9\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nA\x00: b\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nPragma: no-cache\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, close\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nExpect: nothing\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
	"GET / HTTP/1.1\r\nHost: x\r\nTrailer: A\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", maxLines+3) + "\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("b", bufferSize) + "\r\n\r\n",
	"GET /" + strings.Repeat("b", bufferSize) + " HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\n",
	// Requests that two readers may end in different places.
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\nGET /smuggled HTTP/1.1\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\nabc",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\nabc",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\nabc",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\nabc",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3 3\r\n\r\nabc",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551619\r\n\r\nabc",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\nabc",
	"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\nabc",
	"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc",
	"POST / HTTP/1.1\r\nHost: x\r\ntransfer-encoding:\tchunked\r\n\r\n3;ext=1\r\nabc\r\n0\r\nA: b\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nA: b\r\n\tTransfer-Encoding: chunked\r\n\r\nabc",
}

func record() (*recording, http.HandlerFunc) {
	rec := &recording{}
	return rec, rec.ServeHTTP
}

// TestSameRequests plays requests alone, behind a plain one and before one.
func TestSameRequests(t *testing.T) {
	t.Parallel()
	rec, h := record()
	p := newPair(t, h)
	all := append(append(append([]string{}, plain...), last...), odd...)
	for _, r := range all {
		for _, before := range []string{"", plain[0], plain[2]} {
			for _, after := range []string{"", plain[2], "\r\n" + plain[0], "\n\r\n\n\n" + plain[0]} {
				compare(t, p, rec, []byte(before+r+after))
				compare(t, p, rec, []byte(before), []byte(r), []byte(after))
			}
		}
	}
	if got := compare(t, p, rec, []byte(strings.Join(plain, ""))); len(got) != len(plain) {
		t.Errorf("%d of %d requests were served", len(got), len(plain))
	}
}

// TestSplit has the bytes come in two pieces, wherever they are cut, and one by one.
func TestSplit(t *testing.T) {
	t.Parallel()
	rec, h := record()
	p := newPair(t, h)
	whole := []byte(plain[2] + plain[1] + plain[3] + odd[len(odd)-7] + last[1])
	for i := range whole {
		compare(t, p, rec, whole[:i], whole[i:])
	}
	var bytewise [][]byte
	for i := range whole {
		bytewise = append(bytewise, whole[i:i+1])
	}
	compare(t, p, rec, bytewise...)
	long := []byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("0123456789", 2000) + plain[2])
	for i := 0; i < len(long); i += 97 {
		compare(t, p, rec, long[:i], long[i:])
	}
	for i := range plain[2] { // breaks off
		compare(t, p, rec, []byte(plain[2][:i]))
	}
}

// TestPlainIsServedHere checks that what is called plain here does not go to net/http after all.
func TestPlainIsServedHere(t *testing.T) {
	t.Parallel()
	for _, r := range append(append([]string{}, plain...), last...) {
		c := newConn(New(&http.Server{}), newScript())
		c.buf = getBuffer()
		c.end = copy(c.buf, r)
		if c.recognise() == nil {
			t.Errorf("%q is not recognised", r)
		}
		c.cancel()
	}
	for _, r := range odd {
		c := newConn(New(&http.Server{}), newScript())
		c.buf = getBuffer()
		c.end = copy(c.buf, r)
		if c.recognise() != nil {
			t.Errorf("%q is taken", r)
		}
		c.cancel()
	}
}

func FuzzSameRequests(f *testing.F) {
	for _, r := range append(append(append([]string{}, plain...), last...), odd...) {
		if len(r) < 1000 {
			f.Add([]byte(r), 0)
			f.Add([]byte(plain[2]+r+plain[0]), 40)
		}
	}
	rec, h := record()
	p := newPair(f, h)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		if len(data) > 16<<10 {
			return
		}
		compare(t, p, rec, data)
		if cut = max(0, min(cut, len(data))); !bytes.Contains(data[cut:], []byte("\r\n\r\n\r")) {
			compare(t, p, rec, data[:cut], data[cut:])
		}
	})
}
