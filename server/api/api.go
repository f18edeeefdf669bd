// Package api is the HTTP side of what operators and tenants manage: import it to serve tenants, keys, policies,
// decisions, replays and usage, and the description of all routes at /openapi.json.
//
// Every route is declared once, by Go types and the failures that it can answer with; the description is made from that,
// and so is the check of what clients send. What the routes work on comes in through the interfaces of [Options].
//
// Operators bear the admin token, tenants a key with the scope that the route asks for. On a tenant's routes the admin
// token is taken too, with ?tenant=NAME. Errors have the shape of the whole server:
//
//	{"error":{"message":"…","type":"…","param":null,"code":"…"}}
package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/internal/store/decisionlog"
	"github.com/switchyard-gateway/switchyard/server/api/internal/endpoint"
	"github.com/switchyard-gateway/switchyard/server/api/internal/surfaces"
)

// Options are what an API needs from outside. All but Log and Version are required. Functions and interfaces are called
// from any goroutine.
type Options struct {
	Log     *slog.Logger
	Version string // of the router, for the description

	// AdminToken returns the token that opens the admin routes, as it is now; while it is empty they refuse everybody.
	AdminToken func() string
	// Authenticate finds out whose a secret is. ok is false for one that is unknown, disabled or expired, and for one of a
	// tenant that is suspended or closed.
	Authenticate func(secret string) (p Principal, ok bool)
	// Changed is called after tenants or keys were changed and before the answer is sent, so that the change is in force
	// by then. Its context does not end when the client leaves.
	Changed func(ctx context.Context)
	// Configured returns the tenants of plugins.yaml, as they are now. They are shown and can't be changed.
	Configured func() []Configured

	Tenants   store.Tenants
	Keys      store.Keys
	Usage     Usage
	Policies  Policies
	Decisions Decisions
	Replays   Replays
	// Explain says in words, one sentence a string, how a decision came about.
	Explain func(r *decisionlog.Record) []string
	// MaxModule is the largest policy module that is read, in bytes.
	MaxModule int64
}

// Principal is whose key a request bears.
type Principal = endpoint.Principal

// Configured is a tenant of plugins.yaml. Of its keys, ID is the name.
type Configured struct {
	store.Tenant
	Keys []*store.Key
}

// API is the routes and their description. It is safe for concurrent use once Register has returned.
type API struct {
	opts  Options
	table *endpoint.Table
	// failed is told which route has answered with which failure; for tests, which compare it with the description.
	failed func(r *endpoint.Route, f *endpoint.Failure)

	description []byte
}

// New returns an API; [API.Register] brings it to life.
func New(o Options) *API {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &API{opts: o}
}

// Register adds the routes to e. Call it once, before e serves.
func (a *API) Register(e *echo.Echo) {
	a.table = endpoint.NewTable(e, endpoint.Options{
		Log: a.opts.Log, Failed: a.failed, Tags: surfaces.Tags(),
		Door: endpoint.Door{AdminToken: a.opts.AdminToken, Authenticate: a.opts.Authenticate, Open: a.open},
		Info: huma.Info{
			Title: "Switchyard", Version: a.opts.Version,
			Description: "An LLM router: completions, and the routes with which tenants route them by policies of their own and operators run it.",
		},
	})
	a.tenantRoutes()
	a.keyRoutes()
	a.policyRoutes()
	a.rolloutRoutes()
	a.decisionRoutes()
	a.replayRoutes()
	a.usageRoutes()
	surfaces.Describe(a.table)
	var err error
	if a.description, err = a.table.Description(); err != nil {
		panic("api: describing the routes: " + err.Error()) // it is made of constants and types
	}
	e.GET("/openapi.json", func(c echo.Context) error { return c.Blob(http.StatusOK, "application/json", a.description) })
}

// Description is what /openapi.json answers, once Register has returned.
func (a *API) Description() []byte { return a.description }

// open reports whether there is a tenant that is not closed.
func (a *API) open(ctx context.Context, name string) (bool, error) {
	t, _, err := a.owner(ctx, name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	}
	return t.State != store.TenantClosed, nil
}
