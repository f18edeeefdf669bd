package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const secret = `sk-A/b+c=d&e"f\g<h>~0123456789`

func jsonText(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b[1 : len(b)-1])
}

// spelled writes every byte with a format.
func spelled(format, s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

var encodings = map[string]func(string) string{
	"plain":             func(s string) string { return s },
	"JSON":              jsonText,
	"JSON, solidus":     func(s string) string { return strings.ReplaceAll(jsonText(s), "/", `\/`) },
	"JSON in JSON":      func(s string) string { return jsonText(strings.ReplaceAll(jsonText(s), "/", `\/`)) },
	"JSON, four deep":   func(s string) string { return jsonText(jsonText(jsonText(jsonText(s)))) },
	"all as \\u":        func(s string) string { return spelled(`\u%04x`, s) },
	"all as \\u, upper": func(s string) string { return spelled(`\u%04X`, s) },
	"all as \\x":        func(s string) string { return spelled(`\x%02x`, s) },
	"query":             url.QueryEscape,
	"path":              url.PathEscape,
	"query, twice":      func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	"all as %":          func(s string) string { return spelled("%%%02x", s) },
	"HTML":              html.EscapeString,
	"all as &#":         func(s string) string { return spelled("&#%d;", s) },
	"all as &#x":        func(s string) string { return spelled("&#x%02X;", s) },
	"HTML, in JSON":     func(s string) string { return strings.ReplaceAll(html.EscapeString(s), `\`, `\\`) },
}

func TestCleanFindsEverySpelling(t *testing.T) {
	t.Parallel()
	for _, value := range []string{secret, "sk-proj-" + strings.Repeat("Ab_9", 40), "12345678", "nsk-abcdef"} {
		s := New("some other secret", value)
		for name, encode := range encodings {
			for _, around := range [][2]string{{"", ""}, {"key: ", "."}, {`{"error":"bad \"key\" 100% `, ` \n\\ &amp; %zz \u00e9"}`}, {value[:4], value[4:]}} {
				text := []byte(around[0] + encode(value) + around[1] + encode(value))
				before := bytes.Clone(text)
				want := around[0] + Mark + around[1] + Mark
				got := s.Clean(text)
				if string(got) != want {
					t.Errorf("%s: %s is cleaned to %s, want %s", name, text, got, want)
				}
				if !s.In(text) || s.In(got) {
					t.Errorf("%s: In says %v of %s and %v of %s", name, s.In(text), text, s.In(got), got)
				}
				if !bytes.Equal(text, before) {
					t.Errorf("%s: the text was changed", name)
				}
			}
		}
	}
}

func TestCleanLeavesTheRest(t *testing.T) {
	t.Parallel()
	s := New(secret, "short")
	for _, text := range []string{
		"", "short", secret[1:], secret[:len(secret)-1], strings.ToUpper(secret), `{"a":"\n\"\\ é \u00e9 100% 50%25 &amp; &#65; &nosuch; &`, `\`, "%", "%2", `\u00`,
		strings.Repeat(`\`, 1000), strings.Repeat("%25", 1000), "&#99999999;&#x;&#;&;",
	} {
		if got := s.Clean([]byte(text)); string(got) != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	text := []byte("nothing to see")
	if got := s.Clean(text); &got[0] != &text[0] {
		t.Error("a clean text was copied")
	}
	var none *Set
	if !none.Empty() || !New("short").Empty() || none.InName(secret) || string(none.Clean([]byte(secret))) != secret {
		t.Error("an empty set has secrets")
	}
}

// TestAnswersStayJSON holds that what is cut out of JSON leaves JSON, also where the secret begins with the letter of an
// escape before it.
func TestAnswersStayJSON(t *testing.T) {
	t.Parallel()
	s := New("nsk-abcdef", `"quoted"\`)
	for _, text := range []string{`{"a":"\nsk-abcdef"}`, `{"a":"\\nsk-abcdef"}`, `{"a":"\\\nsk-abcdef"}`, `{"a":"\"quoted\"\\"}`, `{"a":"x\u006esk-abcdef\n"}`} {
		got := s.Clean([]byte(text))
		if !json.Valid(got) || !bytes.Contains(got, []byte(Mark)) {
			t.Errorf("%s became %s", text, got)
		}
	}
}

func TestOverlaps(t *testing.T) {
	t.Parallel()
	s := New("abcdefgh", "efghijkl", "cdefghijkl-longer", "abcdefgh")
	for text, want := range map[string]string{
		"-abcdefghijkl-":         "-" + Mark + "-",
		"-abcdefghijkl-longer-":  "-" + Mark + "-",
		"abcdefghabcdefgh":       Mark + Mark,
		"abcdefg abcdefgh bcdef": "abcdefg " + Mark + " bcdef",
	} {
		if got := s.Clean([]byte(text)); string(got) != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if len(s.needles) != 3 {
		t.Errorf("%d needles of 3 secrets", len(s.needles))
	}
}

func TestHeaderForms(t *testing.T) {
	t.Parallel()
	basic := base64.StdEncoding.EncodeToString([]byte("someone:passw0rd"))
	s := New("Bearer tok-123456", "Basic "+basic, "Basic !not-base64")
	for _, text := range []string{"tok-123456", basic, "someone:passw0rd", "passw0rd", "!not-base64"} {
		if got := string(s.Clean([]byte("<" + text + ">"))); got != "<"+Mark+">" {
			t.Errorf("%s: %s", text, got)
		}
	}
	if got := string(s.Clean([]byte("someone said Bearer"))); got != "someone said Bearer" {
		t.Errorf("got %s", got)
	}
	if !s.InName("x-echo-TOK-123456") || s.InName("x-ratelimit-remaining") {
		t.Error("names are not judged without their case")
	}
}

// FuzzClean puts a secret, spelled in some way, into any text: nothing of it may be left, and what had none stays.
func FuzzClean(f *testing.F) {
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range encodings {
			if !yield(name) {
				return
			}
		}
	})
	f.Add([]byte(`{"a":"\n"}`), uint8(0), uint16(4), "sk-0123456")
	f.Add([]byte(`\\\\%25&`), uint8(3), uint16(2), secret)
	f.Add([]byte(`%`), uint8(9), uint16(1), "25252525")
	f.Fuzz(func(t *testing.T, text []byte, how uint8, at uint16, value string) {
		for i := range len(value) {
			if value[i] <= ' ' || value[i] > '~' || strings.IndexByte(`%&\`, value[i]) >= 0 {
				return // no credential can have it, or see the package's comment
			}
		}
		s := New(value)
		before := bytes.Clone(text)
		first := s.Clean(text)
		if !s.In(before) && !bytes.Equal(first, before) || !bytes.Equal(text, before) {
			t.Fatalf("%q without %q became %q", before, value, first)
		}
		if len(value) < Shortest {
			return
		}
		encoded := encodings[names[int(how)%len(names)]](value)
		i := int(at) % (len(text) + 1)
		dirty := slices.Concat(text[:i], []byte("\x00"), []byte(encoded), []byte("\x00"), text[i:])
		clean := s.Clean(dirty)
		if bytes.Contains(clean, []byte("\x00"+encoded+"\x00")) {
			t.Fatalf("%q is left of %q in %q", encoded, value, dirty)
		}
		if bytes.Contains(clean, []byte(value)) && !strings.Contains(Mark, value) {
			t.Fatalf("%q is left in %q", value, clean)
		}
	})
}

func BenchmarkClean(b *testing.B) {
	event := []byte(`{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"content":" sentence of"}}]}`)
	text := []byte(`{"choices":[{"message":{"content":"` + strings.Repeat(`She said \"so what\" and sold 100% of it.\n`, 50) + `"}}]}`)
	s := New("sk-proj-"+strings.Repeat("Ab_9", 39), "org-0123456789abcdef")
	for name, body := range map[string][]byte{"event": event, "2KB": text} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				s.Clean(body)
			}
		})
	}
}
