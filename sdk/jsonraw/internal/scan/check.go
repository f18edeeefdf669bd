package scan

import "math/bits"

// MaxDepth is how deeply arrays and objects may be nested in a document that [Valid] accepts.
const MaxDepth = 512

const (
	reasonEnd      = "unexpected end"
	reasonValue    = "expected a value"
	reasonKey      = "expected a quoted key"
	reasonColon    = "expected a colon after the key"
	reasonObject   = "expected a comma or a closing brace"
	reasonArray    = "expected a comma or a closing bracket"
	reasonTrailing = "unexpected text after the value"
	reasonDepth    = "nested too deeply"
	reasonControl  = "control character in a string"
	reasonEscape   = "invalid escape in a string"
	reasonNumber   = "invalid number"
	reasonLiteral  = "invalid literal"
)

// Valid checks that data is exactly one JSON value (RFC 8259) nested at most [MaxDepth] deep, with white space around it
// allowed. It returns where data stops being that and why; reason is "" if it does not.
func Valid(data []byte) (at int, reason string) {
	var objects [MaxDepth / 64]uint64 // one bit per open container: set for objects
	depth := 0
	inObject := false // the innermost container is an object
	key := false      // a key is due, not a value
	i := 0
	for {
		if i < len(data) && data[i] <= ' ' {
			i = SkipSpace(data, i)
		}
		if i >= len(data) {
			return mistake(data, i, reasonEnd)
		}
		c := data[i]
		switch {
		case c == '"':
			if i = CheckString(data, i+1); i < 0 {
				return stringError(data, ^i)
			}
			i &^= Seen
			if key {
				if i >= len(data) || data[i] != ':' {
					if i = SkipSpace(data, i); i >= len(data) || data[i] != ':' {
						return mistake(data, i, reasonColon)
					}
				}
				i++
				key = false
				continue
			}
		case key:
			return mistake(data, i, reasonKey)
		case c == '{' || c == '[':
			if depth == MaxDepth {
				return mistake(data, i, reasonDepth)
			}
			i = SkipSpace(data, i+1)
			if i < len(data) && data[i] == c+2 { // the closing bracket: two further on in ASCII
				i++
				break
			}
			inObject = c == '{'
			key = inObject
			word, bit := depth>>6, uint64(1)<<(depth&63)
			objects[word] &^= bit
			if inObject {
				objects[word] |= bit
			}
			depth++
			continue
		case c == '-' || c-'0' <= 9:
			end, ok := CheckNumber(data, i)
			if !ok {
				return mistake(data, end, reasonNumber)
			}
			i = end
		default:
			end := CheckLiteral(data, i)
			if end < 0 {
				return literalError(data, i)
			}
			i = end
		}

		// A value ended at i: close what closes, then find the next key or value.
		if depth > 0 && i < len(data) && data[i] == ',' {
			i++
			key = inObject
			continue
		}
		for {
			i = SkipSpace(data, i)
			if depth == 0 {
				if i < len(data) {
					return mistake(data, i, reasonTrailing)
				}
				return 0, ""
			}
			if i >= len(data) {
				return mistake(data, i, reasonEnd)
			}
			if c := data[i]; c == ',' {
				i++
				key = inObject
				break
			} else if inObject && c != '}' {
				return mistake(data, i, reasonObject)
			} else if !inObject && c != ']' {
				return mistake(data, i, reasonArray)
			}
			i++
			if depth--; depth > 0 {
				inObject = objects[(depth-1)>>6]>>((depth-1)&63)&1 != 0
			}
		}
	}
}

// Marks that are added to the offset behind a string.
const (
	EscapeSeen = 1 << 40 // it contains a backslash
	WideSeen   = 1 << 41 // it contains an escape with four digits, and so EscapeSeen is there too
	Seen       = EscapeSeen | WideSeen
)

