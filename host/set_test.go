package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/switchyard-gateway/switchyard/host/internal/guests"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

func TestUnchangedIsCarriedOver(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	f.write("a", newStrategy(1).encode())
	f.write("b", newProvider().encode())
	f.write("unused", []byte("not a module"))
	one := Spec{Key: "one", Plugin: "a", Kind: abi.KindStrategy, Config: []byte("{}")}
	same := Spec{Key: "same", Plugin: "a", Kind: abi.KindStrategy} // no config is {}
	other := Spec{Key: "other", Plugin: "a", Kind: abi.KindStrategy, Config: []byte(`{"x":1}`)}
	first := f.build(nil, one, same, other, providerSpec("b", "b"))
	pool := func(s *Set, key string) *pool { return s.Strategy(key).line.pool }
	if pool(first, "one") != pool(first, "same") {
		t.Error("equal config, but two pools")
	}
	if pool(first, "one") == pool(first, "other") {
		t.Error("different config, but one pool")
	}
	f.settled(2)
	if _, instances := f.host.Loaded(); instances != 3 {
		t.Errorf("%d instances, want the three pools' first", instances)
	}
	if first.Strategy("b") != nil || first.Provider("one") != nil || first.Provider("b") == nil {
		t.Error("a key has the wrong kind")
	}

	second := f.build(first, one, providerSpec("b", "b"))
	if pool(second, "one") != pool(first, "one") || pool(second, "one").module != pool(first, "other").module {
		t.Error("what did not change was loaded again")
	}
	dropped := pool(first, "other")
	first.Release()
	if first.Acquire() {
		t.Error("a released set was acquired")
	}
	if _, err := dropped.guests.Get(t.Context()); !errors.Is(err, guests.ErrClosed) || idle(t, pool(second, "one")) == nil {
		t.Errorf("the release closed the wrong pool: %v", err)
	}
	if _, instances := f.host.Loaded(); instances != 2 {
		t.Errorf("%d instances, want one of each pool that is left", instances)
	}
	if _, err := score(t, second.Strategy("one"), 1, 0); err != nil {
		t.Error(err)
	}
	if st := f.status("a"); st.State != StateActive || len(st.Keys) != 1 || st.Keys[0] != "one" || st.Version != "1.0" || st.LoadedAt == nil {
		t.Errorf("status: %+v", st)
	}

	third := f.build(second, providerSpec("b", "b"))
	second.Release()
	f.settled(1)
	if n := len(f.host.Plugins()); n != 1 {
		t.Errorf("%d plugins are reported, one is used", n)
	}
	if _, instances := f.host.Loaded(); instances != 1 {
		t.Errorf("%d instances, one is used", instances)
	}
	if !third.Acquire() {
		t.Error("a live set can't be acquired")
	}
	third.Release()
	f.closed(third)
}

// TestBadFileChangesNothing has a file that is refused, whoever it is for: no part of the set that asks for it comes into
// force, a tenant's policy no more than an operator's plugin.
func TestBadFileChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	good := newStrategy(1).encode()
	f.write("a", good)
	f.write("b", newProvider().encode())
	f.write("c", newStrategy(3).encode())
	set := f.build(nil, strategySpec("a", "a"), providerSpec("b", "b"))
	before := f.status("a")
	bad := map[string][]byte{
		"truncated":     good[:len(good)/2],
		"not WASM":      []byte("hello"),
		"wrong exports": newProvider().encode(),
		"trap":          newStrategy(1).set(abi.ExportConfigure, typeI32toL, trap).encode(),
	}
	for name, module := range bad {
		f.write("a", module)
		_ = f.refused(set, strategySpec("a", "a"), providerSpec("b", "b"), providerSpec("new", "b"))
		_ = f.refused(set, strategySpec("c", "c"), providerSpec("b", "b"), tenant("acme", "a", "acme"))
		st := f.status("a")
		if st.State != StateActive || st.Hash != before.Hash || st.Rejected == nil || st.Rejected.Error == "" {
			t.Errorf("%s: status %+v", name, st)
		}
		if scores, err := score(t, set.Strategy("a"), 1, 0); err != nil || scores[0] != 1 {
			t.Errorf("%s: score %v, %v", name, scores, err)
		}
		f.settled(2)
	}
	f.write("a", good)
	next := f.build(set, strategySpec("a", "a"), providerSpec("b", "b"))
	if st := f.status("a"); st.Rejected != nil {
		t.Errorf("status: %+v", st)
	}
	f.closed(set, next)
}

func TestDeletedFile(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	f.write("a", newStrategy(1).encode())
	set := f.build(nil, strategySpec("a", "a"))
	path := filepath.Join(f.dir, "a.wasm")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	next := f.build(set, strategySpec("a", "a"), Spec{Key: "more", Plugin: "a", Kind: abi.KindStrategy, Config: []byte(`{"x":1}`)})
	contains(t, f.log.String(), "file is gone; version 1.0 keeps serving", path)
	if st := f.status("a"); st.State != StateGone || st.Hash != next.Strategy("a").Hash() {
		t.Errorf("status: %+v", st)
	}
	for _, key := range []string{"a", "more"} {
		if _, err := score(t, next.Strategy(key), 1, 0); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	if err := f.refused(nil, strategySpec("a", "a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a previous set: %v", err)
	}
	f.write("a", newStrategy(1).encode())
	last := f.build(next, strategySpec("a", "a"))
	if st := f.status("a"); st.State != StateActive || st.Probation {
		t.Errorf("the file is back, status: %+v", st)
	}
	f.closed(set, next, last)
}

func TestFeedbackHasOneInstance(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{Limits: Limits{Instances: 8}})
	g := newStrategy(1)
	g.set(abi.ExportFeedback, typeI32toL, g.answer(abi.AppendOK(nil)))
	f.write("a", g.encode())
	set := f.build(nil, strategySpec("a", "a"))
	s := set.Strategy("a")
	if !s.HasFeedback() || f.status("a").Instances.Max != 1 {
		t.Errorf("feedback %t, status %+v", s.HasFeedback(), f.status("a"))
	}
	if err := s.Feedback(t.Context(), &abi.Feedback{ID: []byte("x")}); err != nil {
		t.Error(err)
	}
	f.closed(set)
}

func TestProbe(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	f.write("a", newStrategy(1).encode())
	set := f.build(nil, strategySpec("a", "a"))
	answer, err := set.Probe(t.Context(), "a", abi.ExportDescribe, nil)
	if err != nil || string(answer) != strategyDescription {
		t.Errorf("describe: %q, %v", answer, err)
	}
	for _, bad := range [][2]string{{"a", abi.ExportConfigure}, {"a", abi.ExportStream}, {"a", "x"}, {"b", abi.ExportScore}} {
		if _, err := set.Probe(t.Context(), bad[0], bad[1], nil); err == nil {
			t.Errorf("probe of %q at %q went through", bad[1], bad[0])
		}
	}
	f.closed(set)
}
