package meter_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/switchyard-gateway/switchyard/host/meter"
)

// script is one file of the official core test suite as wast2json writes it.
type script struct {
	Commands []command `json:"commands"`
}

type command struct {
	Type       string   `json:"type"`
	Line       int      `json:"line"`
	Name       string   `json:"name"`        // module: how later commands call it
	Filename   string   `json:"filename"`    // the module that a command loads
	As         string   `json:"as"`          // register: how later modules import it
	ModuleType string   `json:"module_type"` // "text" modules have no binary form
	Text       string   `json:"text"`        // what is wrong
	Action     action   `json:"action"`
	Expected   []values `json:"expected"`
}

type action struct {
	Type   string   `json:"type"` // "invoke" or "get"
	Module string   `json:"module"`
	Field  string   `json:"field"`
	Args   []values `json:"args"`
}

// tally counts commands by what became of them, so that a runner that silently skips is found out.
type tally struct{ ran, refused, skipped atomic.Int64 }

// TestCoreSuite puts every module of the WebAssembly core test suite, 1.0 and 2.0, through Rewrite and expects what the
// suite says, on both engines, with the same fuel.
func TestCoreSuite(t *testing.T) {
	for _, suite := range []struct {
		version      string
		ran, refused int64 // at least; wazero's copy of the suite does not shrink
	}{
		{"v1", 16390, 1640},
		{"v2", 48420, 2855},
	} {
		t.Run(suite.version, func(t *testing.T) {
			var counts tally
			dir := filepath.Join(suiteDir(t), suite.version, "testdata")
			t.Run("files", func(t *testing.T) {
				for name, s := range scripts(t, dir) {
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						compiled := newStage(t, name, dir, wazero.NewRuntimeConfigCompiler(), &counts)
						interpreted := newStage(t, name, dir, wazero.NewRuntimeConfigInterpreter(), &counts)
						interpreted.interpreter = true
						for i, c := range s.Commands {
							if suite.version == "v1" && name == "linking" && slices.Contains(superseded, c.Line) {
								counts.skipped.Add(2)
								continue
							}
							a, b := compiled.run(t, s.Commands, i), interpreted.run(t, s.Commands, i)
							if a != b && a >= 0 && b >= 0 {
								t.Errorf("line %d: %s used %d fuel compiled and %d interpreted", c.Line, c.Type, a, b)
							}
						}
					})
				}
			})
			t.Logf("%d assertions held, %d modules were refused, %d commands skipped, over both engines", counts.ran.Load(), counts.refused.Load(), counts.skipped.Load())
			if ran, refused := counts.ran.Load(), counts.refused.Load(); ran < 2*suite.ran || refused < 2*suite.refused {
				t.Errorf("%d assertions ran and %d modules were refused, want at least %d and %d", ran, refused, 2*suite.ran, 2*suite.refused)
			}
		})
	}
}

// superseded are the lines of 1.0's linking.wast which say that an instance that fails to come up has written nothing
// elsewhere. Since 2.0 it has written what precedes the failure, and 2.0's linking.wast says so.
var superseded = []int{236, 248, 342, 354}

// suiteDir finds the suite in the source of wazero, which the module cache has whenever this test compiles.
func suiteDir(t testing.TB) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatalf("finding wazero's source: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "internal", "integration_test", "spectest")
}

func scripts(t *testing.T, dir string) map[string]script {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in %s (%v)", dir, err)
	}
	found := map[string]script{}
	for _, file := range files {
		var s script
		if err := json.Unmarshal(read(t, file), &s); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		found[strings.TrimSuffix(filepath.Base(file), ".json")] = s
	}
	return found
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// stage is where one script plays: a runtime with the suite's host module and the instances made so far.
type stage struct {
	script, dir string
	runtime     wazero.Runtime
	interpreter bool
	counts      *tally
	all         []*instance
	named       map[string]*instance
	last        *instance
}

func newStage(t *testing.T, script, dir string, config wazero.RuntimeConfig, counts *tally) *stage {
	t.Helper()
	ctx := context.Background() // which outlives t.Context, for Close
	s := &stage{script: script, dir: dir, runtime: wazero.NewRuntimeWithConfig(ctx, config), counts: counts, named: map[string]*instance{}}
	t.Cleanup(func() { _ = s.runtime.Close(ctx) })
	world := read(t, filepath.Join(dir, "..", "..", "testdata", "spectest.wasm"))
	if _, err := s.runtime.Instantiate(ctx, world); err != nil {
		t.Fatalf("the suite's host module: %v", err)
	}
	return s
}

// Plenty, so that only what runs away meets a limit.
const (
	specFuel  = 1 << 40
	specStack = 64 << 20
	// Runaway recursion is stopped early, for speed.
	specShallow = 1 << 20
)

// run plays one command and returns the fuel that it used, or -1 when that is not to be compared.
func (s *stage) run(t *testing.T, commands []command, i int) int64 {
	t.Helper()
	c := commands[i]
	switch c.Type {
	case "module":
		name := ""
		if i+1 < len(commands) && commands[i+1].Type == "register" {
			name = commands[i+1].As
		}
		in, err := s.load(t, c, name)
		if err != nil {
			t.Fatalf("line %d: module %s: %v", c.Line, c.Filename, err)
		}
		s.last = in
		if c.Name != "" {
			s.named[c.Name] = in
		}
		return s.used()
	case "register":
		return -1 // done with the module before it
	case "assert_invalid", "assert_malformed":
		s.bad(t, c)
		return -1
	case "assert_unlinkable", "assert_uninstantiable":
		return s.unusable(t, c)
	}
	in := s.last
	if c.Action.Module != "" {
		in = s.named[c.Action.Module]
	}
	if c.Action.Type == "get" {
		s.counts.ran.Add(1)
		if got := []uint64{in.ExportedGlobal(c.Action.Field).Get()}; !match(got, c.Expected) {
			t.Errorf("line %d: global %q is %#x, want %v", c.Line, c.Action.Field, got, c.Expected)
		}
		return -1
	}
	return s.invoke(t, in, c)
}

