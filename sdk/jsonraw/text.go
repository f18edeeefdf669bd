package jsonraw

import (
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw/internal/scan"
)

// Inner returns the inside of the string v, still escaped and without its quotes; nil if v is not a string.
func (v Value) Inner() []byte {
	if len(v) > 1 && v[0] == '"' && v[len(v)-1] == '"' {
		return v[1 : len(v)-1]
	}
	v = v.trimmed()
	if len(v) < 2 || v[0] != '"' || v[len(v)-1] != '"' {
		return nil
	}
	return v[1 : len(v)-1]
}

// Text returns the text of the string v, unescaped; "" if v is not a string.
func (v Value) Text() string {
	inner := v.Inner()
	if escape := scan.IndexSpecial(inner, 0); escape == len(inner) {
		return string(inner)
	}
	text := v.AppendText(make([]byte, 0, len(inner)))
	return unsafe.String(unsafe.SliceData(text), len(text))
}

// AppendText appends the text of the string v to dst, unescaped and as valid UTF-8; nothing if v is not a
// string.
func (v Value) AppendText(dst []byte) []byte {
	inner := v.Inner()
	for i := 0; i < len(inner); {
		if inner[i] == '\\' && i+1 < len(inner) {
			if c := escaped[inner[i+1]]; c != 0 {
				dst = append(dst, c)
				i += 2
				continue
			}
		}
		dst, i = appendRun(dst, inner, i)
	}
	return dst
}

// escaped is what stands for itself or a control character behind a backslash.
var escaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// appendRun appends the text of inner[i:] up to the next backslash, or the character of the one that i is at.
func appendRun(dst, inner []byte, i int) ([]byte, int) {
	if inner[i] == '\\' {
		r, size := decodeRune(inner[i:])
		return utf8.AppendRune(dst, r), i + size
	}
	end, ascii := scan.IndexSlash(inner, i)
	run := inner[i:end]
	if ascii || utf8.Valid(run) {
		return append(dst, run...), end
	}
	for len(run) > 0 {
		r, size := utf8.DecodeRune(run)
		dst = utf8.AppendRune(dst, r)
		run = run[size:]
	}
	return dst, end
}

// TextIs reports whether v is a string whose text is want, without allocating.
func (v Value) TextIs(want string) bool {
	inner := v.Inner()
	if inner == nil {
		return false
	}
	if len(inner) > 0 && inner[0] != '\\' && inner[0] < utf8.RuneSelf && (want == "" || inner[0] != want[0]) {
		return false
	}
	if string(inner) == want && scan.IndexSpecial(inner, 0) == len(inner) {
		return true
	}
	for len(inner) > 0 {
		r, size := decodeRune(inner)
		wantRune, wantSize := utf8.DecodeRuneInString(want)
		if r != wantRune || wantSize == 0 || wantRune == utf8.RuneError && wantSize == 1 {
			return false
		}
		inner, want = inner[size:], want[wantSize:]
	}
	return want == ""
}

// decodeRune decodes the character at the start of s, the inside of a string, and tells how many bytes it
// takes. Broken encodings and escapes give U+FFFD.
func decodeRune(s []byte) (rune, int) {
	if s[0] != '\\' {
		return utf8.DecodeRune(s)
	}
	if len(s) < 2 {
		return utf8.RuneError, 1
	}
	switch s[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r := hex4(s)
		if r < 0 {
			return utf8.RuneError, 2
		}
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		if pair := utf16.DecodeRune(r, hex4(s[6:])); pair != utf8.RuneError {
			return pair, 12
		}
		return utf8.RuneError, 6
	default:
		return rune(s[1]), 2
	}
}

// hex4 returns the code unit of the \uXXXX escape at the start of s, or -1.
func hex4(s []byte) rune {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return -1
	}
	r := rune(0)
	for _, c := range s[2:6] {
		digit := scan.HexDigit(c)
		if digit < 0 {
			return -1
		}
		r = r<<4 | rune(digit)
	}
	return r
}

// AppendString appends text as a JSON string, quotes included. Control characters, quotes and backslashes are
// escaped, invalid UTF-8 becomes U+FFFD, and all else (<, >, &, U+2028 too) stands as it is.
func AppendString[T ~string | ~[]byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	dst = AppendEscaped(dst, text)
	return append(dst, '"')
}

// AppendEscaped appends text as the inside of a JSON string: AppendString without the quotes.
func AppendEscaped[T ~string | ~[]byte](dst []byte, text T) []byte {
	for i := 0; i < len(text); {
		end := scan.IndexUnsafe(text, i)
		dst = append(dst, text[i:end]...)
		if end == len(text) {
			break
		}
		i = end
		if c := text[i]; c < utf8.RuneSelf {
			dst = appendEscape(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(string(text[i:min(i+utf8.UTFMax, len(text))]))
		dst = utf8.AppendRune(dst, r)
		i += size
	}
	return dst
}

// appendEscape appends the escape of the quote, backslash or control character c.
func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	default:
		const hex = "0123456789abcdef"
		return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
	}
}

// AppendJoined appends one JSON string that holds the texts of the strings parts, with the plain text sep
// between them. They are copied still escaped, so that half a surrogate pair at the end of one and the other
// half at the start of the next become one character. A part that is not a string counts as empty.
func AppendJoined(dst []byte, sep string, parts ...Value) []byte {
	dst = append(dst, '"')
	for i, part := range parts {
		if i > 0 {
			dst = AppendEscaped(dst, sep)
		}
		dst = append(dst, part.Inner()...)
	}
	return append(dst, '"')
}
