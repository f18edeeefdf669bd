// Package permit says what a plugin may ask of a vendor: import it to check a request's path, query and headers before
// anything is sent. The host, the way there, the framing and the credential are the operator's.
//
// Errors are sentences that name what is refused and never have the value of a header.
package permit

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// What a plugin may not set. The host adds it, or it changes how the message is framed, or where it goes: some servers
// take a host, a path or a method from headers like these. Names are compared in lower case with "-" for "_", since many
// servers know no difference.
var (
	routing = []string{
		"host", "x-host", "x-real-ip", "forwarded", "via", "x-http-method", "x-method-override",
		"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "trailer", "http2-settings",
		"content-length", "accept-encoding", "expect",
	}
	routingPrefixes = []string{"proxy-", "x-amz-", "x-forwarded-", "x-original-", "x-rewrite-", "x-http-method-"}
	// Without their dashes: a name that has one of these carries a credential.
	credentials = [][]byte{
		[]byte("authorization"), []byte("apikey"), []byte("cookie"), []byte("password"), []byte("secret"), []byte("accesstoken"), []byte("authtoken"),
	}
)

// MaxName is the length of the longest header name that a plugin may use.
const MaxName = 64

// Header refuses a header that a plugin may not send: malformed ones, credentials, framing, hop-by-hop. A plugin has
// only letters, digits, "-" and "_" for names, and ASCII for values. The error names the header but not its value.
func Header(name, value string) error {
	if err := Field(name, value); err != nil {
		return err
	}
	for i := range len(name) {
		if c := name[i]; !unreserved[c] || c == '.' || c == '~' || len(name) > MaxName {
			return fmt.Errorf("%.80q is not a header name that a plugin may use", name)
		}
	}
	for i := range len(value) {
		if value[i] > '~' {
			return fmt.Errorf("the value of %q contains the byte 0x%02x, which is not ASCII", name, value[i])
		}
	}
	var room [MaxName]byte
	plain := AppendPlain(room[:0], name)
	if isRouting(plain) {
		return fmt.Errorf("%q is set by the host, a plugin may not send it", name)
	}
	if isCredential(plain) {
		return fmt.Errorf("%q could carry a credential, a plugin may not send it", name)
	}
	return nil
}

// AppendPlain appends a name in the spelling in which names are compared.
func AppendPlain(dst []byte, name string) []byte {
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '_':
			c = '-'
		case 'A' <= c && c <= 'Z':
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

func isRouting(plain []byte) bool {
	if slices.Contains(routing, string(plain)) {
		return true
	}
	for _, p := range routingPrefixes {
		if len(plain) >= len(p) && string(plain[:len(p)]) == p {
			return true
		}
	}
	return false
}

// Plain returns a name in that spelling.
func Plain(name string) string { return string(AppendPlain(nil, name)) }

// isCredential overwrites plain.
func isCredential(plain []byte) bool {
	bare := plain[:0]
	for _, c := range plain {
		if c != '-' {
			bare = append(bare, c)
		}
	}
	for _, word := range credentials {
		if bytes.Contains(bare, word) {
			return true
		}
	}
	return false
}

// Field refuses what is not a header at all, whoever sends it. The error does not have the value.
func Field(name, value string) error {
	if name == "" {
		return errors.New("a header has no name")
	}
	for i := range len(name) {
		if !tokenBytes[name[i]] {
			return fmt.Errorf("%.80q is not a header name", name)
		}
	}
	for i := range len(value) {
		if c := value[i]; (c < ' ' && c != '\t') || c == 0x7f {
			return fmt.Errorf("the value of %q contains the control byte 0x%02x", name, c)
		}
	}
	return nil
}

// KeyHeader refuses a header that could not carry a credential without breaking the message, or is there for something
// else.
func KeyHeader(name string) error {
	if Field(name, "") != nil {
		return fmt.Errorf("%.80q is not a header name", name)
	}
	if plain := Plain(name); isRouting([]byte(plain)) || plain == "content-type" || plain == "user-agent" {
		return fmt.Errorf("a key may not be sent as %q", name)
	}
	return nil
}

// byteSet is a set of byte values.
type byteSet [256]bool

func bytesOf(lists ...string) (s byteSet) {
	for _, list := range lists {
		for i := range len(list) {
			s[list[i]] = true
		}
	}
	return s
}

const (
	digits  = "0123456789"
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

var (
	tokenBytes = bytesOf(digits, letters, "!#$%&'*+-.^_`|~")        // RFC 9110, section 5.6.2
	unreserved = bytesOf(digits, letters, "-._~")                   // RFC 3986, section 2.3
	pathBytes  = bytesOf(digits, letters, "-._~!$&'()*+,;=:@/%")    // section 3.3
	queryBytes = bytesOf(digits, letters, "-._~!$&'()*+,;=:@/%?[]") // section 3.4, and the brackets that are seen in practice
)

// Unreserved reports whether a byte means the same wherever it stands in a URL, escaped or not.
func Unreserved(c byte) bool { return unreserved[c] }
