package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/host/watch"
	"github.com/switchyard-gateway/switchyard/internal/config"
	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/metrics"
	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// router introduces host and gateway to each other and keeps both current: every change of the
// configuration or of a plugin file becomes a whole new snapshot, or changes nothing.
type router struct {
	path    string
	getenv  lookup
	log     *slog.Logger
	host    *host.Host
	state   *state
	gateway *gateway.Gateway
	metrics *metrics.Metrics

	mu     sync.Mutex // one load at a time
	closed bool
	set    *host.Set // of the current snapshot, which holds it
	nextID uint64

	naming sync.Mutex // held from seeing that a tenant's name is free to having taken it

	listen    atomic.Pointer[string] // where requests come in, nil before that
	snapshots atomic.Int64           // published and not closed yet

	config atomic.Pointer[config.Config]
	status atomic.Pointer[reloadStatus]
}

// reloadStatus is what the admin API says of the latest load.
type reloadStatus struct {
	Config     string     `json:"config"`
	SnapshotID uint64     `json:"snapshot_id"`
	LoadedAt   time.Time  `json:"loaded_at"`
	FailedAt   *time.Time `json:"failed_at,omitempty"`
	Problems   []string   `json:"problems,omitempty"` // of the latest load that was refused, until one succeeds
}

// newRouter loads everything once. What it returns serves at once and must be closed.
func newRouter(ctx context.Context, path string, getenv lookup, log *slog.Logger) (*router, error) {
	cfg, err := config.Load(path, getenv)
	if err != nil {
		return nil, err
	}
	m := metrics.New(buildVersion())
	h, err := newHost(ctx, cfg, log, m)
	if err != nil {
		return nil, err
	}
	r := &router{path: path, getenv: getenv, log: log, host: h, metrics: m}
	if r.state, err = openState(ctx, cfg, h, func() bool { return r.gateway.InFlight() > 0 }, log); err != nil {
		return nil, errors.Join(err, h.Close(ctx))
	}
	r.gateway = gateway.New(gateway.Options{
		Upstream: upstream.New(upstream.Options{}), Log: log, Account: r.state.books.Enter,
		Observe: func(rec *gateway.Record) {
			m.Observe(rec)
			r.state.observe(rec)
		},
	})
	m.WatchInFlight(r.gateway.InFlight)
	m.WatchSnapshots(r.snapshots.Load)
	m.WatchPlugins(h.Loaded)
	m.WatchStates(func() []metrics.State { return pluginStates(h) })
	m.WatchTenancy(r.state.tenancy)
	if err := r.apply(ctx, cfg); err != nil {
		return nil, errors.Join(err, r.close(ctx))
	}
	return r, nil
}

func newHost(ctx context.Context, cfg *config.Config, log *slog.Logger, observer host.Observer) (*host.Host, error) {
	return host.New(ctx, host.Options{
		CacheDir: cfg.Plugins.CacheDir, CacheSize: cfg.Plugins.CacheSize, Compiler: compiler(), Log: log, Observer: observer,
		Limits: hostLimits(&cfg.Limits.Plugins), Policies: hostLimits(&cfg.Limits.Policies),
	})
}

// reload reads everything anew. On any error the old keeps serving and the status says why.
func (r *router) reload(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	refused := r.status.Load().FailedAt != nil
	err := r.tryReload(ctx)
	if err == nil && refused {
		r.log.Warn("reload accepted after a refusal", "snapshot", r.nextID)
	}
	if err == nil {
		return nil
	}
	r.metrics.Refused()
	at := time.Now()
	status := *r.status.Load()
	status.FailedAt, status.Problems = &at, strings.Split(err.Error(), "\n")
	r.status.Store(&status)
	for _, p := range status.Problems {
		r.log.Error("reload refused, the old configuration and plugins keep serving", "problem", p)
	}
	return err
}

func (r *router) tryReload(ctx context.Context) error {
	cfg, err := config.Load(r.path, r.getenv)
	if err != nil {
		return err
	}
	if names := config.RestartOnly(r.config.Load(), cfg); len(names) > 0 {
		var problems config.Problems
		for _, name := range names {
			problems = append(problems, cfg.Problem(0, name, "can't be changed while running: restart to apply it"))
		}
		return problems
	}
	if r.closed {
		return errors.New("the router is closed")
	}
	// What counts is where requests come in, which --listen may have set.
	for _, addr := range []string{cfg.Server.Listen, cmp.Or(r.address(), cfg.Server.Listen)} {
		if err := cfg.CheckListen(addr, !r.state.directory.Empty()); err != nil {
			return config.Problems{cfg.Problem(0, "server.listen", err.Error())}
		}
	}
	return r.apply(ctx, cfg)
}

