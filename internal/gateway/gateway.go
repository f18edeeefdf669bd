// Package gateway lives one request: it picks candidates, lets strategies score them, makes
// attempts under one deadline with retries and fallbacks, and hands back an answer or a stream.
// It knows neither HTTP servers nor WebAssembly: both come in through small interfaces.
package gateway

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/gateway/health"
	"github.com/switchyard-gateway/switchyard/internal/upstream"
)

// Upstream sends one attempt to a vendor.
type Upstream interface {
	Do(ctx context.Context, r *upstream.Request) (*upstream.Response, error)
}

// Options are what a Gateway needs from outside.
type Options struct {
	Upstream Upstream
	Log      *slog.Logger
	// Account hears of every request that reached Do, once: when all is known and limits are
	// settled, but before the last chunk, or a whole answer, is handed over. So what it writes down
	// is written before the client can have the whole answer. It must not block and must not keep
	// the record.
	Account func(*Record)
	// Observe hears the same right after Account.
	Observe func(*Record)
	// Seed returns the seed of a request; nil means random. Tests fix it.
	Seed func() uint64
}

// Gateway serves requests from the current snapshot. All methods are safe for concurrent use.
type Gateway struct {
	opts     Options
	current  atomic.Pointer[Snapshot]
	health   health.Registry
	buffers  sync.Pool // *scratch
	inFlight atomic.Int64
}

// New returns a gateway without a snapshot; Publish one before serving.
func New(o Options) *Gateway {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Seed == nil {
		o.Seed = rand.Uint64
	}
	if o.Account == nil {
		o.Account = func(*Record) {}
	}
	if o.Observe == nil {
		o.Observe = func(*Record) {}
	}
	return &Gateway{opts: o}
}

// Publish makes s the snapshot of every request that begins from now on. Requests that hold the
// previous one keep it to their end. Whoever builds snapshots does so one at a time: statistics
// that Health handed out for one which is not published yet are forgotten by another Publish.
func (g *Gateway) Publish(s *Snapshot) {
	g.health.KeepOnly(s.statistics())
	if old := g.current.Load(); old != nil {
		s.inherit(old)
	}
	if old := g.current.Swap(s); old != nil {
		old.lease.Retire()
		old.Release()
	}
}

// Close withdraws the current snapshot: Acquire returns nil from now on. Requests that hold it
// go on to their end.
func (g *Gateway) Close() {
	if old := g.current.Swap(nil); old != nil {
		old.Release()
	}
}

// Acquire returns the current snapshot with a reference that the caller must Release, or nil
// before the first Publish.
func (g *Gateway) Acquire() *Snapshot {
	for {
		s := g.current.Load()
		if s == nil || s.lease.Acquire() {
			return s
		}
	}
}

// InFlight counts the requests that have begun and not ended, streams included.
func (g *Gateway) InFlight() int64 { return g.inFlight.Load() }

// Health returns the statistics of a deployment, shared by every snapshot that has it.
func (g *Gateway) Health(id, provider, model string) *health.Health {
	return g.health.Get(health.Key{ID: id, Provider: provider, Model: model})
}

// now is the one clock of a request's life.
func now() time.Time { return time.Now() }
