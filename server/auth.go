package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
)

const codeKey = "invalid_api_key"

// enter gives a request the current snapshot, which the caller must release, and finds out whose
// key it bears: nil when the gateway is open.
func (x *exchange) enter() (*gateway.Snapshot, *gateway.Key, error) {
	snap := x.s.gateway.Acquire()
	if snap == nil {
		e := refusal(http.StatusServiceUnavailable, typeServer, "not_ready", "The gateway is starting: it has no configuration yet.")
		e.RetryAfter = time.Second
		return nil, nil, e
	}
	if snap.Open() && x.s.opts.Open() {
		return snap, nil, nil
	}
	secret := apiKey(x.Request().Header)
	if secret == "" {
		snap.Release()
		return nil, nil, refusal(http.StatusUnauthorized, typeAuthentication, codeKey,
			"No API key was sent. Send it as \"Authorization: Bearer KEY\" or \"x-api-key: KEY\".")
	}
	key, ok := snap.Authenticate(secret)
	if !ok {
		key, ok = x.s.opts.Directory.Authenticate(secret)
	}
	if !ok {
		snap.Release()
		return nil, nil, refusal(http.StatusUnauthorized, typeAuthentication, codeKey, "The API key that was sent is not valid here.")
	}
	return snap, key, nil
}

// enterCompletion is enter for a request to a model, which not every key may send.
func (x *exchange) enterCompletion() (*gateway.Snapshot, *gateway.Key, error) {
	snap, key, err := x.enter()
	if err == nil && !key.MayComplete() {
		snap.Release()
		return nil, nil, refusal(http.StatusForbidden, typePermission, "missing_scope", "This API key may not send completions: it lacks the scope \"complete\".")
	}
	return snap, key, err
}

// apiKey is the key that a request bears, "" for none.
func apiKey(h http.Header) string {
	if token := bearer(h); token != "" {
		return token
	}
	return strings.TrimSpace(h.Get("X-Api-Key"))
}

func bearer(h http.Header) string {
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// identify writes into a request who asks: the key's tenant, or the one that it acts for. An
// open gateway takes any name, for strategies to tell callers apart.
func (x *exchange) identify(req *gateway.Request, snap *gateway.Snapshot, key *gateway.Key, actFor string) error {
	if key == nil {
		req.TenantName = actFor
		return nil
	}
	tenant := key.Tenant
	if actFor != "" && actFor != tenant.Name {
		if !key.MayActFor() {
			return refusal(http.StatusForbidden, typePermission, "tenant_not_allowed", "This API key may not act for another tenant than its own.")
		}
		var ok bool
		if tenant, ok = snap.Tenant(actFor); !ok {
			tenant, ok = x.s.opts.Directory.Tenant(actFor)
		}
		if !ok {
			return refusal(http.StatusNotFound, typeRequest, "tenant_not_found", "There is no tenant %q.", gateway.Clip(actFor))
		}
	}
	req.Tenant, req.TenantName, req.Key = tenant, tenant.Name, key
	return nil
}

// operator lets a handler serve only those who bear the admin token.
func (s *Server) operator(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		token := ""
		if s.opts.AdminToken != nil {
			token = s.opts.AdminToken()
		}
		if token == "" {
			return refusal(http.StatusForbidden, typePermission, "admin_disabled",
				"The admin routes are closed because no token is configured: set server.admin_token (SWITCHYARD_ADMIN_TOKEN).")
		}
		// Digests have one length, so the comparison's time says nothing about the token.
		got, want := sha256.Sum256([]byte(bearer(c.Request().Header))), sha256.Sum256([]byte(token))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			return refusal(http.StatusUnauthorized, typeAuthentication, "invalid_admin_token",
				"This route needs the admin token: send it as \"Authorization: Bearer TOKEN\".")
		}
		return next(c)
	}
}
