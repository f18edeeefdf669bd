package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/config/yamltree"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

const docsFile = "../../../docs/rules.md"

// TestReferenceFileIsCurrent compares the tables in docs/rules.md with the fields that conditions have; -update writes them.
func TestReferenceFileIsCurrent(t *testing.T) {
	text := docs(t)
	want := text
	for _, of := range []*scope{&requests, &deployments} {
		want = between(t, want, "<!-- "+of.name+" -->\n", "<!-- end -->", table(of))
	}
	words := "`" + strings.Join(rankings(), "`, `") + "`"
	want = between(t, want, "<!-- rankings -->", "<!-- end -->", strings.Replace(words, "`weight`", "`weight` (chance, by weight)", 1))
	if update := flag.Lookup("update"); update != nil && update.Value.String() == "true" {
		if err := os.WriteFile(docsFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if text != want {
		t.Error("docs/rules.md does not have the fields of conditions: run make docs")
	}
}

func docs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// between replaces what stands between two marks.
func between(t *testing.T, text, from, to, with string) string {
	t.Helper()
	before, rest, ok := strings.Cut(text, from)
	_, after, end := strings.Cut(rest, to)
	if !ok || !end {
		t.Fatalf("docs/rules.md has no part from %q to %q", from, to)
	}
	return before + from + with + to + after
}

func table(of *scope) string {
	forms := [kinds]string{
		kindText: "texts", kindTags: "texts", kindAllTags: "texts", kindNumber: "number", kindFlag: "`true` or `false`", kindName: "texts",
		kindHours: "hours", kindDays: "days", kindNot: "condition", kindOffered: "deployments",
	}
	var b strings.Builder
	b.WriteString("\n| key | value | meaning |\n|---|---|---|\n")
	for _, f := range of.fields {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.name, forms[f.kind], f.about)
	}
	b.WriteByte('\n')
	return b.String()
}

// TestDocumentedExamples configures every example, and compares what is said of the bad one with the page.
func TestDocumentedExamples(t *testing.T) {
	t.Parallel()
	good := 0
	var bad, said string
	for i, block := range strings.Split(docs(t), "```") {
		if i%2 == 0 {
			continue
		}
		kind, text, _ := strings.Cut(block, "\n")
		switch kind {
		case "yaml":
			good++
			if problems := configure(text); problems != "" {
				t.Errorf("this is refused:\n%s\n%s", text, problems)
			}
		case "yaml bad":
			bad = configure(text)
		case "text":
			said = text
		}
	}
	if good < 5 {
		t.Errorf("%d examples", good)
	}
	if bad == "" || bad != said {
		t.Errorf("the bad example has the problems\n%s\nwhich the page says are\n%s", bad, said)
	}
}

// configure reads YAML as a router does: the file's tree becomes JSON, and a problem that the plugin reports at a path is
// one of the line where that stands.
func configure(text string) string {
	var problems strings.Builder
	report := func(line int, path, message string) {
		fmt.Fprintf(&problems, "rules.yaml:%d: %s: %s\n", line, path, message)
	}
	root := yamltree.Read([]byte(text), func(string) (string, bool) { return "", false }, report)
	if root == nil {
		return problems.String()
	}
	config := root.AppendJSON(nil, "", report)
	if err := sdktest.ConfigureError(&plugin{}, string(config)); err != nil {
		lines := map[string]int{}
		number(root, "", lines)
		for problem := range strings.SplitSeq(err.Error(), "\n") {
			path, message, _ := strings.Cut(problem, ": ")
			report(lines[path], path, message)
		}
	}
	return problems.String()
}

// number notes the line of each path.
func number(n *yamltree.Node, path string, lines map[string]int) {
	lines[path] = n.Line
	for i, item := range n.Items {
		number(item, yamltree.Index(path, i), lines)
	}
	for _, p := range n.Pairs {
		number(p.Value, yamltree.Join(path, p.Key), lines)
	}
}
