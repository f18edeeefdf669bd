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
	if f, ok := v.short(); ok {
		return f, true
	}
	text, ok := v.number()
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

// Float32 reads the number v, rounded to the nearest float32. ok is false for other kinds and for what a float32 cannot hold.
func (v Value) Float32() (f float32, ok bool) {
	if wide, ok := v.short(); ok {
		// A float64 that is right to the last bit rounds to the right float32, unless it lies in the middle between two:
		// then what it lost itself decides.
		const rest = 1<<29 - 1 // bits that a float32 does not have
		if math.Float64bits(wide)&rest != (rest+1)/2 {
			return float32(wide), true
		}
	}
	return v.longFloat32()
}

func (v Value) longFloat32() (float32, bool) {
	text, ok := v.number()
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 32)
	return float32(f), err == nil
}

// short reads a number of few digits as the nearest float64: the digits and the power of ten are exact, and what comes of
// two such numbers is rounded once. In a guest it is several times as quick as strconv, which need not be looked at for most
// numbers of an embedding.
func (v Value) short() (f float64, ok bool) {
	i, n := 0, len(v)
	if n > 0 && v[0] == '-' {
		i = 1
	}
	const most = 15 // digits that a float64 holds, whatever they are; and powers of ten
	if n-i > most+len("e-15") || i+1 < n && v[i] == '0' && v[i+1]-'0' <= 9 {
		return 0, false
	}
	first, number, behind := i, uint64(0), -1 // behind: digits behind the point, -1 before it
	for ; i < n; i++ {
		if d := v[i] - '0'; d <= 9 {
			number = number*10 + uint64(d)
			if behind >= 0 {
				behind++
			}
		} else if v[i] == '.' && behind < 0 && i > first {
			behind = 0
		} else {
			break
		}
	}
	if behind == 0 || i == first || number >= 1e15 {
		return 0, false
	}
	power := -max(behind, 0)
	if i < n {
		e, ok := v[i:].exponent()
		if !ok {
			return 0, false
		}
		power += e
	}
	switch f = float64(number); {
	case power < -most || power > most:
		return 0, false
	case power < 0:
		f /= powers[-power]
	default:
		f *= powers[power]
	}
	if v[0] == '-' {
		f = -f
	}
	return f, true
}

// exponent reads an exponent of one or two digits, with its e.
func (v Value) exponent() (n int, ok bool) {
	if v[0]|0x20 != 'e' {
		return 0, false
	}
	digits := v[1:]
	if len(digits) > 0 && (digits[0] == '-' || digits[0] == '+') {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 2 {
		return 0, false
	}
	for _, c := range digits {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	if v[1] == '-' {
		n = -n
	}
	return n, true
}

// powers of ten.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

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

// AppendUint appends n in decimal. In a guest it is a fraction of the code that strconv's is.
//
//go:noinline
func AppendUint(dst []byte, n uint64) []byte {
	var room [20]byte
	i := len(room) - 1
	for ; n >= 10; n /= 10 {
		room[i] = byte('0' + n%10)
		i--
	}
	room[i] = byte('0' + n)
	return append(dst, room[i:]...)
}
