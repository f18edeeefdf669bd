package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/switchyard-gateway/switchyard/internal/config/suggest"
	"github.com/switchyard-gateway/switchyard/internal/config/yamltree"
)

// typed is a kind whose values are single words. parse returns what is wrong with the text, as what follows
// "is" would: "not a whole number".
func typed[V any](name string, parse func(text string) (V, string)) kind[V] {
	return single(name, subject, parse)
}

// private is a typed kind whose values may be secrets, if only by mistake: no message shows them.
func private[V any](name string, parse func(text string) (V, string)) kind[V] {
	return single(name, func(*yamltree.Node) string { return "the value" }, parse)
}

// bare is a typed kind that quotes would make a string, as for numbers. Quotes around a reference do not count:
// what it stands for has no quotes.
func bare[V any](name string, parse func(text string) (V, string)) kind[V] {
	k := typed(name, parse)
	read := k.read
	k.read = func(d *decoder, n *yamltree.Node, path string, v *V) {
		if n.Kind == yamltree.Scalar && !n.Plain && len(n.Env) == 0 {
			d.add(n.Line, path, "must be %s %s without quotes", article(name), name)
			return
		}
		read(d, n, path, v)
	}
	return k
}

func single[V any](name string, subject func(*yamltree.Node) string, parse func(text string) (V, string)) kind[V] {
	return kind[V]{name: name, read: func(d *decoder, n *yamltree.Node, path string, v *V) {
		if n.Kind != yamltree.Scalar {
			d.wrong(n, path, article(name)+" "+name)
			return
		}
		if len(n.Env) > 0 {
			d.env[path] = n.Env
		}
		got, complaint := parse(n.Text)
		if complaint != "" {
			d.add(n.Line, path, "%s is %s", subject(n), complaint)
			return
		}
		*v = got
	}}
}

func article(noun string) string {
	if strings.ContainsRune("aeio", rune(noun[0])) {
		return "an"
	}
	return "a"
}

// subject names a scalar in a message. What came from the environment is not shown.
func subject(n *yamltree.Node) string {
	const longest = 60
	switch {
	case len(n.Env) > 0:
		return "the value of " + n.Env[len(n.Env)-1].Name
	case len(n.Text) > longest:
		return strconv.Quote(strings.ToValidUTF8(n.Text[:longest], "") + "…")
	}
	return strconv.Quote(n.Text)
}

var (
	text    = typed("string", parseText)
	integer = bare("integer", parseInteger)
	count   = bare("integer", parseCount)
	number  = bare("number", parseNumber)
	boolean = bare("bool", parseBool)
	size    = typed("size", parseSize)
	address = typed("host:port", parseAddress)
	baseURL = private("URL", parseURL)
	keyHash = private("hash", parseHash)
	name    = typed("name", parseName)
	word    = typed("name", parseWord)
	model   = typed("string", parseModel)

	groupName  = typed("group", parseGroupName)
	headerName = typed("header", parseHeaderName)

	duration         = durationFrom(0)
	positiveDuration = durationFrom(time.Millisecond)
)

// credential is a text that is never shown; "" is a value of it, and means that it is missing.
var credential = func() kind[Secret] {
	k := private("secret", parseOptional)
	return kind[Secret]{name: k.name, empty: true, read: func(d *decoder, n *yamltree.Node, path string, v *Secret) {
		var value string
		k.read(d, n, path, &value)
		*v = newSecret(value)
	}}
}()

// keyID is the public half of a key pair. It is not secret, yet missing when it is "".
var keyID = func() kind[string] {
	k := private("string", parseOptional)
	k.empty = true
	return k
}()

// anything is a value that is none of our business: it becomes JSON. Whoever reads it may complain of what is in it.
var anything = kind[json.RawMessage]{name: "any", empty: true, read: func(d *decoder, n *yamltree.Node, path string, v *json.RawMessage) {
	*v = n.AppendJSON(nil, path, d.report)
	d.locate(n, path)
}}

// locate notes the lines of a value and of all that is in it.
func (d *decoder) locate(n *yamltree.Node, path string) {
	d.lines[path] = n.Line
	for i, item := range n.Items {
		d.locate(item, yamltree.Index(path, i))
	}
	for _, p := range n.Pairs {
		d.locate(p.Value, yamltree.Join(path, p.Key))
	}
}

func parseOptional(s string) (string, string) { return s, noControl(s) }

func oneOf(words ...string) kind[string] {
	return typed("one of "+strings.Join(words, ", "), func(s string) (string, string) {
		if slices.Contains(words, s) {
			return s, ""
		}
		return "", "not one of " + strings.Join(words, ", ") + suggest.DidYouMean(s, words)
	})
}

func noControl(s string) string {
	if strings.ContainsFunc(s, unicode.IsControl) {
		return "not on one line: it holds a line break or another control character"
	}
	return ""
}

func parseText(s string) (string, string) {
	if s == "" {
		return "", "empty"
	}
	return s, noControl(s)
}

// parseName takes what can stand in a path of a problem, a response header and a list.
func parseName(s string) (string, string) { return s, nameOf(s, "._-/:@+=") }

// parseWord takes what can also be a file name and the first part of a deployment's id.
func parseWord(s string) (string, string) {
	if strings.HasPrefix(s, ".") {
		return "", "not allowed: it begins with a dot"
	}
	return s, nameOf(s, "._-")
}

