package jsonraw_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

func TestValid(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", jsonraw.MaxDepth) + strings.Repeat("]", jsonraw.MaxDepth)
	mixed := strings.Repeat(`{"a":[`, jsonraw.MaxDepth/2) + "1" + strings.Repeat("]}", jsonraw.MaxDepth/2)
	for _, c := range []struct {
		text   string
		offset int // -1 for a valid text
		reason string
	}{
		{`{}`, -1, ""}, {` [ ] `, -1, ""}, {`0`, -1, ""}, {"\t\r\n \"\"", -1, ""}, {`-0.0e+10`, -1, ""}, {`1E5`, -1, ""},
		{`{"a":[1,{"b":null}],"c":true,"d":false}`, -1, ""}, {`"\"\\\/\b\f\n\r\t\u00aF"`, -1, ""}, {"\"\x7f\xff\"", -1, ""},
		{deep, -1, ""}, {mixed, -1, ""},
		{``, 0, "unexpected end"}, {`  `, 2, "unexpected end"}, {`{`, 1, "unexpected end"}, {`[1,`, 3, "unexpected end"},
		{`{"a"`, 4, "unexpected end"}, {`{"a":`, 5, "unexpected end"}, {`"abc`, 4, "unexpected end"}, {`"abc\`, 5, "unexpected end"},
		{`"\u12`, 5, "unexpected end"}, {`tru`, 3, "unexpected end"}, {`-`, 1, "unexpected end"}, {`1.`, 2, "unexpected end"},
		{`1e+`, 3, "unexpected end"}, {`{"a":1`, 6, "unexpected end"},
		{`x`, 0, "expected a value"}, {`[1,]`, 3, "expected a value"}, {`[,1]`, 1, "expected a value"}, {`{"a":}`, 5, "expected a value"},
		{`.5`, 0, "expected a value"}, {`+1`, 0, "expected a value"}, {"\xef\xbb\xbf{}", 0, "expected a value"},
		{`{a:1}`, 1, "expected a quoted key"}, {`{"a":1,}`, 7, "expected a quoted key"}, {`{1:1}`, 1, "expected a quoted key"},
		{`{"a" 1}`, 5, "expected a colon after the key"}, {`{"a","b"}`, 4, "expected a colon after the key"},
		{`{"a":1 "b":2}`, 7, "expected a comma or a closing brace"}, {`{"a":1]`, 6, "expected a comma or a closing brace"},
		{`[1 2]`, 3, "expected a comma or a closing bracket"}, {`[1}`, 2, "expected a comma or a closing bracket"},
		{`[[]}`, 3, "expected a comma or a closing bracket"}, {`{"a":[]]`, 7, "expected a comma or a closing brace"},
		{`{} {}`, 3, "unexpected text after the value"}, {`1 2`, 2, "unexpected text after the value"}, {`01`, 1, "unexpected text after the value"},
		{`"a"]`, 3, "unexpected text after the value"}, {`truex`, 4, "unexpected text after the value"},
		{`-x`, 1, "invalid number"}, {`1.x`, 2, "invalid number"}, {`1ex`, 2, "invalid number"}, {`[1.]`, 3, "invalid number"},
		{`trux`, 3, "invalid literal"}, {`[nul]`, 4, "invalid literal"}, {`fals0`, 4, "invalid literal"},
		{"\"ab\ncdefghi\"", 3, "control character in a string"}, {"\"abcdefghijk\x00\"", 12, "control character in a string"},
		{`"\x"`, 2, "invalid escape in a string"}, {`"\u12g4"`, 5, "invalid escape in a string"},
		{"[" + deep + "]", jsonraw.MaxDepth, "nested too deeply"}, {strings.Repeat(`{"a":`, 100000), 5 * jsonraw.MaxDepth, "nested too deeply"},
	} {
		err := jsonraw.Valid([]byte(c.text))
		name := c.text[:min(len(c.text), 40)]
		if c.offset < 0 {
			if err != nil {
				t.Errorf("Valid(%q) = %v", name, err)
			}
			continue
		}
		var syntax *jsonraw.SyntaxError
		if !errors.As(err, &syntax) || syntax.Offset != c.offset || syntax.Reason != c.reason {
			t.Errorf("Valid(%q) = %v; want %q at byte %d", name, err, c.reason, c.offset)
		}
	}
}

func TestSyntaxErrorText(t *testing.T) {
	t.Parallel()
	_, err := jsonraw.Parse([]byte(` {"a":1,}`))
	if want := "invalid JSON at byte 8: expected a quoted key"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
}

// FuzzValid compares with encoding/json, whose depth limit is another.
func FuzzValid(f *testing.F) {
	for _, seed := range []string{document, `{"a":[1,2.5e-3,{"b":"\ud83d\ude00"}]}`, `[truefalse]`, `"\u00e"`, `{"a":1]`, `[{"a":1},]`, "\"\x1f\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := jsonraw.Valid(data)
		var syntax *jsonraw.SyntaxError
		if err != nil && !errors.As(err, &syntax) {
			t.Fatalf("error of another type: %v", err)
		}
		if err != nil && (syntax.Offset < 0 || syntax.Offset > len(data)) {
			t.Fatalf("offset %d in %d bytes", syntax.Offset, len(data))
		}
		if err != nil && syntax.Reason == "nested too deeply" {
			return
		}
		if want := json.Valid(data); (err == nil) != want {
			t.Fatalf("Valid(%q) = %v, encoding/json says %v", data, err, want)
		}
		// Moved by some bytes, so that the mistake and the words that are read fall differently.
		for shift := 1; shift < 8; shift++ {
			moved := jsonraw.Valid(append([]byte(strings.Repeat(" ", shift)), data...))
			if (moved == nil) != (err == nil) {
				t.Fatalf("Valid changes its mind about %q behind %d spaces: %v", data, shift, moved)
			}
		}
	})
}
