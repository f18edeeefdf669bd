package jsonraw

import (
	"math"
	"math/bits"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw/internal/scan"
)

// What may come next while an outline is read.
const (
	inArray   = 1 << iota // the innermost container is one
	mayString             // as a value, or as a key
	mayValue              // of any kind
	mayEnd
	mayComma
	mayColon
)

// arrayBit is where the upper half of an open container's entry says that the container around it is an array.
const arrayBit = 29

// Read checks text as [Valid] does and takes it apart, in place of what was read before. It keeps text. The error is a
// [*SyntaxError]; nothing may be asked of the outline then.
//
// In a guest, calls and turns of a loop are dear, and turns the more so the more variables a function has. So brackets and
// short strings are read here, and long strings, of which each word is a turn, in a small function.
func (o *Outline) Read(text []byte) error {
	if len(text) > math.MaxInt32 {
		return &SyntaxError{Offset: math.MaxInt32, Reason: "the text is too long"}
	}
	o.text = text
	entries := o.entries[:cap(o.entries)]
	room := len(entries) - MaxDepth // what is left is for the second entries of open containers
	o.wide = false
	n, open, depth := 0, 0, 0 // how many entries there are; the innermost container's number; how deep it lies
	due := mayString | mayValue
	for i := 0; i < len(text); {
		if n+1 >= room {
			if entries = o.grow(entries, n, len(text)); entries == nil {
				return &SyntaxError{Offset: i, Reason: "too many values"}
			}
			room = len(entries) - MaxDepth
		}
		switch c := text[i]; {
		case c == '"':
			if due&mayString == 0 {
				return Valid(text)
			}
			end := 0
			if i+9 <= len(text) {
				// The lowest mark is right: if it is a quote's, the string is a short one without escapes.
				w := scan.Load8(text, i+1)
				quote := scan.ZeroBytes(w ^ scan.Quotes)
				if quote&-quote == scan.Special(w)&-scan.Special(w) && quote != 0 {
					end = i + 2 + bits.TrailingZeros64(quote)>>3
				}
			}
			if end == 0 {
				if end = scan.CheckString(text, i+1); end < 0 {
					return Valid(text)
				}
				if end&scan.WideSeen != 0 {
					o.wide = true
				}
			}
			entries[n] = uint64(i) | uint64(end)<<32 | uint64(end&scan.EscapeSeen)<<23
			n++
			i = end &^ scan.Seen
			if due&mayValue == 0 { // a key
				if due = due&inArray | mayColon; i < len(text) && text[i] == ':' {
					due += mayString | mayValue - mayColon
					i++
				}
				continue
			}
		case c|0x20 == '{': // either bracket
			if due&mayValue == 0 || depth == MaxDepth {
				return Valid(text)
			}
			entries[n] = uint64(i) | uint64(open|due&inArray<<arrayBit)<<32
			open = n
			n++
			depth++
			due = mayString | mayEnd
			if c == '[' {
				due = mayString | mayEnd | mayValue | inArray
			}
			i++
			continue
		case c|0x20 == '}':
			if due&mayEnd == 0 || (c == ']') != (due&inArray != 0) {
				return Valid(text)
			}
			i++
			entries[n] = uint64(i)
			n++
			first := entries[open]
			entries[open] = first&math.MaxUint32 | uint64(n)<<32
			open, due = int(first>>32)&(1<<arrayBit-1), int(first>>(32+arrayBit))
			depth--
		case c <= ' ' || c == ',' || c == ':':
			switch {
			case c == ',' && due&mayComma != 0:
				due = due&inArray | mayString | due&inArray*mayValue
			case c == ':' && due&mayColon != 0:
				due = due&inArray | mayString | mayValue
			case !scan.IsSpace(c):
				return Valid(text)
			}
			i = scan.SkipSpace(text, i+1)
			continue
		default:
			end := number(text, i, c)
			if due&mayValue == 0 || end < 0 {
				return Valid(text)
			}
			entries[n] = uint64(i) | uint64(end)<<32
			n++
			i = end
		}
		// A value ended.
		if depth == 0 {
			due = 0
			continue
		}
		due = due&inArray | mayComma | mayEnd
		if i < len(text) && text[i] == ',' {
			due = due&inArray | mayString | due&inArray*mayValue
			i++
		}
	}
	if due != 0 || depth > 0 {
		return Valid(text)
	}
	if cap(o.entries) != cap(entries) { // a pointer that need not be written is not: see Writer
		o.entries = entries
	}
	o.entries = o.entries[:n]
	return nil
}

// number returns the offset behind the number or literal that begins with c at i, or -1.
func number(text []byte, i int, c byte) int {
	if c-'0' <= 9 {
		end := i + 1
		if c != '0' {
			end = scan.SkipDigits(text, end)
		}
		if end == len(text) || text[end] != '.' && text[end]|0x20 != 'e' {
			return end
		}
	}
	if c == '-' || c-'0' <= 9 {
		if end, ok := scan.CheckNumber(text, i); ok {
			return end
		}
		return -1
	}
	return scan.CheckLiteral(text, i)
}

// grow makes room for more than n entries of a text of that size. It returns nil if there are too many.
func (o *Outline) grow(entries []uint64, n, size int) []uint64 {
	limit := o.Limit
	if limit == 0 {
		limit = MaxNodes
	}
	if n >= limit {
		return nil
	}
	more := make([]uint64, min(max(2*n, size/16, 128), limit)+MaxDepth+2)
	copy(more, entries[:n])
	return more
}
