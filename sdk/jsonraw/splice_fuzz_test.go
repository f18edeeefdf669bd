package jsonraw_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// FuzzSplice compares with the same edits made on a decoded map, and checks that members which no edit concerns
// keep their bytes and their order.
func FuzzSplice(f *testing.F) {
	f.Add([]byte(document), []byte("\x00model"), []byte(`{"z":1}`))
	f.Add([]byte(`{"a":{"b":1,"b":2},"a":{"c":1}}`), []byte("\x00a.b\n\x01a.c\n\x02d a"), []byte(`1`))
	f.Add([]byte(` { "a" : 1 , "b" : null , "c" : [ ] } `), []byte("\x02a c\n\x00b.x\n\x00b.y.z\n\x01d"), []byte(`"v"`))
	f.Add([]byte(`{"a":1,"b":2,"a":3}`), []byte("\x02a b\n\x01c"), []byte(`null`))
	f.Add([]byte("{}"), []byte("Ơ"), []byte("0"))
	f.Add([]byte(`{"\u0061":{"\u0062":1}}`), []byte("\x02a.b c\n\x00d"), []byte(`[1, 2]`))
	f.Fuzz(func(t *testing.T, src, script, value []byte) {
		if !utf8.Valid(src) || !utf8.Valid(script) || jsonraw.Valid(src) != nil || jsonraw.Value(src).Kind() != jsonraw.Object {
			return
		}
		edits := scriptEdits(script, value)
		out, err := jsonraw.Splice([]byte("x"), src, edits)
		if err != nil {
			var refused *jsonraw.EditError
			if !errors.As(err, &refused) || string(out) != "x" {
				t.Fatalf("Splice(%q, %q) = %q, %v", src, script, out, err)
			}
			return
		}
		around(t, src, edits, out)
		out = out[1:]
		if err := jsonraw.Valid(out); err != nil {
			t.Fatalf("Splice(%q, %q) = %q: %v", src, script, out, err)
		}
		want := decode(t, src).(map[string]any)
		for _, e := range edits {
			apply(t, want, strings.Split(string(e.Path), "."), e)
		}
		if got := decode(t, out); !reflect.DeepEqual(got, any(want)) {
			t.Fatalf("Splice(%q, %q, %q) = %q\nwhich is %v\nwant     %v", src, script, value, out, got, want)
		}
		if before, after := untouched(src, edits), untouched(out, edits); before != after {
			t.Fatalf("Splice(%q, %q) = %q\nother members were %q\nand became         %q", src, script, out, before, after)
		}
	})
}

// around checks that leaving a value out, whichever it is, makes no difference.
func around(t *testing.T, src []byte, edits []jsonraw.Edit, want []byte) {
	t.Helper()
	var doc jsonraw.Outline
	if err := doc.Read(src); err != nil {
		t.Fatal(err)
	}
	for key, end := doc.Members(jsonraw.Root); key < end; key = doc.After(key + 1) {
		value, at := doc.Value(key+1), doc.Offset(key+1)
		out, cut, err := jsonraw.SpliceAround([]byte("x"), src, edits, jsonraw.Span{Start: at, End: at + len(value)})
		if err != nil {
			t.Fatal(err)
		}
		if cut >= 0 {
			out = slices.Insert(out, cut, value...)
		}
		if !bytes.Equal(out, want) {
			t.Fatalf("SpliceAround(%q, %+v) without %q = %q, want %q", src, edits, value, out, want)
		}
	}
}

// scriptEdits makes one edit of each line: a byte for the operation, the path, and for Rename a space and the
// new name. Every Set sets value.
func scriptEdits(script, value []byte) []jsonraw.Edit {
	var edits []jsonraw.Edit
	for line := range bytes.SplitSeq(script, []byte("\n")) {
		if len(line) == 0 || !utf8.Valid(line[1:]) { // the first byte may be part of a letter
			continue
		}
		e := jsonraw.Edit{Op: jsonraw.Op(line[0] % 3), Path: line[1:], Value: value}
		if e.Op == jsonraw.Rename {
			e.Path, e.Value, _ = bytes.Cut(line[1:], []byte(" "))
		}
		edits = append(edits, e)
	}
	return edits
}

func decode(tb testing.TB, data []byte) any {
	tb.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		tb.Fatalf("decoding %q: %v", data, err)
	}
	return v
}

// apply makes one edit on a decoded object.
func apply(tb testing.TB, object map[string]any, path []string, e jsonraw.Edit) {
	tb.Helper()
	name := path[0]
	value, present := object[name]
	if len(path) > 1 {
		inner, isObject := value.(map[string]any)
		if e.Op == jsonraw.Set && value == nil {
			inner, isObject = map[string]any{}, true
			object[name] = inner
		}
		if isObject {
			apply(tb, inner, path[1:], e)
		} else if e.Op == jsonraw.Set {
			tb.Fatalf("set inside %v was not refused", value)
		}
		return
	}
	switch e.Op {
	case jsonraw.Set:
		object[name] = decode(tb, e.Value)
	case jsonraw.Delete:
		delete(object, name)
	case jsonraw.Rename:
		if !present {
			return
		}
		delete(object, name)
		if _, exists := object[string(e.Value)]; !exists {
			object[string(e.Value)] = value
		}
	}
}

// untouched gives the text of the members which no edit concerns.
func untouched(data []byte, edits []jsonraw.Edit) string {
	var b strings.Builder
	for m := jsonraw.Value(data).Members(); m.Next(); {
		concerned := false
		for _, e := range edits {
			first, _, nested := bytes.Cut(e.Path, []byte("."))
			concerned = concerned || string(first) == string(m.Name()) ||
				e.Op == jsonraw.Rename && !nested && string(e.Value) == string(m.Name())
		}
		if !concerned {
			b.Write(m.Key)
			b.WriteByte(':')
			b.Write(m.Value)
			b.WriteByte('\n')
		}
	}
	return b.String()
}
