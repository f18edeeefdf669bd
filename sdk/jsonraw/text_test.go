package jsonraw_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

func TestText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ raw, want string }{
		{`""`, ""},
		{`"plain"`, "plain"},
		{` "spaced" `, "spaced"},
		{`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t"},
		{`"é\u00e9\u20ac"`, "éé€"},
		{`"\ud83d\ude00"`, "😀"},
		{`"\uD83D\uDE00!"`, "😀!"},
		{`"\ud83d"`, "\uFFFD"},
		{`"\ude00\ud83d"`, "\uFFFD\uFFFD"},
		{`"\ud83d\ud83d\ude00"`, "\uFFFD😀"},
		{`"\ud83dx\ude00"`, "\uFFFDx\uFFFD"},
		{`"\ud83d\n"`, "\uFFFD\n"},
		{`"\u0000"`, "\x00"},
		{"\"a\xffb\xe2\x82\"", "a\uFFFDb\uFFFD\uFFFD"},
		{`"long enough for words, with an escape near the end: \n"`, "long enough for words, with an escape near the end: \n"},
		{`1`, ""}, {`null`, ""}, {``, ""}, {`["a"]`, ""},
	} {
		v := jsonraw.Value(c.raw)
		if got := v.Text(); got != c.want {
			t.Errorf("Text of %s = %q, want %q", c.raw, got, c.want)
		}
		if got := string(v.AppendText([]byte("x"))); got != "x"+c.want {
			t.Errorf("AppendText of %s = %q", c.raw, got)
		}
		if got := v.TextIs(c.want); got != (v.Kind() == jsonraw.String) {
			t.Errorf("TextIs(%q) of %s = %v", c.want, c.raw, got)
		}
		if v.TextIs(c.want+"x") || c.want != "" && v.TextIs(c.want[1:]) {
			t.Errorf("TextIs of %s accepts another text than %q", c.raw, c.want)
		}
	}
	// The same bytes, but not the same text.
	if jsonraw.Value(`"\\n"`).TextIs(`\\n`) || jsonraw.Value("\"\xff\"").TextIs("\xff") {
		t.Error("TextIs compares raw bytes")
	}
}

func TestAppendString(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"", `""`},
		{"plain", `"plain"`},
		{"a\"b\\c/", `"a\"b\\c/"`},
		{"\b\f\n\r\t\x00\x1f\x7f", `"\b\f\n\r\t\u0000\u001f` + "\x7f\""},
		{"<a href='x'>&\u2028\u2029", "\"<a href='x'>&\u2028\u2029\""},
		{"é€😀", `"é€😀"`},
		{"a\xffb\xe2\x82", "\"a\uFFFDb\uFFFD\uFFFD\""},
		{"0123456789\"0123456789\\0123456789\n", `"0123456789\"0123456789\\0123456789\n"`},
	} {
		if got := string(jsonraw.AppendString([]byte("x"), c.text)); got != "x"+c.want {
			t.Errorf("AppendString(%q) = %s, want %s", c.text, got, c.want)
		}
		if got := string(jsonraw.AppendString(nil, []byte(c.text))); got != c.want {
			t.Errorf("AppendString of the bytes %q = %s, want %s", c.text, got, c.want)
		}
	}
}

// TestEveryBytePlace puts each byte at each place of words and tails of them.
func TestEveryBytePlace(t *testing.T) {
	t.Parallel()
	for length := 1; length <= 19; length++ {
		for place := range length {
			for c := range 256 {
				text := strings.Repeat("y", place) + string([]byte{byte(c)}) + strings.Repeat("z", length-place-1)
				raw := jsonraw.AppendString(nil, text)
				var got string
				if err := json.Unmarshal(raw, &got); err != nil || got != strings.ToValidUTF8(text, "\uFFFD") {
					t.Fatalf("AppendString(%q) = %s, which means %q, %v", text, raw, got, err)
				}
				if back := jsonraw.Value(raw).Text(); back != got {
					t.Fatalf("Text of %s = %q", raw, back)
				}
				if quoted := jsonraw.AppendQuoted(nil, raw); jsonraw.Value(quoted).Text() != string(raw) {
					t.Fatalf("AppendQuoted(%s) = %s", raw, quoted)
				}
			}
		}
	}
}

func TestAppendJoined(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sep   string
		parts []string
		want  string
	}{
		{"\n", nil, `""`},
		{"\n", []string{`"a"`}, `"a"`},
		{"\n\n", []string{`"a\"b"`, `"é"`, `"\u00e9"`}, `"a\"b\n\né\n\n\u00e9"`},
		{"", []string{`"\ud83d"`, `"\ude00"`}, `"\ud83d\ude00"`},
		{"\"", []string{`"a"`, `null`, `1`, `"b"`}, `"a\"\"\"b"`},
	} {
		parts := make([]jsonraw.Value, len(c.parts))
		for i, part := range c.parts {
			parts[i] = jsonraw.Value(part)
		}
		if got := string(jsonraw.AppendJoined(nil, c.sep, parts...)); got != c.want {
			t.Errorf("AppendJoined(%q, %q) = %s, want %s", c.sep, c.parts, got, c.want)
		}
	}
}

// FuzzString compares both directions with encoding/json.
func FuzzString(f *testing.F) {
	for _, seed := range []string{
		`"plain"`, `"\ud83d\ude00 \ud83d \udc00"`, `"\\\"\/\b\f\n\r\t\u0041"`, "\"\xff\xe2\x82\"", "no quotes \n \x01 \" \\", "\"\x7f\u2028\"",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		raw := jsonraw.AppendString(nil, data)
		var text string
		if err := json.Unmarshal(raw, &text); err != nil || text != toValid(data) {
			t.Fatalf("AppendString(%q) = %q, which means %q, %v", data, raw, text, err)
		}
		if got := jsonraw.Value(raw).Text(); got != text {
			t.Fatalf("Text of %q = %q, want %q", raw, got, text)
		}
		if json.Unmarshal(data, &text) != nil || jsonraw.Value(data).Kind() != jsonraw.String {
			return
		}
		v := jsonraw.Value(data)
		if got := v.Text(); got != text {
			t.Fatalf("Text of %q = %q, want %q", data, got, text)
		}
		if !v.TextIs(text) || v.TextIs(text+"x") {
			t.Fatalf("TextIs of %q disagrees about %q", data, text)
		}
	})
}

// toValid replaces each invalid byte, where bytes.ToValidUTF8 replaces each run of them.
func toValid(data []byte) string {
	var b strings.Builder
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		b.WriteRune(r)
		data = data[size:]
	}
	return b.String()
}
