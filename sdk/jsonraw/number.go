package jsonraw

import (
	"math"
	"strconv"
	"unsafe"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw/internal/scan"
)

// Int reads the number v as an integer. A fraction or exponent is accepted if the value is whole and below
// 2^53 in size (1.0, 1e3); ok is false for all else, overflow and other kinds included.
func (v Value) Int() (n int64, ok bool) {
	if n, ok := v.digits(); ok {
		return n, true
	}
	text, ok := v.number()
	if !ok {
		return 0, false
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	const exact = 1 << 53
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || f <= -exact || f >= exact {
		return 0, false
	}
	return int64(f), true
}

// digits is Int for the most frequent form: nothing but a few digits.
func (v Value) digits() (n int64, ok bool) {
	if len(v) == 0 || len(v) > 18 || v[0] == '0' && len(v) > 1 {
		return 0, false
	}
	for _, c := range v {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// Float reads the number v. ok is false for other kinds and for what a float64 cannot hold (1e999).
func (v Value) Float() (f float64, ok bool) {
	text, ok := v.number()
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

// Bool reads true or false. ok is false for every other value.
func (v Value) Bool() (value, ok bool) {
	switch string(v.trimmed()) {
	case "true":
		return true, true
	case "false":
		return false, true
	default:
		return false, false
	}
}

// number returns the text of v if v has the form of a JSON number.
func (v Value) number() (string, bool) {
	v = v.trimmed()
	if len(v) == 0 {
		return "", false
	}
	if end, ok := scan.CheckNumber(v, 0); !ok || end != len(v) {
		return "", false
	}
	return unsafe.String(unsafe.SliceData(v), len(v)), true
}

func (v Value) trimmed() Value {
	start, end := scan.SkipSpace(v, 0), len(v)
	for end > start && scan.IsSpace(v[end-1]) {
		end--
	}
	return v[start:end]
}

// appendFloat appends f in the form that encoding/json gives it; null if f is not finite.
func appendFloat(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	if abs := math.Abs(f); abs == 0 || abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	if n := len(dst); dst[n-4] == 'e' && dst[n-2] == '0' { // e-07 becomes e-7
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}
