package jsonraw

import (
	"math"
	"math/bits"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw/internal/scan"
)

// Read checks text as [Valid] does and takes it apart, in place of what was read before. It keeps text. The error is a
// [*SyntaxError]; nothing may be asked of the outline then.
func (o *Outline) Read(text []byte) error {
	if len(text) > math.MaxInt32 {
		return &SyntaxError{Offset: math.MaxInt32, Reason: "the text is too long"}
	}
	o.text = text
	r := outliner{text: text, entries: o.entries[:cap(o.entries)], due: mayString | mayValue, limit: o.Limit}
	if r.limit == 0 {
		r.limit = MaxNodes
	}
	r.room = len(r.entries)
	for i := 0; i < len(text); {
		// Strings are read here, all else by other functions: a guest pays for the longest way through a turn.
		if text[i] != '"' || r.due&mayString == 0 || r.n >= r.room {
			if i = r.token(i); i < 0 {
				return r.refuse()
			}
			continue
		}
		end := 0
		if i+9 <= len(text) {
			w := scan.Load8(text, i+1)
			quote := scan.ZeroBytes(w ^ scan.Quotes)
			if quote != 0 && (quote-1)&^quote&(scan.ZeroBytes(w^scan.Slashes)|scan.Below20(w)) == 0 { // a short one without escapes
				end = i + 2 + bits.TrailingZeros64(quote)>>3
			}
		}
		if end == 0 {
			if end = scan.CheckString(text, i+1); end < 0 {
				return r.refuse()
			}
			r.seen |= end
		}
		r.entries[r.n] = uint64(i) | uint64(end)<<32 | uint64(end&scan.EscapeSeen)<<23
		r.n++
		i = end &^ scan.Seen
		if r.due&mayValue == 0 { // a key
			if r.due = mayColon; i < len(text) && text[i] == ':' {
				r.due = mayString | mayValue
				i++
			}
		} else if r.due = r.behindValue; i < len(text) && text[i] == ',' && r.due != 0 {
			r.due = mayString | r.array
			i++
		}
	}
	if r.due != 0 || r.depth > 0 {
		return r.refuse()
	}
	if cap(o.entries) != cap(r.entries) { // a pointer that need not be written is not: see Writer
		o.entries = r.entries
	}
	o.entries, o.wide = o.entries[:r.n], r.seen&scan.WideSeen != 0
	return nil
}

// What may come next while an outline is read.
const (
	mayString = 1 << iota
	mayValue  // of another kind
	mayEnd
	mayComma
	mayColon
)

// outliner is an outline that is being read.
type outliner struct {
	text    []byte
	entries []uint64
	n       int // how many of them there are
	room    int // how many there may be if each open container is to have its second one
	limit   int // how many there may be at all
	full    int // where there were too many values
	seen    int // the marks of strings

	open, depth int // the innermost container's number
	array       int // mayValue if it is an array, else 0
	due         int // what may come next; nothing behind the whole document
	behindValue int // what may come behind a value
}

// refuse finds out what is wrong.
func (r *outliner) refuse() error {
	if r.full > 0 {
		return &SyntaxError{Offset: r.full, Reason: "too many values"}
	}
	return Valid(r.text)
}

// token reads what is no string, up to one, or makes room for one. It returns the offset behind it, or -1 if it must not
// be there.
func (r *outliner) token(i int) int {
	for {
		c := r.text[i]
		switch {
		case c|0x20 == '{': // either bracket
			i = r.begin(i, c)
		case c|0x20 == '}':
			i = r.end(i, c)
		case c-'0' <= 9:
			i = r.digits(i)
		default:
			i = r.rare(i, c)
		}
		if i < 0 || i >= len(r.text) || r.text[i] == '"' {
			return i
		}
	}
}

// begin opens a container.
func (r *outliner) begin(i int, bracket byte) int {
	if r.due&mayValue == 0 || r.depth == MaxDepth {
		return -1
	}
	if r.n+2 > r.room {
		return r.grow(i)
	}
	r.entries[r.n] = uint64(i) | uint64(r.open|r.array<<arrayBit)<<32
	r.open = r.n
	r.n++
	r.depth++
	r.room--
	r.array = int(^bracket>>5&1) * mayValue
	r.behindValue = mayComma | mayEnd
	r.due = mayString | r.array | mayEnd
	return i + 1
}

// arrayBit is where the upper half of an open container's entry says that the container around it is an array.
const arrayBit = 29

// end closes a container, and reads the comma behind it.
func (r *outliner) end(i int, bracket byte) int {
	if r.due&mayEnd == 0 || (bracket == ']') != (r.array != 0) {
		return -1
	}
	r.entries[r.n] = uint64(i + 1)
	r.n++
	first := &r.entries[r.open]
	around := int(*first >> 32)
	*first = *first&math.MaxUint32 | uint64(r.n)<<32
	r.open, r.array = around&(1<<arrayBit-1), around>>arrayBit
	r.room++
	if r.depth--; r.depth == 0 {
		r.behindValue = 0
	}
	return r.behind(i + 1)
}

// behind notes that a value ended at i, and reads the comma there.
func (r *outliner) behind(i int) int {
	r.due = r.behindValue
	if i < len(r.text) && r.text[i] == ',' && r.due != 0 {
		r.due = mayString | r.array
		i++
	}
	return i
}

// digits reads a number.
func (r *outliner) digits(i int) int {
	end := i + 1
	if r.text[i] != '0' {
		end = scan.SkipDigits(r.text, end)
	}
	if end < len(r.text) && (r.text[end] == '.' || r.text[end]|0x20 == 'e') {
		end = odd(r.text, i)
	}
	return r.scalar(i, end)
}

// scalar notes a number or literal. There is none if its end is not behind i.
func (r *outliner) scalar(i, end int) int {
	if r.due&mayValue == 0 || end <= i {
		return -1
	}
	if r.n >= r.room {
		return r.grow(i)
	}
	r.entries[r.n] = uint64(i) | uint64(end)<<32
	r.n++
	return r.behind(end)
}

// odd returns the offset behind what is not just digits, or -1.
func odd(text []byte, i int) int {
	if c := text[i]; c == '-' || c-'0' <= 9 {
		if end, ok := scan.CheckNumber(text, i); ok {
			return end
		}
		return -1
	}
	return scan.CheckLiteral(text, i)
}

// rare is token for what compact JSON has little of.
func (r *outliner) rare(i int, c byte) int {
	switch {
	case scan.IsSpace(c):
		return scan.SkipSpace(r.text, i)
	case c == '"':
		if r.due&mayString == 0 {
			return -1
		}
		return r.grow(i)
	case c == ',':
		if r.due&mayComma == 0 {
			return -1
		}
		r.due = mayString | r.array
		return i + 1
	case c == ':':
		if r.due&mayColon == 0 {
			return -1
		}
		r.due = mayString | mayValue
		return i + 1
	}
	return r.scalar(i, odd(r.text, i))
}

// grow makes room for more entries and returns i, or -1 if there are too many.
func (r *outliner) grow(i int) int {
	if r.n >= r.limit {
		r.full = i
		return -1
	}
	size := min(max(2*r.n, len(r.text)/16, 128), r.limit) + MaxDepth
	entries := make([]uint64, size+1)
	copy(entries, r.entries[:r.n])
	r.entries, r.room = entries, len(entries)-r.depth
	return i
}
