// Package hosttest tests plugins in the host that will run them: import it in a plugin's tests for the conformance kit,
// or in any test that needs a plugin as a module.
//
//	func TestConformance(t *testing.T) { hosttest.Provider(t, ".") }
//
// The package at the given folder is built with the Go toolchain that runs the test. Modules and compiled code are kept
// in the user's cache folder, so that a second run is quick.
package hosttest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/host/internal/codecache"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Build compiles the plugin package in dir and returns the path of the module, which is named after the folder. It
// carries the golden vectors in the package's testdata/vectors.json, if that is there. One test binary builds a folder
// once; the module belongs to all its tests and must not be changed.
func Build(t testing.TB, dir string) string {
	t.Helper()
	abs, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	// Other tests wait for the module too: it does not depend on the context of this one.
	ctx := context.WithoutCancel(t.Context())
	once, _ := built.LoadOrStore(abs, sync.OnceValues(func() (string, error) { return build(ctx, abs) }))
	path, err := once.(func() (string, error))()
	if err != nil {
		t.Fatalf("building the plugin in %s: %v", abs, err)
	}
	return path
}

var built sync.Map // folder → func() (string, error)

// build compiles to a name of its own first, as another test binary may be building the same folder.
func build(ctx context.Context, abs string) (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(abs))
	dir := filepath.Join(cache, "modules", hex.EncodeToString(sum[:8]))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(dir, "build")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	fresh := filepath.Join(temp, "plugin.wasm")
	cmd := exec.CommandContext(ctx, "go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", fresh, ".")
	cmd.Dir = abs
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	if err := addVectors(fresh, filepath.Join(abs, "testdata", "vectors.json")); err != nil {
		return "", err
	}
	path := filepath.Join(dir, filepath.Base(abs)+".wasm")
	return path, os.Rename(fresh, path)
}

// addVectors puts the golden vectors of a file, which need not be there, into a module.
func addVectors(module, file string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	list, err := host.ParseVectors(text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	code, err := os.ReadFile(module)
	if err != nil {
		return err
	}
	if code, err = host.WithVectors(code, list); err != nil {
		return err
	}
	return os.WriteFile(module, code, 0o600)
}

// cacheDir returns a private folder that outlives the test.
func cacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		base = filepath.Join(os.TempDir(), fmt.Sprintf("user-%d", os.Getuid()))
	}
	dir := filepath.Join(base, "switchyard-hosttest", runtime.Version())
	return dir, codecache.Check(dir)
}

// New returns a Host that logs to the test, shares compiled code with other tests, and is closed at the end of the
// test: sets must be released before.
func New(t testing.TB) *host.Host {
	t.Helper()
	cache, err := cacheDir()
	if err != nil {
		t.Fatal(err)
	}
	// The test binary has limits of its own, and how much fuel a byte may take is what adapters' tests measure. Half of
	// the timeout is also how long a compiler waits for a processor that nobody else wants.
	patient := host.Limits{Fuel: host.Fuel{PerByte: 5000}, Compile: host.Compile{CPU: time.Hour, Timeout: 10 * time.Minute}}
	h, err := host.New(t.Context(), host.Options{
		CacheDir: filepath.Join(cache, "compiled"),
		Compiler: Compiler(t),
		Log:      slog.New(slog.NewTextHandler(t.Output(), nil)),
		Limits:   patient, Policies: patient,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// key is the key of the plugin in the sets of this package.
const key = "plugin"

// Load builds the package in dir and returns a set of a new Host in which the key "plugin" stands for it, configured
// with config (JSON, "" is {}). The set is released at the end of the test.
func Load(t testing.TB, dir, kind, config string) *host.Set {
	t.Helper()
	set, _ := load(t, dir, kind, config)
	return set
}

func load(t testing.TB, dir, kind, config string) (*host.Set, *host.Host) {
	t.Helper()
	h := New(t)
	set, err := buildSet(t, h, Build(t, dir), kind, config)
	if err != nil {
		t.Fatalf("admission: %v", err)
	}
	t.Cleanup(set.Release)
	return set, h
}

func buildSet(t testing.TB, h *host.Host, path, kind, config string) (*host.Set, error) {
	name := filepath.Base(path)
	return h.Build(t.Context(), filepath.Dir(path), []host.Spec{{
		Key: key, Plugin: name[:len(name)-len(".wasm")], Kind: kind, Config: []byte(config),
	}}, nil)
}

// LoadProvider is Load for a provider plugin.
func LoadProvider(t testing.TB, dir, config string) *host.Provider {
	t.Helper()
	return Load(t, dir, abi.KindProvider, config).Provider(key)
}

// LoadStrategy is Load for a strategy plugin.
func LoadStrategy(t testing.TB, dir, config string) *host.Strategy {
	t.Helper()
	return Load(t, dir, abi.KindStrategy, config).Strategy(key)
}

// fault reports whether err is something that a plugin must never cause.
func fault(err error) bool {
	_, isRefusal := errors.AsType[*abi.Refusal](err)
	return err != nil && !isRefusal
}
