package yamltree

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	env := map[string]string{"A": "a", "EMPTY": "", "DOLLAR": "${A}$$", "_x9": "x"}
	for _, tc := range []struct {
		text, want string
		complaint  string // a part of it
	}{
		{"plain", "plain", ""},
		{"${A}", "a", ""},
		{"${A}${A}/${_x9}", "aa/x", ""},
		{"${EMPTY}", "", ""},
		{"${EMPTY:-b}", "b", ""},
		{"${A:-b}", "a", ""},
		{"${UNSET:-}", "", ""},
		{"${UNSET:-b c}", "b c", ""},
		{"${UNSET:-${A}}", "a", ""},
		{"${UNSET:-<${EMPTY:-${A}}>}", "<a>", ""},
		{"${UNSET:-$$}", "$", ""},
		{"${UNSET:-$${A}}", "${A}", ""},
		{"${DOLLAR}", "${A}$$", ""}, // what a variable holds is not expanded again
		{"$$", "$", ""},
		{"$${A}", "${A}", ""},
		{"$$${A}", "$a", ""},
		{"^a$", "^a$", ""},
		{"$ 5, $9", "$ 5, $9", ""},
		{"${UNSET}", "", "environment variable UNSET is not set"},
		{"${UNSET:-${A2}}", "", "environment variable A2 is not set"},
		{"$A", "", `"$" stands before a name`},
		{"pa$word", "", `"$" stands before a name`},
		{"${", "", "no valid reference"},
		{"${}", "", "no valid reference"},
		{"${A", "", "no valid reference"},
		{"${A-b}", "", "no valid reference"},
		{"${9}", "", "no valid reference"},
		{"${A:-b", "", "no valid reference"},
		{"${A:-\n}", "", "no valid reference"},
	} {
		var e expansion
		e.expand(tc.text, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
		switch {
		case tc.complaint == "" && (len(e.complaints) > 0 || e.text.String() != tc.want):
			t.Errorf("%q expands to %q, %q; want %q", tc.text, e.text.String(), e.complaints, tc.want)
		case tc.complaint != "" && (len(e.complaints) != 1 || !strings.Contains(e.complaints[0], tc.complaint)):
			t.Errorf("%q: complaints %q, want %q", tc.text, e.complaints, tc.complaint)
		case strings.Contains(strings.Join(e.complaints, ""), "word"):
			t.Errorf("%q: the complaint shows the value: %q", tc.text, e.complaints)
		}
	}
}

func TestExpandRemembersLookUps(t *testing.T) {
	var e expansion
	e.expand("${A:-${B:-${C}}}${D:-${E:-}}", func(name string) (string, bool) { return map[string]string{"C": "c", "D": "d"}[name], name != "A" })
	want := []Use{{"A", false}, {"B", true}, {"C", true}, {"D", true}}
	if !slices.Equal(e.uses, want) {
		t.Errorf("look-ups %v, want %v", e.uses, want)
	}
}

func TestAppendJSON(t *testing.T) {
	for yaml, want := range map[string]string{
		"[1, -1, 0, 1.50, 1e5, -0.0, 18446744073709551616]":   `[1,-1,0,1.50,1e5,-0.0,18446744073709551616]`,
		"[0x1F, 0o17, 0b11, +5, 1_000, .5, 5., +.5, 1_0.5e1]": `[31,15,3,5,1000,0.5,5,0.5,105]`,
		"[true, False, yes, ~, null, '', \"1\", '~', 1:30]":   `[true,false,"yes",null,null,"","1","~","1:30"]`,
		"[2024-01-01, 1.2.3, 1-2, -, e5, .]":                  `["2024-01-01","1.2.3","1-2","-","e5","."]`,
		"{b: {}, a: [], c: \"\\\"\\n\"}":                      `{"b":{},"a":[],"c":"\"\n"}`,
		"[${ONE}, \"${ONE}\", ${EMPTY:-}, ${ONE}${ONE}]":      `[1,"1","",11]`,
	} {
		n, problems := read(yaml, func(name string) (string, bool) { return map[string]string{"ONE": "1"}[name], true })
		var got []byte
		if len(problems) == 0 {
			got = n.AppendJSON(nil, "", func(line int, path, message string) { problems = append(problems, path+": "+message) })
		}
		if len(problems) > 0 || string(got) != want || !json.Valid(got) {
			t.Errorf("%s gives %s, %q; want %s", yaml, got, problems, want)
		}
	}
}

func FuzzShelter(f *testing.F) {
	f.Add("{a: ${A:-b,c}, b: $${C}, c: ${")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsFunc(text, func(r rune) bool { return firstStandIn <= r && r <= lastStandIn }) {
			return // such files are refused
		}
		sheltered := shelter(text)
		if got := unshelter(sheltered); got != text {
			t.Errorf("%q comes back as %q", text, got)
		}
		if strings.Count(sheltered, "\n") != strings.Count(text, "\n") {
			t.Errorf("%q has other lines: %q", text, sheltered)
		}
	})
}

func TestWithoutEnvironment(t *testing.T) {
	n, problems := read("a: ${HOME}\nb: [$$x, {c: '${'}]\n${k}: 1\n", nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := string(n.AppendJSON(nil, "", func(int, string, string) {}))
	if want := `{"a":"${HOME}","b":["$$x",{"c":"${"}],"${k}":1}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
