package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

type pkg struct {
	ImportPath string
	Imports    []string
}

func list(t *testing.T, env ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"/...")
	cmd.Env = append(cmd.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
	if len(pkgs) < 20 {
		t.Fatalf("go list found only %d packages", len(pkgs))
	}
	return pkgs
}

// TestImports walks every package, natively and as a guest sees it.
func TestImports(t *testing.T) {
	for name, env := range map[string][]string{"native": nil, "guest": {"GOOS=wasip1", "GOARCH=wasm"}} {
		t.Run(name, func(t *testing.T) {
			for _, p := range list(t, env...) {
				rule, ok := Governing(p.ImportPath)
				if !ok {
					t.Errorf("%s: no rule of this package's tree covers it: add one to Rules, with its reason", p.ImportPath)
					continue
				}
				for _, imp := range p.Imports {
					if !rule.Allows(imp) {
						t.Errorf("%s imports %s, which %s must not: %s", strings.TrimPrefix(p.ImportPath, module+"/"), imp, rule.Part, rule.Why)
					}
				}
			}
		})
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
