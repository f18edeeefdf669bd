//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// installing is how long packages may take to arrive, and the tests to run.
const installing = 5 * time.Minute

// TestPython runs openai-python's test in an environment of its own.
func TestPython(t *testing.T) {
	t.Parallel()
	dir := workspace(t, "python")
	tool(t, dir, nil, "python3", "-m", "venv", ".venv")
	tool(t, dir, nil, ".venv/bin/pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt")
	t.Logf("%s", tool(t, dir, sdkTarget(t), ".venv/bin/python", "test_client.py", "-v"))
}

// TestNode runs openai-node's test in a folder of its own.
func TestNode(t *testing.T) {
	t.Parallel()
	dir := workspace(t, "node")
	tool(t, dir, nil, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	t.Logf("%s", tool(t, dir, sdkTarget(t), "node", "--test", "client.test.js"))
}

// sdkTarget starts vendors and a router and tells an SDK's test where they are.
func sdkTarget(t *testing.T) []string {
	t.Helper()
	v := startVendors(t)
	r := troubledBy(t, v, "cut", "slow")
	return []string{"ROUTER_URL=" + r.url, "ROUTER_KEY=" + acmeKey, "VENDORS_URL=http://" + v.addr, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1"}
}

// workspace copies a client's files to where packages may be installed.
func workspace(t *testing.T, client string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "clients", client))); err != nil {
		t.Fatal(err)
	}
	return dir
}

func tool(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), installing)
	defer cancel()
	if strings.Contains(name, "/") {
		name = filepath.Join(dir, name)
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return string(out)
}
