package house

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// imports lists what each package's files import, whatever their build constraints: a rule holds
// natively and in a guest. Tests may import what they like.
func imports(t *testing.T, root string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, e fs.DirEntry, err error) error {
		switch name := e.Name(); {
		case err != nil:
			return err
		case e.IsDir() && (name == "testdata" || file != root && strings.HasPrefix(name, ".")):
			return fs.SkipDir
		case e.IsDir(), !strings.HasSuffix(name, ".go"), strings.HasSuffix(name, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		pkg := path.Join(module, filepath.ToSlash(rel))
		found[pkg] = append(found[pkg], "errors") // so that a package without imports is there too
		for _, i := range f.Imports {
			imported, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			found[pkg] = append(found[pkg], imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 20 {
		t.Fatalf("only %d packages found", len(found))
	}
	return found
}

func TestImports(t *testing.T) {
	for pkg, imported := range imports(t, "../..") {
		rule, ok := Governing(pkg)
		if !ok {
			t.Errorf("%s: no rule covers it: add one to Rules, with its reason", pkg)
			continue
		}
		for _, imp := range imported {
			if !rule.Allows(imp) {
				t.Errorf("%s imports %s, which %s must not: %s", strings.TrimPrefix(pkg, module+"/"), imp, rule.Part, rule.Why)
			}
		}
	}
}

// TestNoSleep keeps tests from waiting for time to pass: what is meant can be waited for, and
// inside a synctest bubble no time passes.
func TestNoSleep(t *testing.T) {
	err := filepath.WalkDir("../..", func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(file, "_test.go") {
			return err
		}
		text, err := os.ReadFile(file)
		if err == nil && bytes.Contains(text, []byte("time."+"Sleep(")) && !bytes.Contains(text, []byte(`"testing/synctest"`)) {
			t.Errorf("%s sleeps: wait for what is meant, or use testing/synctest", file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRulesCanRefuse(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"server", module + "/host", false},
		{"host", module + "/server", false},
		{"host", module + "/internal/config", false},
		{"internal/gateway", "github.com/labstack/echo/v4", false},
		{"internal/gateway", module + "/host", false},
		{"plugins/providers/openai", module + "/internal/gateway", false},
		{"sdk/abi", module + "/sdk/jsonraw", false},
		{"server", "go.yaml.in/yaml/v3", false},
		{"cmd/switchyard", "github.com/labstack/echo/v4", false},
		{"internal/store", module + "/internal/store/sqlite", false},
		{"internal/store/ledger", "modernc.org/sqlite", false},
		{"internal/store/decisionlog", module + "/internal/gateway", false},
		{"internal/store/sqlite", "modernc.org/sqlite/lib", true},
		{"host", "github.com/tetratelabs/wazero/api", true},
		{"server", "net/http", true},
		{"cmd/switchyard", module + "/host", true},
	} {
		rule, ok := Governing(module + "/" + c.from)
		if got := rule.Allows(c.to); !ok || got != c.want {
			t.Errorf("%s → %s: allowed %v, want %v", c.from, c.to, got, c.want)
		}
	}
}
