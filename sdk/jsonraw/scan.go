package jsonraw

import (
	"bytes"
	"math/bits"
)

// The functions here move over JSON text without checking more of it than they need.

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
	quotes   = lowBits * '"'
	slashes  = lowBits * '\\'
)

// load8 reads eight bytes as a little-endian word; the compiler makes one load of it.
func load8[T ~string | ~[]byte](s T, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// load4 is load8 for four bytes.
func load4[T ~string | ~[]byte](s T, i int) uint64 {
	b := s[i : i+4]
	return uint64(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24)
}

// loadTail reads the bytes of s from i on, fewer than eight, as the low end of a little-endian word whose other
// bytes are x. It exists because a loop over single bytes is slow in a guest, where each jump costs.
func loadTail[T ~string | ~[]byte](s T, i int) uint64 {
	const pad = lowBits * 'x'
	n := uint(len(s) - i)
	if len(s) >= 8 {
		return load8(s, len(s)-8)>>(64-8*n) | pad<<(8*n)
	}
	w, shift := uint64(0), uint(0)
	if n&4 != 0 {
		w, shift = load4(s, i), 32
		i += 4
	}
	if n&2 != 0 {
		w |= (uint64(s[i]) | uint64(s[i+1])<<8) << shift
		i += 2
		shift += 16
	}
	if n&1 != 0 {
		w |= uint64(s[i]) << shift
	}
	return w | pad<<(8*n)
}

// zeroBytes sets the high bit of each byte of w that is zero. Bytes above the lowest zero byte may be marked
// wrongly, so only the lowest mark, or whether there is one, may be used.
func zeroBytes(w uint64) uint64 { return (w - lowBits) &^ w & highBits }

// below20 marks in the same way the bytes that are control characters.
func below20(w uint64) uint64 { return (w - lowBits*0x20) &^ w & highBits }

// isSpace takes one test for the usual case, a byte above the space.
func isSpace(c byte) bool { return c <= ' ' && (c == ' ' || c == '\n' || c == '\r' || c == '\t') }

func skipSpace(data []byte, i int) int {
	for i < len(data) && isSpace(data[i]) {
		i++
	}
	return i
}

// Classes of bytes outside strings.
const (
	isPlain   = iota // part of a number or literal
	isBetween        // white space, comma or colon
	isQuote
	isOpening
	isClosing
)

var class = [256]uint8{
	' ': isBetween, '\n': isBetween, '\r': isBetween, '\t': isBetween, ',': isBetween, ':': isBetween,
	'"': isQuote, '{': isOpening, '[': isOpening, '}': isClosing, ']': isClosing,
}

// nextItem moves from pos to the start of the next item of a container, or past its closing bracket.
func nextItem(data []byte, pos int, state *iterState, closing byte) (int, bool) {
	i := skipSpace(data, pos)
	was := *state
	switch {
	case was >= iterDone:
		return pos, false
	case i >= len(data):
	case data[i] == closing:
		*state = iterDone
		return i + 1, false
	case was == iterFirst:
		*state = iterRest
		return i, true
	case data[i] == ',':
		return skipSpace(data, i+1), true
	}
	*state = iterBroken
	return pos, false
}

// longString is after how many bytes without a quote or a backslash a string is searched with bytes.IndexByte,
// which is faster than going by words but costs a call.
const longString = 32

// skipString returns the offset behind the quote that closes the string whose inside contains i, or -1.
func skipString(data []byte, i int) int {
	for long := i + longString; i+8 <= len(data) && i < long; {
		w := load8(data, i)
		hit := zeroBytes(w^quotes) | zeroBytes(w^slashes)
		if hit == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(hit) >> 3
		if data[i] == '"' {
			return i + 1
		}
		i += 2
		long = i + longString
	}
	return skipRest(data, i)
}

// skipRest is skipString for what is long or ends soon.
func skipRest(data []byte, i int) int {
	for len(data)-i >= 8 {
		n := bytes.IndexByte(data[i:], '"')
		if n < 0 {
			return -1
		}
		quote := i + n
		slash := quote
		for slash > i && data[slash-1] == '\\' {
			slash--
		}
		if (quote-slash)&1 == 0 {
			return quote + 1
		}
		i = quote + 1
	}
	for i < len(data) {
		c := data[i]
		i++
		if c == '"' {
			return i
		}
		if c == '\\' {
			i++
		}
	}
	return -1
}

// skipKey is skipString, and tells whether the string contains a backslash. An unterminated key ends where data
// does.
func skipKey(data []byte, i int) (end int, escaped bool) {
	for i+8 <= len(data) {
		w := load8(data, i)
		hit := zeroBytes(w^quotes) | zeroBytes(w^slashes)
		if hit == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(hit) >> 3
		if data[i] == '"' {
			return i + 1, false
		}
		break
	}
	for i < len(data) && data[i] != '"' && data[i] != '\\' {
		i++
	}
	if i < len(data) && data[i] == '"' {
		return i + 1, false
	}
	if end = skipString(data, i); end < 0 {
		end = len(data)
	}
	return end, true
}

// skipValue returns the offset behind the value that starts at i, or -1 if there is none.
func skipValue(data []byte, i int) int {
	if i >= len(data) {
		return -1
	}
	switch class[data[i]] {
	case isQuote:
		return skipString(data, i+1)
	case isOpening:
		return skipContainer(data, i+1)
	case isPlain:
		for i++; i < len(data) && class[data[i]] == isPlain; i++ {
		}
		return i
	default:
		return -1
	}
}

// skipOutside moves over text outside strings, up to the next one or to the bracket that ends the outermost of depth open
// containers. It returns how many are still open. It is out of line because a guest pays for the longest way through a
// loop's turn, which is short here alone.
//
//go:noinline
func skipOutside(data []byte, i, depth int) (int, int) {
	for i < len(data) {
		c := class[data[i]]
		if c == isQuote {
			break
		}
		i++
		if c == isOpening {
			depth++
		} else if c == isClosing {
			if depth--; depth == 0 {
				break
			}
		}
	}
	return i, depth
}

// skipContainer returns the offset behind the bracket that closes the container whose inside contains i,
// or -1. It counts brackets without telling the two sorts apart. The loop over strings is skipString's: a call
// for each string would nearly double the time in a guest.
func skipContainer(data []byte, i int) int {
	depth := 1
	for {
		if i, depth = skipOutside(data, i, depth); depth == 0 {
			return i
		}
		if i >= len(data) {
			return -1
		}
		i++
		for long := i + longString; ; {
			if i+8 > len(data) || i >= long {
				if i = skipRest(data, i); i < 0 {
					return -1
				}
				break
			}
			w := load8(data, i)
			hit := zeroBytes(w^quotes) | zeroBytes(w^slashes)
			if hit == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(hit) >> 3
			if data[i] != '"' {
				i += 2
				long = i + longString
				continue
			}
			// Most often a colon or a comma and the next string follow.
			if i+2 < len(data) && data[i+2] == '"' && class[data[i+1]] == isBetween {
				i += 3
				long = i + longString
				continue
			}
			i++
			break
		}
	}
}
