package redact

import "bytes"

// escaped reports whether text has escapes that a secret could be spelled with. It decides quickly for what answers are
// full of: \n and \".
func (s *Set) escaped(text []byte) bool {
	if i := bytes.IndexByte(text, '\\'); i >= 0 && (s.quoted || telling(text[i:])) {
		return true
	}
	for _, mark := range [...]byte{'%', '&'} {
		for at := 0; ; at++ {
			i := bytes.IndexByte(text[at:], mark)
			if i < 0 {
				break
			}
			at += i
			if _, end := next(text, at); end != at+1 {
				return true
			}
		}
	}
	return false
}

// telling reports whether any backslash in text begins an escape of ASCII, other than of quotes and line ends.
func telling(text []byte) bool {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return false
		}
		for text = text[i:]; len(text) > 0 && text[0] == '\\'; {
			text = text[1:]
		}
		if len(text) > 0 && (text[0] == '/' || text[0] == 'x' || bytes.HasPrefix(text, wide)) {
			return true
		}
	}
}

var wide = []byte("u00")

// appendEscaped finds needles by what the characters of text stand for.
func (s *Set) appendEscaped(found []span, text []byte) []span {
	for at := 0; at < len(text); {
		c, end := next(text, at)
		if s.first[c] {
			for _, n := range s.needles {
				if to, ok := match(text, at, n); ok {
					found = append(found, span{at, to})
				}
			}
		}
		at = end
	}
	return found
}

// match reports whether the characters from an offset on stand for a needle, and where they end. Backslashes count as one,
// however many there are: how often they were escaped can't be told.
func match(text []byte, at int, needle []byte) (end int, ok bool) {
	for i, want := range needle {
		if want == '\\' && i > 0 && needle[i-1] == '\\' {
			continue
		}
		if at >= len(text) {
			return 0, false
		}
		c, end := next(text, at)
		if c != want {
			return 0, false
		}
		at = end
	}
	return at, true
}

// next returns the character that begins at an offset, and where the one after it does. A byte that begins no escape
// stands for itself, an escape that is not ASCII for 0xff.
func next(text []byte, at int) (c byte, end int) {
	switch text[at] {
	case '\\':
		return backslash(text, at)
	case '%':
		return percent(text, at)
	case '&':
		return entity(text, at)
	}
	return text[at], at + 1
}

// deepest is how many backslashes one escape may have: it bounds the work on a text of nothing else.
const deepest = 64

// backslash reads an escape of JSON, however often it was escaped again: each time doubles the backslashes.
func backslash(text []byte, at int) (c byte, end int) {
	end = at + 1
	for end < len(text) && text[end] == '\\' && end < at+deepest {
		end++
	}
	if end < len(text) {
		switch text[end] {
		case 'u':
			if v, ok := number(text, end+1, 4); ok {
				return v, end + 5
			}
		case 'x':
			if v, ok := number(text, end+1, 2); ok {
				return v, end + 3
			}
		case '/':
			return '/', end + 1
		case '"', '\'':
			if (end-at)%2 == 1 { // else the backslashes are themselves what is escaped
				return text[end], end + 1
			}
		}
	}
	return '\\', end
}

// percent reads an escape of URLs, however often its percent sign was escaped again, as 25.
func percent(text []byte, at int) (c byte, end int) {
	end = at + 1
	for bytes.HasPrefix(text[end:], escapedPercent) {
		end += 2
	}
	if v, ok := number(text, end, 2); ok {
		return v, end + 2
	}
	return '%', end
}

var escapedPercent = []byte("25")

// entity reads a character reference of HTML.
func entity(text []byte, at int) (c byte, end int) {
	const farthest = len("&#x0000041;")
	i := bytes.IndexByte(text[at:min(len(text), at+farthest)], ';')
	if i < 0 {
		return '&', at + 1
	}
	name := text[at+1 : at+i]
	if len(name) > 1 && name[0] == '#' {
		if v, ok := reference(name[1:]); ok {
			return v, at + i + 1
		}
	}
	switch string(name) {
	case "amp":
		return '&', at + i + 1
	case "lt":
		return '<', at + i + 1
	case "gt":
		return '>', at + i + 1
	case "quot":
		return '"', at + i + 1
	case "apos":
		return '\'', at + i + 1
	}
	return '&', at + 1
}

// reference reads the number of a character reference, decimal, or hexadecimal after an x.
func reference(digits []byte) (c byte, ok bool) {
	base := 10
	if digits[0]|0x20 == 'x' {
		base, digits = 16, digits[1:]
	}
	v := 0
	for _, d := range digits {
		h := hex(d)
		if h < 0 || h >= base {
			return 0, false
		}
		v = v*base + h
	}
	return ascii(v), len(digits) > 0
}

// number reads so many hexadecimal digits.
func number(text []byte, at, digits int) (c byte, ok bool) {
	if at+digits > len(text) {
		return 0, false
	}
	v := 0
	for _, d := range text[at : at+digits] {
		h := hex(d)
		if h < 0 {
			return 0, false
		}
		v = v<<4 | h
	}
	return ascii(v), true
}

func ascii(v int) byte {
	if v > 0x7f {
		return 0xff
	}
	return byte(v)
}

func hex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
