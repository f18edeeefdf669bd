package jsonraw_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

func TestOutline(t *testing.T) {
	const text = ` {"a" : [1, {"b":null}, [], "x"], "t\u0065xt":"\n", "a":-1.5e3,"":{} , "last":true } `
	var doc jsonraw.Outline
	for range 2 { // the second time in the memory of the first
		if err := doc.Read([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	var list, last jsonraw.Node
	for key, end := doc.Members(jsonraw.Root); key < end; key = doc.After(key + 1) {
		names = append(names, string(doc.Name(key)))
		if doc.Kind(key+1) == jsonraw.Array {
			list = key + 1
		}
		last = key + 1
	}
	if got := strings.Join(names, ","); got != "a,text,a,,last" {
		t.Errorf("names %q", got)
	}
	var values []string
	for e, end := doc.Elements(list); e < end; e = doc.After(e) {
		values = append(values, string(doc.Value(e)))
	}
	if got := strings.Join(values, " "); got != `1 {"b":null} [] "x"` {
		t.Errorf("elements %s", got)
	}
	if got := doc.Value(jsonraw.Root); string(got) != strings.TrimSpace(text) {
		t.Errorf("root %s", got)
	}
	if doc.Inner(last) != nil || doc.Absent(last) || doc.Kind(last) != jsonraw.Bool {
		t.Errorf("the last member is %s", doc.Value(last))
	}
	if key, end := doc.Members(list); key < end {
		t.Error("an array has members")
	}
	if e, end := doc.Elements(jsonraw.Root); e < end {
		t.Error("an object has elements")
	}
}

func TestOutlineLimit(t *testing.T) {
	var doc jsonraw.Outline
	err := doc.Read([]byte("[" + strings.Repeat("[],", jsonraw.MaxNodes) + "1]"))
	if syntax, ok := errors.AsType[*jsonraw.SyntaxError](err); !ok || syntax.Reason != "too many values" {
		t.Errorf("%v", err)
	}
}

func TestOutlineDoesNotAllocate(t *testing.T) {
	text := []byte(chunkText)
	var doc jsonraw.Outline
	if n := testing.AllocsPerRun(100, func() {
		if err := doc.Read(text); err != nil {
			t.Fatal(err)
		}
		for key, end := doc.Members(jsonraw.Root); key < end; key = doc.After(key + 1) {
			_, _ = doc.Name(key), doc.Value(key+1)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzOutline compares what an outline says with what Valid and the iterators say.
func FuzzOutline(f *testing.F) {
	for _, s := range []string{
		`{}`, ` [ ] `, `{"a":[1,{"b":"\"\u00e9"}],"a":-0.5e1}`, `{"a" :1 , "b": [ true,false , null ] }`, `"x`, `[1,]`, `[,1]`, `{,}`, `{"a"}`, `{"a":}`,
		`{"a":1,}`, `[1}`, `{"a":1]`, `1 2`, "[\x01]", "{\"a\x01\":1}", "[1\x01]", `[[[[]]],[{}]]`, `nul`, `-`, ``, chunkText, eventText,
	} {
		f.Add([]byte(s))
	}
	var doc jsonraw.Outline
	f.Fuzz(func(t *testing.T, text []byte) {
		err, want := doc.Read(text), jsonraw.Valid(text)
		if err != nil || want != nil {
			if err == nil || want == nil || err.Error() != want.Error() {
				t.Fatalf("%q: %v; Valid says %v", text, err, want)
			}
			return
		}
		root, err := jsonraw.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if end := same(t, &doc, jsonraw.Root, root); end != doc.After(jsonraw.Root) {
			t.Fatalf("%q: ends at %d, not %d", text, doc.After(jsonraw.Root), end)
		}
	})
}

// same compares node n with v and returns the number behind it.
func same(t *testing.T, doc *jsonraw.Outline, n jsonraw.Node, v jsonraw.Value) jsonraw.Node {
	t.Helper()
	if string(doc.Value(n)) != string(v) || doc.Kind(n) != v.Kind() || doc.Absent(n) != v.Absent() || string(doc.Inner(n)) != string(v.Inner()) {
		t.Fatalf("node %d is %s, of kind %s, not %s", n, doc.Value(n), doc.Kind(n), v)
	}
	key, end := doc.Members(n)
	for m := v.Members(); m.Next(); key = doc.After(key + 1) {
		if key >= end || string(doc.Name(key)) != string(m.Name()) || string(doc.Value(key)) != string(m.Key) {
			t.Fatalf("node %d of %s is not the key %s", key, v, m.Key)
		}
		same(t, doc, key+1, m.Value)
	}
	e, last := doc.Elements(n)
	for el := v.Elements(); el.Next(); e = doc.After(e) {
		if e >= last {
			t.Fatalf("%s: too few elements", v)
		}
		same(t, doc, e, el.Value)
	}
	if key != end || e != last {
		t.Fatalf("%s: more inside than there should be", v)
	}
	return doc.After(n)
}

func TestScanString(t *testing.T) {
	for text, want := range map[string]int{
		``: 0, `x`: 0, `"`: 0, `"a`: 0, `""`: 2, `"a\"b" tail`: 6, `"\x"`: 0, "\"a\nb\"": 0, `"longer than one word"}}`: 22, `"é\u00e9"`: 10,
	} {
		if got := jsonraw.ScanString([]byte(text)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

func TestKeys(t *testing.T) {
	for n := range 40 {
		for i := range n {
			for _, c := range []byte{'"', '\\', '\n', 0x80, 0xff} {
				name := []byte(strings.Repeat("k", n))
				name[i] = c
				w := jsonraw.Writer{}
				w.Key(string(name))
				if want := string(jsonraw.AppendString(nil, name)) + ":"; string(w.Buf) != want {
					t.Fatalf("key %q: %s, want %s", name, w.Buf, want)
				}
			}
		}
		w := jsonraw.Writer{}
		w.Key(strings.Repeat("k", n))
		if want := `"` + strings.Repeat("k", n) + `":`; string(w.Buf) != want {
			t.Fatalf("%s", w.Buf)
		}
	}
}

func TestOutlineIsWide(t *testing.T) {
	t.Parallel()
	var doc jsonraw.Outline
	for text, want := range map[string]bool{
		`"\u00e9"`: true, `["long enough for a word \u00e9", "\n and more \"", 1]`: true, `{"\u0061":1}`: true, `"\ud83d\ude00"`: true,
		`"é"`: false, `"\n\t\/\\u00e9"`: false, `"u"`: false, `[1,null,"\\"]`: false,
	} {
		if err := doc.Read([]byte(text)); err != nil || doc.Wide() != want {
			t.Errorf("%s: %t, %v", text, doc.Wide(), err)
		}
	}
}
