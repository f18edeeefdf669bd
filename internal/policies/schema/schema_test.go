package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func decode(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// checked returns the problems as "path: message", and the error.
func checked(t testing.TB, schema, value string) (problems []string, err error) {
	t.Helper()
	err = Check([]byte(schema), decode(t, value), func(path, message string) { problems = append(problems, path+": "+message) })
	return problems, err
}

func TestKeywords(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		schema, value string
		want          []string
	}{
		{``, `{}`, nil},
		{``, `{"a":1}`, []string{`a: the key "a" is unknown, there are none here`}},
		{``, `[]`, []string{`: the list is an array, not an object`}},
		{`true`, `1`, nil},
		{`false`, `1`, []string{`: nothing may be here`}},
		{`{"type":"integer"}`, `1.0`, nil},
		{`{"type":"integer"}`, `1e3`, nil},
		{`{"type":"integer"}`, `1.5`, []string{`: 1.5 is a number, not an integer`}},
		{`{"type":"number"}`, `7`, nil},
		{`{"type":["string","null"]}`, `null`, nil},
		{`{"type":["string","null"]}`, `true`, []string{`: true is a boolean, not a string or null`}},
		{`{"const":{"a":[1]}}`, `{"a":[1.0]}`, nil},
		{`{"const":2}`, `3`, []string{`: 3 is not 2`}},
		{`{"enum":["a","b"]}`, `"c"`, []string{`: "c" is not one of "a", "b"`}},
		{`{"minimum":0,"maximum":1}`, `0.5`, nil},
		{`{"minimum":0}`, `-1`, []string{`: -1 is below 0`}},
		{`{"maximum":1}`, `10000000000000000000001`, []string{`: 10000000000000000000001 is above 1`}},
		{`{"exclusiveMinimum":0,"exclusiveMaximum":0}`, `0`, []string{`: 0 is not above 0`, `: 0 is not below 0`}},
		{`{"multipleOf":0.1}`, `0.3`, nil},
		{`{"multipleOf":0.1}`, `0.35`, []string{`: 0.35 is not a multiple of 0.1`}},
		{`{"maximum":1}`, `1e999`, []string{`: 1e999 is too long or too large a number`}},
		{`{"minLength":2,"maxLength":3}`, `"äöü"`, nil},
		{`{"minLength":2}`, `"ä"`, []string{`: it has 1 characters, at least 2 are needed`}},
		{`{"maxLength":1}`, `"ab"`, []string{`: it has 2 characters, at most 1 are allowed`}},
		{`{"pattern":"^a+$"}`, `"aaa"`, nil},
		{`{"pattern":"^a+$"}`, `"ab"`, []string{`: "ab" does not match "^a+$"`}},
		{`{"pattern":"(?=a)"}`, `"b"`, nil},
		{`{"items":{"type":"string"},"minItems":1}`, `["a",2]`, []string{`[1]: 2 is an integer, not a string`}},
		{`{"prefixItems":[{"const":1}],"items":false}`, `[1,2]`, []string{`[1]: nothing may be here`}},
		{`{"maxItems":1}`, `[1,2]`, []string{`: it has 2 items, at most 1 are allowed`}},
		{`{"uniqueItems":true}`, `[1,2,1.0]`, []string{`[2]: 1.0 stands here twice`}},
		{`{"contains":{"const":1},"maxContains":1}`, `[1,1]`, []string{`: it has 2 items of that kind, at most 1 are allowed`}},
		{`{"contains":{"const":1}}`, `[2]`, []string{`: 0 of its items are as the schema asks, 1 must be`}},
		{`{"contains":{"const":1},"minContains":0}`, `[2]`, nil},
		{`{"required":["a","b"]}`, `{"a":1}`, []string{`: the key "b" is missing`}},
		{`{"dependentRequired":{"a":["b"]}}`, `{"a":1}`, []string{`: the key "b" is missing`}},
		{`{"properties":{"a":{"properties":{"b":{"type":"string"}}}}}`, `{"a":{"b":1}}`, []string{`a.b: 1 is an integer, not a string`}},
		{`{"properties":{"a":true,"c":true},"additionalProperties":false}`, `{"b":1}`, []string{`b: the key "b" is unknown, there are: a, c`}},
		{`{"additionalProperties":{"type":"string"}}`, `{"b":1}`, []string{`b: 1 is an integer, not a string`}},
		{`{"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false}`, `{"x-a":"b","y":1}`, []string{`y: the key "y" is unknown, there are none here`}},
		{`{"propertyNames":{"maxLength":1}}`, `{"ab":1}`, []string{`ab: it has 2 characters, at most 1 are allowed`}},
		{`{"maxProperties":0}`, `{"ab":1}`, []string{`: it has 1 members, at most 0 are allowed`}},
		{`{"allOf":[{"minimum":1},{"maximum":0}]}`, `0.5`, []string{`: 0.5 is below 1`, `: 0.5 is above 0`}},
		{`{"anyOf":[{"type":"string"},{"type":"integer"}]}`, `1`, nil},
		{`{"anyOf":[{"type":"string"},{"items":{"type":"integer"}}]}`, `["a"]`, []string{`[0]: "a" is a string, not an integer`}},
		{`{"oneOf":[{"type":"integer"},{"minimum":1}]}`, `2`, []string{`: 2 fits 2 of the schema's alternatives, and must fit one`}},
		{`{"not":{"const":1}}`, `1`, []string{`: 1 is what the schema excludes here`}},
		{`{"if":{"const":1},"then":{"type":"string"},"else":{"type":"boolean"}}`, `1`, []string{`: 1 is an integer, not a string`}},
		{`{"if":{"const":1},"then":{"type":"string"},"else":{"type":"boolean"}}`, `2`, []string{`: 2 is an integer, not a boolean`}},
		{`{"$defs":{"a/b":{"type":"string"}},"items":{"$ref":"#/$defs/a~1b"}}`, `[1]`, []string{`[0]: 1 is an integer, not a string`}},
		{`{"properties":{"next":{"$ref":"#"}},"additionalProperties":false}`, `{"next":{"next":{"last":1}}}`,
			[]string{`next.next.last: the key "last" is unknown, there are: next`}},
		{`{"prefixItems":[{"type":"string"}],"items":{"$ref":"#/prefixItems/0"}}`, `["a",1]`, []string{`[1]: 1 is an integer, not a string`}},
		{`{"$comment":"unknown ones are passed over","format":"email","x":1}`, `"a"`, nil},
		{`{"type":7,"minimum":"x","enum":1,"required":"a","properties":[]}`, `{}`, nil},
	} {
		got, err := checked(t, tc.schema, tc.value)
		if err != nil || !slices.Equal(got, tc.want) {
			t.Errorf("%s of %s: %q, %v, want %q", tc.schema, tc.value, got, err, tc.want)
		}
	}
}

