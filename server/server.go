// Package server is the gateway's HTTP side: import it to put a [gateway.Gateway] behind the
// OpenAI-compatible routes, the simple /complete pair, and the routes of operators.
//
// It decodes no more of a request than its headers and its size; what a request means is found
// out by the gateway. Every error body has the shape
//
//	{"error":{"message":"…","type":"…","param":null,"code":"…"}}
//
// whatever the route, and whether or not a stream was asked for.
package server

import (
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/labstack/echo/v4"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// DefaultMaxBody is the limit of a request body when Options give none: 4 MiB.
const DefaultMaxBody = 4 << 20

// Options are what a Server needs from outside. Only Gateway is required. The functions are
// called from any goroutine.
type Options struct {
	Gateway *gateway.Gateway
	Log     *slog.Logger
	// AdminToken returns the token that opens the admin routes, as it is now; when it is empty, or
	// AdminToken is nil, they refuse everybody.
	AdminToken func() string
	// Directory finds keys and tenants that are not in the configuration. Nil has none.
	Directory Directory
	// Open tells whether requests without a key are served while no tenants are configured. Nil is always.
	Open func() bool
	// API adds the routes of admins and tenants.
	API interface{ Register(e *echo.Echo) }
	// MaxBody is the largest request body in bytes, counted after decompression as well.
	MaxBody int64
	// Ready tells whether requests should be sent here, and if not, why. Nil is always.
	Ready func() (ok bool, reason string)
	// Plugins, Limits and Reload are shown at /admin/plugins, marshalled by encoding/json.
	Plugins func() any
	Limits  func() any
	Reload  func() any
	// Metrics serves /metrics; without it there is no such route.
	Metrics http.Handler
	// Version is shown at /healthz.
	Version string
}

// Directory is who may call beside the configured tenants. It is safe for concurrent use.
type Directory interface {
	// Authenticate finds the key of a secret, if it may be used now.
	Authenticate(secret string) (*gateway.Key, bool)
	// Tenant finds one that is active.
	Tenant(name string) (*gateway.Tenant, bool)
}

// nobody is the empty Directory.
type nobody struct{}

func (nobody) Authenticate(string) (*gateway.Key, bool) { return nil, false }
func (nobody) Tenant(string) (*gateway.Tenant, bool)    { return nil, false }

// Server answers HTTP requests. All methods are safe for concurrent use.
type Server struct {
	gateway  *gateway.Gateway
	log      *slog.Logger
	opts     Options
	handler  http.Handler
	draining atomic.Bool
	active   atomic.Int64 // requests in handlers
}

// New returns a server. It serves at once; until the gateway has a snapshot, requests are
// answered with 503.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Directory == nil {
		o.Directory = nobody{}
	}
	if o.Open == nil {
		o.Open = func() bool { return true }
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	s := &Server{gateway: o.Gateway, log: o.Log, opts: o}
	s.handler = s.routes()
	return s
}

// Handler returns the routes, for a server other than that of [Server.Serve].
func (s *Server) Handler() http.Handler { return s.handler }

func (s *Server) routes() http.Handler {
	e := echo.New()
	e.Use(s.conduct)
	// Some SDKs append the paths to a base URL that lacks the version.
	for _, prefix := range []string{"/v1", ""} {
		e.POST(prefix+"/chat/completions", s.openai(abi.EndpointChat))
		e.POST(prefix+"/completions", s.openai(abi.EndpointCompletions))
		e.POST(prefix+"/embeddings", s.openai(abi.EndpointEmbeddings))
		e.GET(prefix+"/models", s.listModels)
		e.GET(prefix+"/models/*", s.showModel)
	}
	e.POST("/complete", s.complete(false))
	e.POST("/complete/stream", s.complete(true))
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		e.Add(method, "/healthz", s.healthy)
		e.Add(method, "/readyz", s.ready)
	}
	if s.opts.Metrics != nil {
		e.GET("/metrics", s.metrics)
	}
	if s.opts.API != nil {
		s.opts.API.Register(e)
	}
	e.GET("/admin/plugins", s.operator(s.showPlugins))
	e.GET("/admin/deployments", s.operator(s.showDeployments))
	return e
}
