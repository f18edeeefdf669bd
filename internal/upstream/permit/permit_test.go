package permit

import (
	"strings"
	"testing"
)

func TestPath(t *testing.T) {
	t.Parallel()
	for _, ref := range []string{
		"/", "/v1/chat/completions", "/v1/messages?beta=true", "/openai/deployments/a%20b/chat/completions?api-version=2024-10-21",
		"/model/arn%3Aaws%3Abedrock%2Fx/converse", "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", "/a/..b/...", "/.well-known/x",
		"/v1?filter[]=a&q=%2e%2e", "/a//b", "/100%25", "/a;b=c", "/user@home:80/x", "/a?q=%c3%a9&keys=2&monkey=1&authored=1", "/a?", "/%2525",
	} {
		if err := Path(ref); err != nil {
			t.Errorf("Path(%q): %v", ref, err)
		}
	}
	for says, refs := range map[string][]string{
		`does not begin with "/"`: {"", "v1/chat", "?x=1", "http://evil.example/", "https:/x", "@evil.example/", ":80/x", "\\\\evil.example", "#x"},
		`begins with "//"`:        {"//evil.example/x", "///x", "//user@evil.example/"},
		`escaped "//"`:            {"/%2fevil.example/x", "/%2Fevil.example", "/%252fevil.example"},
		`".." segment`: {
			"/..", "/../x", "/v1/../../x", "/v1/..", "/v1/.", "/./x", "/v1/..;x=1/a", "/v1/..?x", "/.;/x",
			"/%2e%2e/x", "/%2E%2e", "/.%2e/x", "/v1/%2e%2e%2fx", "/v1%2f..%2fx", "/v1/%2e%2e;a/x", "/%252e%252e/x", "/v1%252f%252e%252e",
		},
		"may not stand in it unescaped": {
			"/a#b", "/a b", "/a\tb", "/a\r\nHost: x", "/a\nb", "/a\x00", "/\x7f", "/é", "/<x>", "/a\"b", "/{x}", "/a^b", "/a|b", "/a`b", "/a\\..\\b",
			"/a?b#c", "/a?b c", "/a?é", "/a?\x00", "/a?b\r\nHost: x",
		},
		"escaped byte 0x":   {"/a%00", "/a%0d%0aX", "/a%250a", "/a%5cb", "/v1/..%5cx", "/%5c%5cevil", "/a%c0%ae%c0%ae/", "/%ef%bc%8e%ef%bc%8e/", "/a%7f", "/a%0bb"},
		"escaped control":   {"/a?b=%0d%0aHost:%20x", "/a?%00=1", "/a?b=%250a", "/a?b[%0a]=1"},
		"begins no escape":  {"/%", "/%2", "/%zz", "/a?%g0"},
		"escaped more than": {"/%25252525252525e", "/%" + strings.Repeat("25", 2000)},
		"the limit is":      {"/" + strings.Repeat("a", 9<<10)},
		"could carry a credential": {
			"/a?key=x", "/a?KEY=x", "/a?b=1&key", "/a?b=1;key=x", "/a?k%65y=x", "/a?k%2565y=x", "/a?key[]=x", "/a?key[0]=x", "/a?+key=x", "/a?api_key=x",
			"/a?api-key=x", "/a?apiKey=x", "/a?access_token=x", "/a?X-Amz-Signature=x", "/a?x-amz-security-token=x", "/a?authorization=x", "/a?client_secret=x",
		},
	} {
		for _, ref := range refs {
			if err := Path(ref); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("Path(%.60q) says %v, want %s", ref, err, says)
			}
		}
	}
}

type field struct{ name, value string }

