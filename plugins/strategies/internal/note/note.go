// Package note is what a strategy imports to say in a few words why it chose as it did, without
// allocating in every call.
package note

import (
	"strconv"
	"unicode/utf8"
	"unsafe"
)

// Sizes in bytes.
const (
	MaxLine = 100 // of a whole line
	MaxName = 32  // of one name in it
)

// Line builds one line of at most MaxLine bytes; what does not fit is cut. The zero Line is ready to
// use, and New starts the next line in the same buffer. It is not safe for concurrent use.
type Line struct{ buf []byte }

// New empties the line.
func (l *Line) New() *Line {
	if l.buf == nil {
		l.buf = make([]byte, 0, MaxLine)
	}
	l.buf = l.buf[:0]
	return l
}

// String returns the line. It aliases the buffer, so it is valid until the next call of New: long
// enough for a score output, which is encoded as soon as Score returns.
func (l *Line) String() string { return unsafe.String(unsafe.SliceData(l.buf), len(l.buf)) }

// Text adds s.
func (l *Line) Text(s string) *Line {
	l.buf = append(l.buf, s[:fit(s, MaxLine-len(l.buf))]...)
	return l
}

// Name adds a name that somebody else chose, cut to MaxName bytes, with a question mark for each byte
// that could upset a log or a header.
func (l *Line) Name(name []byte) *Line {
	name = name[:fit(name, min(MaxName, MaxLine-len(l.buf)))]
	for len(name) > 0 {
		r, size := utf8.DecodeRune(name)
		if r < ' ' || r == 0x7f || r == utf8.RuneError && size == 1 {
			r = '?'
		}
		l.buf = utf8.AppendRune(l.buf, r)
		name = name[size:]
	}
	return l
}

// fit returns how many bytes of s go into room without splitting a character.
func fit[T string | []byte](s T, room int) int {
	if len(s) <= room {
		return len(s)
	}
	for room > 0 && !utf8.RuneStart(s[room]) {
		room--
	}
	return room
}

// Int adds n.
func (l *Line) Int(n int) *Line {
	var digits [20]byte
	return l.number(strconv.AppendInt(digits[:0], int64(n), 10))
}

// Millis adds a duration, given in milliseconds, as "412ms" or "12.3s".
func (l *Line) Millis(ms float64) *Line {
	var digits [32]byte
	if ms < 10_000 {
		return l.number(append(strconv.AppendInt(digits[:0], int64(ms+0.5), 10), "ms"...))
	}
	return l.number(append(appendFixed(digits[:0], ms/1000, 1), 's'))
}

// USD adds a price with as many digits as a single request's needs: "$0.00042".
func (l *Line) USD(amount float64) *Line {
	var digits [32]byte
	places := 2
	for limit := 1.0; amount < limit && places < 8; limit /= 10 {
		places++
	}
	return l.number(appendFixed(append(digits[:0], '$'), amount, places))
}

// Number adds f, which is not negative, with at most three places.
func (l *Line) Number(f float64) *Line {
	var digits [32]byte
	return l.number(appendFixed(digits[:0], f, 3))
}

// appendFixed appends f rounded to places, without zeros at the end. It is what makes a line cheap: in a
// guest, strconv takes as long for one float as a strategy for its decision.
func appendFixed(dst []byte, f float64, places int) []byte {
	const most = 1e9
	unit := int64(1)
	for range places {
		unit *= 10
	}
	n := int64(min(f, most)*float64(unit) + 0.5)
	dst = strconv.AppendInt(dst, n/unit, 10)
	rest := n % unit
	if rest == 0 {
		return dst
	}
	dst = append(dst, '.')
	for rest > 0 {
		unit /= 10
		dst = append(dst, byte('0'+rest/unit))
		rest %= unit
	}
	return dst
}

// number adds digits wholly or not at all: half a number misleads.
func (l *Line) number(digits []byte) *Line {
	if len(l.buf)+len(digits) <= MaxLine {
		l.buf = append(l.buf, digits...)
	}
	return l
}
