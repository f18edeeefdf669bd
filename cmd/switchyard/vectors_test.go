//go:build !race

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// switchyard runs a command.
func switchyard(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), args, os.LookupEnv, &out, &out)
	return out.String(), err
}

// TestVectorsCommand has nothing run at the same time. The command compiles in a process of this binary, so that under the
// race detector it would do little else.
func TestVectorsCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const example = "../../examples/roomy"
	module, err := os.ReadFile(hosttest.Build(t, example))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "roomy.wasm")
	if err := os.WriteFile(path, module, 0o640); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(example, "testdata", "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []abi.Vector
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	file := func(name string, list []abi.Vector) string {
		t.Helper()
		text, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		full := filepath.Join(dir, name)
		if err := os.WriteFile(full, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return full
	}
	good := file("good.json", list)
	wrong := list[0]
	wrong.Output = bytes.Clone(wrong.Output)
	wrong.Output[abi.ScoreReplySize+7] ^= 0x80 // the sign of the first score
	bad := file("bad.json", []abi.Vector{wrong})
	malformed := file("malformed.json", []abi.Vector{{Name: "odd", Export: "describe", Output: []byte{0}}})
	none := file("none.json", nil)
	text2 := filepath.Join(dir, "roomy.txt")
	if err := os.WriteFile(text2, module, 0o600); err != nil {
		t.Fatal(err)
	}

	const name = `"the largest context window wins"`
	for _, step := range []struct {
		args, want string
		fails      bool
	}{
		{"check " + path, "answers 1 golden vector as they say", false},
		{"add " + path + " " + bad, "carries 1 golden vector", false},
		{"check " + path, path + ": golden vector " + name + ": score differs: score 0 is -8000, the vector has 8000", true},
		{"add " + path + " " + malformed, malformed + `: golden vector "odd": a vector can't call the export "describe"`, true},
		{"list " + path, "score    the largest context window wins (input 928 bytes, output 72 bytes, config {})", false},
		{"add " + path + " " + good, "carries 1 golden vector", false},
		{"check --policy " + path, "answers 1 golden vector", false},
		{"add " + path + " " + none, "carries 0 golden vectors", false},
		{"check " + path, path + ": it carries no golden vectors", true},
		{"list " + path, path + ": it carries no golden vectors", true},
		{"add " + good + " " + good, good + ": it is not a WebAssembly 1.0 module", true},
		{"list " + good, good + ": it is not a WebAssembly 1.0 module", true},
		{"check " + text2, text2 + ": a plugin's file name ends in .wasm", true},
		{"check " + filepath.Join(dir, "no.wasm"), "no such file", true},
		{"add " + path + " " + filepath.Join(dir, "no.json"), "no such file", true},
	} {
		out, err := switchyard(t, append([]string{"plugin", "vectors"}, strings.Fields(step.args)...)...)
		if err != nil {
			out = err.Error()
		}
		if (err != nil) != step.fails || !strings.Contains(out, step.want) {
			t.Errorf("%s: %q, %v; want %q", step.args, out, err, step.want)
		}
	}

	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode is now %v, %v", info.Mode(), err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".vectors-*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
