//go:build race && unix

package hosttest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
)

const (
	compilerPackage = "github.com/switchyard-gateway/switchyard/host/hosttest/compiler"
	wazero          = "github.com/tetratelabs/wazero"
)

// Compiler returns an Options.Compiler for the hosts of tests: a program that was built without the race detector, under
// which compiling takes about ten times as long. One that the detector watches is for tests of compiling.
func Compiler(t testing.TB) []string {
	t.Helper()
	path, err := compiler()
	if err != nil {
		t.Fatalf("building a compiler without the race detector: %v", err)
	}
	return []string{path}
}

// compiler keeps the program in the cache, in a folder for the checkout of this file. Test binaries that run beside each
// other wait for the first of them, and the go tool links what has changed only.
var compiler = sync.OnceValues(func() (path string, err error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	_, checkout, _, _ := runtime.Caller(0)
	version := wazeroVersion()
	sum := sha256.Sum256([]byte(checkout + "\n" + version))
	dir := filepath.Join(cache, "compilers", hex.EncodeToString(sum[:8]))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, lock.Close()) }() // which gives the lock back
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("locking %q: %w", lock.Name(), err)
	}
	path = filepath.Join(dir, "compiler")
	cmd := exec.CommandContext(context.Background(), "go", "build",
		"-ldflags=-s -w -X "+wazero+"/internal/version.version="+version, "-o", path, compilerPackage)
	cmd.Env = append(os.Environ(), "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// wazeroVersion is the version that wazero finds in this binary, and without which no other one takes its code. Most test
// binaries do not list what they were built from.
func wazeroVersion() string {
	const unknown = "dev"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknown
	}
	version := info.Main.Version
	for _, dep := range info.Deps {
		if strings.Contains(dep.Path, wazero) {
			version = dep.Version
		}
	}
	if version == "" || version == "(devel)" {
		return unknown
	}
	return version
}
