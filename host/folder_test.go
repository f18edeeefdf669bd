package host

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// folder is a host with a folder of plugins.
type folder struct {
	t    testing.TB
	dir  string
	host *Host
	log  *logBuffer
}

func newFolder(t testing.TB, o Options) *folder {
	t.Helper()
	f := &folder{t: t, dir: t.TempDir(), log: &logBuffer{}}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	h, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	f.host = h
	return f
}

// logBuffer is a log that can be read while others write.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// write puts a module into the folder, by a rename.
func (f *folder) write(name string, module []byte) {
	f.t.Helper()
	temp := filepath.Join(f.dir, name+".new")
	if err := os.WriteFile(temp, module, 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(temp, filepath.Join(f.dir, name+".wasm")); err != nil {
		f.t.Fatal(err)
	}
}

func strategySpec(key, plugin string) Spec {
	return Spec{Key: key, Plugin: plugin, Kind: abi.KindStrategy}
}

func providerSpec(key, plugin string) Spec {
	return Spec{Key: key, Plugin: plugin, Kind: abi.KindProvider}
}

// build builds a set that the test must release.
func (f *folder) build(prev *Set, specs ...Spec) *Set {
	f.t.Helper()
	s, err := f.host.Build(f.t.Context(), f.dir, specs, prev)
	if err != nil {
		f.t.Fatalf("build: %v", err)
	}
	return s
}

// refused builds what can't be built and returns the errors.
func (f *folder) refused(prev *Set, specs ...Spec) LoadErrors {
	f.t.Helper()
	s, err := f.host.Build(f.t.Context(), f.dir, specs, prev)
	if s != nil {
		f.t.Fatal("the set was built")
	}
	list, ok := errors.AsType[LoadErrors](err)
	if !ok {
		f.t.Fatalf("build: %T %v, want LoadErrors", err, err)
	}
	return list
}

// closed releases sets and checks that the host then closes with nothing left.
func (f *folder) closed(sets ...*Set) {
	f.t.Helper()
	for _, s := range sets {
		s.Release()
	}
	if err := f.host.Close(f.t.Context()); err != nil {
		f.t.Errorf("close: %v", err)
	}
	if err := f.host.Close(f.t.Context()); err != nil {
		f.t.Errorf("close again: %v", err)
	}
	if modules, instances := f.host.Loaded(); modules > 0 || instances != 0 {
		f.t.Errorf("%d modules and %d instances are still loaded", modules, instances)
	}
}

func (f *folder) modules() int {
	modules, _ := f.host.Loaded()
	return modules
}

// settled waits until the host has as many modules: instances that are being started keep theirs a little longer.
func (f *folder) settled(modules int) {
	for f.modules() != modules {
		runtime.Gosched()
	}
}

// status returns what Plugins says about one plugin.
func (f *folder) status(plugin string) Status {
	f.t.Helper()
	for _, s := range f.host.Plugins() {
		if s.Plugin == plugin {
			return s
		}
	}
	f.t.Fatalf("no status of %q", plugin)
	return Status{}
}

// score scores n candidates in an attempt of that number.
func score(t testing.TB, s *Strategy, n int, attempt uint32) ([]float64, error) {
	t.Helper()
	var out abi.ScoreOutput
	_, err := s.Score(t.Context(), &abi.Header{Attempt: attempt}, make([]abi.Candidate, n), &out)
	return out.Scores, err
}

func contains(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not say %q", text, part)
		}
	}
}
