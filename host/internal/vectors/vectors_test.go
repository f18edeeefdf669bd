package vectors

import (
	"bytes"
	"encoding/binary"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// custom is an encoded custom section.
func custom(name, payload string) []byte {
	return appendSized([]byte{customSection}, append(appendSized(nil, []byte(name)), payload...))
}

// carrying is a module that has only custom sections.
func carrying(lists ...string) []byte {
	m := bytes.Clone(magic)
	for _, text := range lists {
		m = append(m, custom(abi.VectorsSection, text)...)
	}
	return m
}

const one = `{"name":"a","export":"score","input":"AQI=","output":"AA=="}`

func TestRead(t *testing.T) {
	t.Parallel()
	module := append(append(bytes.Clone(magic), custom("name", "\x00\x01")...), carrying(`[` + one + `,{"name":"b","config":{"x": 1},"export":"stream","output":"AQ=="}]`)[8:]...)
	list, err := Read(append(module, 1, 1, 0)) // an empty section of types
	want := []abi.Vector{
		{Name: "a", Config: "{}", Export: "score", Input: []byte{1, 2}, Output: []byte{0}},
		{Name: "b", Config: `{"x": 1}`, Export: "stream", Output: []byte{1}},
	}
	if err != nil || !reflect.DeepEqual(list, want) {
		t.Errorf("%+v, %v", list, err)
	}
	for name, m := range map[string][]byte{
		"no section": magic, "another": append(bytes.Clone(magic), custom("switchyard.vectors2", one)...),
		"an empty list": carrying("[]"), "null": carrying("null"), "a section without a name": append(bytes.Clone(magic), 0, 0),
		"in a name that is cut": append(bytes.Clone(magic), 0, 2, 18, 's'),
	} {
		if list, err := Read(m); err != nil || len(list) > 0 {
			t.Errorf("%s: %v, %v", name, list, err)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	many := func(n int, vector func(i int) string) string {
		list := make([]string, n)
		for i := range list {
			list[i] = vector(i)
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	id := func(i int) string { return string(rune('A' + i)) }
	for name, tc := range map[string]struct {
		module []byte
		want   string
	}{
		"no module":      {[]byte("\x00asm\x02\x00\x00\x00"), `it is not a WebAssembly 1.0 module: it starts with "\x00asm\x02`},
		"cut section":    {carrying(one)[:20], "its section at byte 8 is cut short"},
		"endless length": {append(bytes.Clone(magic), 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "its section at byte 8 is cut short"},
		"no length":      {append(bytes.Clone(magic), 0), "its section at byte 8 is cut short"},
		"two sections":   {carrying("[]", "[]"), `it has 2 custom sections "switchyard.vectors", and may have one`},
		"no JSON":        {carrying("oops"), "its golden vectors are not a list in JSON: invalid character 'o'"},
		"an object":      {carrying("{}"), "its golden vectors are not a list in JSON"},
		"more behind":    {carrying("[]1"), "its golden vectors are not a list in JSON"},
		"a number":       {carrying("[1]"), "golden vector number 1: json: cannot unmarshal number"},
		"null":           {carrying("[" + one + ",null]"), "golden vector number 2: it has no name"},
		"no name":        {carrying(`[{"export":"score","output":"AA=="}]`), "golden vector number 1: it has no name"},
		"twice":          {carrying("[" + one + "," + one + "]"), `golden vector "a": the name is taken by one before it`},
		"odd name":       {carrying(`[{"name":"a\u0007","export":"score","output":"AA=="}]`), "golden vector number 1: its name has more than 128 bytes, or characters that can't be shown"},
		"long name":      {carrying(`[{"name":"` + strings.Repeat("x", 129) + `","export":"score","output":"AA=="}]`), "golden vector number 1: its name has"},
		"unknown member": {carrying(`[{"name":"a","export":"score","expect":"AA=="}]`), `golden vector "a": json: unknown field "expect"`},
		"no base64":      {carrying(`[{"name":"a","export":"score","output":"A"}]`), `golden vector "a": illegal base64`},
		"no output":      {carrying(`[{"name":"a","export":"score"}]`), `golden vector "a": it has no output`},
		"no export":      {carrying(`[{"name":"a","output":"AA=="}]`), `golden vector "a": a vector can't call the export ""`},
		"describe":       {carrying(`[{"name":"a","export":"describe","output":"AA=="}]`), `golden vector "a": a vector can't call the export "describe"`},
		"too many":       {carrying(many(abi.MaxVectors+1, func(int) string { return one })), "it has 65 golden vectors, the limit is 64"},
		"too long":       {carrying("[" + strings.Repeat(" ", abi.MaxVectorsSize) + "]"), "its golden vectors have 1048578 bytes, the limit is 1048576"},
		"too many config": {carrying(many(9, func(i int) string {
			return `{"name":"` + id(i) + `","config":"` + id(i) + `","export":"score","output":"AA=="}`
		})), `golden vector "I": the list has more than 8 configs, the limit`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Read(tc.module); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	list, err := Parse([]byte("[" + one + "]"))
	if err != nil {
		t.Fatal(err)
	}
	types := []byte{1, 1, 0}
	before := bytes.Join([][]byte{magic, custom(abi.VectorsSection, "rubbish"), types, custom("name", "x")}, nil)
	whole := bytes.Clone(before)
	after, err := Write(before, list)
	if err != nil {
		t.Fatal(err)
	}
	if kept := bytes.Join([][]byte{magic, types, custom("name", "x")}, nil); !bytes.HasPrefix(after, kept) || !bytes.Equal(before, whole) {
		t.Errorf("the rest has changed: %q", after)
	}
	if again, err := Read(after); err != nil || !reflect.DeepEqual(again, list) {
		t.Errorf("%+v, %v", again, err)
	}
	if twice, err := Write(after, list); err != nil || !bytes.Equal(twice, after) {
		t.Errorf("writing again: %q, %v", twice, err)
	}
	if _, err := Write(before, make([]abi.Vector, 1)); err == nil {
		t.Error("a vector without a name was written")
	}
	if _, err := Write(before[:12], list); err == nil {
		t.Error("a module that is cut was written")
	}
	// What a linker pads is read as well.
	padded := custom(abi.VectorsSection, "["+one+"]")
	n, width := binary.Uvarint(padded[1:])
	padded = append(append([]byte{0}, byte(n)|0x80, 0x80, 0x80, 0x80, 0), padded[1+width:]...)
	if again, err := Read(append(bytes.Clone(magic), padded...)); n > 127 || err != nil || !reflect.DeepEqual(again, list) {
		t.Errorf("padded: %+v, %v", again, err)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	bits := math.Float64frombits
	scores := func(change func(*abi.ScoreOutput), s ...float64) []byte {
		out := abi.ScoreOutput{Scores: s, Reason: "ok"}
		if change != nil {
			change(&out)
		}
		return out.Append(nil)
	}
	with := func(change func(*abi.ScoreOutput)) []byte { return scores(change, 1) }
	for name, tc := range map[string]struct {
		export    string
		got, want []byte
		text      string
	}{
		"same":             {"stream", []byte("abc"), []byte("abc"), ""},
		"byte":             {"stream", []byte("a long answer, it is this one"), []byte("a long answer, it is that one"), `stream differs at byte 23: it answers "er, it is this one" (29 bytes in all), the vector has "er, it is that one" (29 bytes in all)`},
		"cut":              {"request", []byte("ab"), []byte("ab\x00\n"), `request differs at byte 2: it answers "ab" (2 bytes in all), the vector has "ab\x00\n" (4 bytes in all)`},
		"scores":           {"score", scores(nil, 1, 2), scores(nil, 1, 2.5), "score differs: score 1 is 2, the vector has 2.5"},
		"NaN":              {"score", scores(nil, bits(0x7ff8000000000000)), scores(nil, bits(0xfff8000000000123)), ""},
		"NaN for a number": {"score", scores(nil, math.NaN()), scores(nil, 1), "score 0 is NaN, the vector has 1"},
		"number for NaN":   {"score", scores(nil, 1), scores(nil, math.NaN()), "score 0 is 1, the vector has NaN"},
		"zeros":            {"score", scores(nil, 0), scores(nil, math.Copysign(0, -1)), ""},
		"infinities":       {"score", scores(nil, math.Inf(1)), scores(nil, math.Inf(-1)), "score 0 is +Inf, the vector has -Inf"},
		"count":            {"score", scores(nil, 1), scores(nil, 1, 2), "it gives 1 scores, the vector has 2"},
		"reason":           {"score", with(func(o *abi.ScoreOutput) { o.Reason = "no" }), with(nil), `reason is "no", the vector has "ok"`},
		"directives":       {"score", with(func(o *abi.ScoreOutput) { o.Directives = 1 }), with(nil), "directives is 0x1, the vector has 0x0"},
		"hedge":            {"score", with(func(o *abi.ScoreOutput) { o.HedgeAfterMS = 1 }), with(nil), "hedge_after_ms"},
		"attempt":          {"score", with(func(o *abi.ScoreOutput) { o.AttemptTimeoutMS = 1 }), with(nil), "attempt_timeout_ms"},
		"first token":      {"score", with(func(o *abi.ScoreOutput) { o.FirstTokenTimeoutMS = 1 }), with(nil), "first_token_timeout_ms"},
		"status":           {"score", with(func(o *abi.ScoreOutput) { o.RejectStatus = 1 }), with(nil), "reject_status"},
		"code":             {"score", with(func(o *abi.ScoreOutput) { o.RejectCode = "x" }), with(nil), `reject_code is "x"`},
		"refusal":          {"score", (&abi.Refusal{Status: 400}).Append(nil), with(nil), "score differs at byte 0"},
		"NaN elsewhere":    {"stream", scores(nil, bits(0x7ff8000000000000)), scores(nil, bits(0xfff8000000000123)), "stream differs at byte 48"},
	} {
		err := Compare(&abi.Vector{Export: tc.export, Output: tc.want}, tc.got)
		switch {
		case tc.text == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tc.text != "" && (err == nil || !strings.Contains(err.Error(), tc.text)):
			t.Errorf("%s: %v, want %q", name, err, tc.text)
		}
	}
}

// FuzzRead reads what may be no module: it ends, in a list within the limits that survives being written, or in words.
func FuzzRead(f *testing.F) {
	f.Add([]byte{})
	f.Add(magic)
	f.Add(carrying("[" + one + "]"))
	f.Add(carrying("[]", "[]"))
	f.Add(carrying(`[{"name":"a","config":[1e3,"\u00e9"],"export":"stream","input":"AA==","output":"AA=="}]`))
	f.Add(append(carrying(`[`), 0, 0x80, 0x80, 0x80, 0x80, 0x10))
	f.Fuzz(func(t *testing.T, module []byte) {
		list, err := Read(module)
		if err != nil {
			if err.Error() == "" || list != nil {
				t.Fatalf("%d vectors with the error %q", len(list), err)
			}
			return
		}
		if len(list) > abi.MaxVectors {
			t.Fatalf("%d vectors", len(list))
		}
		written, err := Write(module, list)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read(written)
		if err != nil || len(again) != len(list) {
			t.Fatalf("%d vectors became %d, %v", len(list), len(again), err)
		}
		for i, v := range list {
			w := again[i]
			if v.Name != w.Name || v.Export != w.Export || !bytes.Equal(v.Input, w.Input) || !bytes.Equal(v.Output, w.Output) {
				t.Fatalf("%+v became %+v", v, w)
			}
		}
	})
}
