package answer

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/switchyard-gateway/switchyard/internal/simulator/prompt"
	"github.com/switchyard-gateway/switchyard/internal/simulator/seed"
)

func TestAppendInstance(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		``:                   `{}`,
		`{"type":"object"}`:  `{}`,
		`{"type":"array"}`:   `[]`,
		`{"type":"boolean"}`: `true`,
		`{"type":["null","integer"],"minimum":3}`:                           `3`,
		`{"type":"integer","exclusiveMinimum":3}`:                           `4`,
		`{"type":"integer","maximum":-2}`:                                   `-2`,
		`{"type":"integer","multipleOf":5,"minimum":11}`:                    `15`,
		`{"type":"number"}`:                                                 `0.5`,
		`{"type":"string","enum":["a","b"]}`:                                `"a"`,
		`{"const":{"k":1}}`:                                                 `{"k":1}`,
		`{"type":"string","minLength":12}`:                                  `"XY.samplexxx"`,
		`{"type":"string","maxLength":4}`:                                   `"XY.s"`,
		`{"type":"string","format":"date"}`:                                 `"2025-06-15"`,
		`{"anyOf":[{"type":"null"},{"type":"string"}]}`:                     `null`,
		`{"type":"array","minItems":2,"items":{"type":"boolean"}}`:          `[true,true]`,
		`{"properties":{"a \"q\"":{"type":"null"}},"required":["a \"q\""]}`: `{"a \"q\"":null}`,
		`{"$ref":"#/$defs/a~1b","$defs":{"a/b":{"type":"integer"}}}`:        `1`,
	} {
		if got := string(AppendInstance(nil, gjson.Parse(schema), "XY")); got != want {
			t.Errorf("%s: %s, want %s", schema, got, want)
		}
	}
}

// TestEndlessSchema: a schema that requires itself, twice over, still gives JSON of bounded size.
func TestEndlessSchema(t *testing.T) {
	t.Parallel()
	const schema = `{"type":"object","properties":{"l":{"$ref":"#"},"r":{"$ref":"#"}},"required":["l","r"]}`
	got := AppendInstance(nil, gjson.Parse(schema), "")
	if !json.Valid(got) || len(got) > 1<<17 {
		t.Errorf("%d bytes, valid %v", len(got), json.Valid(got))
	}
}

func TestMarkerOnEveryToken(t *testing.T) {
	t.Parallel()
	p := prompt.Prompt{N: 1, LastUser: "say marker:A-1 tokens:60", Ended: true, ToolResults: "two  spaces and \"quotes\"", Images: 2, Thinking: true}
	a := Compose(1, "m", 0, &p, 0)
	if a.Text.Len() != 60 || a.Finish != "stop" {
		t.Errorf("%d tokens, finish %s", a.Text.Len(), a.Finish)
	}
	for i := range a.Text.Len() {
		if !strings.HasPrefix(string(a.Text.At(i)), "A-1.") {
			t.Errorf("token %d is %q", i, a.Text.At(i))
		}
	}
	for i := range a.Think.Len() {
		if !strings.HasPrefix(string(a.Think.At(i)), "A-1.") {
			t.Errorf("thought %d is %q", i, a.Think.At(i))
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		p       prompt.Prompt
		tokens  int
		finish  string
		thought int
	}{
		{prompt.Prompt{}, 40, "stop", 0},
		{prompt.Prompt{MaxTokens: 40}, 40, "stop", 0},
		{prompt.Prompt{MaxTokens: 39}, 39, "length", 0},
		{prompt.Prompt{LastUser: "tokens:200"}, 200, "stop", 0},
		{prompt.Prompt{LastUser: "tokens:200", MaxTokens: 1}, 1, "length", 0},
		{prompt.Prompt{Stop: []string{"never", "Reply"}}, 0, "stop_sequence", 0},
		{prompt.Prompt{Stop: []string{"ply"}}, 1, "stop_sequence", 0},
		{prompt.Prompt{Thinking: true, MaxTokens: 10}, 2, "length", 8},
		{prompt.Prompt{Thinking: true, MaxTokens: 3}, 0, "length", 3},
	} {
		a := Compose(1, "m", 0, &tc.p, 0)
		if a.Text.Len() != tc.tokens || a.Finish != tc.finish || a.Think.Len() != tc.thought || a.OutputTokens() != tc.tokens+tc.thought {
			t.Errorf("%+v: %d tokens, %s, %d thoughts", tc.p, a.Text.Len(), a.Finish, a.Think.Len())
		}
		total := 0
		for i := range a.Text.Len() {
			total += len(a.Text.At(i))
		}
		if total != len(a.Text.Bytes) {
			t.Errorf("%+v: the tokens have %d of %d bytes", tc.p, total, len(a.Text.Bytes))
		}
	}
}

func TestUnitVector(t *testing.T) {
	t.Parallel()
	v := make([]float32, 1536)
	UnitVector(v, seed.New(1, "x", 0))
	sum := 0.0
	for _, f := range v {
		sum += float64(f) * float64(f)
	}
	if math.Abs(sum-1) > 1e-5 {
		t.Errorf("length² %v", sum)
	}
	var back []float32
	if err := json.Unmarshal(AppendVector(nil, v, "float"), &back); err != nil || len(back) != len(v) {
		t.Errorf("%d numbers, %v", len(back), err)
	}
}

// FuzzQuoted: what is quoted reads back as the same text, or as the same with bad bytes replaced.
func FuzzQuoted(f *testing.F) {
	f.Add("plain \"quoted\" \\ \n\x00 é 漢 \xff \u2028")
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(AppendQuoted(nil, s), &got); err != nil {
			t.Fatal(err)
		}
		if got != valid(s) {
			t.Errorf("%q reads back as %q", s, got)
		}
		whole := ""
		for piece := range Fragments([]byte(valid(s)), 3) {
			whole += string(AppendEscaped(nil, piece))
		}
		if whole != string(AppendEscaped(nil, valid(s))) {
			t.Errorf("%q in pieces is %q", s, whole)
		}
	})
}

func valid(s string) string { return string([]rune(s)) }
