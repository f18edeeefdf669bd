package upstream

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/upstream/permit"
)

// wire is a vendor below HTTP: it takes every byte that comes, and answers when a request is whole.
type wire struct {
	addr  string
	conns chan []byte // what came over each connection
}

func newWire(t testing.TB) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	w := &wire{addr: l.Addr().String(), conns: make(chan []byte, 16)}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			w.conns <- serveWire(conn)
		}
	}()
	return w
}

// piped is a wire without a network: a connection is a pipe, so that a fuzz target does not use up the system's ports.
func piped(f *testing.F) (*wire, *Client) {
	w, c := &wire{addr: "vendor.example:8080", conns: make(chan []byte, 16)}, newClient(f, Options{})
	c.transport.Proxy = nil
	c.transport.DialContext = func(_ context.Context, _, addr string) (net.Conn, error) {
		if addr != w.addr {
			return nil, fmt.Errorf("a guest has led to %s", addr)
		}
		ours, theirs := net.Pipe()
		go func() { w.conns <- serveWire(theirs) }()
		return ours, nil
	}
	return w, c
}

// serveWire reads until the client closes the connection, and answers the first request.
func serveWire(conn net.Conn) []byte {
	defer func() { _ = conn.Close() }()
	var got []byte
	buf := make([]byte, 64<<10)
	for answered := false; ; {
		n, err := conn.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil {
			return got
		}
		if head, body, ok := bytes.Cut(got, []byte("\r\n\r\n")); ok && !answered && len(body) >= contentLength(head) {
			answered = true
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
		}
	}
}

func contentLength(head []byte) int {
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		if name, value, _ := strings.Cut(string(line), ": "); strings.EqualFold(name, "content-length") {
			n, _ := strconv.Atoi(value)
			return n
		}
	}
	return 0
}

// The operator's side of these tests.
const (
	wireKey   = "the-key-0123456789"
	wireValue = "operators-own-value"
)

var wireBases = [...]string{"", "/", "/base", "/base/v1/", "/a%20b/c"}

// guest is what a plugin chooses.
type guest struct {
	ref    string
	fields []Field
	scheme Scheme
	name   string // of the credential's header or parameter
	body   string
}

// send sends what a guest chose. It returns what reached the vendor, nil when the request was refused.
func (w *wire) send(t testing.TB, c *Client, base string, g *guest) ([]byte, error) {
	t.Helper()
	target, err := NewTarget("http://"+w.addr+base, []Field{{"X-Operator", wireValue}, {"User-Agent", "operator/1"}})
	if err != nil {
		t.Fatal(err)
	}
	cred := &Credential{
		Scheme: g.scheme, Name: g.name, Service: g.name, Key: wireKey, AccessKeyID: "AKIDEXAMPLE", SecretKey: wireKey + "-of-aws", Region: "eu-west-1",
	}
	r, err := c.Do(t.Context(), &Request{Target: target, Path: g.ref, Header: g.fields, Body: []byte(g.body), Auth: cred})
	if err != nil {
		select {
		case got := <-w.conns:
			t.Fatalf("%v, but these bytes went out: %q", err, got)
		default:
		}
		return nil, err
	}
	if _, err := r.ReadAll(100); err != nil {
		t.Fatal(err)
	}
	return <-w.conns, nil
}

// forbidden are headers that only the transport may write, or nobody.
var forbidden = []string{
	"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "trailer", "expect", "proxy-authorization", "proxy-connection", "cookie",
	"forwarded", "x-forwarded-host", "x-original-url", "x-rewrite-url", "x-http-method-override",
}

// one checks that bytes are exactly one request of a guest: to the host, below the base path, with one credential, and
// with what the operator wants.
func one(got []byte, host, base string, g *guest) error {
	head, body, ok := strings.Cut(string(got), "\r\n\r\n")
	if !ok || body != g.body {
		return fmt.Errorf("the body is %q", body)
	}
	lines := strings.Split(head, "\r\n")
	base = strings.TrimRight(base, "/")
	query := g.ref
	if g.scheme == SigV4 || g.scheme == QueryKey {
		query, _, _ = strings.Cut(g.ref, "?") // the query is written anew, or grows
	}
	if !strings.HasPrefix(lines[0], "POST "+base+strings.TrimSuffix(query, "?")) || !strings.HasSuffix(lines[0], " HTTP/1.1") || strings.Count(lines[0], " ") != 2 {
		return fmt.Errorf("the request line is %q", lines[0])
	}
	sent := map[string][]string{}
	for _, line := range lines {
		for i := range len(line) {
			if line[i] < ' ' && line[i] != '\t' || line[i] > '~' {
				return fmt.Errorf("%q has the byte 0x%02x", line, line[i])
			}
		}
	}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ": ")
		if !ok || permit.Field(name, value) != nil {
			return fmt.Errorf("%q is no header", line)
		}
		name = permit.Plain(name)
		sent[name] = append(sent[name], value)
	}
	for name, want := range map[string]string{
		"host": host, "content-length": strconv.Itoa(len(g.body)), "x-operator": wireValue, "user-agent": "operator/1", "accept-encoding": "identity",
	} {
		if !slices.Equal(sent[name], []string{want}) {
			return fmt.Errorf("%s is %q, want %q", name, sent[name], want)
		}
	}
	for _, name := range forbidden {
		if len(sent[name]) > 0 && permit.Plain(g.name) != name {
			return fmt.Errorf("%s is %q", name, sent[name])
		}
	}
	return credentialOf(got, sent, lines[0], g)
}

