package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/internal/config"
	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/metrics"
)

// installation is a folder with a configuration and the plugins echo (a provider) and mean (a strategy).
type installation struct {
	t    *testing.T
	dir  string
	file string
	env  map[string]string
}

func install(t *testing.T) *installation {
	t.Helper()
	in := &installation{t: t, dir: t.TempDir(), env: map[string]string{}}
	in.file = filepath.Join(in.dir, "plugins.yaml")
	for _, guest := range []string{"echo", "mean"} {
		built := hosttest.Build(t, filepath.Join("../../host/testdata/guests", guest))
		if err := os.Symlink(built, filepath.Join(in.dir, guest+".wasm")); err != nil {
			t.Fatal(err)
		}
	}
	return in
}

func (in *installation) getenv(name string) (string, bool) {
	value, ok := in.env[name]
	return value, ok
}

func (in *installation) write(text string) {
	in.t.Helper()
	if err := os.WriteFile(in.file, []byte(text), 0o600); err != nil {
		in.t.Fatal(err)
	}
}

// unloaded returns a router that has loaded nothing yet. Its host is that of the conformance kit, which shares compiled
// code between tests and gives compilation all the time it takes.
func (in *installation) unloaded() *router {
	in.t.Helper()
	log := slog.New(slog.NewTextHandler(in.t.Output(), nil))
	r := &router{path: in.file, getenv: in.getenv, log: log, host: hosttest.New(in.t), metrics: metrics.New("test")}
	r.state = emptyState(in.t, r.host, log)
	r.gateway = gateway.New(gateway.Options{Log: log})
	in.t.Cleanup(r.gateway.Close)
	return r
}

// load reads the file, which must be good, and applies it.
func (in *installation) load(r *router) error {
	in.t.Helper()
	cfg, err := config.Load(in.file, in.getenv)
	if err != nil {
		in.t.Fatal(err)
	}
	return r.apply(in.t.Context(), cfg)
}

// router returns a router that serves a configuration.
func (in *installation) router(text string) *router {
	in.t.Helper()
	in.write(text)
	r := in.unloaded()
	if err := in.load(r); err != nil {
		in.t.Fatal(err)
	}
	return r
}

// emptyState is what a router that begins remembers.
func emptyState(t *testing.T, h *host.Host, log *slog.Logger) *state {
	t.Helper()
	cfg := &config.Config{Store: config.Store{Dir: filepath.Join(t.TempDir(), "data"), EntriesAge: time.Hour}}
	s, err := openState(t.Context(), cfg, h, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return s
}
