package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"weak"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// sourceOf is a source of a module for an owner. reads counts how often its bytes were needed.
func sourceOf(module []byte, owner string, reads *atomic.Int64) *Source {
	sum := sha256.Sum256(module)
	return &Source{Name: "p@1", Owner: owner, Hash: hex.EncodeToString(sum[:]), Module: func(context.Context) ([]byte, error) {
		reads.Add(1)
		return module, nil
	}}
}

func load(t *testing.T, h *Host, s *Source) *Loaded {
	t.Helper()
	l, err := h.Load(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestLoad has tenants share a module and nothing else, and a plugin from a folder beside them.
func TestLoad(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	module := newStrategy(7).encode()
	f.write("a", module)
	set := f.build(nil, strategySpec("a", "a"))
	var reads atomic.Int64
	one, two := load(t, f.host, sourceOf(module, "acme", &reads)), load(t, f.host, sourceOf(module, "other", &reads))
	if one.line.pool.module != two.line.pool.module || one.line.pool == two.line.pool {
		t.Error("two owners share more, or less, than the module")
	}
	if one.line.pool.module == set.Strategy("a").line.pool.module {
		t.Error("a policy has the module of the operator's limits")
	}
	for _, l := range []*Loaded{one, two} {
		if got, err := score(t, &l.Strategy, 1, 0); err != nil || got[0] != 7 {
			t.Errorf("%v, %v", got, err)
		}
		if i := l.Instances(); i.Live != 1 || i.Memory != 3<<16 || l.Module() < 1000 {
			t.Errorf("%+v, a module of %d bytes", i, l.Module())
		}
	}
	if len(f.host.Plugins()) != 1 {
		t.Errorf("%d plugins are listed", len(f.host.Plugins()))
	}
	one.Release()
	two.Release()
	f.settled(1)
	load(t, f.host, sourceOf(module, "acme", &reads)).Release()
	if n := reads.Load(); n != 1 {
		t.Errorf("the module was read %d times, and is compiled once", n)
	}
	f.closed(set)
	if _, err := f.host.Load(t.Context(), sourceOf(module, "acme", &reads)); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{Policies: Limits{ModuleSize: 10_000}})
	picky := newStrategy(7)
	picky.set(abi.ExportConfigure, typeI32toL, picky.answer((&abi.Refusal{Status: 400, Message: "factor: 7 is too much"}).Append(nil)))
	lacking := newStrategy(7).remove(abi.ExportInput)
	lacking.imports = []imported{{"env", "one", typeNone}, {"env", "two", typeNone}}
	lacking.set(abi.ExportScore, typeNone, nil)
	for _, tc := range []struct {
		name      string
		module    []byte
		stage     string
		described bool
		want      []string
	}{
		{"a provider", newProvider().encode(), StageModule, false, []string{"it is a provider, and a strategy is asked for"}},
		{"noise", []byte("noise"), StageModule, false, nil},
		{"too large", make([]byte, 10_001), StageModule, false, []string{"it has 10001 bytes, and a module may have 10000"}},
		{"much at once", lacking.encode(), StageModule, false, []string{
			`it imports "one" from "env"`, `it imports "two" from "env"`, `no export "input"`, `export "score" is`,
		}},
		{"a start that traps", newStrategy(7).set(abi.ExportInit, typeI32, nil).set(abi.ExportDescribe, typeToI64, trap).encode(), StageModule, false, nil},
		{"describe that traps", newStrategy(7).set(abi.ExportDescribe, typeToI64, trap).encode(), StageStart, false, []string{"describe: it trapped"}},
		{"configure that traps", newStrategy(7).set(abi.ExportConfigure, typeI32toL, trap).encode(), StageStart, true, []string{"configure: it trapped"}},
		{"configure that refuses", picky.encode(), StageConfigure, true, []string{"configure: factor: 7 is too much"}},
	} {
		var reads atomic.Int64
		_, err := f.host.Load(t.Context(), sourceOf(tc.module, "acme", &reads))
		refused, ok := errors.AsType[*RefusedError](err)
		if !ok || refused.Stage != tc.stage || (refused.Description != nil) != tc.described {
			t.Errorf("%s: %+v", tc.name, err)
			continue
		}
		contains(t, err.Error(), tc.want...)
	}
	f.settled(0)

	var reads atomic.Int64
	s := sourceOf(newStrategy(7).encode(), "acme", &reads)
	s.Hash = strings.Repeat("0", 64)
	if _, err := f.host.Load(t.Context(), s); err == nil || !strings.Contains(err.Error(), "not the one with the hash 000000000000") {
		t.Errorf("another module: %v", err)
	}
	gone := errors.New("gone")
	s.Module = func(context.Context) ([]byte, error) { return nil, gone }
	if _, err := f.host.Load(t.Context(), s); !errors.Is(err, gone) {
		t.Errorf("no module: %v", err)
	}
	f.closed()
}

// TestLoadedFaults tells of faults, and plays vectors.
func TestLoadedFaults(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	var reads atomic.Int64
	module := fragile(1)
	s := sourceOf(module, "acme", &reads)
	var faults []string
	s.Faulted = func(f *Fault) { faults = append(faults, f.Plugin+" "+f.Export+": "+f.Cause) }
	l := load(t, f.host, s)
	if err := l.Vet(t.Context(), carrying(t, module, vector("x", 0, 1))); err != nil {
		t.Errorf("a good vector: %v", err)
	}
	other := load(t, f.host, sourceOf(newStrategy(2).encode(), "acme", &reads))
	err := other.Vet(t.Context(), carrying(t, newStrategy(2).encode(), vector("x", 0, 1)))
	if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Stage != StageVectors || refused.Description.Name != "test" {
		t.Errorf("a wrong vector: %v", err)
	}
	if _, err := score(t, &l.Strategy, 1, 13); err == nil || len(faults) != 1 || !strings.HasPrefix(faults[0], "p@1 score: it trapped") {
		t.Errorf("%v, heard of %q", err, faults)
	}
	l.Release()
	other.Release()
	f.closed()
}

// TestDroppedPluginFreesItsModule: neither the record of a plugin that no spec names any more, nor anything else, keeps
// what its code lies in.
func TestDroppedPluginFreesItsModule(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Options{})
	f.write("a", newStrategy(1).encode())
	f.write("b", newStrategy(2).encode())
	first := f.build(nil, strategySpec("a", "a"), strategySpec("b", "b"))
	module := weak.Make(first.Strategy("b").line.pool.module)
	second := f.build(first, strategySpec("a", "a"))
	first.Release()
	f.settled(1)
	for range 1000 {
		runtime.GC()
		if module.Value() == nil {
			break
		}
		runtime.Gosched()
	}
	if module.Value() != nil {
		t.Error("the module is kept")
	}
	f.host.mu.Lock()
	if n := len(f.host.records); n != 1 {
		t.Errorf("%d records", n)
	}
	f.host.mu.Unlock()
	f.closed(second)
}
