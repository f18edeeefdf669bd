package profile

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/simulator/seed"
)

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"latency":{"fixed":"-1s"}}`:                                         "negative",
		`{"latency":{"fixed":5}}`:                                             "latency",
		`{"latency":{"fixed":"1s","max":"2s"}}`:                               "latency: fixed excludes",
		`{"latency":{"min":"1s"}}`:                                            "latency: min needs",
		`{"per_token":{"min":"2s","max":"1s"}}`:                               "per_token: max 1s is less than min 2s",
		`{"per_token":{"sigma":1}}`:                                           "per_token: sigma needs median",
		`{"per_token":{"median":"1s","sigma":9}}`:                             "per_token: sigma 9 is outside",
		`{"tokens":-1}`:                                                       "tokens: -1",
		`{"faults":[{"kind":"status"}]}`:                                      "faults[0].status: 0 is outside",
		`{"faults":[{"kind":"cut","status":500}]}`:                            "faults[0].status: kind \"cut\" has no status",
		`{"faults":[{"kind":"html","status":99}]}`:                            "faults[0].status: 99",
		`{"faults":[{"kind":"cut","probability":2}]}`:                         "faults[0].probability: 2",
		`{"faults":[{"kind":"cut","first":-1}]}`:                              "faults[0]: counts",
		`{"faults":[{"kind":"cut","retry_after":"1s"}]}`:                      "faults[0].retry_after: kind",
		`{"faults":[{"kind":"status","status":429,"retry_after_as":"days"}]}`: "faults[0].retry_after_as: \"days\"",
		`{"faults":[{"kind":"slow"}]}`:                                        "faults[0].delay",
		`{"faults":[{"kind":"cut","delay":"1s"}]}`:                            "faults[0].delay",
		`{"faults":[{"kind":"empty","after_tokens":1}]}`:                      "faults[0].after_tokens",
		`[]`: "cannot unmarshal",
	} {
		if _, err := Decode([]byte(body)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
	_, err := Decode([]byte(`{"tokens":-1,"faults":[{"kind":"x"},{"kind":"slow"}]}`))
	for _, want := range []string{"tokens", "faults[0]", "faults[1]"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

// TestBuiltin: the built-in profiles are valid, and survive being written and read.
func TestBuiltin(t *testing.T) {
	t.Parallel()
	for name, p := range Builtin() {
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if again, _ := json.Marshal(back); string(again) != string(text) {
			t.Errorf("%s: %s became %s", name, text, again)
		}
	}
}

func TestDraw(t *testing.T) {
	t.Parallel()
	r := seed.New(1, "draw", 0)
	var over int
	for range 4000 {
		if v := (Dist{Min: 10, Max: 20}).Draw(&r); v < 10 || v > 20 {
			t.Fatalf("uniform gave %v", v)
		}
		if v := (Dist{Fixed: 7}).Draw(&r); v != 7 {
			t.Fatalf("fixed gave %v", v)
		}
		v := Dist{Median: Duration(time.Second), Sigma: 0.5, Min: Duration(time.Second / 2), Max: Duration(3 * time.Second)}.Draw(&r)
		if v < time.Second/2 || v > 3*time.Second {
			t.Fatalf("lognormal gave %v", v)
		}
		if v > time.Second {
			over++
		}
	}
	if over < 1800 || over > 2200 {
		t.Errorf("%d of 4000 draws are over the median", over)
	}
}

func TestHits(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		f    Fault
		want string // requests 1 to 8
	}{
		{Fault{}, "xxxxxxxx"},
		{Fault{First: 3}, "xxx....."},
		{Fault{Every: 3}, "..x..x.."},
		{Fault{First: 5, Every: 2}, ".x.x...."},
		{Fault{Probability: 1}, "xxxxxxxx"},
	} {
		got, r := "", seed.New(1, "hits", 0)
		for n := range uint64(8) {
			if tc.f.Hits(n+1, &r) {
				got += "x"
			} else {
				got += "."
			}
		}
		if got != tc.want {
			t.Errorf("%+v: %s, want %s", tc.f, got, tc.want)
		}
	}
}
