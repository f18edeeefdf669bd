package upstream

import "strings"

// Field is one header field.
type Field struct{ Name, Value string }

const opHeader = "check the request headers"

// reserved are the names that a plugin may not set: the host adds them itself, or they carry credentials, or they would
// change how the message is framed or where it goes.
var reserved = [...]string{
	"host", "authorization", "cookie", "x-api-key", "api-key", "x-goog-api-key",
	"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "trailer",
	"content-length", "accept-encoding", "expect",
}

var reservedPrefixes = [...]string{"proxy-", "x-amz-"}

// CheckHeader refuses a header that a plugin may not send: malformed ones, credentials, framing, hop-by-hop.
// The error names the header but not its value.
func CheckHeader(name, value string) error {
	if err := checkField(name, value); err != nil {
		return err
	}
	for _, r := range reserved {
		if len(r) == len(name) && strings.EqualFold(r, name) {
			return refuse(opHeader, "%q is set by the host, a plugin may not send it", name)
		}
	}
	for _, p := range reservedPrefixes {
		if len(name) >= len(p) && strings.EqualFold(name[:len(p)], p) {
			return refuse(opHeader, "headers that begin with %q are set by the host, a plugin may not send %q", p, name)
		}
	}
	return nil
}

// checkField refuses what is not a header at all.
func checkField(name, value string) error {
	if name == "" {
		return refuse(opHeader, "a header has no name")
	}
	for i := range len(name) {
		if !tokenBytes[name[i]] {
			return refuse(opHeader, "%.80q is not a header name", name)
		}
	}
	for i := range len(value) {
		if c := value[i]; (c < ' ' && c != '\t') || c == 0x7f {
			return refuse(opHeader, "the value of %q contains the control byte 0x%02x", name, c)
		}
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
	tokenBytes      = bytesOf(digits, letters, "!#$%&'*+-.^_`|~")        // RFC 9110, section 5.6.2
	unreservedBytes = bytesOf(digits, letters, "-._~")                   // RFC 3986, section 2.3
	pathBytes       = bytesOf(digits, letters, "-._~!$&'()*+,;=:@/%")    // section 3.3
	queryBytes      = bytesOf(digits, letters, "-._~!$&'()*+,;=:@/%?[]") // section 3.4, and the brackets that are seen in practice
)
