package upstream

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"
)

// Whatever a plugin asks for, the request goes to the operator's host and below the operator's path.
func FuzzResolve(f *testing.F) {
	for _, s := range []string{"/v1/x?a=b", "/%2e%2e/", "//h/", "/a;/..;/b", "/%25%32%65./", "/a/.%2e%5c", "/a?/../b"} {
		f.Add(s)
	}
	target, err := NewTarget("https://api.example:8443/base%20path/v1/", nil)
	if err != nil {
		f.Fatal(err)
	}
	const base = "/base%20path/v1"
	f.Fuzz(func(t *testing.T, ref string) {
		u, err := target.resolve(ref)
		if err != nil {
			return
		}
		if u.Scheme != "https" || u.Host != "api.example:8443" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
			t.Fatalf("%q leads to %v", ref, u)
		}
		// What goes onto the wire is base and ref, byte for byte.
		if got := u.RequestURI(); strings.TrimSuffix(got, "?") != base+strings.TrimSuffix(ref, "?") {
			t.Fatalf("%q is sent as %q", ref, got)
		}
		again, err := url.Parse(u.String())
		if err != nil || again.Host != u.Host || again.EscapedPath() != u.EscapedPath() {
			t.Fatalf("%q is read by others as %v, %v", ref, again, err)
		}
		for plain := u.EscapedPath(); ; {
			slashed := strings.ReplaceAll(plain, "\\", "/")
			if clean := path.Clean(slashed); clean != base && !strings.HasPrefix(clean, base+"/") && !strings.HasPrefix(clean, "/base path/v1") {
				t.Fatalf("%q leaves the base as %q", ref, clean)
			}
			next, err := url.PathUnescape(plain)
			if err != nil || next == plain {
				return
			}
			plain = next
		}
	})
}

func TestNewTarget(t *testing.T) {
	for _, base := range []string{"", "api.example", "ftp://api.example", "https://", "https://user:secret@api.example", "https://api.example?x=1",
		"https://api.example/?", "https://api.example/#f", "https://api.example/#", "https://api.example/a/../b", "https://:80", "http://a b/", "://"} {
		if _, err := NewTarget(base, nil); KindOf(err) != Refused || strings.Contains(err.Error(), "secret") {
			t.Errorf("NewTarget(%q): %v", base, err)
		}
	}
	if _, err := NewTarget("http://h", []Field{{"X-Token", "secret\n"}}); KindOf(err) != Refused || strings.Contains(err.Error(), "secret") {
		t.Errorf("operator header with a line end: %v", err)
	}
	for base, want := range map[string]string{
		"http://127.0.0.1:11434":           "http://127.0.0.1:11434/x?y=1",
		"https://api.example/":             "https://api.example/x?y=1",
		"https://api.example/openai/v1//":  "https://api.example/openai/v1/x?y=1",
		"http://[::1]:8080/a%2Fb":          "http://[::1]:8080/a%2Fb/x?y=1",
		"https://api.example/accounts/a:b": "https://api.example/accounts/a:b/x?y=1",
	} {
		target, err := NewTarget(base, nil)
		if err != nil {
			t.Errorf("NewTarget(%q): %v", base, err)
			continue
		}
		if u, err := target.resolve("/x?y=1"); err != nil || u.String() != want {
			t.Errorf("%q: got %v, %v, want %s", base, u, err, want)
		}
	}
}

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, ms, after string
		want            time.Duration
		ok              bool
	}{
		{"nothing", "", "", 0, false},
		{"seconds", "", "7", 7 * time.Second, true},
		{"fraction", "", " 0.5 ", 500 * time.Millisecond, true},
		{"milliseconds first", "250", "7", 250 * time.Millisecond, true},
		{"bad milliseconds", "soon", "7", 7 * time.Second, true},
		{"zero", "", "0", 0, true},
		{"negative", "", "-1", 0, false},
		{"not a number", "", "NaN", 0, false},
		{"infinite", "", "Inf", MaxRetryAfter, true},
		{"huge", "", "1e300", MaxRetryAfter, true},
		{"date", "", "Sun, 01 Mar 2026 12:01:30 GMT", 90 * time.Second, true},
		{"date in the past", "", "Sun, 01 Mar 2026 11:00:00 GMT", 0, true},
		{"date far away", "", "Sun, 01 Mar 2099 11:00:00 GMT", MaxRetryAfter, true},
		{"words", "", "in a while", 0, false},
	} {
		h := http.Header{}
		if c.ms != "" {
			h.Set("retry-after-ms", c.ms)
		}
		if c.after != "" {
			h.Set("retry-after", c.after)
		}
		if d, ok := ParseRetryAfter(h, now); d != c.want || ok != c.ok {
			t.Errorf("%s: got %v, %v, want %v, %v", c.name, d, ok, c.want, c.ok)
		}
	}
}

func TestKinds(t *testing.T) {
	if KindOf(nil) != Unknown || KindOf(errors.New("x")) != Unknown || Kind(200).String() != "unknown" || Redirected.String() != "redirected" {
		t.Error("kinds are not named as documented")
	}
}
