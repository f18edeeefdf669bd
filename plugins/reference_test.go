// Package plugins_test keeps docs/plugins.md in step with what the plugins say of themselves.
package plugins_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/host/hosttest"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

var update = flag.Bool("update", false, "write docs/plugins.md anew")

const referenceFile = "../docs/plugins.md"

func TestReferenceFileIsCurrent(t *testing.T) {
	want := reference(t)
	if *update {
		if err := os.WriteFile(referenceFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/plugins.md is not what the plugins say of themselves: run make docs")
	}
}

// reference builds every plugin and writes down what describe answers.
func reference(t *testing.T) []byte {
	var b bytes.Buffer
	b.WriteString("# Plugins\n\nGenerated from what each module says of itself (`make docs`). The keys stand under `config` of a provider, or of a\nstrategy written as `{plugin: name, config: {…}}`.\n")
	for _, kind := range []struct{ title, glob, kind string }{
		{"Providers", "providers/*/main.go", abi.KindProvider},
		{"Strategies", "strategies/*/main.go", abi.KindStrategy},
	} {
		fmt.Fprintf(&b, "\n## %s\n", kind.title)
		files, err := filepath.Glob(kind.glob)
		if err != nil || len(files) == 0 {
			t.Fatalf("no plugins match %s: %v", kind.glob, err)
		}
		for _, f := range files {
			describe(t, &b, filepath.Dir(f), kind.kind)
		}
	}
	return b.Bytes()
}

func describe(t *testing.T, b *bytes.Buffer, dir, kind string) {
	var d *abi.Description
	if kind == abi.KindProvider {
		d = hosttest.LoadProvider(t, dir, "{}").Describe()
	} else {
		d = hosttest.LoadStrategy(t, dir, "{}").Describe()
	}
	fmt.Fprintf(b, "\n### %s\n\n%s.", d.Name, strings.ToUpper(d.About[:1])+d.About[1:])
	if kind == abi.KindProvider {
		fmt.Fprintf(b, " Dialect %s; endpoints %s.", d.Dialect, strings.Join(d.Endpoints, ", "))
		if len(d.Passthrough) > 0 {
			fmt.Fprintf(b, " Requests of the dialect %s pass through.", strings.Join(d.Passthrough, ", "))
		}
	} else if d.Mode == abi.ModeFilter {
		b.WriteString(" A filter.")
	}
	b.WriteString("\n")
	schema(t, b, d.ConfigSchema)
}

// property is the part of JSON Schema that the plugins use.
type property struct {
	Type        any             `json:"type"`
	Description string          `json:"description"`
	Default     json.RawMessage `json:"default"`
	Enum        []string        `json:"enum"`
}

func schema(t *testing.T, b *bytes.Buffer, text abi.RawJSON) {
	var s struct {
		Properties map[string]property `json:"properties"`
	}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatalf("config_schema: %v", err)
		}
	}
	if len(s.Properties) == 0 {
		b.WriteString("\nNo config.\n")
		return
	}
	b.WriteString("\n| key | type | default | meaning |\n|---|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		kind := fmt.Sprint(p.Type)
		if len(p.Enum) > 0 {
			kind = strings.Join(p.Enum, ", ")
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", name, kind, p.Default, p.Description)
	}
}
