package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/switchyard-gateway/switchyard/internal/config"
	"github.com/switchyard-gateway/switchyard/internal/logbuffer"
	"github.com/switchyard-gateway/switchyard/internal/socket"
	"github.com/switchyard-gateway/switchyard/server"
)

// closeWait bounds what happens after the last request of a shutdown.
const closeWait = 5 * time.Second

func newServe(getenv lookup) *cobra.Command {
	var path, listen, level string
	cmd := &cobra.Command{
		Use:   "serve --config FILE",
		Short: "Serve requests; changes of the config and of plugin files apply at once",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lines := logbuffer.New(cmd.ErrOrStderr())
			defer func() { _ = lines.Flush() }()
			least, err := logLevel(level)
			if err != nil {
				return err
			}
			log := slog.New(logbuffer.Text(lines, least))
			return serve(cmd.Context(), path, listen, getenv, log, nil)
		},
	}
	cmd.Flags().StringVar(&path, "config", "plugins.yaml", "the configuration `FILE`")
	cmd.Flags().StringVar(&listen, "listen", "", "`ADDR` to listen on instead of server.listen")
	cmd.Flags().StringVar(&level, "log-level", "info", "debug, info, warn or error")
	return cmd
}

// serve runs a router until ctx ends, then lets requests and streams end. ready, when given,
// hears the address once requests are taken.
func serve(ctx context.Context, path, listen string, getenv lookup, log *slog.Logger, ready func(net.Addr)) error {
	tuneGarbage()
	r, err := newRouter(ctx, path, getenv, log)
	if err != nil {
		return err
	}
	defer func() {
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWait)
		defer cancel()
		if err := r.close(wait); err != nil {
			log.Warn("plugins were still in use at the end", "error", err)
		}
	}()
	cfg := r.config.Load()
	given := listen
	listen = cmp.Or(given, cfg.Server.Listen)
	if err := cfg.CheckListen(listen, !r.state.directory.Empty()); err != nil {
		if given == "" {
			return config.Problems{cfg.Problem(0, "server.listen", err.Error())}
		}
		return err
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", listen, err)
	}
	r.listen.Store(&listen)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	if err := r.watch(watching); err != nil {
		return err
	}
	if cfg.Open() && r.open() {
		log.Warn("no tenants are configured: everybody who reaches this address may send requests", "listen", ln.Addr().String())
	}
	log.Info("serving", "listen", ln.Addr().String(), "version", buildVersion(), "config", path)
	if ready != nil {
		ready(ln.Addr())
	}
	return r.server().Serve(ctx, socket.Listen(ln), cfg.Server.ShutdownTimeout)
}

func (r *router) server() *server.Server {
	return server.New(server.Options{
		Gateway:    r.gateway,
		Log:        r.log,
		AdminToken: r.adminToken,
		Directory:  r.state.directory,
		Open:       r.open,
		API:        r.api(),
		MaxBody:    r.config.Load().Server.MaxBody,
		Plugins:    func() any { return r.host.Plugins() },
		Limits:     func() any { return r.config.Load().Limits },
		Reload:     func() any { return r.status.Load() },
		Metrics:    r.metrics.Handler(),
		Version:    buildVersion(),
	})
}

func (r *router) adminToken() string { return r.config.Load().Server.AdminToken.Reveal() }

// open reports whether requests need no key: there has never been a tenant, and strangers can't reach the router. Deleting
// the last key lets nobody in.
func (r *router) open() bool {
	at := r.address()
	return r.state.directory.Empty() && (at == "" || config.Loopback(at) || r.config.Load().Server.Insecure)
}

// address is where requests come in, "" before they do.
func (r *router) address() string {
	if p := r.listen.Load(); p != nil {
		return *p
	}
	return ""
}

func newLogger(w io.Writer, level string) (*slog.Logger, error) {
	least, err := logLevel(level)
	if err != nil {
		return nil, err
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: least})), nil
}

func logLevel(level string) (l slog.Level, err error) {
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return l, fmt.Errorf("--log-level: %q is none of debug, info, warn, error", level)
	}
	return l, nil
}
