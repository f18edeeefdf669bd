package shape

import (
	"encoding/json"
	"math"
	"testing"
	"testing/quick"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

func TestDollars(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]store.Money{
		"0": 0, "1": store.USD, "0.000000001": 1, "1e-9": 1, "12.5": 12_500_000_000, "1e9": 1e18, "2.5e-9": 2, "null": 0,
	} {
		var d Dollars
		if err := json.Unmarshal([]byte(text), &d); err != nil || store.Money(d) != want {
			t.Errorf("%s: %d, %v, want %d", text, d, err, want)
		}
	}
	for _, text := range []string{"-1", "1e-10", "1e-300", "1000000000.1", "1e300", `"1"`, "true", "{}"} {
		var d Dollars
		if err := json.Unmarshal([]byte(text), &d); err == nil {
			t.Errorf("%s is taken for %d", text, d)
		}
	}
	// What an answer has can be sent back, as far as a float64 holds it.
	if err := quick.Check(func(nano uint32, thousands uint16) bool {
		d := Dollars(int64(nano) + int64(thousands)*10*int64(store.USD))
		text, err := json.Marshal(d)
		var back Dollars
		return err == nil && json.Unmarshal(text, &back) == nil && back == d
	}, nil); err != nil {
		t.Error(err)
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value float64
		want  string
	}{{math.NaN(), "null"}, {math.Inf(-1), "null"}, {0, "0"}, {1e-7, "1e-07"}, {1e21, "1e+21"}, {-1.5, "-1.5"}} {
		if text, err := json.Marshal(Figure(c.value)); err != nil || string(text) != c.want {
			t.Errorf("%v: %s, %v", c.value, text, err)
		}
	}
	if at := unix(math.MaxUint64); at.Year() != 9999 {
		t.Errorf("the last time is %s", at)
	}
}
