package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// What TestMain builds, once for all tests.
var (
	binary  string // the router
	modules string // folder of the shipped plugins
	traps   string // a plugin that traps in configure
	cache   string // compiled code, shared by all routers
)

const root = "../.."

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "switchyard-e2e-")
		if err == nil {
			defer func() { _ = os.RemoveAll(dir) }()
			err = build(dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "building for the tests:", err)
			return 1
		}
		return m.Run()
	}())
}

// build fills dir as make build fills bin and plugins/dist, and compiles the plugins to machine code.
func build(dir string) error {
	binary, modules, cache = filepath.Join(dir, "switchyard"), filepath.Join(dir, "dist"), filepath.Join(dir, "cache")
	traps = filepath.Join(dir, "traps.wasm")
	if err := compile(nil, "-o", binary, "./cmd/switchyard"); err != nil {
		return err
	}
	wasm := []string{"GOOS=wasip1", "GOARCH=wasm"}
	sources, err := filepath.Glob(root + "/plugins/*/*/main.go")
	if err != nil || len(sources) == 0 {
		return errors.Join(err, fmt.Errorf("%d plugins found", len(sources)))
	}
	outputs := map[string]string{"./internal/e2e/testdata/plugins/traps": traps}
	for _, source := range sources {
		pkg, err := filepath.Rel(root, filepath.Dir(source))
		if err != nil {
			return err
		}
		outputs["./"+pkg] = filepath.Join(modules, filepath.Base(pkg)+".wasm")
	}
	for pkg, output := range outputs {
		if err := compile(wasm, "-ldflags=-s -w", "-buildmode=c-shared", "-o", output, pkg); err != nil {
			return err
		}
	}
	config := filepath.Join(dir, "plugins.yaml")
	if err := os.WriteFile(config, []byte(everyPlugin(modules)), 0o600); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, binary, "check", "--config", config).CombinedOutput(); err != nil {
		return fmt.Errorf("compiling the plugins: %w\n%s", err, out)
	}
	return nil
}

func compile(env []string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-trimpath"}, args...)...)
	cmd.Dir, cmd.Env = root, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}

// everyPlugin is a config that uses every plugin that the tests use, so that checking it compiles them.
func everyPlugin(dir string) string {
	return fmt.Sprintf(`
plugins: {dir: %s, cache_dir: %s}
providers:
  a: {plugin: openai, base_url: http://127.0.0.1:1}
  b: {plugin: anthropic, base_url: http://127.0.0.1:1}
  c: {plugin: ollama, base_url: http://127.0.0.1:1}
models:
  m: {strategy: [latency, cost, priority, weighted, tenant-pin], deployments: [{provider: a, model: m}]}
`, dir, cache)
}
