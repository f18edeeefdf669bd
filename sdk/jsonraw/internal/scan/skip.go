// Package scan finds its way over JSON text for package jsonraw: it checks text, skips what nobody asked for, and finds the
// bytes that end a run of plain ones. What it skips it does not check.
//
// Offsets count from the start of the text. Functions that get one as i start there; those that skip or check return the
// offset behind what they passed. On text that was never checked they do not panic, run past the end or loop.
package scan

import (
	"bytes"
	"math/bits"
)

// IsSpace takes one test for the usual case, a byte above the space.
func IsSpace(c byte) bool { return c <= ' ' && (c == ' ' || c == '\n' || c == '\r' || c == '\t') }

// SkipSpace skips white space.
func SkipSpace(data []byte, i int) int {
	for i < len(data) && IsSpace(data[i]) {
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

// longString is after how many bytes without a quote or a backslash a string is searched with bytes.IndexByte,
// which is faster than going by words but costs a call.
const longString = 32

// SkipString returns the offset behind the quote that closes the string whose inside contains i, or -1.
func SkipString(data []byte, i int) int {
	for long := i + longString; i+8 <= len(data) && i < long; {
		w := Load8(data, i)
		hit := ZeroBytes(w^Quotes) | ZeroBytes(w^Slashes)
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

// skipRest is SkipString for what is long or ends soon.
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

// SkipKey is SkipString, and tells whether the string contains a backslash. An unterminated key ends where data
// does.
func SkipKey(data []byte, i int) (end int, escaped bool) {
	for i+8 <= len(data) {
		w := Load8(data, i)
		hit := ZeroBytes(w^Quotes) | ZeroBytes(w^Slashes)
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
	if end = SkipString(data, i); end < 0 {
		end = len(data)
	}
	return end, true
}

// SkipValue returns the offset behind the value that starts at i, or -1 if there is none.
func SkipValue(data []byte, i int) int {
	if i >= len(data) {
		return -1
	}
	switch class[data[i]] {
	case isQuote:
		return SkipString(data, i+1)
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
// or -1. It counts brackets without telling the two sorts apart. The loop over strings is SkipString's: a call
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
			w := Load8(data, i)
			hit := ZeroBytes(w^Quotes) | ZeroBytes(w^Slashes)
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