// TestBadSchemas has schemas that can't be used, or that ask for too much.
func TestBadSchemas(t *testing.T) {
	t.Parallel()
	if _, err := checked(t, `{`, `1`); err == nil {
		t.Error("half an object is a schema")
	}
	for _, ref := range []string{"#/nowhere", "other.json", "https://example.com/schema", "#/$defs/2"} {
		if _, err := checked(t, fmt.Sprintf(`{"$ref":%q,"$defs":[1]}`, ref), `1`); err == nil || !strings.Contains(err.Error(), "to nothing in it") {
			t.Errorf("%s: %v", ref, err)
		}
	}
	var chain strings.Builder
	for n := range 60 {
		fmt.Fprintf(&chain, `"a%d":{"allOf":[{"$ref":"#/$defs/a%d"},{"$ref":"#/$defs/a%d"}]},`, n, n+1, n+1)
	}
	var distinct strings.Builder
	for n := range 2000 {
		fmt.Fprintf(&distinct, "%d,", n)
	}
	large := strings.Repeat("1,", 2000) + "1"
	for name, c := range map[string][2]string{
		"an endless reference": {`{"$ref":"#"}`, `1`},
		"a doubling":           {`{"$ref":"#/$defs/a0","$defs":{` + chain.String() + `"a60":true}}`, `1`},
		"a doubling by depth":  {`{"anyOf":[{"items":{"$ref":"#"}},{"prefixItems":[{"$ref":"#"}]},false]}`, strings.Repeat("[", 40) + strings.Repeat("]", 40)},
		"a long comparison":    {`{"items":{"enum":[[` + large + `,2]]}}`, `[` + strings.Repeat("["+large+",3],", 1000) + `1]`},
		"unique lists":         {`{"uniqueItems":true}`, `[` + distinct.String() + `1]`},
		"a long pattern":       {`{"items":{"pattern":"(a|b|c){500}"}}`, `[` + strings.Repeat(`"`+strings.Repeat("abc", 1000)+`",`, 1000) + `1]`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := checked(t, c[0], c[1]); !errors.Is(err, ErrTooMuch) {
				t.Error(err)
			}
		})
	}
}

// FuzzCheck looks for schemas and values that end in a panic. A value that one of two alternatives allows is allowed.
func FuzzCheck(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"type":"object","properties":{"a":{"$ref":"#/$defs/b"}},"$defs":{"b":{"enum":[1,"x"]}}}`, `{"a":1}`},
		{`{"anyOf":[{"items":{"minimum":1e2}},{"pattern":"^a"}],"uniqueItems":true}`, `[1,1.0,"a",null]`},
		{`{"if":{"required":["a"]},"then":{"maxProperties":1},"$ref":"#/if"}`, `{"a":{},"b":[]}`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, schema, value string) {
		if !json.Valid([]byte(schema)) || !json.Valid([]byte(value)) {
			return
		}
		problems, err := checked(t, schema, value)
		if err != nil {
			return
		}
		either, err := checked(t, `{"anyOf":[false,`+schema+`]}`, value)
		if err == nil && !strings.Contains(schema, "$ref") && (len(problems) == 0) != (len(either) == 0) {
			t.Errorf("%s of %s: %q alone, %q as an alternative", schema, value, problems, either)
		}
	})
}