// apply builds plugins and snapshot for a configuration and publishes them.
func (r *router) apply(ctx context.Context, cfg *config.Config) error {
	accounts, err := newAccounts(cfg)
	if err != nil {
		return err
	}
	set, err := r.host.Build(ctx, cfg.Plugins.Dir, specs(cfg, false), r.set)
	if err != nil {
		return loadProblems(cfg, err)
	}
	r.naming.Lock()
	defer r.naming.Unlock()
	if err := checkTenants(cfg, set, r.state.directory.Stored); err != nil {
		set.Release()
		return err
	}
	r.nextID++
	snap := r.newSnapshot(cfg, accounts, set, func() {
		set.Release()
		r.snapshots.Add(-1)
	})
	r.snapshots.Add(1)
	r.gateway.Publish(snap)
	r.set = set
	r.config.Store(cfg)
	r.status.Store(&reloadStatus{Config: r.path, SnapshotID: r.nextID, LoadedAt: time.Now()})
	r.metrics.Published(r.nextID)
	for _, p := range cfg.Providers {
		if p.Disabled != "" {
			r.log.Warn("provider is disabled", "provider", p.Name, "reason", p.Disabled)
		}
	}
	r.log.Info("snapshot published", "id", r.nextID, "providers", len(cfg.Providers), "models", len(cfg.Models), "tenants", len(cfg.Tenants))
	return nil
}

// loadProblems puts each plugin that was refused at the line of the file that asks for it, and each complaint of a plugin
// about its config at the line of the value.
func loadProblems(cfg *config.Config, err error) error {
	var refused host.LoadErrors
	if !errors.As(err, &refused) {
		return fmt.Errorf("loading plugins: %w", err)
	}
	var problems config.Problems
	for _, e := range refused {
		line, path := strategyLine(cfg, e.Key)
		if refusal, ok := errors.AsType[*abi.Refusal](e); ok && e.Key != "" {
			for _, p := range configProblems(cfg, cmp.Or(path, e.Key)+".config", refusal.Message) {
				if !slices.Contains(problems, p) { // the defaults' are those of several groups
					problems = append(problems, p)
				}
			}
			continue
		}
		if path == "" {
			path = e.Key + ".plugin"
		}
		problems = append(problems, cfg.Problem(line, path, e.Error()))
	}
	return problems
}

// maxComplaint bounds what is shown of what a plugin says of its config, in bytes.
const maxComplaint = 8 << 10

// configProblems reads what a plugin says of its config: one problem a line, after the path of the value that it is about
// if there is one.
func configProblems(cfg *config.Config, base, said string) (list config.Problems) {
	said = strings.ToValidUTF8(said[:min(len(said), maxComplaint)], "")
	for line := range strings.Lines(said) {
		message := strings.Map(func(r rune) rune {
			if unicode.IsPrint(r) {
				return r
			}
			return '?'
		}, strings.TrimSpace(line))
		path := base
		if of, rest, ok := strings.Cut(message, ": "); ok && cfg.Has(base+"."+of[:strings.IndexAny(of+".", ".[")]) {
			path, message = base+"."+of, rest
		}
		list = append(list, cfg.Problem(0, path, message))
	}
	if list == nil {
		list = config.Problems{cfg.Problem(0, base, "the plugin refuses it, and does not say why")}
	}
	return list
}

// strategyLine finds where a strategy that a key stands for is written, which may be in the
// defaults.
func strategyLine(cfg *config.Config, key string) (line int, path string) {
	for _, g := range cfg.Models {
		for i, s := range g.Strategy {
			if strategyKey(g, i) == key {
				return s.Line, s.Path
			}
		}
	}
	return 0, ""
}

// watch reloads on every change until ctx ends. What changed between the first load and the start
// of the watcher is caught by one reload of its own.
func (r *router) watch(ctx context.Context) error {
	cfg := r.config.Load()
	w, err := watch.New(watch.Options{
		Dirs: []string{cfg.Plugins.Dir}, Files: []string{r.path}, Debounce: cfg.Plugins.Debounce, Rescan: cfg.Plugins.Rescan, Log: r.log,
	})
	if err != nil {
		return fmt.Errorf("watching %s and %s: %w", cfg.Plugins.Dir, r.path, err)
	}
	_ = r.reload(ctx) // it has logged and kept why
	go func() {
		defer func() { _ = w.Close() }()
		for {
			select {
			case <-ctx.Done():
				return
			case <-w.Events():
				_ = r.reload(ctx)
			}
		}
	}()
	return nil
}

// close releases the current snapshot and waits, as long as ctx allows, for requests that still
// use a plugin.
func (r *router) close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.gateway.Close()
	return errors.Join(r.state.close(ctx), r.host.Close(ctx))
}
