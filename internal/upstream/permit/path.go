package permit

import (
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strings"
)

const (
	maxRefLen = 8 << 10
	maxLevels = 4 // of escapes in escapes
)

// Path refuses a path (with an optional query) that a plugin may not ask for. It must begin with one "/", be escaped
// already, and stay below the base URL however often a server unescapes it. The query may not name parameters that carry
// a credential.
func Path(ref string) error {
	if len(ref) > maxRefLen {
		return fmt.Errorf("it has %d bytes, the limit is %d", len(ref), maxRefLen)
	}
	path, query, _ := strings.Cut(ref, "?")
	switch {
	case path == "" || path[0] != '/':
		return fmt.Errorf("%.80q does not begin with \"/\"", path)
	case strings.HasPrefix(path, "//"):
		return fmt.Errorf("%.80q begins with \"//\", which could name a host", path)
	}
	escaped, err := checkBytes(path, &pathBytes)
	if err != nil {
		return err
	}
	if err := checkQuery(query); err != nil {
		return err
	}
	for plain, level := path, 0; ; level++ {
		if hasDotSegment(plain) {
			return fmt.Errorf("%.80q has a \".\" or \"..\" segment", path)
		}
		if !escaped {
			return nil
		}
		if level > maxLevels {
			return fmt.Errorf("%.80q is escaped more than %d times", path, maxLevels)
		}
		next := unescape(plain)
		escaped = len(next) < len(plain)
		plain = next
		if strings.HasPrefix(plain, "//") {
			return fmt.Errorf("%.80q begins with an escaped \"//\", which could name a host", path)
		}
		for i := range len(plain) {
			if c := plain[i]; c < ' ' || c > '~' || c == '\\' {
				return fmt.Errorf("%.80q has the escaped byte 0x%02x", path, c)
			}
		}
	}
}

// checkQuery refuses what could not stand in a query, escaped line ends, and parameters that carry a credential.
func checkQuery(query string) error {
	if _, err := checkBytes(query, &queryBytes); err != nil {
		return err
	}
	plain := unescapeAll(query)
	for i := range len(plain) {
		if plain[i] < ' ' || plain[i] == 0x7f {
			return fmt.Errorf("its query has the escaped control byte 0x%02x", plain[i])
		}
	}
	for name := range parameters(query) {
		switch name {
		case "key", "token", "auth", "sig", "signature":
		default:
			if !strings.HasPrefix(name, "x-amz-") && !isCredential([]byte(name)) {
				continue
			}
		}
		return fmt.Errorf("its query parameter %.80q could carry a credential, a plugin may not send it", name)
	}
	return nil
}

// parameters yields the names in a query as they are compared, however a server may cut it.
func parameters(query string) iter.Seq[string] {
	return func(yield func(name string) bool) {
		for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
			name, _, _ := strings.Cut(pair, "=")
			if !yield(plainParameter(name)) {
				return
			}
		}
	}
}

// plainParameter is a parameter's name as it is compared: unescaped, like a header's, and without the index of a list.
func plainParameter(name string) string {
	name, _, _ = strings.Cut(strings.ReplaceAll(unescapeAll(name), "+", " "), "[")
	return Plain(strings.TrimSpace(name))
}

// unescapeAll undoes percent-escapes, also those in escapes.
func unescapeAll(s string) string {
	for range maxLevels {
		next := unescape(s)
		if len(next) == len(s) {
			break
		}
		s = next
	}
	return s
}

// HasParameter reports whether a query has a parameter that a server may take for name.
func HasParameter(query, name string) bool {
	wanted := plainParameter(url.QueryEscape(name))
	for has := range parameters(query) {
		if has == wanted {
			return true
		}
	}
	return false
}

// checkBytes refuses bytes outside of set and broken escapes. It reports whether s has escapes.
func checkBytes(s string, set *byteSet) (escaped bool, err error) {
	for i := range len(s) {
		c := s[i]
		if !set[c] {
			return false, fmt.Errorf("%q may not stand in it unescaped", []byte{c})
		}
		if c == '%' {
			escaped = true
			if i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
				return false, errors.New("it has a \"%\" that begins no escape")
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
