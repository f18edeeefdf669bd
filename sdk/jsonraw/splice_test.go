package jsonraw_test

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// parseEdits reads edits of the form "set path value", "delete path" and "rename path name", one a line.
func parseEdits(tb testing.TB, text string) []jsonraw.Edit {
	tb.Helper()
	var edits []jsonraw.Edit
	for line := range strings.Lines(text) {
		op, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		path, value, _ := strings.Cut(rest, " ")
		e := jsonraw.Edit{Path: []byte(path), Value: []byte(value)}
		switch op {
		case "set":
			e.Op = jsonraw.Set
		case "delete":
			e.Op = jsonraw.Delete
		case "rename":
			e.Op = jsonraw.Rename
		default:
			tb.Fatalf("unknown edit %q", line)
		}
		edits = append(edits, e)
	}
	return edits
}

func TestSplice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, src, edits, want string }{
		{"no edits", ` { "a" : 1e5 , "b":"\u0041" } `, ``, ` { "a" : 1e5 , "b":"\u0041" } `},
		{"set first", `{"model":"x","n":1}`, `set model "y"`, `{"model":"y","n":1}`},
		{"set keeps white space", `{ "model" : "x" , "n" : 12345678901234567890 }`, `set model "y"`, `{ "model" : "y" , "n" : 12345678901234567890 }`},
		{"set last", "{\"n\":1.0,\n \"model\":\"x\"\n}", `set model "y"`, "{\"n\":1.0,\n \"model\":\"y\"\n}"},
		{"set absent", "{\n  \"n\": 1\n}\n", "set model \"y\"\nset z 2", "{\n  \"n\": 1,\"model\":\"y\",\"z\":2\n}\n"},
		{"set in empty", `{ }`, "set a 1\nset b 2", `{"a":1,"b":2 }`},
		{"set escaped key", `{"\u006dodel":1}`, `set model 2`, `{"\u006dodel":2}`},
		{"set odd name", `{}`, "set a\"b 1", `{"a\"b":1}`},
		{"set duplicate", `{"a":1,"b":2,"a":3,"c":4,"a":5}`, `set a 9`, `{"b":2,"c":4,"a":9}`},
		{"set duplicate, white space", `{ "a":1 , "b":2 , "a":3 }`, `set a 9`, `{ "b":2 , "a":9 }`},
		{"delete only", `{ "a":1 }`, `delete a`, `{}`},
		{"delete first", `{"a":1,"b":2}`, `delete a`, `{"b":2}`},
		{"delete first two", `{"a":1, "b":2, "c":3}`, "delete a\ndelete b", `{ "c":3}`},
		{"delete middle", `{"a":1 , "b":2 , "c":3}`, `delete b`, `{"a":1 , "c":3}`},
		{"delete last", "{\"a\":1,\n\"b\":2\n}", `delete b`, `{"a":1}`},
		{"delete last two", `{"a":1,"b":2,"c":3}`, "delete b\ndelete c", `{"a":1}`},
		{"delete all", `{"a":1,"b":2}`, "delete a\ndelete b", `{}`},
		{"delete all, set", `{"a":1,"b":2}`, "delete a\ndelete b\nset c 3", `{"c":3}`},
		{"delete last, set", `{"a":1,"b":2 }`, "delete b\nset c 3", `{"a":1,"c":3}`},
		{"delete absent", `{"a":1}`, `delete b`, `{"a":1}`},
		{"delete duplicates", `{"a":1,"b":2,"a":3}`, `delete a`, `{"b":2}`},
		{"delete is not nested", `{"x":{"a":1}}`, `delete a`, `{"x":{"a":1}}`},
		{"rename", `{"max_tokens" : 5,"b":1}`, `rename max_tokens max_completion_tokens`, `{"max_completion_tokens" : 5,"b":1}`},
		{"rename absent", `{"b":1}`, `rename a c`, `{"b":1}`},
		{"rename, target behind", `{"a":1,"b":2}`, `rename a b`, `{"b":2}`},
		{"rename, target before", `{"b":2,"a":1}`, `rename a b`, `{"b":2}`},
		{"rename duplicates", `{"a":1,"c":0,"a":2}`, `rename a b`, `{"c":0,"b":2}`},
		{"rename duplicates, targets", `{"a":1,"b":0,"a":2,"b":3}`, `rename a b`, `{"b":0,"b":3}`},
		{"rename to odd name", `{"a":1}`, `rename a b.c"`, `{"b.c\"":1}`},
		{"nested set", `{"a":{"b":1,"c":2}}`, `set a.b 9`, `{"a":{"b":9,"c":2}}`},
		{"nested set absent", `{"a":{ "c":2 }}`, `set a.b 9`, `{"a":{ "c":2,"b":9 }}`},
		{"nested create", `{"x":1}`, "set a.b 1\nset c 2\nset a.d 3", `{"x":1,"a":{"b":1,"d":3},"c":2}`},
		{"nested create deep", `{}`, "set a.b.c 1\nset a.b.d 2\nset a.e 3", `{"a":{"b":{"c":1,"d":2},"e":3}}`},
		{"nested set in null", `{"a":null}`, `set a.b 1`, `{"a":{"b":1}}`},
		{"nested delete", `{"a":{"b":1,"c":{"b":1}}}`, `delete a.b`, `{"a":{"c":{"b":1}}}`},
		{"nested delete, no object", `{"a":[1]}`, `delete a.b`, `{"a":[1]}`},
		{"nested delete absent", `{"c":1}`, "delete a.b\nrename a.c d", `{"c":1}`},
		{"nested rename", `{"a":{"b":1}}`, `rename a.b c`, `{"a":{"c":1}}`},
		{"nested rename, target", `{"a":{"b":1,"c":2},"b":1}`, `rename a.b c`, `{"a":{"c":2},"b":1}`},
		{"nested in duplicates", `{"a":{"b":1},"a":{"b":2,"b":3}}`, `set a.b 9`, `{"a":{"b":9}}`},
		{"nested and beside", `{"a":{"b":1},"c":2}`, "set c 3\ndelete a.b", `{"a":{},"c":3}`},
		{"dotted key is another", `{"a.b":1,"a":{"b":2}}`, `set a.b 3`, `{"a.b":1,"a":{"b":3}}`},
		{"empty names", `{"":{"":1}}`, `set . 2`, `{"":{"":2}}`},
		{"string with everything", `{"s":"},{\"model\":1,\\","model":1}`, `set model 2`, `{"s":"},{\"model\":1,\\","model":2}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			edits := parseEdits(t, c.edits)
			got, err := jsonraw.Splice([]byte("x"), []byte(c.src), edits)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != "x"+c.want {
				t.Errorf("got  %s\nwant %s", got[1:], c.want)
			}
		})
	}
}

func TestSpliceRefuses(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for i := range 65 {
		many.WriteString("set k" + strconv.Itoa(i) + " 1\n")
	}
	for _, c := range []struct{ src, edits, want string }{
		{`[1]`, ``, `invalid JSON at byte 0: expected an object`},
		{``, ``, `invalid JSON at byte 0: unexpected end`},
		{`{"a":1`, `set a 2`, `invalid JSON at byte 6: unexpected end`},
		{`{"a":1]`, `set a 2`, `invalid JSON at byte 6: expected a comma or a closing brace`},
		{`{"a" 1}`, ``, `invalid JSON at byte 5: expected a colon after the key`},
		{`{"a":1}}`, ``, `invalid JSON at byte 7: unexpected text after the value`},
		{`{"x":1,"a":{"b":1 "c":2}}`, `set a.b 2`, `invalid JSON at byte 18: expected a comma or a closing brace`},
		{`{}`, `set a`, `edit of "a": invalid JSON at byte 0: unexpected end`},
		{`{}`, `set a 1,"b":2`, `edit of "a": invalid JSON at byte 1: unexpected text after the value`},
		{`{"a":"text"}`, `set a.b 1`, `edit of "a.b": "a" is not an object but of kind string`},
		{`{"a":{"b":[]}}`, "delete a.b.d\nset a.b.c 1", `edit of "a.b.c": "a.b" is not an object but of kind array`},
		{`{}`, "set a 1\ndelete a", `edit of "a": collides with the edit of "a"`},
		{`{}`, "set a 1\nset a.b 2", `edit of "a.b": collides with the edit of "a"`},
		{`{}`, "set a.b 1\ndelete a", `edit of "a": collides with the edit of "a.b"`},
		{`{}`, "rename a b\nset b 1", `edit of "b": collides with the edit of "a"`},
		{`{}`, "set b.c 1\nrename a b", `edit of "a": collides with the edit of "b.c"`},
		{`{}`, "rename a c\nrename b c", `edit of "b": collides with the edit of "a"`},
		{`{}`, "rename x.a b\nset x.b 1", `edit of "x.b": collides with the edit of "x.a"`},
		{`{}`, "rename a a", `edit of "a": renamed to its own name`},
		{`{}`, many.String(), `edit of "k64": more than 64 edits`},
	} {
		got, err := jsonraw.Splice([]byte("x"), []byte(c.src), parseEdits(t, c.edits))
		if err == nil || err.Error() != c.want {
			t.Errorf("Splice(%s, %q): error %v, want %q", c.src, c.edits, err, c.want)
		}
		if string(got) != "x" {
			t.Errorf("Splice(%s, %q) leaves %q", c.src, c.edits, got)
		}
	}
	var edit *jsonraw.EditError
	if _, err := jsonraw.Splice(nil, []byte("{}"), []jsonraw.Edit{{Op: 9}}); !errors.As(err, &edit) || edit.Reason != "unknown operation 9" {
		t.Errorf("error %v", err)
	}
}

func TestSpliceMostEdits(t *testing.T) {
	t.Parallel()
	var edits, want strings.Builder
	for i := range 64 {
		edits.WriteString("set k" + strconv.Itoa(i) + " 1\n")
		want.WriteString(`,"k` + strconv.Itoa(i) + `":1`)
	}
	got, err := jsonraw.Splice(nil, []byte("{}"), parseEdits(t, edits.String()))
	if err != nil || string(got) != "{"+want.String()[1:]+"}" {
		t.Errorf("got %s, %v", got, err)
	}
}

// TestSpliceManyDuplicates has a time that grows with the square of the size only if duplicates are searched
// for from each of them.
func TestSpliceManyDuplicates(t *testing.T) {
	t.Parallel()
	src := []byte("{" + strings.Repeat(`"a":0,`, 300_000) + `"a":1}`)
	got, err := jsonraw.Splice(nil, src, parseEdits(t, "set a 2"))
	if err != nil || string(got) != `{"a":2}` {
		t.Errorf("got %.100s, %v", got, err)
	}
}

func TestNoAllocations(t *testing.T) {
	tools, err := os.ReadFile("../sdktest/testdata/tools.json")
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 0, 2*len(tools))
	for name, f := range map[string]func() error{
		"Splice": func() error { _, err := jsonraw.Splice(dst, tools, hostEdits); return err },
		"Valid":  func() error { return jsonraw.Valid(tools) },
		"Get": func() error {
			if !jsonraw.Value(tools).Get("messages", "0", "role").TextIs("system") {
				return errors.New("not found")
			}
			return nil
		},
	} {
		if n := testing.AllocsPerRun(10, func() {
			if err := f(); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
