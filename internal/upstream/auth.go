package upstream

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/textproto"
	"net/url"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/upstream/permit"
)

// Scheme is how a credential is presented to a vendor.
type Scheme uint8

const (
	// NoAuth adds nothing.
	NoAuth Scheme = iota
	// Bearer adds "Authorization: Bearer KEY".
	Bearer
	// HeaderKey adds the header Name with KEY as its value.
	HeaderKey
	// QueryKey adds the query parameter Name with KEY as its value.
	QueryKey
	// AzureKey adds "api-key: KEY".
	AzureKey
	// SigV4 signs the request with AWS Signature Version 4.
	SigV4
	// GCP stands for tokens of Google service accounts. Apply refuses it: nothing fetches such tokens; a ready token can
	// be used with Bearer.
	GCP
)

var schemeNames = [...]string{"none", "bearer", "header", "query", "azure", "sigv4", "gcp"}

// String returns the name that the configuration and the plugin contract use.
func (s Scheme) String() string {
	if int(s) < len(schemeNames) {
		return schemeNames[s]
	}
	return fmt.Sprintf("scheme %d", uint8(s))
}

// Credential is a secret and the way to present it. The scheme and Name may be a plugin's choice; the rest is the
// operator's. It prints and marshals as "[redacted]".
type Credential struct {
	Scheme Scheme
	Name   string // the header or query parameter, for HeaderKey and QueryKey
	Key    string // for all schemes but SigV4

	// For SigV4. Service is "bedrock" when empty; SessionToken only belongs to temporary credentials.
	AccessKeyID, SecretKey, SessionToken, Region, Service string
}

const redacted = "[redacted]"

// secrets lists what of the credential must not be seen by anybody but the vendor.
func (c *Credential) secrets() [4]string {
	return [...]string{c.Key, c.SecretKey, c.SessionToken, c.AccessKeyID}
}

// Format prints "[redacted]" for every verb.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer.
func (c Credential) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText keeps encoders from writing the secret.
func (c Credential) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Outgoing is a request as it will be sent. Header keys are in canonical form.
type Outgoing struct {
	Method string
	URL    *url.URL
	Header http.Header
	Body   []byte
	// Middle and End follow Body.
	Middle, End []byte
}

const opAuth = "add the credential"

// Apply adds the credential c to o. It must be the last step before sending: SigV4 signs the path, the query and the body
// as they are, at the time now, so each attempt is signed anew. Errors are of kind [Refused] and never contain the secret.
func Apply(o *Outgoing, c *Credential, now time.Time) error {
	switch c.Scheme {
	case NoAuth:
		return nil
	case SigV4:
		return signV4(o, c, now)
	case GCP:
		return refuse(opAuth, "the scheme \"gcp\" is not supported; use \"bearer\" with an access token")
	case Bearer, HeaderKey, QueryKey, AzureKey:
	default:
		return refuse(opAuth, "%s is not known", c.Scheme)
	}
	if c.Key == "" {
		return refuse(opAuth, "the scheme %q needs a key and there is none", c.Scheme)
	}
	if err := permit.Field("key", c.Key); err != nil {
		return refuse(opAuth, "the key contains a control byte, perhaps a line end")
	}
	switch c.Scheme {
	case Bearer:
		o.Header["Authorization"] = []string{"Bearer " + c.Key}
	case AzureKey:
		o.Header["Api-Key"] = []string{c.Key}
	case HeaderKey:
		return addKeyHeader(o, c)
	default:
		return addQueryKey(o.URL, c)
	}
	return nil
}

// addKeyHeader sets the header that the credential names, unless the plugin sends one that a server may take for the same.
func addKeyHeader(o *Outgoing, c *Credential) error {
	if err := permit.KeyHeader(c.Name); err != nil {
		return refuse(opAuth, "%v", err)
	}
	name := permit.Plain(c.Name)
	for other := range o.Header {
		if permit.Plain(other) == name {
			return refuse(opAuth, "the plugin sends the header %q, which carries the key", other)
		}
	}
	o.Header[textproto.CanonicalMIMEHeaderKey(c.Name)] = []string{c.Key}
	return nil
}

// header is the header that carries the credential, in plain spelling, "" for none.
func (c *Credential) header() string {
	switch c.Scheme {
	case Bearer, SigV4:
		return "authorization"
	case AzureKey:
		return "api-key"
	case HeaderKey:
		return permit.Plain(c.Name)
	default:
		return ""
	}
}

func addQueryKey(u *url.URL, c *Credential) error {
	if c.Name == "" {
		return refuse(opAuth, "the scheme \"query\" needs the name of the parameter")
	}
	if permit.HasParameter(u.RawQuery, c.Name) {
		return refuse(opAuth, "the request already has a query parameter %q", c.Name)
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += url.QueryEscape(c.Name) + "=" + url.QueryEscape(c.Key)
	return nil
}
