package meter_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// values is one argument or result of the suite: a number, a reference, or the lanes of a vector.
type values struct {
	Type  string          `json:"type"`
	Lane  string          `json:"lane_type"`
	Value json.RawMessage `json:"value"`
}

func (v values) String() string { return v.Type + " " + string(v.Value) }

// lanes are the value's parts, low first, and the width of each in bits.
func (v values) lanes() (parts []string, width int) {
	lane := v.Lane
	if v.Type != "v128" {
		lane, parts = v.Type, make([]string, 1)
		if v.Value == nil || json.Unmarshal(v.Value, &parts[0]) != nil {
			parts[0] = "null"
		}
	} else if json.Unmarshal(v.Value, &parts) != nil {
		parts = nil
	}
	switch lane {
	case "externref", "funcref":
		return parts, 64
	}
	width, err := strconv.Atoi(lane[1:])
	if err != nil {
		panic(fmt.Sprintf("the suite has a value of type %q", lane))
	}
	return parts, width
}

// words is how wazero takes arguments: one word for each, two for a vector.
func words(args []values) []uint64 {
	var out []uint64
	for _, a := range args {
		parts, width := a.lanes()
		packed := make([]uint64, (len(parts)*width+63)/64)
		for i, part := range parts {
			packed[i*width/64] |= bits(a, part, width) << (i * width % 64)
		}
		out = append(out, packed...)
	}
	return out
}

func bits(v values, text string, width int) uint64 {
	if text == "null" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, width)
	if err != nil {
		signed, serr := strconv.ParseInt(text, 10, width)
		if serr != nil {
			panic(fmt.Sprintf("the suite has the value %v: %v", v, err))
		}
		n = uint64(signed) & (1<<width - 1)
	}
	if v.Type == "externref" {
		n++ // 0 is wazero's null, but not the suite's
	}
	return n
}

// match compares results with what the suite expects, NaN patterns included.
func match(got []uint64, want []values) bool {
	for _, w := range want {
		parts, width := w.lanes()
		n := (len(parts)*width + 63) / 64
		if len(got) < n {
			return false
		}
		for i, part := range parts {
			have := got[i*width/64] >> (i * width % 64)
			if width == 32 {
				have = uint64(uint32(have))
			} else if width < 32 {
				have &= 1<<width - 1
			}
			if !same(have, part, w, width) {
				return false
			}
		}
		got = got[n:]
	}
	return len(got) == 0
}

func same(have uint64, part string, w values, width int) bool {
	quiet := uint64(0x7fc00000) // the canonical NaN: all exponent bits and the first of the fraction
	if width == 64 {
		quiet = 0x7ff8 << 48
	}
	switch {
	case part == "nan:canonical":
		return have&^(1<<(width-1)) == quiet
	case part == "nan:arithmetic":
		return have&quiet == quiet
	case strings.HasSuffix(w.Type, "ref") && w.Value == nil:
		return true // any reference
	}
	return have == bits(w, part, width)
}