// credentialOf checks that there is exactly the credential that was chosen.
func credentialOf(got []byte, sent map[string][]string, line string, g *guest) error {
	where := map[Scheme]string{Bearer: "authorization", AzureKey: "api-key", HeaderKey: permit.Plain(g.name), SigV4: "authorization"}[g.scheme]
	for _, name := range []string{"authorization", "api-key", "x-api-key", "x-goog-api-key", where} {
		if want := min(1, len(where)); name == where && len(sent[name]) != want || name != where && len(sent[name]) > 0 {
			return fmt.Errorf("%s is there %d times", name, len(sent[name]))
		}
	}
	times := 1
	if g.scheme == NoAuth || g.scheme == SigV4 {
		times = 0
	}
	if n := bytes.Count(got, []byte(wireKey)); n != times {
		return fmt.Errorf("the key is there %d times, want %d", n, times)
	}
	if n := strings.Count(line, wireKey); g.scheme == QueryKey && n != 1 {
		return fmt.Errorf("the key is %d times in %q", n, line)
	}
	return nil
}

// below checks that a path that was sent stays below the base for a server that unescapes it any number of times.
func below(sent, base string) error {
	base = strings.TrimRight(base, "/")
	plainBase, _ := url.PathUnescape(base)
	for {
		clean := path.Clean("/" + strings.TrimLeft(strings.ReplaceAll(sent, "\\", "/"), "/"))
		if strings.HasPrefix(sent, "//") || clean != base && clean != plainBase && !strings.HasPrefix(clean+"/", base+"/") && !strings.HasPrefix(clean+"/", plainBase+"/") {
			return fmt.Errorf("%q leaves %q", sent, base)
		}
		next, broken := url.PathUnescape(sent)
		if broken != nil || next == sent {
			return nil //nolint:nilerr // what can't be unescaped again is as far as a server gets
		}
		sent = next
	}
}

func TestGuestsRequests(t *testing.T) { both(t, testGuestsRequests) }