func parseGroupName(s string) (string, string) {
	if s == "*" {
		return s, ""
	}
	return s, nameOf(strings.TrimSuffix(s, "*"), "._-/:@+=")
}

func parseModel(s string) (string, string) {
	switch {
	case s == "":
		return "", "empty"
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", "not made of visible ASCII characters"
	case s != "*" && strings.Contains(s, "*"):
		return "", "not allowed: * stands alone"
	}
	return s, ""
}

func nameOf(s, also string) string {
	odd := func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(also, r)
	}
	switch {
	case s == "":
		return "empty"
	case strings.ContainsFunc(s, odd):
		return "not made of letters, digits and " + also
	}
	return ""
}

func nameCheck(parse func(string) (string, string)) func(string) string {
	return func(s string) string {
		_, complaint := parse(s)
		return complaint
	}
}

// reservedHeaders belong to the connection, or to the client that writes the request.
var reservedHeaders = []string{
	"Connection", "Content-Length", "Host", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
	"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// parseHeaderName returns the canonical form of a header that an operator may set.
func parseHeaderName(s string) (string, string) {
	if complaint := nameOf(s, "!#$%&'*+-.^_`|~"); complaint != "" {
		return "", "not a header name"
	}
	canonical := textproto.CanonicalMIMEHeaderKey(s)
	if slices.Contains(reservedHeaders, canonical) {
		return "", "not allowed: the HTTP client sets it"
	}
	return canonical, ""
}

func parseInteger(s string) (int, string) {
	n, complaint := parseCount(s)
	if complaint == "" && n > math.MaxInt32 || complaint == tooLarge {
		return 0, fmt.Sprintf("larger than %d", math.MaxInt32)
	}
	return int(n), complaint
}

var tooLarge = fmt.Sprintf("larger than %d", int64(math.MaxInt64))

func parseCount(s string) (int64, string) {
	if s == "" || strings.Trim(strings.TrimPrefix(s, "-"), "0123456789_") != "" {
		return 0, "not a whole number"
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 10, 64)
	switch {
	case strings.HasPrefix(s, "-"):
		return 0, "negative"
	case err != nil && strings.Trim(s, "_") == "":
		return 0, "not a whole number"
	case err != nil:
		return 0, tooLarge
	}
	return n, ""
}

func parseNumber(s string) (float64, string) {
	n, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	switch {
	case err != nil, strings.Trim(s, "+-0123456789_.eE") != "":
		return 0, "not a number"
	case n < 0:
		return 0, "negative"
	}
	return n, ""
}

func parseBool(s string) (bool, string) {
	switch s {
	case "true":
		return true, ""
	case "false":
		return false, ""
	}
	return false, "neither true nor false"
}

func durationFrom(least time.Duration) kind[time.Duration] {
	return typed("duration", func(s string) (time.Duration, string) {
		d, err := time.ParseDuration(s)
		if err != nil {
			seconds, complaint := parseNumber(s)
			switch {
			case complaint == "negative":
				return 0, "negative"
			case complaint != "":
				return 0, "not a duration such as 600s, 1.5m or 2h"
			case seconds > math.MaxInt64/float64(2*time.Second):
				return 0, "too long"
			}
			d = time.Duration(seconds * float64(time.Second))
		}
		switch {
		case d < 0:
			return 0, "negative"
		case d < least:
			return 0, "shorter than " + least.String()
		}
		return d, ""
	})
}

var sizeUnits = []struct {
	suffix string
	bytes  int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1},
}

func parseSize(s string) (int64, string) {
	digits, unit := s, int64(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(s, u.suffix); ok {
			digits, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, complaint := parseInteger(digits)
	switch {
	case complaint == "not a whole number":
		return 0, "not a size such as 65536, 64KiB or 4MiB"
	case complaint != "":
		return 0, complaint
	case n == 0:
		return 0, "zero"
	}
	return int64(n) * unit, ""
}

func parseAddress(s string) (string, string) {
	_, port, err := net.SplitHostPort(s)
	if err != nil || strings.ContainsFunc(s, unicode.IsSpace) {
		return "", "not host:port, such as 127.0.0.1:8080"
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", "without a port between 0 and 65535"
	}
	return s, ""
}

func parseURL(s string) (string, string) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return "", "not a URL of the form https://host/path"
	case u.User != nil:
		return "", "a URL with a user name or password: credentials go under auth"
	case u.RawQuery != "" || u.ForceQuery:
		return "", "a URL with a query"
	case strings.Contains(s, "#"):
		return "", "a URL with a fragment"
	case noControl(s) != "" || strings.ContainsFunc(s, unicode.IsSpace):
		return "", "a URL with a space in it"
	}
	if port := u.Port(); port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return "", "a URL with a port above 65535"
		}
	}
	return strings.TrimRight(s, "/"), ""
}

func parseHash(s string) ([sha256.Size]byte, string) {
	var sum [sha256.Size]byte
	digits, ok := strings.CutPrefix(s, "sha256:")
	decoded, err := hex.DecodeString(digits)
	if !ok || err != nil || len(decoded) != len(sum) {
		return sum, `not "sha256:" and the 64 hex digits of the key's SHA-256`
	}
	copy(sum[:], decoded)
	return sum, ""
}
