package library

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/host/internal/compiler"
	"github.com/switchyard-gateway/switchyard/host/meter"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

var (
	ample  = compiler.Bounds{Memory: 1 << 30, CPU: time.Hour, Timeout: time.Hour}
	limits = meter.Limits{
		FunctionSize: 1 << 20, Functions: 100, Globals: 100, Exports: 100, TableElements: 100, Locals: 100, Memory: 16,
		Types: 100, Segments: 100, Nesting: 100,
	}
)

// file returns a module of the corpus with its key.
func file(t *testing.T, name string) ([]byte, Key) {
	t.Helper()
	data, err := os.ReadFile("../../testdata/hostile/" + name + ".wasm")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return data, Key{hex.EncodeToString(sum[:]), limits}
}

func open(t *testing.T, dir string, command ...string) *Library {
	t.Helper()
	l, err := Open(t.Context(), &Options{Dir: dir, Size: 1 << 30, Command: command, Memory: 16, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func get(t *testing.T, b *Batch) *Module {
	t.Helper()
	data, key := file(t, "good")
	m, err := b.Module(t.Context(), "good", key, data, &ample)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// closed drains a library of which nothing is in use, and closes it.
func closed(t *testing.T, l *Library) {
	t.Helper()
	if modules, instances := l.Loaded(); modules != 0 || instances != 0 {
		t.Fatalf("%d modules and %d instances are left", modules, instances)
	}
	<-l.Drain()
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestShared asks for one module many times at once, and then under other limits.
func TestShared(t *testing.T) {
	t.Parallel()
	l := open(t, "")
	b := l.Batch(true)
	got := make([]*Module, 8)
	var wg sync.WaitGroup
	data, key := file(t, "good")
	for n := range got {
		wg.Go(func() {
			var err error
			if got[n], err = b.Module(t.Context(), "good", key, data, &ample); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, m := range got {
		if m != got[0] || m.Kind != abi.KindStrategy {
			t.Fatalf("modules %p and %p, a %s", m, got[0], m.Kind)
		}
	}
	key.Limits.Memory = 8
	other, err := b.Module(t.Context(), "good", key, data, &ample)
	if err != nil {
		t.Fatal(err)
	}
	if other == got[0] || other.Number == got[0].Number {
		t.Error("other limits, the same module")
	}
	b.End()
	other.Release()
	for _, m := range got {
		if modules, _ := l.Loaded(); modules != 1 {
			t.Errorf("%d modules are loaded, one is in use", modules)
		}
		m.Release()
	}
	if got[0].Retain() {
		t.Error("a module was retained that is gone")
	}
	again := get(t, b)
	if again.Number <= other.Number {
		t.Errorf("number %d was given before", again.Number)
	}
	again.Release()
	closed(t, l)
}

// TestDisk has libraries on one folder: the second needs no compiler for what the first compiled.
func TestDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, command := range [][]string{nil, {"/no/such/file"}} {
		l := open(t, dir, command...)
		get(t, l.Batch(false)).Release()
		closed(t, l)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	l := open(t, "")
	b := l.Batch(false)
	data, key := file(t, "import-socket")
	for range 2 {
		m, err := b.Module(t.Context(), "p", key, data, &ample)
		if _, ok := errors.AsType[*compiler.RefusalError](err); m != nil || !ok {
			t.Fatalf("%v, %v", m, err)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	data, key = file(t, "good")
	if m, err := b.Module(over, "good", key, data, &ample); m != nil || !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, %v", m, err)
	}
	get(t, b).Release() // giving up is no verdict
	closed(t, l)
}

func TestDrain(t *testing.T) {
	t.Parallel()
	l := open(t, "")
	m := get(t, l.Batch(false))
	i, err := m.Instantiate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-l.Drain():
		t.Error("a module is in use")
	default:
	}
	if _, instances := l.Loaded(); instances != 1 {
		t.Errorf("%d instances", instances)
	}
	m.Discard(t.Context(), i)
	m.Release()
	closed(t, l)
}

func TestVet(t *testing.T) {
	t.Parallel()
	var m Module
	bad := errors.New("bad")
	for n, step := range []struct {
		terms  string
		result error
		called bool
		want   error
	}{
		{"a", bad, true, bad}, {"a", nil, true, nil}, {"a", bad, false, nil}, {"b", bad, true, bad}, {"a", bad, false, nil},
	} {
		called := false
		err := m.Vet(step.terms, func() error { called = true; return step.result })
		if called != step.called || !errors.Is(err, step.want) {
			t.Errorf("step %d: called %t, %v", n, called, err)
		}
	}
}

// TestCopies loads modules at once that differ in what is not executed, so that the runtime sees one.
func TestCopies(t *testing.T) {
	t.Parallel()
	l := open(t, "")
	b := l.Batch(true)
	data, _ := file(t, "good")
	load := func(worker int) {
		other := append(data[:len(data):len(data)], 0, 2, 1, byte(worker))
		sum := sha256.Sum256(other)
		m, err := b.Module(t.Context(), "good", Key{hex.EncodeToString(sum[:]), limits}, other, &ample)
		if err != nil {
			t.Error(err)
			return
		}
		defer m.Release()
		i, err := m.Instantiate(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		defer m.Discard(t.Context(), i)
		i.ExportedFunction(abi.ExportDescribe)
	}
	for range 50 {
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() { load(worker) })
		}
		wg.Wait()
	}
	closed(t, l)
}
