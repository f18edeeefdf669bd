package abi

import "strconv"

// AppendJSON appends the description as JSON, without reflection, so that guests stay small.
func (d *Description) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"abi":`...)
	dst = strconv.AppendInt(dst, int64(d.ABI), 10)
	dst = appendMember(dst, "kind", d.Kind)
	dst = appendMember(dst, "name", d.Name)
	dst = appendMember(dst, "version", d.Version)
	dst = appendMember(dst, "about", d.About)
	dst = appendMember(dst, "dialect", d.Dialect)
	dst = appendList(dst, "endpoints", d.Endpoints)
	dst = appendList(dst, "passthrough", d.Passthrough)
	dst = appendMember(dst, "mode", d.Mode)
	if d.ConfigSchema != "" {
		dst = append(dst, `,"config_schema":`...)
		dst = append(dst, d.ConfigSchema...)
	}
	return append(dst, '}')
}

func appendMember(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, ',', '"')
	dst = append(dst, key...)
	dst = append(dst, '"', ':')
	return appendString(dst, value)
}

func appendList(dst []byte, key string, values []string) []byte {
	if len(values) == 0 {
		return dst
	}
	dst = append(dst, ',', '"')
	dst = append(dst, key...)
	dst = append(dst, '"', ':', '[')
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, v)
	}
	return append(dst, ']')
}

func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