func TestHeader(t *testing.T) {
	t.Parallel()
	for _, f := range []field{
		{"content-type", "application/json"}, {"anthropic-version", "2023-06-01"}, {"anthropic-beta", "a,b"}, {"OpenAI-Organization", "org"},
		{"x-amzn-bedrock-guardrailidentifier", "g"}, {"accept", "text/event-stream"}, {"x-empty", ""}, {"x-tab", "a\tb"}, {"idempotency-key", "1"},
		{"x_under", "1"}, {"User-Agent", "plugin/1 (a; b)"}, {"x-tokens", "5"}, {strings.Repeat("x", MaxName), "1"},
	} {
		if err := Header(f.name, f.value); err != nil {
			t.Errorf("%q: %v", f.name, err)
		}
	}
	for says, list := range map[string][]field{
		"is set by the host": {
			{"Host", "evil"}, {"hOST", "evil"}, {"X-Host", "evil"}, {"X-Forwarded-Host", "evil"}, {"X_Forwarded_Host", "evil"}, {"Forwarded", "host=evil"}, {"via", "x"},
			{"X-Original-URL", "/admin"}, {"X-Rewrite-Url", "/admin"}, {"X-HTTP-Method-Override", "DELETE"}, {"x-method-override", "DELETE"}, {"x-real-ip", "127.0.0.1"},
			{"Proxy-Connection", "x"}, {"connection", "close"}, {"Connection", "content-length"}, {"Keep-Alive", "1"}, {"transfer-encoding", "chunked"}, {"Transfer_Encoding", "chunked"},
			{"TE", "trailers"}, {"upgrade", "h2c"}, {"HTTP2-Settings", "x"}, {"Trailer", "x"}, {"Content-Length", "1"}, {"content_length", "1"},
			{"accept-encoding", "gzip"}, {"expect", "100-continue"}, {"X-Amz-Date", "x"}, {"x-amz-", "x"}, {"proxy-authorization", "x"}, {"Proxy_Authorization", "x"},
		},
		"could carry a credential": {
			{"Authorization", "Bearer x"}, {"aUTHORIZATION", "x"}, {"X-API-Key", "x"}, {"x_api_key", "x"}, {"xapikey", "x"}, {"api-key", "x"}, {"x-goog-api-key", "x"},
			{"cookie", "a=b"}, {"Cookie2", "x"}, {"Set-Cookie", "x"}, {"cf-aig-authorization", "x"}, {"x-auth-token", "x"}, {"X-Access-Token", "x"}, {"cf-access-client-secret", "x"},
		},
		"has no name": {{"", "x"}},
		"is not a header name": {
			{"a b", "x"}, {"a:", "x"}, {"a\r\nb", "x"}, {"a\x00", "x"}, {":authority", "x"}, {":path", "/x"}, {"é", "x"}, {"Host ", "x"}, {" host", "x"}, {"\thost", "x"},
			{"a.b", "x"}, {"a~", "x"}, {"a!", "x"}, {"host\x0b", "x"}, {strings.Repeat("x", MaxName+1), "1"},
		},
		"contains the": {
			{"x", "a\r\nHost: evil"}, {"x", "a\nb"}, {"x", "a\rb"}, {"x", "a\r\n folded"}, {"x", "a\x00b"}, {"x", "\x7f"}, {"x", "\x1b[0m"},
			{"x", "a\x85Host: evil"}, {"x", "Å"}, {"x", "é"}, {"x", "\u2028"},
		},
	} {
		for _, f := range list {
			err := Header(f.name, f.value)
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%q: %q: says %v, want %s", f.name, f.value, err, says)
			}
		}
	}
	if err := Header("x-note", "secret\n"); strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), `"x-note"`) {
		t.Errorf("the value is in the message, or the name is not: %v", err)
	}
}

func TestKeyHeader(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Authorization", "x-api-key", "api-key", "x-goog-api-key", "Cookie", "Ocp-Apim-Subscription-Key", "X-Custom-Key"} {
		if err := KeyHeader(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "a b", "x\r\n", "Host", "Content-Length", "transfer_encoding", "Connection", "proxy-authorization", "X-Amz-Date", "content-type", "User-Agent", "X-Forwarded-Host"} {
		if err := KeyHeader(name); err == nil {
			t.Errorf("%q was accepted", name)
		}
	}
}

func TestHasParameter(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]bool{
		"": false, "a=1": false, "k=1": true, "a=1&k": true, "a=1;k=2": true, "K=1": true, "%6b=1": true, "%256b=1": true, "k[]=1": true, "+k=1": true,
		"a=k": false, "kk=1": false, "a=1&&k=": true,
	} {
		if got := HasParameter(query, "k"); got != want {
			t.Errorf("%q: %v", query, got)
		}
	}
	if !HasParameter("my_key=1", "my-key") || !HasParameter("a%26b=1", "a&b") {
		t.Error("names are not compared as servers might")
	}
}