// CheckString checks the string whose inside starts at i, and returns the offset behind its closing quote, with
// the marks of what it has seen, or ^offset of a mistake. It is small, with two words a turn, because in a guest a turn of a loop costs
// more the more variables the function has.
func CheckString(data []byte, i int) int {
	seen := 0
	for i+8 <= len(data) {
		w := Load8(data, i)
		hit := Special(w)
		if hit == 0 {
			if i += 8; i+8 > len(data) {
				break
			}
			w = Load8(data, i)
			if hit = Special(w); hit == 0 {
				i += 8
				continue
			}
		}
		i += bits.TrailingZeros64(hit) >> 3
		if data[i] == '"' {
			return i + 1 + seen
		}
		seen |= EscapeSeen
		if data[i] == '\\' && i+1 < len(data) && (data[i+1] == '"' || data[i+1] == 'n' || data[i+1] == '\\') {
			i += 2
			continue
		}
		if i = checkEscape(data, i); i < 0 {
			return i
		}
		seen |= i & WideSeen
		i &^= WideSeen
	}
	for i < len(data) {
		if !special[data[i]] {
			i++
			continue
		}
		if data[i] == '"' {
			return i + 1 + seen
		}
		seen |= EscapeSeen
		if i = checkEscape(data, i); i < 0 {
			return i
		}
		seen |= i & WideSeen
		i &^= WideSeen
	}
	return ^len(data)
}

// checkEscape checks the escape which should start at i, and returns the offset behind it, with WideSeen, or ^offset
// of a mistake.
func checkEscape(data []byte, i int) int {
	if data[i] != '\\' {
		return ^i
	}
	if i++; i == len(data) {
		return ^i
	}
	switch data[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		for range 4 {
			if i++; i >= len(data) || HexDigit(data[i]) < 0 {
				return ^i
			}
		}
		return i + 1 + WideSeen
	default:
		return ^i
	}
}

// stringError explains what CheckString found at offset.
func stringError(data []byte, offset int) (int, string) {
	if offset < len(data) && data[offset] < 0x20 {
		return mistake(data, offset, reasonControl)
	}
	return mistake(data, offset, reasonEscape)
}

// special marks the bytes which do not stand for themselves in a string.
var special = [256]bool{
	0x00: true, 0x01: true, 0x02: true, 0x03: true, 0x04: true, 0x05: true, 0x06: true, 0x07: true,
	0x08: true, 0x09: true, 0x0a: true, 0x0b: true, 0x0c: true, 0x0d: true, 0x0e: true, 0x0f: true,
	0x10: true, 0x11: true, 0x12: true, 0x13: true, 0x14: true, 0x15: true, 0x16: true, 0x17: true,
	0x18: true, 0x19: true, 0x1a: true, 0x1b: true, 0x1c: true, 0x1d: true, 0x1e: true, 0x1f: true,
	'"': true, '\\': true,
}

// CheckNumber checks the number at i and returns the offset behind it, or that of the mistake.
func CheckNumber(data []byte, i int) (int, bool) {
	if data[i] == '-' {
		i++
	}
	switch {
	case i < len(data) && data[i] == '0':
		i++
	default:
		end := SkipDigits(data, i)
		if end == i {
			return i, false
		}
		i = end
	}
	if i < len(data) && data[i] == '.' {
		end := SkipDigits(data, i+1)
		if end == i+1 {
			return end, false
		}
		i = end
	}
	if i < len(data) && data[i]|0x20 == 'e' {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		end := SkipDigits(data, i)
		if end == i {
			return i, false
		}
		i = end
	}
	return i, true
}

// SkipDigits skips decimal digits.
func SkipDigits(data []byte, i int) int {
	for i < len(data) && data[i]-'0' <= 9 {
		i++
	}
	return i
}

// CheckLiteral returns the offset behind the true, false or null at i, or -1.
func CheckLiteral(data []byte, i int) int {
	rest := data[i:]
	switch {
	case len(rest) >= 4 && (string(rest[:4]) == "true" || string(rest[:4]) == "null"):
		return i + 4
	case len(rest) >= 5 && string(rest[:5]) == "false":
		return i + 5
	default:
		return -1
	}
}

// literalError finds the byte at which the text at i stops being a literal.
func literalError(data []byte, i int) (int, string) {
	start := i
	for _, want := range []string{"true", "false", "null"} {
		if data[start] != want[0] {
			continue
		}
		for i < len(data) && data[i] == want[i-start] {
			i++
		}
		return mistake(data, i, reasonLiteral)
	}
	return mistake(data, i, reasonValue)
}

// HexDigit returns the value of a hexadecimal digit, or -1.
func HexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	default:
		return -1
	}
}

// mistake returns what Valid does, for an offset that may be behind the end.
func mistake(data []byte, offset int, reason string) (int, string) {
	if offset >= len(data) {
		return len(data), reasonEnd
	}
	return offset, reason
}
