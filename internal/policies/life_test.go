package policies

import (
	"errors"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// TestLife takes policies of one tenant through what can become of them.
func TestLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	one := w.upload("acme", "cheap", mean(t), "")
	two := w.upload("acme", "cheap", mean(t), `{"Factor": 2}`)
	if one != 1 || two != 2 {
		t.Fatalf("versions %d and %d", one, two)
	}
	if got := w.serving("acme", 0); got != "" {
		t.Fatalf("%s serves, nothing was activated", got)
	}
	if replaced := w.activate("acme", "cheap", 1); replaced != "" {
		t.Errorf("%s was replaced", replaced)
	}
	if got, err := w.score("acme", "", 1); got != 10 || err != nil {
		t.Errorf("version 1 scores %v, %v", got, err)
	}
	if got := w.serving("other", 1); got != "" {
		t.Errorf("%s serves another tenant", got)
	}

	w.canary("acme", "cheap", 2, 300)
	shares := map[string]int{}
	for hash := range uint64(10_000) {
		shares[w.serving("acme", hash)]++
	}
	if n := shares["cheap@2?"]; n < 2800 || n > 3200 || n+shares["cheap@1"] != 10_000 {
		t.Errorf("shares of 0.3: %v", shares)
	}
	before := map[uint64]bool{}
	for hash := range uint64(1000) {
		before[hash] = w.serving("acme", hash) == "cheap@2?"
	}
	w.canary("acme", "cheap", 2, 500)
	for hash, was := range before {
		if was && w.serving("acme", hash) != "cheap@2?" {
			t.Fatalf("request %d left the canary as its share grew", hash)
		}
	}

	if replaced := w.activate("acme", "cheap", 2); replaced != "cheap@1" {
		t.Errorf("%q was replaced", replaced)
	}
	if got, err := w.score("acme", "", 1); got != 20 || err != nil {
		t.Errorf("version 2 scores %v, %v", got, err)
	}
	w.upload("acme", "cheap", mean(t), "Factor: 3")
	w.activate("acme", "cheap", 3)
	for _, want := range []string{"cheap@2", "cheap@1"} {
		good(w.Rollback(ctx, "acme", "cheap", "test", "no good"))(t)
		if got := w.serving("acme", 0); got != want {
			t.Errorf("%s serves after going back, want %s", got, want)
		}
	}
	if _, err := w.Rollback(ctx, "acme", "cheap", "test", ""); !errors.Is(err, store.ErrConflict) {
		t.Errorf("going back to nothing: %v", err)
	}

	w.upload("acme", "dear", mean(t), "")
	if _, err := w.Canary(ctx, "acme", "dear", 1, 100, "test", ""); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a canary beside another policy: %v", err)
	}
	if replaced := w.activate("acme", "dear", 1); replaced != "cheap@1" || w.serving("acme", 0) != "dear@1" {
		t.Errorf("%q was replaced, %s serves", replaced, w.serving("acme", 0))
	}
	if got, want := w.history("cheap"), "test: 1+0, test: 1+2, test: 1+2, test: 2+0, test: 3+0, test: 2+0, test: 1+0, test: 0+0"; got != want {
		t.Errorf("history\n%s, want\n%s", got, want)
	}

	if err := w.DeleteVersion(ctx, "acme", "dear", 1); !errors.Is(err, store.ErrInUse) {
		t.Errorf("deleting what serves: %v", err)
	}
	if err := w.Delete(ctx, "acme", "dear"); !errors.Is(err, store.ErrInUse) {
		t.Errorf("deleting what serves: %v", err)
	}
	held := w.Of("acme").Choose(ctx, 0)
	good(w.Deactivate(ctx, "acme", "dear", "test", ""))(t)
	if got := w.serving("acme", 0); got != "" {
		t.Errorf("%s serves", got)
	}
	if err := errors.Join(w.Delete(ctx, "acme", "dear"), w.DeleteVersion(ctx, "acme", "cheap", 3)); err != nil {
		t.Error(err)
	}
	if _, err := w.Get(ctx, "acme", "dear"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a deleted policy: %v", err)
	}
	// A request that chose it before goes on.
	if _, err := held.Plugin.Score(ctx, header, candidates, output()); err != nil {
		t.Errorf("a request of a version that was deleted meanwhile: %v", err)
	}
	w.Forget("acme")
	if s := w.Stats(); s.Versions != 0 || s.Modules != 0 || s.Memory != 0 {
		t.Errorf("left: %+v", s)
	}
}

// TestStart opens a store in which a process that was killed has left two policies serving.
func TestStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"b", "a", "c"} {
		w.upload("acme", name, tiny(t), "")
	}
	w.upload("other", "a", tiny(t), "")
	w.activate("other", "a", 1)
	w.activate("acme", "b", 1)
	b := good(w.Get(t.Context(), "acme", "b"))(t)
	var a *store.Policy
	w.await("the clock of the store moves on", func() bool {
		if a != nil {
			a = good(w.store.SetRouting(t.Context(), "acme", "a", a.Revision, store.Routing{}, "test", ""))(t)
		} else {
			a = good(w.Get(t.Context(), "acme", "a"))(t)
		}
		a = good(w.store.SetRouting(t.Context(), "acme", "a", a.Revision, store.Routing{Active: 1}, "test", ""))(t)
		return a.Updated.After(b.Updated)
	})
	w.open(0)
	if got := w.serving("acme", 0) + " " + w.serving("other", 0); got != "a@1 a@1" {
		t.Errorf("%s serve, want the one that was changed last", got)
	}
	if p := good(w.Get(t.Context(), "acme", "b"))(t); p.Routing != (store.Routing{}) {
		t.Errorf("the other is still routed: %+v", p.Routing)
	}
	if s := w.Stats(); s.Versions != 0 {
		t.Errorf("%d versions are loaded, none was asked", s.Versions)
	}
	if _, err := w.score("acme", "", 0); err != nil {
		t.Error(err)
	}
}
