package upstream

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func outgoing(query string) *Outgoing {
	return &Outgoing{Method: "POST", Header: http.Header{}, URL: &url.URL{Scheme: "https", Host: "h", Path: "/p", RawPath: "/p", RawQuery: query}}
}

func TestApply(t *testing.T) {
	for _, c := range []struct {
		name   string
		cred   Credential
		query  string
		header string // "Name: value" wanted
		sent   string // the query wanted
	}{
		{"none", Credential{}, "a=1", "", "a=1"},
		{"bearer", Credential{Scheme: Bearer, Key: "k"}, "", "Authorization: Bearer k", ""},
		{"header", Credential{Scheme: HeaderKey, Name: "x-api-key", Key: "k"}, "", "X-Api-Key: k", ""},
		{"header authorization", Credential{Scheme: HeaderKey, Name: "authorization", Key: "Token k"}, "", "Authorization: Token k", ""},
		{"azure", Credential{Scheme: AzureKey, Key: "k"}, "", "Api-Key: k", ""},
		{"query", Credential{Scheme: QueryKey, Name: "key", Key: "a+b&c"}, "alt=sse", "", "alt=sse&key=a%2Bb%26c"},
		{"query alone", Credential{Scheme: QueryKey, Name: "key", Key: "k"}, "", "", "key=k"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := outgoing(c.query)
			if err := Apply(o, &c.cred, vectorTime); err != nil {
				t.Fatal(err)
			}
			if o.URL.RawQuery != c.sent {
				t.Errorf("query %q, want %q", o.URL.RawQuery, c.sent)
			}
			want := http.Header{}
			if name, value, ok := strings.Cut(c.header, ": "); ok {
				want.Set(name, value)
			}
			if fmt.Sprint(o.Header) != fmt.Sprint(want) {
				t.Errorf("headers %v, want %v", o.Header, want)
			}
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	aws := func(change func(*Credential)) Credential {
		c := vectorCredential()
		c.SecretKey = "s3cret"
		change(c)
		return *c
	}
	for name, c := range map[string]Credential{
		"gcp":                     {Scheme: GCP, Key: "s3cret"},
		"unknown scheme":          {Scheme: 99, Key: "s3cret"},
		"no key":                  {Scheme: Bearer},
		"line end in the key":     {Scheme: Bearer, Key: "s3cret\n"},
		"header without a name":   {Scheme: HeaderKey, Key: "s3cret"},
		"not a header name":       {Scheme: HeaderKey, Name: "a: b", Key: "s3cret"},
		"host":                    {Scheme: HeaderKey, Name: "Host", Key: "s3cret"},
		"content-length":          {Scheme: HeaderKey, Name: "content-length", Key: "s3cret"},
		"query without a name":    {Scheme: QueryKey, Key: "s3cret"},
		"query parameter taken":   {Scheme: QueryKey, Name: "taken", Key: "s3cret"},
		"sigv4 without a region":  aws(func(c *Credential) { c.Region = "" }),
		"sigv4 without an access": aws(func(c *Credential) { c.AccessKeyID = "" }),
		"sigv4 without a secret":  aws(func(c *Credential) { c.SecretKey = "" }),
		"sigv4 line end":          aws(func(c *Credential) { c.SessionToken = "s3cret\r\n" }),
	} {
		o := outgoing("t%61ken=1")
		err := Apply(o, &c, time.Now())
		if KindOf(err) != Refused {
			t.Errorf("%s: accepted or wrong kind: %v", name, err)
			continue
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the secret is in %q", name, err)
		}
	}
}

func TestCredentialIsNeverPrinted(t *testing.T) {
	c := Credential{Scheme: SigV4, Name: "s3cret", Key: "s3cret", AccessKeyID: "s3cret", SecretKey: "s3cret", SessionToken: "s3cret"}
	target, err := NewTarget("https://h", []Field{{"X-Token", "s3cret"}})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	logger.Info("x", "credential", c, "pointer", &c, "target", target)
	js, err := json.Marshal(map[string]any{"a": c, "b": &c})
	if err != nil {
		t.Fatal(err)
	}
	all := log.String() + string(js)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		all += fmt.Sprintf(verb+verb, c, &c) + fmt.Sprintf(verb, []Credential{c}) + fmt.Sprintf(verb+verb, Request{Auth: &c}, target)
	}
	if strings.Contains(all, "s3cret") || strings.Contains(all, fmt.Sprintf("%x", "s3cret")) {
		t.Errorf("a secret was printed: %s", all)
	}
}
