package upstream

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

var vectorTime = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)

func vectorCredential() *Credential {
	return &Credential{
		Scheme: SigV4, AccessKeyID: "AKIDEXAMPLE", SecretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
		Region: "us-east-1", Service: "service",
	}
}

// The signatures are those of the test suite that AWS publishes for Signature Version 4; the names are its case names.
func TestSigV4PublishedVectors(t *testing.T) {
	const token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
	cases := []struct {
		name, method, path, query, contentType, token, body, signed, signature string
	}{
		{"get-vanilla", "GET", "/", "", "", "", "", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1", "", "", "", "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", "", "", "", "host;x-amz-date", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
		{"get-vanilla-utf8-query", "GET", "/", "%E1%88%B4=bar", "", "", "", "host;x-amz-date", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
		{"get-slashes", "GET", "//example//", "", "", "", "", "host;x-amz-date", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
		{"post-vanilla", "POST", "/", "", "", "", "", "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{"post-vanilla-query", "POST", "/", "Param1=value1", "", "", "", "host;x-amz-date", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
		{"post-x-www-form-urlencoded", "POST", "/", "", "application/x-www-form-urlencoded", "", "Param1=value1", "content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
		{"post-sts-header-before", "POST", "/", "", "", token, "", "host;x-amz-date;x-amz-security-token", "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := &Outgoing{
				Method: c.method, Header: http.Header{}, Body: []byte(c.body),
				URL: &url.URL{Scheme: "https", Host: "example.amazonaws.com", Path: c.path, RawPath: c.path, RawQuery: c.query},
			}
			if c.contentType != "" {
				o.Header.Set("Content-Type", c.contentType)
			}
			cred := vectorCredential()
			cred.SessionToken = c.token
			if err := Apply(o, cred, vectorTime); err != nil {
				t.Fatal(err)
			}
			want := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" + c.signed + ", Signature=" + c.signature
			if got := o.Header.Get("Authorization"); got != want {
				t.Errorf("Authorization\n got %s\nwant %s", got, want)
			}
			if got := o.Header.Get("X-Amz-Date"); got != "20150830T123600Z" {
				t.Errorf("X-Amz-Date = %q", got)
			}
		})
	}
}

func TestCanonicalPathEscapesTwice(t *testing.T) {
	for path, want := range map[string]string{
		"/model/us.anthropic.claude-v1%3A0/converse": "/model/us.anthropic.claude-v1%253A0/converse",
		"/model/us.anthropic.claude-v1:0/converse":   "/model/us.anthropic.claude-v1%3A0/converse",
		"/model/arn%3Aaws%2Fprofile/converse-stream": "/model/arn%253Aaws%252Fprofile/converse-stream",
		"":      "/",
		"/a//b": "/a/b",
	} {
		if got := canonicalPath(path); got != want {
			t.Errorf("canonicalPath(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestSigV4SignsWhatIsSent(t *testing.T) {
	sign := func(change func(*Outgoing)) string {
		o := &Outgoing{
			Method: "POST", Body: []byte(`{"a":1}`), Header: http.Header{"Content-Type": {"application/json"}, "User-Agent": {"x"}},
			URL: &url.URL{Scheme: "https", Host: "h", Path: "/m", RawPath: "/m", RawQuery: "b=2&a=x+y"},
		}
		if change != nil {
			change(o)
		}
		if err := Apply(o, vectorCredential(), vectorTime); err != nil {
			t.Fatal(err)
		}
		if o.URL.RawQuery != "a=x%20y&b=2" {
			t.Errorf("query sent as %q", o.URL.RawQuery)
		}
		return o.Header.Get("Authorization")
	}
	base := sign(nil)
	if sign(func(o *Outgoing) { o.Header.Set("User-Agent", "y") }) != base {
		t.Error("a header that proxies may change is signed")
	}
	for name, change := range map[string]func(*Outgoing){
		"body":         func(o *Outgoing) { o.Body[2] = 'b' },
		"path":         func(o *Outgoing) { o.URL.Path, o.URL.RawPath = "/n", "/n" },
		"host":         func(o *Outgoing) { o.URL.Host = "i" },
		"content-type": func(o *Outgoing) { o.Header.Set("Content-Type", "text/plain") },
	} {
		if sign(change) == base {
			t.Errorf("the signature does not cover the %s", name)
		}
	}
}

func TestSigV4DefaultsToBedrock(t *testing.T) {
	o := &Outgoing{Method: "POST", Header: http.Header{}, URL: &url.URL{Host: "h", Path: "/"}}
	c := vectorCredential()
	c.Service = ""
	if err := Apply(o, c, vectorTime); err != nil {
		t.Fatal(err)
	}
	if got := o.Header.Get("Authorization"); !strings.Contains(got, "/us-east-1/bedrock/aws4_request") {
		t.Error(got)
	}
}

// TestSigV4SignsTheWholeBody: into how many pieces it falls makes no difference.
func TestSigV4SignsTheWholeBody(t *testing.T) {
	sign := func(o *Outgoing) string {
		o.Method, o.Header, o.URL = "POST", http.Header{}, &url.URL{Scheme: "https", Host: "example.amazonaws.com", Path: "/", RawPath: "/"}
		if err := Apply(o, vectorCredential(), vectorTime); err != nil {
			t.Fatal(err)
		}
		return o.Header.Get("Authorization")
	}
	whole := sign(&Outgoing{Body: []byte("abc")})
	if got := sign(&Outgoing{Body: []byte("a"), Middle: []byte("b"), End: []byte("c")}); got != whole {
		t.Errorf("signed %s, want %s", got, whole)
	}
	if sign(&Outgoing{Body: []byte("a")}) == whole {
		t.Error("the signature does not depend on the body")
	}
}
