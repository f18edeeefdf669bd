package policies

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestPlaces(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"# rules\nrules:\n  - when: {tags: [a]}\n    use:\n      - b\nby: cost\n",
		"{\n\"rules\": [\n{\"when\": {\"tags\": [\"a\"]},\n\"use\":\n[\"b\"]}],\n\"by\": \"cost\"}",
	} {
		var r Refused
		d := r.read([]byte(text))
		if d == nil {
			t.Fatal(r.Reasons)
		}
		yaml := text[0] == '#'
		for said, want := range map[string]string{
			"rules[0].when.tags: no such tag": "config:3: rules[0].when.tags | no such tag",
			"rules[0].when.hours[2]: missing": "config:3: rules[0].when.hours[2] | missing",
			"by: unknown":                     map[bool]string{true: "config:6: by | unknown", false: "config:6: by | unknown"}[yaml],
			"rules[1]: missing":               map[bool]string{true: "config:2: rules[1] | missing", false: "config:2: rules[1] | missing"}[yaml],
			"nothing of it fits":              "config | nothing of it fits",
			"unknown: key":                    "config | unknown: key",
			"by then: it is late":             "config | by then: it is late",
		} {
			where, rest := d.told(said)
			if got := where + " | " + rest; got != want {
				t.Errorf("%q is %q, want %q", said, got, want)
			}
		}
	}
}

// FuzzConfig reads whatever a tenant may send. What is accepted is a JSON object, and reading that again gives the same.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "a: 1\nb: [x, {y: null}]\n", `{"a":{"b":[1,2.50,"\ud83d\ude00"]},"a":2}`, "a: &x [1]\nb: *x\n<<: {c: 1}", "{a: ${HOME}, b: $$}", "- 1", "a: 0o17\nb: .inf", "\ufeffa: 1",
		strings.Repeat("{\"a\":", 70) + "1" + strings.Repeat("}", 70),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var r Refused
		d := r.read(text)
		if (d == nil) == (len(r.Reasons) == 0) {
			t.Fatalf("%v with the reasons %v", d, r.Reasons)
		}
		if d == nil {
			return
		}
		var object map[string]any
		if err := json.Unmarshal(d.json, &object); err != nil {
			t.Fatalf("%s: %v", d.json, err)
		}
		again := r.read(d.json)
		if again == nil || fmt.Sprint(again.value) != fmt.Sprint(d.value) {
			t.Errorf("%s is read again as %v: %v", d.json, again, r.Reasons)
		}
		for path, line := range d.lines {
			if line < 1 || line > 1+strings.Count(string(text), "\n")+strings.Count(string(text), "\r") {
				t.Errorf("%q stands in line %d of %q", path, line, text)
			}
		}
	})
}
