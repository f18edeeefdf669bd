package config

import (
	"errors"
	"flag"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write testdata/bad.txtar anew")

func environment(pairs map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := pairs[name]
		return value, ok
	}
}

func TestBadFiles(t *testing.T) {
	const golden = "testdata/bad.txtar"
	archive, err := txtar.ParseFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	content := make(map[string]string)
	for _, f := range archive.Files {
		content[f.Name] = string(f.Data)
	}
	cases := 0
	for i, f := range archive.Files {
		name, ok := strings.CutSuffix(f.Name, "/problems")
		if !ok {
			continue
		}
		cases++
		t.Run(name, func(t *testing.T) {
			env := make(map[string]string)
			for line := range strings.Lines(content[name+"/env"]) {
				key, quoted, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
				value, err := strconv.Unquote(quoted)
				if err != nil {
					t.Fatalf("env line %q: %v", line, err)
				}
				env[key] = value
			}
			c, err := Parse("plugins.yaml", []byte(content[name+"/plugins.yaml"]), environment(env))
			var problems Problems
			if c != nil || !errors.As(err, &problems) {
				t.Fatalf("Parse gave %v, %v; want Problems", c, err)
			}
			got := problems.Error() + "\n"
			if *update {
				archive.Files[i].Data = []byte(got)
			} else if want := string(f.Data); got != want {
				t.Errorf("problems:\n%swant:\n%s", got, want)
			}
			for _, secret := range []string{"top-secret", "top\nsecret", "top secret"} {
				if strings.Contains(got, secret) {
					t.Errorf("the problems show a secret:\n%s", got)
				}
			}
			if !slices.IsSortedFunc(problems, func(a, b Problem) int { return a.Line - b.Line }) {
				t.Errorf("not sorted by line:\n%s", got)
			}
		})
	}
	if cases < 40 {
		t.Errorf("%d cases", cases)
	}
	if *update {
		if err := os.WriteFile(golden, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
