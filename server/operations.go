package server

import (
	"math"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/gateway/health"
)

// healthy serves GET /healthz: the process answers.
func (s *Server) healthy(c echo.Context) error {
	x := c.(*exchange)
	x.quiet = true
	return x.sendJSON(map[string]string{"status": "ok", "version": s.opts.Version})
}

// ready serves GET /readyz: requests should be sent here.
func (s *Server) ready(c echo.Context) error {
	x := c.(*exchange)
	x.quiet = true
	ok, reason := true, ""
	switch {
	case s.draining.Load():
		ok, reason = false, "The gateway is shutting down."
	case s.opts.Ready != nil:
		ok, reason = s.opts.Ready()
	}
	if !ok {
		return refusal(http.StatusServiceUnavailable, typeServer, "not_ready", "%s", reason)
	}
	return x.sendJSON(map[string]string{"status": "ready"})
}

func (s *Server) metrics(c echo.Context) error {
	x := c.(*exchange)
	x.quiet, x.status = true, http.StatusOK
	s.opts.Metrics.ServeHTTP(x.w, x.Request())
	return nil
}

// showPlugins serves GET /admin/plugins: {"snapshot", "plugins", "limits", "reload"}.
func (s *Server) showPlugins(c echo.Context) error {
	answer := struct {
		Snapshot uint64 `json:"snapshot"`
		Plugins  any    `json:"plugins"`
		Limits   any    `json:"limits"`
		Reload   any    `json:"reload"`
	}{}
	if snap := s.gateway.Acquire(); snap != nil {
		answer.Snapshot = snap.ID
		snap.Release()
	}
	if s.opts.Plugins != nil {
		answer.Plugins = s.opts.Plugins()
	}
	if s.opts.Limits != nil {
		answer.Limits = s.opts.Limits()
	}
	if s.opts.Reload != nil {
		answer.Reload = s.opts.Reload()
	}
	return c.(*exchange).sendJSON(answer)
}

// deployment is a deployment for operators. One that serves in several groups with the same
// statistics is one entry.
type deployment struct {
	ID       string       `json:"id"`
	Provider string       `json:"provider"`
	Model    string       `json:"model"`
	Region   string       `json:"region,omitempty"`
	Groups   []membership `json:"groups"`
	Enabled  bool         `json:"enabled"`
	Disabled string       `json:"disabled_reason,omitempty"`
	Price    price        `json:"price"` // USD per million tokens
	Limits   limits       `json:"limits"`
	health.Status
}

type membership struct {
	Name   string   `json:"name"`
	Order  int32    `json:"order"`
	Weight float64  `json:"weight"`
	Tags   []string `json:"tags,omitempty"`
}

type price struct {
	Input  *float64 `json:"input"`
	Output *float64 `json:"output"`
	Cached *float64 `json:"cached"`
}

type limits struct {
	RPM       uint32 `json:"rpm,omitempty"`
	TPM       uint64 `json:"tpm,omitempty"`
	Context   uint32 `json:"context,omitempty"`
	MaxOutput uint32 `json:"max_output,omitempty"`
}

// showDeployments serves GET /admin/deployments: {"snapshot", "deployments": […]}, in the order of
// the config.
func (s *Server) showDeployments(c echo.Context) error {
	answer := struct {
		Snapshot    uint64        `json:"snapshot"`
		Deployments []*deployment `json:"deployments"`
	}{Deployments: []*deployment{}}
	if snap := s.gateway.Acquire(); snap != nil {
		defer snap.Release()
		answer.Snapshot = snap.ID
		answer.Deployments = deployments(snap)
	}
	return c.(*exchange).sendJSON(answer)
}

func deployments(snap *gateway.Snapshot) []*deployment {
	list := []*deployment{}
	seen := map[*health.Health]*deployment{}
	for _, g := range snap.Groups() {
		for _, d := range g.Deployments {
			row := seen[d.Health]
			if row == nil {
				row = &deployment{
					ID: d.ID, Provider: d.Account.Name, Model: d.Model, Region: d.Region, Enabled: d.Account.Disabled == "", Disabled: d.Account.Disabled,
					Price:  price{Input: known(d.PriceInput), Output: known(d.PriceOutput), Cached: known(d.PriceCached)},
					Limits: limits{RPM: d.RPM, TPM: d.TPM, Context: d.Context, MaxOutput: d.MaxOutput},
					Status: d.Health.Status(),
				}
				seen[d.Health] = row
				list = append(list, row)
			}
			row.Groups = append(row.Groups, membership{Name: g.Name, Order: d.Order, Weight: d.Weight, Tags: d.Tags})
		}
	}
	return list
}

func known(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}
