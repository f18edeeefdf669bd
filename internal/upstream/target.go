package upstream

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Target is a vendor's endpoint: where requests go and what the operator adds to each. Prepare one per provider; it is
// immutable and safe for concurrent use.
type Target struct {
	scheme, host string
	path         string // escaped, without a trailing slash
	header       http.Header
}

// Format prints "[redacted]" for every verb: the operator's headers may hold secrets.
func (t *Target) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

const opTarget = "read the base URL"

// NewTarget prepares baseURL (http or https, host, optional port and path; nothing else) and the operator's own headers,
// which replace those of a plugin. The headers may be secret: they are never printed.
func NewTarget(baseURL string, operator []Field) (*Target, error) {
	u, err := url.Parse(baseURL)
	switch {
	case err != nil:
		return nil, refuse(opTarget, "it is not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, refuse(opTarget, "its scheme must be http or https")
	case u.Hostname() == "":
		return nil, refuse(opTarget, "it names no host")
	case u.User != nil:
		return nil, refuse(opTarget, "it may not contain a user name or a password")
	case u.RawQuery != "" || u.ForceQuery:
		return nil, refuse(opTarget, "it may not contain a query")
	case u.Fragment != "" || strings.Contains(baseURL, "#"):
		return nil, refuse(opTarget, "it may not contain a fragment")
	}
	t := &Target{scheme: u.Scheme, host: u.Host, path: strings.TrimRight(u.EscapedPath(), "/"), header: make(http.Header, len(operator))}
	if t.path != "" {
		if err := CheckPath(t.path); err != nil {
			return nil, err
		}
	}
	for _, f := range operator {
		if err := checkField(f.Name, f.Value); err != nil {
			return nil, err
		}
		t.header.Add(f.Name, f.Value)
	}
	return t, nil
}

// resolve joins ref, a path with an optional query that CheckPath accepts, to the base. The bytes are sent as they are.
func (t *Target) resolve(ref string) (*url.URL, error) {
	if err := CheckPath(ref); err != nil {
		return nil, err
	}
	path, query, _ := strings.Cut(ref, "?")
	raw := t.path + path
	plain, err := url.PathUnescape(raw)
	if err != nil {
		return nil, refuse(opPath, "it is not properly escaped")
	}
	return &url.URL{Scheme: t.scheme, Host: t.host, Path: plain, RawPath: raw, RawQuery: query}, nil
}

const (
	opPath    = "check the request path"
	maxRefLen = 8 << 10
)

// CheckPath refuses a path (with an optional query) that a plugin may not ask for. It must begin with one "/", be escaped
// already, and stay below the base URL however often a server unescapes it.
func CheckPath(ref string) error {
	if len(ref) > maxRefLen {
		return refuse(opPath, "it has %d bytes, the limit is %d", len(ref), maxRefLen)
	}
	path, query, _ := strings.Cut(ref, "?")
	switch {
	case path == "" || path[0] != '/':
		return refuse(opPath, "%.80q does not begin with \"/\"", path)
	case strings.HasPrefix(path, "//"):
		return refuse(opPath, "%.80q begins with \"//\", which could name a host", path)
	}
	escaped, err := checkBytes(path, &pathBytes)
	if err != nil {
		return err
	}
	if _, err := checkBytes(query, &queryBytes); err != nil {
		return err
	}
	for plain := path; ; {
		if hasDotSegment(plain) {
			return refuse(opPath, "%.80q has a \".\" or \"..\" segment", path)
		}
		if !escaped {
			return nil
		}
		next := unescape(plain)
		escaped = len(next) < len(plain)
		plain = next
		for i := range len(plain) {
			if plain[i] < ' ' || plain[i] == 0x7f {
				return refuse(opPath, "%.80q has an escaped control byte", path)
			}
		}
	}
}

// checkBytes refuses bytes outside of set and broken escapes. It reports whether s has escapes.
func checkBytes(s string, set *byteSet) (escaped bool, err error) {
	for i := range len(s) {
		c := s[i]
		if !set[c] {
			return false, refuse(opPath, "%q may not stand in it unescaped", []byte{c})
		}
		if c == '%' {
			escaped = true
			if i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
				return false, refuse(opPath, "it has a \"%%\" that begins no escape")
			}
		}
	}
	return escaped, nil
}

// hasDotSegment looks for "." and ".." between slashes of both kinds, also before ";", which some servers cut away.
func hasDotSegment(path string) bool {
	if !strings.Contains(path, ".") {
		return false
	}
	for segment := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		name, _, _ := strings.Cut(segment, ";")
		if name == "." || name == ".." {
			return true
		}
	}
	return false
}

// unescape undoes one level of percent-escapes and leaves what is no escape.
func unescape(s string) string {
	first := strings.IndexByte(s, '%')
	if first < 0 {
		return s
	}
	b := append(make([]byte, 0, len(s)), s[:first]...)
	for i := first; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0 {
			b = append(b, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
			i += 2
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