// invoke plays an assertion about a call, or a call for its effect.
func (s *stage) invoke(t *testing.T, in *instance, c command) int64 {
	t.Helper()
	stack := int64(specStack)
	if c.Type == "assert_exhaustion" {
		stack = specShallow
	}
	s.give(stack)
	got, err := in.ExportedFunction(c.Action.Field).Call(t.Context(), words(c.Action.Args)...)
	s.counts.ran.Add(1)
	where := fmt.Sprintf("line %d: %s %s%v", c.Line, c.Type, c.Action.Field, c.Action.Args)
	switch c.Type {
	case "assert_return", "action":
		if err != nil {
			t.Errorf("%s: %v", where, err)
		} else if !match(got, c.Expected) {
			t.Errorf("%s = %#x, want %v", where, got, c.Expected)
		}
	case "assert_trap":
		if want := trapText(c.Text); err == nil || want == "" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q for %q", where, err, want, c.Text)
		} else if s.exhausted() {
			t.Errorf("%s: met a limit: %v", where, err)
		}
	case "assert_exhaustion":
		own := in.deep()
		if err == nil || !own && !(s.interpreter && strings.Contains(err.Error(), "stack overflow")) {
			t.Errorf("%s: %v, want it to use up its stack", where, err)
		}
		if !own {
			return -1 // the interpreter has a limit of its own, in calls
		}
	default:
		t.Errorf("line %d: unknown command %q", c.Line, c.Type)
	}
	return s.used()
}

// load instantiates a module that must be good and runs what was its start function.
func (s *stage) load(t *testing.T, c command, name string) (*instance, error) {
	t.Helper()
	rewritten, err := meter.Rewrite(read(t, filepath.Join(s.dir, c.Filename)), generous())
	if err != nil {
		return nil, fmt.Errorf("rewriting: %w", err)
	}
	in, err := instantiate(t.Context(), s.runtime, rewritten, name)
	if err != nil {
		return nil, err
	}
	s.all = append(s.all, in)
	s.give(specStack)
	return in, in.start(t.Context())
}

// bad expects that a module is refused by Rewrite, or else by wazero.
func (s *stage) bad(t *testing.T, c command) {
	t.Helper()
	if c.ModuleType == "text" {
		s.counts.skipped.Add(1) // about the text format
		return
	}
	module := read(t, filepath.Join(s.dir, c.Filename))
	if compiles(t.Context(), s.runtime, module) == nil {
		s.counts.skipped.Add(1) // wrong in 1.0, right in 2.0; or wazero is lenient
		return
	}
	rewritten, err := meter.Rewrite(module, generous())
	switch {
	case err != nil || compiles(t.Context(), s.runtime, rewritten) != nil:
		s.counts.refused.Add(1)
	case s.script == "custom" || s.script == "utf8-custom-section-id":
		s.counts.skipped.Add(1) // what is wrong in a custom section is dropped with it
	default:
		t.Errorf("line %d: %s, %s (%s), is good once rewritten", c.Line, c.Filename, c.Type, c.Text)
	}
}

// unusable expects that a valid module fails at instantiation or in its start function.
func (s *stage) unusable(t *testing.T, c command) int64 {
	t.Helper()
	s.counts.ran.Add(1)
	in, err := s.load(t, c, "")
	// Elements out of bounds are no error for wazero, unless it runs as 1.0, which the host doesn't ask of it. Its own
	// runner makes the same exception.
	if c.Text == "out of bounds table access" || c.Text == "elements segment does not fit" {
		if err != nil {
			t.Errorf("line %d: %s: %v", c.Line, c.Filename, err)
		}
		return s.used()
	}
	if err == nil {
		t.Errorf("line %d: %s, %s (%s), came up", c.Line, c.Filename, c.Type, c.Text)
	}
	if in != nil && s.exhausted() {
		t.Errorf("line %d: %s met a limit: %v", c.Line, c.Filename, err)
	}
	return s.used()
}

func (s *stage) give(stack int64) {
	for _, in := range s.all {
		in.give(specFuel, stack)
	}
}

func (s *stage) used() int64 {
	var sum int64
	for _, in := range s.all {
		sum += in.used()
	}
	return sum
}

func (s *stage) exhausted() bool {
	for _, in := range s.all {
		if in.dry() || in.deep() {
			return true
		}
	}
	return false
}

// trapText is what wazero says for a trap that the suite calls otherwise.
func trapText(suite string) string {
	switch suite {
	case "indirect call type mismatch", "indirect call":
		return "indirect call type mismatch"
	case "undefined element", "undefined", "out of bounds table access":
		return "invalid table access"
	case "out of bounds memory access", "integer overflow", "invalid conversion to integer", "integer divide by zero", "unreachable":
		return suite
	}
	if strings.HasPrefix(suite, "uninitialized") {
		return "invalid table access"
	}
	return ""
}
