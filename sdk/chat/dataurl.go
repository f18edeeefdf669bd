package chat

import (
	"bytes"
	"encoding/base64"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// DataURL is the content of a data URL (RFC 2397).
type DataURL struct {
	MediaType string // lower case, without parameters; text/plain when the URL names none
	Base64    []byte // the data as base64, safe inside a JSON string; not checked to decode
}

// IsDataURL reports whether the string v starts with data:, in any case.
func IsDataURL(v jsonraw.Value) bool {
	inner := v.Inner()
	return len(inner) >= 5 && asciiFold(inner[:5], "data:")
}

// ParseDataURL reads the string v, a data URL; ok is false if it has no comma. Parameters are ignored, data
// without ;base64 is percent-decoded and encoded. Data that is base64 already aliases v unless it contains
// escapes of JSON or of URLs.
func ParseDataURL(v jsonraw.Value) (d DataURL, ok bool) {
	inner := v.Inner()
	comma := bytes.IndexByte(inner, ',')
	if !IsDataURL(v) || comma < 0 {
		return d, false
	}
	head, data := inner[5:comma], inner[comma+1:]
	aliased := true
	if bytes.IndexByte(inner, '\\') >= 0 {
		text := v.AppendText(nil)
		comma = bytes.IndexByte(text, ',')
		head, data, aliased = text[5:comma], text[comma+1:], false
	}
	encoded := false
	mediaType := head
	if i := bytes.IndexByte(head, ';'); i >= 0 {
		mediaType = head[:i]
		last := head[bytes.LastIndexByte(head, ';')+1:]
		encoded = asciiFold(bytes.TrimSpace(last), "base64")
	}
	if d.MediaType = string(bytes.ToLower(bytes.TrimSpace(mediaType))); d.MediaType == "" {
		d.MediaType = "text/plain"
	}
	if bytes.IndexByte(data, '%') >= 0 {
		data, aliased = percentDecode(data), false
	}
	switch {
	case !encoded:
		d.Base64 = base64.StdEncoding.AppendEncode(nil, data)
	case aliased:
		d.Base64 = data
	default:
		d.Base64 = onlyBase64(data)
	}
	return d, true
}

// percentDecode returns a copy of data with its %XX escapes decoded; broken ones stay as they are.
func percentDecode(data []byte) []byte {
	out := make([]byte, 0, len(data))
	for i := 0; i < len(data); i++ {
		if data[i] == '%' && i+2 < len(data) {
			if hi, lo := hexDigit(data[i+1]), hexDigit(data[i+2]); hi < 16 && lo < 16 {
				out = append(out, hi<<4|lo)
				i += 2
				continue
			}
		}
		out = append(out, data[i])
	}
	return out
}

func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return (c | 0x20) - 'a' + 10
	}
	return 16
}

// onlyBase64 removes, in place, line breaks and whatever else base64 has no use for.
func onlyBase64(data []byte) []byte {
	out := data[:0]
	for _, c := range data {
		if isAlnum(c) || c == '+' || c == '/' || c == '=' || c == '-' || c == '_' {
			out = append(out, c)
		}
	}
	return out
}

func isAlnum(c byte) bool {
	return c-'0' <= 9 || (c|0x20)-'a' <= 'z'-'a'
}

func asciiFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
