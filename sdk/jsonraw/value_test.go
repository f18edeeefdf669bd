package jsonraw_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

const document = ` {"model" : "m", "n":1.50,"ok":true , "none":null,
	"list":[ "a", {"b":[1,2, 3]} ,[]], "empty":{}, "dup":1, "dup":{"x":2}, "\u006bey":"escaped", "":0 } `

func TestGet(t *testing.T) {
	t.Parallel()
	root, err := jsonraw.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string // segments joined by spaces; "." for the root itself
		want string
		kind jsonraw.Kind
	}{
		{"model", `"m"`, jsonraw.String},
		{"n", `1.50`, jsonraw.Number},
		{"ok", `true`, jsonraw.Bool},
		{"none", `null`, jsonraw.Null},
		{"list", `[ "a", {"b":[1,2, 3]} ,[]]`, jsonraw.Array},
		{"list 0", `"a"`, jsonraw.String},
		{"list 1 b 2", `3`, jsonraw.Number},
		{"list 2", `[]`, jsonraw.Array},
		{"list 2 0", ``, jsonraw.Missing},
		{"list 3", ``, jsonraw.Missing},
		{"list -1", ``, jsonraw.Missing},
		{"list 99999999999999999999", ``, jsonraw.Missing},
		{"list b", ``, jsonraw.Missing},
		{"empty", `{}`, jsonraw.Object},
		{"empty x", ``, jsonraw.Missing},
		{"dup", `{"x":2}`, jsonraw.Object},
		{"dup x", `2`, jsonraw.Number},
		{"key", `"escaped"`, jsonraw.String},
		{"", `0`, jsonraw.Number},
		{"model x", ``, jsonraw.Missing},
		{"absent", ``, jsonraw.Missing},
	} {
		got := root.Get(strings.Split(c.path, " ")...)
		if string(got) != c.want || got.Kind() != c.kind {
			t.Errorf("Get(%q) = %q, a %v; want %q, a %v", c.path, got, got.Kind(), c.want, c.kind)
		}
	}
	if got := root.Get(); string(got) != strings.TrimSpace(document) {
		t.Errorf("Get() = %q", got)
	}
}