func testGuestsRequests(t *testing.T, newClient maker) {
	t.Parallel()
	w, c := newWire(t), newClient(t, Options{})
	for name, tc := range map[string]struct {
		guest
		says string // in the refusal, "": it is sent
	}{
		"plain":                        {guest{ref: "/v1/chat?a=b", scheme: Bearer, body: "{}"}, ""},
		"without a body":               {guest{ref: "/v1/chat", scheme: AzureKey}, ""},
		"operator's header":            {guest{ref: "/x", scheme: Bearer, fields: []Field{{"x-operator", "guest"}, {"X_Operator", "guest"}, {"user-agent", "guest"}}}, ""},
		"two of a kind":                {guest{ref: "/x", scheme: Bearer, fields: []Field{{"x-a", "1"}, {"X-A", "2"}}}, ""},
		"key in the query":             {guest{ref: "/x?a=b", scheme: QueryKey, name: "key"}, ""},
		"key in a header of its own":   {guest{ref: "/x", scheme: HeaderKey, name: "X-Custom-Key"}, ""},
		"signed":                       {guest{ref: "/x?b=1&a=2", scheme: SigV4, name: "bedrock", body: "{}"}, ""},
		"no credential":                {guest{ref: "/x"}, ""},
		"the key's header":             {guest{ref: "/x", scheme: HeaderKey, name: "X-Custom-Key", fields: []Field{{"x_custom_key", "mine"}}}, `"X_custom_key"`},
		"the key's parameter":          {guest{ref: "/x?K%65y2=mine", scheme: QueryKey, name: "key2"}, `"key2"`},
		"another credential":           {guest{ref: "/x", scheme: QueryKey, name: "key", fields: []Field{{"authorization", "Bearer mine"}}}, `"authorization"`},
		"the key as the host":          {guest{ref: "/x", scheme: HeaderKey, name: "Host"}, `"Host"`},
		"the key as the length":        {guest{ref: "/x", scheme: HeaderKey, name: "content_length"}, `"content_length"`},
		"the key splits":               {guest{ref: "/x", scheme: HeaderKey, name: "a\r\nb"}, `"a\r\nb"`},
		"the service splits":           {guest{ref: "/x", scheme: SigV4, name: "a\r\nb"}, "the service"},
		"the service ends the scope":   {guest{ref: "/x", scheme: SigV4, name: "a/aws4_request, SignedHeaders=host"}, "the service"},
		"path":                         {guest{ref: "/../admin", scheme: Bearer}, `"/../admin"`},
		"escaped path":                 {guest{ref: "/%2e%2e%2fadmin", scheme: Bearer}, `"/%2e%2e%2fadmin"`},
		"another host":                 {guest{ref: "//evil.example/x", scheme: Bearer}, `"//evil.example/x"`},
		"another host, escaped":        {guest{ref: "/%2fevil.example/x", scheme: Bearer}, `"/%2fevil.example/x"`},
		"a URL":                        {guest{ref: "http://evil.example/x", scheme: Bearer}, `"http://evil.example/x"`},
		"a user":                       {guest{ref: "@evil.example/x", scheme: Bearer}, `"@evil.example/x"`},
		"a port":                       {guest{ref: ":1/x", scheme: Bearer}, `":1/x"`},
		"a second request in the path": {guest{ref: "/x HTTP/1.1\r\nHost: evil\r\n\r\nGET /", scheme: Bearer}, `" "`},
		"a second request in a query":  {guest{ref: "/x?a=b\r\nHost:evil", scheme: Bearer}, `"\r"`},
		"a second request in a header": {guest{ref: "/x", scheme: Bearer, fields: []Field{{"x-a", "1\r\n\r\nGET / HTTP/1.1"}}}, `"x-a"`},
		"a folded header":              {guest{ref: "/x", scheme: Bearer, fields: []Field{{"x-a", "1\r\n 2"}}}, `"x-a"`},
		"content-type twice":           {guest{ref: "/x", scheme: Bearer, fields: []Field{{"content-type", "a/b"}, {"Content-Type", "c/d"}}}, `"Content-Type"`},
		"too many headers":             {guest{ref: "/x", scheme: Bearer, fields: make([]Field, 65)}, "65"},
		"too large headers":            {guest{ref: "/x", scheme: Bearer, fields: []Field{{"x-a", strings.Repeat("a", 20<<10)}, {"x-b", strings.Repeat("b", 20<<10)}}}, "the limit is 32768"},
		"fragment":                     {guest{ref: "/x#y", scheme: Bearer}, `"#"`},
		"not ASCII":                    {guest{ref: "/é", scheme: Bearer}, "unescaped"},
	} {
		for _, base := range wireBases {
			got, err := w.send(t, c, base, &tc.guest)
			if tc.says != "" {
				if KindOf(err) != Refused || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), wireKey) {
					t.Errorf("%s, base %q: %v, want %s", name, base, err, tc.says)
				}
				continue
			}
			if err == nil {
				err = one(got, w.addr, base, &tc.guest)
			}
			if err != nil {
				t.Errorf("%s, base %q: %v\n%s", name, base, err, got)
			}
		}
	}
}

// FuzzWire lets a guest choose everything that it can: what reaches the vendor is one request as the operator wants it, or
// nothing.
func FuzzWire(f *testing.F) {
	f.Add("/v1/chat", "x-a", "1", "x-b", "2", uint8(Bearer), "", "{}", uint8(0))
	f.Add("/v1/%2e%2e/x?key=1", "Host", "evil", "content-type", "a/b\r\nc: d", uint8(QueryKey), "key", "", uint8(1))
	f.Add("/;/..;/x#", "transfer_encoding", "chunked", "Content-Length", "0", uint8(HeaderKey), "x-api-key", "0\r\n\r\nGET / HTTP/1.1\r\n\r\n", uint8(3))
	f.Add("//h/x?a=b&b;c", "x-operator", "mine", "x_operator", "mine", uint8(SigV4), "bedrock", "{}", uint8(2))
	w, c := piped(f)
	f.Fuzz(func(t *testing.T, ref, name1, value1, name2, value2 string, scheme uint8, authName, body string, base uint8) {
		g := &guest{ref: ref, fields: []Field{{name1, value1}, {name2, value2}}, scheme: Scheme(scheme % uint8(GCP)), name: authName, body: body}
		if strings.Contains(ref+name1+value1+name2+value2+authName+body, wireKey) {
			return // it would be counted
		}
		on := wireBases[int(base)%len(wireBases)]
		got, err := w.send(t, c, on, g)
		if err != nil {
			if KindOf(err) != Refused {
				t.Fatal(err)
			}
			return
		}
		if err := one(got, w.addr, on, g); err != nil {
			t.Fatalf("%v\n%q", err, got)
		}
		line, _, _ := strings.Cut(string(got), "\r\n")
		sent, _, _ := strings.Cut(strings.Split(line, " ")[1], "?")
		if err := below(sent, on); err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequest(http.MethodPost, "http://"+w.addr+strings.Split(line, " ")[1], nil)
		if err != nil || r.Host != w.addr || r.URL.User != nil || r.URL.Fragment != "" {
			t.Fatalf("others read %q as %v, %v", line, r, err)
		}
	})
}
