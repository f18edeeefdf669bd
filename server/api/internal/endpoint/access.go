package endpoint

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// Door says who is let in. Its functions are called from any goroutine.
type Door struct {
	// AdminToken returns the token of operators, "" for none.
	AdminToken func() string
	// Authenticate finds out whose a secret is.
	Authenticate func(secret string) (Principal, bool)
	// Open reports whether there is a tenant that is not closed.
	Open func(ctx context.Context, tenant string) (bool, error)
}

// Principal is whose key a request bears.
type Principal struct {
	Tenant  string
	KeyID   string // of a configured key: its name
	KeyName string
	Scopes  store.Scopes
}

// Caller is on whose behalf a request is served.
type Caller struct {
	Tenant string // on an admin route: none
	Name   string // for histories: "admin", or "key NAME"
}

const admin = "admin"

type callerKey struct{}

// request is the library's view of a request, under a name that leaves room for the method Context.
type request = huma.Context

// exchange is a request that was let in. It hands the caller on, and corrects the status of errors that the library
// makes by itself.
type exchange struct {
	request
	ctx    context.Context //nolint:containedctx // the library asks the request for it
	route  *Route
	status int
}

func (x *exchange) Context() context.Context { return x.ctx }

func (x *exchange) SetStatus(status int) {
	if x.status != 0 {
		status = x.status
	}
	x.request.SetStatus(status)
}

// Param undoes the escaping of a path's part, which the router does not when a path has escaped slashes.
func (x *exchange) Param(name string) string {
	v := x.request.Param(name)
	if at := x.URL(); at.RawPath == "" {
		return v
	}
	plain, err := url.PathUnescape(v)
	if err != nil {
		return v
	}
	return plain
}

// guard lets in who may use a route. It runs before anything of the request is read.
func (t *Table) guard(r *Route) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		who, err := t.door.admit(r, c)
		if err != nil {
			t.write(c, t.fail(c.Context(), r, err))
			return
		}
		next(&exchange{request: c, ctx: context.WithValue(c.Context(), callerKey{}, who), route: r})
	}
}

// write answers with a failure before the library has a say.
func (t *Table) write(c huma.Context, f *Failure) {
	for name, values := range f.GetHeaders() {
		c.SetHeader(name, values[0])
	}
	c.SetHeader("Content-Type", mediaJSON)
	c.SetStatus(f.Kind.Status)
	_ = json.NewEncoder(c.BodyWriter()).Encode(f) // the client may have left
}

func (d *Door) admit(r *Route, c huma.Context) (Caller, error) {
	token := d.AdminToken()
	sent := bearer(c.Header("Authorization"))
	switch {
	case r.Scope != 0 && !same(sent, token):
		return d.admitKey(r, c)
	case r.Scope != 0:
		return d.admitFor(c)
	case token == "":
		return Caller{}, AdminDisabled.Say("The admin routes are closed because no token is configured: set server.admin_token (SWITCHYARD_ADMIN_TOKEN).")
	case !same(sent, token):
		return Caller{}, NoAdminToken.Say("This route needs the admin token: send it as \"Authorization: Bearer TOKEN\".")
	}
	return Caller{Name: admin}, nil
}

// same compares digests, which have one length, so that the time it takes says nothing about the token.
func same(sent, token string) bool {
	got, want := sha256.Sum256([]byte(sent)), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && token != ""
}

// bearer is the token of an Authorization header, "" for none.
func bearer(authorization string) string {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// admitKey lets a tenant's key in.
func (d *Door) admitKey(r *Route, c huma.Context) (Caller, error) {
	sent := bearer(c.Header("Authorization"))
	if sent == "" {
		sent = strings.TrimSpace(c.Header("X-Api-Key"))
	}
	if sent == "" {
		return Caller{}, NoKey.Say("No API key was sent. Send it as \"Authorization: Bearer KEY\" or \"x-api-key: KEY\".")
	}
	p, ok := d.Authenticate(sent)
	switch tenant := c.Query("tenant"); {
	case !ok:
		return Caller{}, NoKey.Say("The API key that was sent is not valid here.")
	case !p.Scopes.Has(r.Scope):
		return Caller{}, MissingScope.Say("This API key does not have the scope %q, which the route needs.", strings.Join(r.Scope.Names(), ", "))
	case tenant != "" && tenant != p.Tenant:
		return Caller{}, ForeignTenant.Say("This API key may not be used for another tenant than its own.").On("tenant")
	}
	return Caller{Tenant: p.Tenant, Name: "key " + p.KeyName}, nil
}

// admitFor lets the admin token in for the tenant that the request names.
func (d *Door) admitFor(c huma.Context) (Caller, error) {
	tenant := c.Query("tenant")
	if tenant == "" {
		return Caller{}, TenantRequired.Say("With the admin token this route needs the tenant: ?tenant=NAME.").On("tenant")
	}
	switch open, err := d.Open(c.Context(), tenant); {
	case err != nil:
		return Caller{}, err
	case !open:
		return Caller{}, NoTenant.Say("There is no tenant %q.", Clip(tenant)).On("tenant")
	default:
		return Caller{Tenant: tenant, Name: admin}, nil
	}
}
