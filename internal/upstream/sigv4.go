package upstream

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/upstream/permit"
)

const (
	sigAlgorithm   = "AWS4-HMAC-SHA256"
	sigTimeFormat  = "20060102T150405Z"
	defaultService = "bedrock"
)

// signV4 signs o with AWS Signature Version 4 and sets X-Amz-Date, X-Amz-Security-Token and Authorization. Signed are the
// host, the content type and every X-Amz header. It replaces the query by its canonical spelling, so that what is sent is
// what was signed.
func signV4(o *Outgoing, c *Credential, now time.Time) error {
	if c.AccessKeyID == "" || c.SecretKey == "" || c.Region == "" {
		return refuse(opAuth, "the scheme \"sigv4\" needs an access key, a secret key and a region")
	}
	if permit.Field("part", c.SessionToken) != nil {
		return refuse(opAuth, "the session token contains a control byte, perhaps a line end")
	}
	for _, part := range [...]struct{ name, value string }{{"access key", c.AccessKeyID}, {"region", c.Region}, {"service", c.Service}} {
		for i := range len(part.value) {
			if !permit.Unreserved(part.value[i]) { // it stands between commas and slashes
				return refuse(opAuth, "the %s of the AWS credential contains the byte 0x%02x", part.name, part.value[i])
			}
		}
	}
	stamp := now.UTC().Format(sigTimeFormat)
	o.Header["X-Amz-Date"] = []string{stamp}
	if c.SessionToken != "" {
		o.Header["X-Amz-Security-Token"] = []string{c.SessionToken}
	}
	query, err := canonicalQuery(o.URL.RawQuery)
	if err != nil {
		return err
	}
	o.URL.RawQuery = query

	headers, names := canonicalHeaders(o)
	var hash [sha256.Size]byte
	sum := sha256.New()
	for _, part := range [...][]byte{o.Body, o.Middle, o.End} {
		sum.Write(part)
	}
	sum.Sum(hash[:0])
	canonical := o.Method + "\n" + canonicalPath(o.URL.EscapedPath()) + "\n" + query + "\n" +
		headers + "\n" + names + "\n" + hex.EncodeToString(hash[:])

	service := cmp.Or(c.Service, defaultService)
	day := stamp[:len("20060102")]
	scope := day + "/" + c.Region + "/" + service + "/aws4_request"
	hash = sha256.Sum256([]byte(canonical))
	toSign := sigAlgorithm + "\n" + stamp + "\n" + scope + "\n" + hex.EncodeToString(hash[:])

	key := []byte("AWS4" + c.SecretKey)
	for _, part := range []string{day, c.Region, service, "aws4_request", toSign} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	o.Header["Authorization"] = []string{sigAlgorithm + " Credential=" + c.AccessKeyID + "/" + scope +
		", SignedHeaders=" + names + ", Signature=" + hex.EncodeToString(key)}
	return nil
}

// canonicalPath escapes the escaped path again, as every service but S3 wants it, and drops empty segments.
func canonicalPath(escaped string) string {
	var b strings.Builder
	for segment := range strings.SplitSeq(escaped, "/") {
		if segment == "" {
			continue
		}
		b.WriteByte('/')
		escapeStrict(&b, segment)
	}
	if b.Len() == 0 || strings.HasSuffix(escaped, "/") {
		b.WriteByte('/')
	}
	return b.String()
}

// canonicalQuery sorts the parameters by escaped name, then by escaped value.
func canonicalQuery(raw string) (string, error) {
	if raw == "" {
		return "", nil
	}
	var pairs [][2]string
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		var p [2]string
		p[0], p[1], _ = strings.Cut(pair, "=")
		for i, s := range p {
			plain, err := url.QueryUnescape(s)
			if err != nil {
				return "", refuse(opAuth, "the query is not properly escaped")
			}
			var b strings.Builder
			escapeStrict(&b, plain)
			p[i] = b.String()
		}
		pairs = append(pairs, p)
	}
	slices.SortFunc(pairs, func(a, b [2]string) int {
		return cmp.Or(strings.Compare(a[0], b[0]), strings.Compare(a[1], b[1]))
	})
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p[0] + "=" + p[1])
	}
	return b.String(), nil
}

// canonicalHeaders returns the header lines to sign, each ended by LF, and their names.
func canonicalHeaders(o *Outgoing) (lines, names string) {
	type line struct{ name, value string }
	list := []line{{"host", o.URL.Host}}
	for key, values := range o.Header {
		name := strings.ToLower(key)
		if name != "content-type" && !strings.HasPrefix(name, "x-amz-") {
			continue
		}
		trimmed := make([]string, len(values))
		for i, v := range values {
			trimmed[i] = strings.Join(strings.Fields(v), " ")
		}
		list = append(list, line{name, strings.Join(trimmed, ",")})
	}
	slices.SortFunc(list, func(a, b line) int { return strings.Compare(a.name, b.name) })
	var l, n strings.Builder
	for i, h := range list {
		if i > 0 {
			n.WriteByte(';')
		}
		n.WriteString(h.name)
		l.WriteString(h.name + ":" + h.value + "\n")
	}
	return l.String(), n.String()
}

// escapeStrict percent-escapes all but the unreserved characters of RFC 3986.
func escapeStrict(b *strings.Builder, s string) {
	const upperHex = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; permit.Unreserved(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
}