func TestMembersInOrder(t *testing.T) {
	t.Parallel()
	var got []string
	for m := jsonraw.Value(document).Members(); m.Next(); {
		got = append(got, string(m.Name())+"|"+string(m.Key)+"|"+string(m.Value))
		if !m.Is(string(m.Name())) || m.Is(string(m.Name())+"x") {
			t.Errorf("Is disagrees with Name %q", m.Name())
		}
		if len(m.Value) != cap(m.Value) {
			t.Errorf("appending to the value of %q would overwrite the document", m.Name())
		}
	}
	want := []string{
		`model|"model"|"m"`, `n|"n"|1.50`, `ok|"ok"|true`, `none|"none"|null`, `list|"list"|[ "a", {"b":[1,2, 3]} ,[]]`,
		`empty|"empty"|{}`, `dup|"dup"|1`, `dup|"dup"|{"x":2}`, `key|"\u006bey"|"escaped"`, `|""|0`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("members\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestElementsOfOtherKinds(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " ", `{"a":1}`, `"[1]"`, "1", "null", "[]", " [ ] "} {
		if e := jsonraw.Value(text).Elements(); e.Next() {
			t.Errorf("%q has the element %q", text, e.Value)
		}
	}
	for _, text := range []string{"", " ", `["a"]`, `"{}"`, "1", "null", "{}", " { } "} {
		if m := jsonraw.Value(text).Members(); m.Next() {
			t.Errorf("%q has the member %q", text, m.Key)
		}
	}
}

func TestAbsent(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"": true, "null": true, " null": true, "0": false, `""`: false, "false": false} {
		if got := jsonraw.Value(text).Absent(); got != want {
			t.Errorf("Absent of %q = %v", text, got)
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text    string
		n       int64
		isInt   bool
		f       float64
		isFloat bool
	}{
		{"0", 0, true, 0, true},
		{"-7", -7, true, -7, true},
		{" 12 ", 12, true, 12, true},
		{"9223372036854775807", 9223372036854775807, true, 9223372036854775807, true},
		{"9223372036854775808", 0, false, 9223372036854775808, true},
		{"1.0", 1, true, 1, true},
		{"1e3", 1000, true, 1000, true},
		{"1.5", 0, false, 1.5, true},
		{"1e20", 0, false, 1e20, true},
		{"1e999", 0, false, 0, false},
		{"01", 0, false, 0, false},
		{"+1", 0, false, 0, false},
		{"0x10", 0, false, 0, false},
		{"1_0", 0, false, 0, false},
		{"Inf", 0, false, 0, false},
		{`"1"`, 0, false, 0, false},
		{"null", 0, false, 0, false},
		{"", 0, false, 0, false},
	} {
		n, isInt := jsonraw.Value(c.text).Int()
		if n != c.n || isInt != c.isInt {
			t.Errorf("Int of %q = %d, %v", c.text, n, isInt)
		}
		f, isFloat := jsonraw.Value(c.text).Float()
		if isFloat != c.isFloat || isFloat && f != c.f {
			t.Errorf("Float of %q = %v, %v", c.text, f, isFloat)
		}
	}
	for text, want := range map[string][2]bool{
		"true": {true, true}, " false ": {false, true}, "null": {}, "truex": {}, `"true"`: {}, "1": {}, "": {},
	} {
		value, ok := jsonraw.Value(text).Bool()
		if [2]bool{value, ok} != want {
			t.Errorf("Bool of %q = %v, %v", text, value, ok)
		}
	}
}

// FuzzReaders feeds unchecked text to everything that reads: nothing may panic, loop or read beyond it.
// TestFloat32 compares Float32 with strconv on numbers of every form that JSON has, and on those between two float32.
func TestFloat32(t *testing.T) {
	texts := []string{
		"", "-", "-0", "0", "00", "01", "1.", ".5", "-.5", "1e", "1e+", "1e5", "1E-5", "1e005", "1.5e+15", "1e16", "1e38", "4e38", "1e-45", "1e-50",
		"16777217", "16777217.5", "-16777219", "0.1", "123456789012345", "1234567890123456", "0.123456789012345", "1.0000000596046448", "1..2", "1.2.3",
		"999999999999999e15", "0e15", "-0.0e-15", "1.5x", "null", `"1"`, "+1", " 7 ", "1e1.5", "--1",
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		f := float64(math.Float32frombits(random.Uint32()))
		texts = append(texts[:len(texts):len(texts)], strconv.FormatFloat(f, "efg"[random.IntN(3)], random.IntN(18)-1, 32+32*random.IntN(2)))
		if len(texts) > 60 {
			compareFloats(t, texts)
			texts = texts[:0]
		}
	}
	for range 100_000 { // half-way between two, and next to that
		low := float64(math.Float32frombits(random.Uint32N(0x7f000000)))
		middle := (low + float64(math.Nextafter32(float32(low), math.MaxFloat32))) / 2
		compareFloats(t, []string{strconv.FormatFloat(middle, 'g', 15, 64), strconv.FormatFloat(middle, 'g', -1, 64)})
	}
}

func compareFloats(t *testing.T, texts []string) {
	t.Helper()
	for _, text := range texts {
		got, ok := jsonraw.Value(text).Float32()
		trimmed := strings.TrimSpace(text)
		want, err := strconv.ParseFloat(trimmed, 32)
		valid := err == nil && jsonraw.Valid([]byte(trimmed)) == nil && jsonraw.Value(trimmed).Kind() == jsonraw.Number
		if ok != valid || ok && math.Float32bits(got) != math.Float32bits(float32(want)) {
			t.Fatalf("Float32 of %q = %v, %v, want %v, %v", text, got, ok, want, err)
		}
	}
}

func FuzzReaders(f *testing.F) {
	for _, seed := range []string{
		document, `{`, `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":"\`, `[`, `[1`, `[1,`, `"\ud8`, `"\u`, `{"a\`, `}`, `[}`,
		`{"a":{"b":[}]}`, `"abcdefgh\`, `{"abcdefgh\":1}`, "\"\\", `{:}`, `[,]`, `{"a"1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		data = data[:len(data):len(data)]
		read(data, 0)
		v := jsonraw.Value(data)
		_ = v.Get("a", "0", "b")
		_ = jsonraw.Compact(nil, v)
		_ = jsonraw.AppendQuoted(nil, v)
		_, _ = jsonraw.AppendUnquoted(nil, v)
		_, _ = jsonraw.Splice(nil, data, []jsonraw.Edit{
			{Op: jsonraw.Set, Path: []byte("a.b"), Value: []byte("1")},
			{Op: jsonraw.Delete, Path: []byte("b")},
			{Op: jsonraw.Rename, Path: []byte("c"), Value: []byte("d")},
		})
	})
}

func read(v jsonraw.Value, depth int) {
	_, _ = v.Int()
	_, _ = v.Float()
	_, _ = v.Float32()
	_, _ = v.Bool()
	_ = v.Text()
	_ = v.TextIs("a\uFFFD")
	if depth > 8 {
		return
	}
	for m := v.Members(); m.Next(); {
		_ = m.Name()
		_ = m.Is("a")
		read(m.Value, depth+1)
	}
	for e := v.Elements(); e.Next(); {
		read(e.Value, depth+1)
	}
}
