package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/internal/config"
	"github.com/switchyard-gateway/switchyard/internal/store"
)

func TestKeyID(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"ci": "ci", "build machine": "build machine", "ci/prod": "ci%2Fprod", "ci%2Fprod": "ci%252Fprod", "": "sha256-0a0000000000", strings.Repeat("n", 101): "sha256-0a0000000000",
	} {
		got := keyID(&config.Key{Name: name, Hash: [32]byte{10}})
		if got != want || strings.Contains(got, "/") {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// TestChangesCatchUp holds that a change which could not be put into force, because the store could not be read, is in
// force soon.
func TestChangesCatchUp(t *testing.T) {
	t.Parallel()
	s := emptyState(t, hosttest.New(t), slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err := s.store.CreateTenant(t.Context(), &store.Tenant{Name: "acme"}); err != nil {
		t.Fatal(err)
	}
	unreadable, cancel := context.WithCancel(t.Context())
	cancel()
	s.changed(unreadable)
	if !s.directory.Empty() {
		t.Fatal("it was read after all")
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for s.directory.Empty() {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("the tenant is still unknown")
		}
	}
}

// TestNamesAreTakenOnce holds that a name which one of the two places has is refused in the other, from the moment that it
// is there.
func TestNamesAreTakenOnce(t *testing.T) {
	t.Parallel()
	in := install(t)
	r := in.unloaded()
	tenants := named{r.state.store, r}
	with := func(names ...string) string {
		text := running + "tenants:\n"
		for i, n := range names {
			text += fmt.Sprintf("  %s: {keys: [{hash: \"sha256:%064x\"}]}\n", n, i+1)
		}
		return text
	}
	in.write(with("declared"))
	if err := in.load(r); err != nil {
		t.Fatal(err)
	}
	if err := tenants.CreateTenant(t.Context(), &store.Tenant{Name: "declared"}); !errors.Is(err, store.ErrExists) {
		t.Errorf("a declared name: %v", err)
	}
	if err := tenants.CreateTenant(t.Context(), &store.Tenant{Name: "made"}); err != nil {
		t.Fatal(err)
	}
	in.write(with("declared", "made"))
	if err := in.load(r); err == nil || !strings.Contains(err.Error(), "tenants.made: a tenant of this name was made by the admin API") {
		t.Errorf("a name that was made: %v", err)
	}
}
