package yamltree

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func unset(string) (string, bool) { return "", false }

// read returns the node and the problems as "line: path: message".
func read(data string, getenv func(string) (string, bool)) (*Node, []string) {
	var problems []string
	n := Read([]byte(data), getenv, func(line int, path, message string) {
		problems = append(problems, fmt.Sprintf("%d: %s: %s", line, path, message))
	})
	return n, problems
}

func TestFilesThatAreNoConfiguration(t *testing.T) {
	laughs := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := range 9 {
		laughs += fmt.Sprintf("a%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d,", i), 9), i)
	}
	for name, tc := range map[string]struct{ data, want string }{
		"empty":              {"", "1: : the file is empty"},
		"only a mark":        {"\ufeff", "1: : the file is empty"},
		"only white space":   {" \n\n", "1: : the file is empty"},
		"an empty document":  {"---\n", "1: : the file is empty"},
		"not UTF-8":          {"a: 1\nb: \xff\n", "2: : the file is not UTF-8: byte 0xff"},
		"Latin 1":            {"# caf\xe9\n", "1: : the file is not UTF-8: byte 0xe9"},
		"UTF-16":             {"\xff\xfea\x00", "1: : the file is UTF-16: save it as UTF-8"},
		"UTF-16, big-endian": {"\xfe\xff\x00a", "1: : the file is UTF-16: save it as UTF-8"},
		"control characters": {"a: 1\nb: \x00\n", "2: : character U+0000 is not allowed"},
		"a mark inside":      {"a: 1\nb: \ufeff\n", "2: : character U+FEFF is not allowed"},
		"a stand-in":         {"a: \U0010FF01\n", "1: : character U+10FF01 is not allowed"},
		"too large":          {strings.Repeat("#", MaxBytes+1), "0: : the file is larger than 4 MiB"},
		"bad second":         {"a: 1\n---\n[\n", "4: : not YAML: did not find expected node content"},
		"aliases of aliases": {laughs, "6: a5[9]: the file has more than 100000 values, aliases counted as often as they are used"},
		"long key":           {strings.Repeat("k", 300) + ": 1", "1: : a key is longer than 256 bytes"},
		"long document":      {strings.Repeat("- 1\n", 100_001), "100000: [99999]: the file has more than 100000 values, aliases counted as often as they are used"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := read(tc.data, unset)
			if len(problems) != 1 || !strings.Contains(problems[0], strings.TrimPrefix(tc.want, "6: a5[9]")) {
				t.Errorf("problems %.300q, want %q", problems, tc.want)
			}
		})
	}
	if _, problems := read(strings.Repeat("[", 100)+strings.Repeat("]", 100), unset); len(problems) != 1 || !strings.Contains(problems[0], "nested deeper than 32 levels") {
		t.Errorf("deep nesting: %q", problems)
	}
}

func TestLinesOfWindowsFiles(t *testing.T) {
	n, problems := read("\ufeffa: 1\r\nb: ${X}\r\nc:\r\n  - d\r\n", unset)
	want := []string{"2: b: environment variable X is not set (${X:-} allows that)"}
	if !slices.Equal(problems, want) {
		t.Errorf("problems %q, want %q", problems, want)
	}
	if c := n.Pairs[2].Value; c.Line != 3 || c.Items[0].Line != 4 || c.Items[0].Text != "d" || n.Pairs[0].Key != "a" {
		t.Errorf("read %+v", n)
	}
}

func TestMergeKeys(t *testing.T) {
	n, problems := read(`
a: &a {x: 1, y: 1}
b: &b {y: 2, z: 2}
c: {<<: [*a, *b], x: 0}
d: {"<<": 5}
`, unset)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	merged := make(map[string]string)
	for _, p := range n.Pairs[2].Value.Pairs {
		merged[p.Key] = p.Value.Text
	}
	if len(merged) != 3 || merged["x"] != "0" || merged["y"] != "1" || merged["z"] != "2" {
		t.Errorf("merged to %v", merged)
	}
	if d := n.Pairs[3].Value; len(d.Pairs) != 1 || d.Pairs[0].Key != "<<" {
		t.Errorf("a quoted << is merged: %+v", d)
	}
}

func TestReferencesInFlowCollections(t *testing.T) {
	n, problems := read("{a: ${A:-}, b: [${B:-x, [y]}, ${C:-${D:-{[}}, \"${E:-]}\", $${F}], c: '}'} # ${G", unset)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var got []string
	for _, item := range n.Pairs[1].Value.Items {
		got = append(got, item.Text)
	}
	if want := []string{"x, [y]", "{[", "]", "${F}"}; !slices.Equal(got, want) {
		t.Errorf("items %q, want %q", got, want)
	}
	if n.Pairs[0].Value.Text != "" || n.Pairs[2].Value.Text != "}" {
		t.Errorf("read %+v", n.Pairs)
	}
}

func TestQuoteHidesWhatIsNoKey(t *testing.T) {
	for key, want := range map[string]string{
		"api_key": `"api_key"`, "api_key:sk-1": `"api_key…"`, "api_key sk-1": `"api_key…"`, "": `""`, "\n": `"…"`,
		"context_window_fallbacks": `"context_window_fallbacks"`, strings.Repeat("k", 40): `"kkkkkkkkkkkkkkkkkkkkkkkk…"`,
	} {
		if got := Quote(key); got != want {
			t.Errorf("Quote(%q) = %s, want %s", key, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("a: &a [1, ${B:-c}]\nb: {<<: {c: *a}}", "v")
	f.Add("{a: ${A:-${B}}, ? [x] : y}", "")
	f.Fuzz(func(t *testing.T, data, value string) {
		reports := 0
		n := Read([]byte(data), func(name string) (string, bool) { return value, name != "B" }, func(line int, path, message string) {
			reports++
			if line < 0 || line > strings.Count(data, "\n")+strings.Count(data, "\r")+strings.Count(data, "\u0085")+strings.Count(data, "\u2028")+strings.Count(data, "\u2029")+2 || message == "" {
				t.Errorf("%d: %s: %q", line, path, message)
			}
		})
		if n == nil && reports == 0 {
			t.Error("neither a node nor a problem")
		}
	})
}
