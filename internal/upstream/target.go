package upstream

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/switchyard-gateway/switchyard/internal/redact"
	"github.com/switchyard-gateway/switchyard/internal/upstream/permit"
)

// Target is a vendor's endpoint: where requests go and what the operator adds to each. Prepare one per provider; it is
// immutable and safe for concurrent use.
type Target struct {
	scheme, host string
	path         string // escaped, without a trailing slash
	header       http.Header
	names        map[string]bool // of header, as they are compared
	hidden       []string        // values of header that may be secret
	secrets      atomic.Pointer[secrets]
	route        atomic.Pointer[route] // the latest client's
}

// secrets is what must not be seen of a target's requests that bear a credential.
type secrets struct {
	of  [4]string
	set *redact.Set
}

// Format prints "[redacted]" for every verb: the operator's headers may hold secrets.
func (t *Target) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

const (
	opTarget = "read the base URL"
	opPath   = "check the request path"
)

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
	t := &Target{scheme: u.Scheme, host: u.Host, path: strings.TrimRight(u.EscapedPath(), "/"), header: make(http.Header, len(operator)), names: map[string]bool{}}
	if t.path != "" {
		if permit.Path(t.path) != nil {
			return nil, refuse(opTarget, "its path has a \".\" or \"..\" segment, an empty one at its start, or bytes that must be escaped or are not ASCII")
		}
	}
	for _, f := range operator {
		if err := permit.Field(f.Name, f.Value); err != nil {
			return nil, refuse(opHeader, "%v", err)
		}
		t.header.Add(f.Name, f.Value)
		name := permit.Plain(f.Name)
		t.names[name] = true
		if !slices.Contains(public, name) {
			t.hidden = append(t.hidden, f.Value)
		}
	}
	return t, nil
}

// owns reports whether the operator sets a header, in whatever spelling.
func (t *Target) owns(name string) bool {
	var room [permit.MaxName]byte
	return len(t.names) > 0 && t.names[string(permit.AppendPlain(room[:0], name))]
}

// public are headers of an operator that are not secret: answers may well have their values for other reasons.
var public = []string{
	"accept", "accept-language", "anthropic-beta", "anthropic-version", "content-type", "http-referer", "openai-beta", "referer", "user-agent", "x-title",
}

// Secrets is what a vendor is sent that nobody else may see: the credential, and the operator's headers. It is made once for
// each credential.
func (t *Target) Secrets(c *Credential) *redact.Set {
	of := c.secrets()
	if s := t.secrets.Load(); s != nil && s.of == of {
		return s.set
	}
	s := &secrets{of, redact.New(slices.Concat(of[:], t.hidden)...)}
	t.secrets.Store(s)
	return s.set
}

// resolve joins ref, a path with an optional query that permit.Path accepts, to the base. The bytes are sent as they are.
func (t *Target) resolve(ref string) (*url.URL, error) {
	if err := permit.Path(ref); err != nil {
		return nil, refuse(opPath, "%v", err)
	}
	path, query, _ := strings.Cut(ref, "?")
	raw := t.path + path
	plain, err := url.PathUnescape(raw)
	if err != nil {
		return nil, refuse(opPath, "it is not properly escaped")
	}
	return &url.URL{Scheme: t.scheme, Host: t.host, Path: plain, RawPath: raw, RawQuery: query}, nil
}
