//go:build linux

package compiler

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/host/internal/codecache"
	"github.com/switchyard-gateway/switchyard/host/meter"
)

var ample = Bounds{Memory: 1 << 30, CPU: time.Minute, Timeout: time.Hour, Processors: 2}

// newJob is a job with room to work in.
func newJob(t testing.TB, module []byte) *Job {
	t.Helper()
	f, err := codecache.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	work, err := f.Work()
	if err != nil {
		t.Fatal(err)
	}
	return &Job{Module: module, Limits: meter.Limits{Memory: 16, FunctionSize: 1 << 20}, Work: work}
}

// results returns all that a job left, by name.
func results(t *testing.T, j *Job) map[string]string {
	t.Helper()
	files := map[string]string{}
	if err := filepath.WalkDir(j.Work, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, j.Work)] = string(b)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return files
}

// TestSameEverywhere compiles in this process and in another: there is no difference.
func TestSameEverywhere(t *testing.T) {
	t.Parallel()
	here, there := newJob(t, module(bomb(2000))), newJob(t, module(bomb(2000)))
	if err := Compile(t.Context(), here); err != nil {
		t.Fatal(err)
	}
	u, err := as("compile").Compile(t.Context(), there, &ample)
	if err != nil {
		t.Fatal(err)
	}
	if u.CPU <= 0 || u.Memory <= 0 {
		t.Errorf("it used %+v", u)
	}
	a, b := results(t, here), results(t, there)
	if len(a) != 2 || len(b) != 2 {
		t.Fatalf("%d and %d files", len(a), len(b))
	}
	for name := range a {
		if a[name] == "" || a[name] != b[name] {
			t.Errorf("%s differs: %d and %d bytes", name, len(a[name]), len(b[name]))
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	memory := bytes.Replace(module(small), []byte{5, 3, 1, 0, 1}, []byte{5, 3, 1, 0, 17}, 1)
	marker := bytes.Replace(module(small), []byte("_abi_1"), []byte("_abi_9"), 1)
	large := newJob(t, module(bomb(4000)))
	large.Limits.FunctionSize = 1000
	for name, tc := range map[string]struct {
		job  *Job
		want string
	}{
		"limit of meter": {large, "1000"},
		"no module":      {newJob(t, []byte("\x00asm\x01\x00\x00\x00\x63")), "section"},
		"invalid":        {newJob(t, module([]byte{0, 0x0b})), "compiling it: "},
		"contract":       {newJob(t, marker), "module speaks ABI 9; this host speaks 1"},
		"memory":         {newJob(t, memory), "17 pages"},
	} {
		here := Compile(t.Context(), tc.job)
		_, there := as("compile").Compile(t.Context(), tc.job, &ample)
		for _, err := range []error{here, there} {
			if r, ok := errors.AsType[*RefusalError](err); !ok || !strings.Contains(r.Text, tc.want) {
				t.Errorf("%s: %v, want a refusal with %q", name, err, tc.want)
			}
		}
		if here != nil && there != nil && here.Error() != there.Error() {
			t.Errorf("%s: here %q, there %q", name, here, there)
		}
	}
}

// TestNoRoom has a work folder that can't be written to: that is not the module's fault.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	j := newJob(t, module(small))
	if err := os.RemoveAll(j.Work); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(j.Work, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	here := Compile(t.Context(), j)
	_, there := as("compile").Compile(t.Context(), j, &ample)
	for _, err := range []error{here, there} {
		if _, refused := errors.AsType[*RefusalError](err); err == nil || refused || !strings.Contains(err.Error(), j.Work) {
			t.Errorf("%v, want an error about %s (%v)", err, j.Work, refused)
		}
	}
}

func TestCompileWithin(t *testing.T) {
	t.Parallel()
	if err := CompileWithin(t.Context(), newJob(t, module(small)), time.Hour); err != nil {
		t.Error(err)
	}
	// What goes on after these two writes no files.
	if err := CompileWithin(t.Context(), newJob(t, nil), 0); err == nil || err.Error() != "compiling it took more than 0s, the limit" {
		t.Errorf("too late: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := CompileWithin(ctx, newJob(t, nil), time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := CompileWithin(t.Context(), newJob(t, nil), time.Hour); err == nil {
		t.Error("nothing was compiled")
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	f, err := codecache.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a, err := Fingerprint(t.Context(), f)
	if err != nil || !strings.HasPrefix(a, "wazero-") {
		t.Fatalf("%q, %v", a, err)
	}
	if b, err := Fingerprint(t.Context(), f); err != nil || a != b {
		t.Errorf("%q, then %q, %v", a, b, err)
	}
	l := meter.Limits{Memory: 1}
	keys := map[codecache.Key]string{}
	for name, k := range map[string]codecache.Key{
		"one": Key("a", &l, "x"), "of another hash": Key("b", &l, "x"), "of another compiler": Key("a", &l, "y"),
		"under other limits": Key("a", &meter.Limits{Memory: 2}, "x"), "under yet others": Key("a", &meter.Limits{Locals: 1}, "x"),
	} {
		if other := keys[k]; other != "" {
			t.Errorf("the key %s is that %s", name, other)
		}
		keys[k] = name
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                             "",
		`export "a" is no function`:    `export "a" is no function`,
		"Straße":                       "Straße",
		"red \x1b[31m\n\"x\"":          `red \x1b[31m\n"x"`,
		"bad \xff":                     `bad \xff`,
		strings.Repeat("x", 1000):      strings.Repeat("x", 1000),
		strings.Repeat("x", 1001):      strings.Repeat("x", 1000) + " …",
		strings.Repeat("x", 999) + "ß": strings.Repeat("x", 999) + " …",
	} {
		if got := plain(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
