package jsonraw

import (
	"errors"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw/internal/scan"
)

// ErrBlank is returned by [AppendUnquoted] for a string that holds nothing but white space. Clients send such
// tool arguments for a call without any; what they stand for is the caller's decision.
var ErrBlank = errors.New("the string holds no JSON value")

// AppendUnquoted appends the JSON value that the string v contains as text, compact: the tool arguments
// `"{\"city\": \"Rome\"}"` give `{"city":"Rome"}`. The error is [ErrBlank], for a missing v and null too, or a
// [*SyntaxError] whose offset counts in the unescaped text; dst is then returned as it was.
func AppendUnquoted(dst []byte, v Value) ([]byte, error) {
	if kind := v.Kind(); kind > Null && kind != String {
		return dst, &SyntaxError{Reason: "expected a string that holds JSON"}
	}
	start := len(dst)
	dst = v.AppendText(dst)
	text := dst[start:]
	if scan.SkipSpace(text, 0) == len(text) {
		return dst[:start], ErrBlank
	}
	if err := Valid(text); err != nil {
		return dst[:start], err
	}
	return Compact(dst[:start], text), nil
}

// AppendQuoted appends a JSON string that contains the value v as compact text, the inverse of
// [AppendUnquoted].
func AppendQuoted(dst []byte, v Value) []byte {
	dst = append(dst, '"')
	run := 0 // v[run:i] is to be copied
	for i := 0; i < len(v); {
		if i = scan.IndexToken(v, i); i == len(v) {
			break
		}
		dst = append(dst, v[run:i]...)
		if v[i] != '"' {
			i = scan.SkipBlank(v, i)
			run = i
			continue
		}
		// Inside a string. A backslash goes before each quote and backslash, which then starts the next run.
		dst = append(dst, '\\')
		run = i
		for i++; i < len(v); {
			if i = scan.IndexEscaped(v, i); i == len(v) {
				break
			}
			dst = append(dst, v[run:i]...)
			c := v[i]
			run = i
			i++
			switch {
			case c < 0x20:
				dst = appendEscape(dst, c)
				run = i
				continue
			case c == '\\' && i < len(v) && (v[i] == '"' || v[i] == '\\'):
				dst = append(dst, '\\', '\\', '\\')
				run = i
				i++
				continue
			}
			dst = append(dst, '\\')
			if c == '"' {
				break
			}
		}
	}
	dst = append(dst, v[run:]...)
	return append(dst, '"')
}

// Compact appends v to dst without the white space between its tokens; strings and numbers keep their text.
// dst and v may share memory if v starts at or behind the end of dst.
func Compact(dst []byte, v Value) []byte {
	run := 0 // v[run:i] is to be copied
	for i := scan.IndexToken(v, 0); i < len(v); i = scan.IndexToken(v, i) {
		if v[i] == '"' {
			if i = scan.SkipString(v, i+1); i < 0 {
				break
			}
			continue
		}
		dst = append(dst, v[run:i]...)
		i = scan.SkipBlank(v, i)
		run = i
	}
	return append(dst, v[run:]...)
}
