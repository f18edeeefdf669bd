package jsonraw_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

func TestAppendUnquoted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ raw, want, err string }{
		{`"{\"city\": \"Rome\", \"n\": [1, 2.50]}"`, `{"city":"Rome","n":[1,2.50]}`, ""},
		{`" {\"a\":\"b c\"}\n"`, `{"a":"b c"}`, ""},
		{`"{\"a\":\"\\u00e9 \\\" \\n\"}"`, `{"a":"\u00e9 \" \n"}`, ""},
		{`"{\"a\":\"\ud83d\ude00\"}"`, `{"a":"😀"}`, ""},
		{`"\u007b\u007d"`, `{}`, ""},
		{`"12345678901234567890"`, `12345678901234567890`, ""},
		{`""`, "", jsonraw.ErrBlank.Error()},
		{`" \n"`, "", jsonraw.ErrBlank.Error()},
		{`null`, "", jsonraw.ErrBlank.Error()},
		{``, "", jsonraw.ErrBlank.Error()},
		{`{"a":1}`, "", "invalid JSON at byte 0: expected a string that holds JSON"},
		{`"{\"a\":}"`, "", "invalid JSON at byte 5: expected a value"},
		{`"{\"a\":\"\n\"}"`, "", "invalid JSON at byte 6: control character in a string"},
	} {
		got, err := jsonraw.AppendUnquoted([]byte("x"), jsonraw.Value(c.raw))
		if string(got) != "x"+c.want {
			t.Errorf("AppendUnquoted(%s) = %s", c.raw, got)
		}
		if c.err == "" && err != nil || c.err != "" && (err == nil || err.Error() != c.err) {
			t.Errorf("AppendUnquoted(%s): error %v, want %q", c.raw, err, c.err)
		}
	}
}

func TestAppendQuoted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ raw, want string }{
		{`{"city": "Rome", "n": [1, 2.50]}`, `"{\"city\":\"Rome\",\"n\":[1,2.50]}"`},
		{` { } `, `"{}"`},
		{`{"a b":"c  d"}`, `"{\"a b\":\"c  d\"}"`},
		{`"\"\\\n\u0041"`, `"\"\\\"\\\\\\n\\u0041\""`},
		{`"\\\\"`, `"\"\\\\\\\\\""`},
		{"\t[\n1,\r2 ]", `"[1,2]"`},
		{"null", `"null"`},
		{`"é"`, `"\"é\""`},
		{"\"a\x01b\"", `"\"a\u0001b\""`},      // not JSON, but what comes out is a string
		{"{\x01\"a\\", `"{\"a\\"`},            // the same
		{`"unterminated`, `"\"unterminated"`}, // the same
	} {
		got := jsonraw.AppendQuoted([]byte("x"), jsonraw.Value(c.raw))
		if string(got) != "x"+c.want {
			t.Errorf("AppendQuoted(%q) = %s, want %s", c.raw, got, c.want)
		}
		if err := jsonraw.Valid(got[1:]); err != nil {
			t.Errorf("AppendQuoted(%q) = %s: %v", c.raw, got, err)
		}
	}
}

func TestCompactKeepsTokens(t *testing.T) {
	t.Parallel()
	const text = " { \"a\" :\t[ 1.50 ,\n1E+2, \"b  \\\" c\" ] ,\r\"d\":{ } } "
	const want = `{"a":[1.50,1E+2,"b  \" c"],"d":{}}`
	if got := string(jsonraw.Compact([]byte("x"), jsonraw.Value(text))); got != "x"+want {
		t.Errorf("Compact = %s", got)
	}
	buf := []byte(text)
	if got := string(jsonraw.Compact(buf[:0], buf)); got != want {
		t.Errorf("Compact in place = %s", got)
	}
}

// FuzzEmbed compares Compact with encoding/json and checks that quoting a value and unquoting it again gives
// the compact value.
func FuzzEmbed(f *testing.F) {
	f.Add([]byte(document))
	f.Add([]byte(`{"a":"\\\\\"\u00e9\ud83d","b":[" ",{"c":1e5}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) || jsonraw.Valid(data) != nil {
			return
		}
		var want bytes.Buffer
		if err := json.Compact(&want, data); err != nil {
			t.Fatal(err)
		}
		compact := jsonraw.Compact(nil, data)
		if !bytes.Equal(compact, want.Bytes()) {
			t.Fatalf("Compact(%q) = %q, want %q", data, compact, want.Bytes())
		}
		quoted := jsonraw.AppendQuoted(nil, data)
		var text string
		if err := json.Unmarshal(quoted, &text); err != nil || text != toValid(compact) {
			t.Fatalf("AppendQuoted(%q) = %q, which means %q, %v", data, quoted, text, err)
		}
		back, err := jsonraw.AppendUnquoted(nil, quoted)
		if err != nil || string(back) != text {
			t.Fatalf("AppendUnquoted(%q) = %q, %v; want %q", quoted, back, err, text)
		}
	})
}

func TestErrorsAreMatched(t *testing.T) {
	t.Parallel()
	_, err := jsonraw.AppendUnquoted(nil, jsonraw.Value(`"  "`))
	if !errors.Is(err, jsonraw.ErrBlank) {
		t.Errorf("error %v is not ErrBlank", err)
	}
}
