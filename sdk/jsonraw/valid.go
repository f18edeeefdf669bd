package jsonraw

import (
	"math/bits"
	"strconv"
)

// MaxDepth is how deeply arrays and objects may be nested in a document that [Valid] accepts.
const MaxDepth = 512

// SyntaxError says where a text stops being JSON.
type SyntaxError struct {
	Offset int    // bytes before the offending one; the length of the text if it ends too early
	Reason string // for example "expected a comma or a closing brace"
}

// Error gives the reason and the offset.
func (e *SyntaxError) Error() string {
	return "invalid JSON at byte " + strconv.Itoa(e.Offset) + ": " + e.Reason
}

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
	reasonValues   = "too many values"
)

func syntaxError(data []byte, offset int, reason string) error {
	if offset >= len(data) {
		offset, reason = len(data), reasonEnd
	}
	return &SyntaxError{Offset: offset, Reason: reason}
}

// Valid checks that data is exactly one JSON value (RFC 8259) nested at most [MaxDepth] deep, with white space
// around it allowed. It accepts what encoding/json's Valid accepts, apart from the depth. A non-nil error is
// a [*SyntaxError].
func Valid(data []byte) error {
	var objects [MaxDepth / 64]uint64 // one bit per open container: set for objects
	depth := 0
	inObject := false // the innermost container is an object
	key := false      // a key is due, not a value
	i := 0
	for {
		if i < len(data) && data[i] <= ' ' {
			i = skipSpace(data, i)
		}
		if i >= len(data) {
			return syntaxError(data, i, reasonEnd)
		}
		c := data[i]
		switch {
		case c == '"':
			if i = checkString(data, i+1); i < 0 {
				return stringError(data, ^i)
			}
			i &^= escapeSeen
			if key {
				if i >= len(data) || data[i] != ':' {
					if i = skipSpace(data, i); i >= len(data) || data[i] != ':' {
						return syntaxError(data, i, reasonColon)
					}
				}
				i++
				key = false
				continue
			}
		case key:
			return syntaxError(data, i, reasonKey)
		case c == '{' || c == '[':
			if depth == MaxDepth {
				return syntaxError(data, i, reasonDepth)
			}
			i = skipSpace(data, i+1)
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
			end, ok := checkNumber(data, i)
			if !ok {
				return syntaxError(data, end, reasonNumber)
			}
			i = end
		default:
			end := checkLiteral(data, i)
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
			i = skipSpace(data, i)
			if depth == 0 {
				if i < len(data) {
					return syntaxError(data, i, reasonTrailing)
				}
				return nil
			}
			if i >= len(data) {
				return syntaxError(data, i, reasonEnd)
			}
			if c := data[i]; c == ',' {
				i++
				key = inObject
				break
			} else if inObject && c != '}' {
				return syntaxError(data, i, reasonObject)
			} else if !inObject && c != ']' {
				return syntaxError(data, i, reasonArray)
			}
			i++
			if depth--; depth > 0 {
				inObject = objects[(depth-1)>>6]>>((depth-1)&63)&1 != 0
			}
		}
	}
}

// escapeSeen is added to an offset behind a string that contains a backslash.
const escapeSeen = 1 << 40

// checkString checks the string whose inside starts at i, and returns the offset behind its closing quote, with
// escapeSeen, or ^offset of a mistake. It is small, with two words a turn, because in a guest a turn of a loop costs
// more the more variables the function has.
func checkString(data []byte, i int) int {
	seen := 0
	for i+8 <= len(data) {
		w := load8(data, i)
		hit := zeroBytes(w^quotes) | zeroBytes(w^slashes) | below20(w)
		if hit == 0 {
			if i += 8; i+8 > len(data) {
				break
			}
			w = load8(data, i)
			if hit = zeroBytes(w^quotes) | zeroBytes(w^slashes) | below20(w); hit == 0 {
				i += 8
				continue
			}
		}
		i += bits.TrailingZeros64(hit) >> 3
		if data[i] == '"' {
			return i + 1 + seen
		}
		seen = escapeSeen
		if data[i] == '\\' && i+1 < len(data) && (data[i+1] == '"' || data[i+1] == 'n' || data[i+1] == '\\') {
			i += 2
			continue
		}
		if i = checkEscape(data, i); i < 0 {
			return i
		}
	}
	for i < len(data) {
		if !special[data[i]] {
			i++
			continue
		}
		if data[i] == '"' {
			return i + 1 + seen
		}
		seen = escapeSeen
		if i = checkEscape(data, i); i < 0 {
			return i
		}
	}
	return ^len(data)
}

// ScanString checks the string at the start of data and returns how long it is with its quotes, 0 if there is none or it
// has a mistake. With it an adapter can read text of which it knows the exact form.
func ScanString(data []byte) int {
	if len(data) == 0 || data[0] != '"' {
		return 0
	}
	return max(checkString(data, 1)&^escapeSeen, 0)
}

// checkEscape checks the escape which should start at i, and returns the offset behind it, or ^offset of a
// mistake.
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
			if i++; i >= len(data) || hexDigit(data[i]) < 0 {
				return ^i
			}
		}
		return i + 1
	default:
		return ^i
	}
}

// stringError explains what checkString found at offset.
func stringError(data []byte, offset int) error {
	if offset < len(data) && data[offset] < 0x20 {
		return syntaxError(data, offset, reasonControl)
	}
	return syntaxError(data, offset, reasonEscape)
}

// special marks the bytes which do not stand for themselves in a string.
var special = [256]bool{
	0x00: true, 0x01: true, 0x02: true, 0x03: true, 0x04: true, 0x05: true, 0x06: true, 0x07: true,
	0x08: true, 0x09: true, 0x0a: true, 0x0b: true, 0x0c: true, 0x0d: true, 0x0e: true, 0x0f: true,
	0x10: true, 0x11: true, 0x12: true, 0x13: true, 0x14: true, 0x15: true, 0x16: true, 0x17: true,
	0x18: true, 0x19: true, 0x1a: true, 0x1b: true, 0x1c: true, 0x1d: true, 0x1e: true, 0x1f: true,
	'"': true, '\\': true,
}

// checkNumber checks the number at i and returns the offset behind it, or that of the mistake.
func checkNumber(data []byte, i int) (int, bool) {
	if data[i] == '-' {
		i++
	}
	switch {
	case i < len(data) && data[i] == '0':
		i++
	default:
		end := skipDigits(data, i)
		if end == i {
			return i, false
		}
		i = end
	}
	if i < len(data) && data[i] == '.' {
		end := skipDigits(data, i+1)
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
		end := skipDigits(data, i)
		if end == i {
			return i, false
		}
		i = end
	}
	return i, true
}

func skipDigits(data []byte, i int) int {
	for i < len(data) && data[i]-'0' <= 9 {
		i++
	}
	return i
}

// checkLiteral returns the offset behind the true, false or null at i, or -1.
func checkLiteral(data []byte, i int) int {
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
func literalError(data []byte, i int) error {
	start := i
	for _, want := range []string{"true", "false", "null"} {
		if data[start] != want[0] {
			continue
		}
		for i < len(data) && data[i] == want[i-start] {
			i++
		}
		return syntaxError(data, i, reasonLiteral)
	}
	return syntaxError(data, i, reasonValue)
}
