package answer

import (
	"math"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// AppendInstance appends a small JSON value that satisfies a JSON Schema: required members only, first enum value, shortest
// array. Strings begin with the marker where the schema lets them. A schema that is missing stands for an object. The first
// of anyOf, oneOf and allOf is used; patterns, conditions and negations are not looked at. A schema that requires itself
// endlessly is cut off with null.
func AppendInstance(dst []byte, schema gjson.Result, marker string) []byte {
	if !schema.IsObject() {
		return append(dst, '{', '}')
	}
	return instance{root: schema, marker: marker}.append(dst, schema, 0)
}

type instance struct {
	root   gjson.Result
	marker string
}

const maxSchemaDepth = 24

func (in instance) append(dst []byte, s gjson.Result, depth int) []byte {
	if depth > maxSchemaDepth || len(dst) > 1<<16 {
		return append(dst, "null"...)
	}
	if ref := s.Get(`$ref`); ref.Exists() {
		return in.append(dst, in.resolve(ref.Str), depth+1)
	}
	if v := s.Get("const"); v.Exists() {
		return append(dst, v.Raw...)
	}
	if v := s.Get("enum.0"); v.Exists() {
		return append(dst, v.Raw...)
	}
	for _, key := range []string{"anyOf", "oneOf", "allOf"} {
		if v := s.Get(key + ".0"); v.Exists() && !s.Get("properties").Exists() {
			return in.append(dst, v, depth+1)
		}
	}
	switch in.kind(s) {
	case "object":
		return in.appendObject(dst, s, depth)
	case "array":
		dst = append(dst, '[')
		for i := range min(s.Get("minItems").Int(), 64) {
			if i > 0 {
				dst = append(dst, ',')
			}
			item := s.Get("prefixItems." + strconv.FormatInt(i, 10))
			if !item.Exists() {
				item = s.Get("items")
			}
			dst = in.append(dst, item, depth+1)
		}
		return append(dst, ']')
	case "integer":
		return strconv.AppendInt(dst, int64(math.Ceil(number(s, 1))), 10)
	case "number":
		return strconv.AppendFloat(dst, number(s, 0.5), 'g', -1, 64)
	case "boolean":
		return append(dst, "true"...)
	case "null":
		return append(dst, "null"...)
	}
	return in.appendString(dst, s)
}

// kind is the schema's type, the first that is not null of several, or what its members suggest.
func (in instance) kind(s gjson.Result) string {
	t := s.Get("type")
	if t.IsArray() {
		for _, v := range t.Array() {
			if v.Str != "null" {
				return v.Str
			}
		}
		return "null"
	}
	switch {
	case t.Exists():
		return strings.ToLower(t.Str)
	case s.Get("properties").Exists():
		return "object"
	case s.Get("items").Exists():
		return "array"
	}
	return "string"
}

func (in instance) appendObject(dst []byte, s gjson.Result, depth int) []byte {
	properties := map[string]gjson.Result{}
	s.Get("properties").ForEach(func(name, schema gjson.Result) bool {
		properties[name.Str] = schema
		return true
	})
	dst = append(dst, '{')
	for i, name := range s.Get("required").Array() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(AppendQuoted(dst, name.Str), ':')
		dst = in.append(dst, properties[name.Str], depth+1)
	}
	return append(dst, '}')
}

// number is preferred, moved into the schema's bounds and onto its multiples.
func number(s gjson.Result, preferred float64) float64 {
	v := preferred
	if m := s.Get("multipleOf").Num; m > 0 {
		v = m
		if low := s.Get("minimum"); low.Exists() && v < low.Num {
			v = math.Ceil(low.Num/m) * m
		}
		return v
	}
	if low := s.Get("minimum"); low.Exists() && v < low.Num {
		v = low.Num
	}
	if low := s.Get("exclusiveMinimum"); low.Exists() && v <= low.Num {
		v = low.Num + 1
	}
	if high := s.Get("maximum"); high.Exists() && v > high.Num {
		v = math.Floor(high.Num)
	}
	if high := s.Get("exclusiveMaximum"); high.Exists() && v >= high.Num {
		v = high.Num - 1
	}
	return v
}

var formats = map[string]string{
	"date-time": "2025-06-15T12:00:00Z", "date": "2025-06-15", "time": "12:00:00Z", "duration": "PT1H",
	"email": "someone@example.com", "uri": "https://example.com/", "url": "https://example.com/", "hostname": "example.com",
	"ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "uuid": "00000000-0000-4000-8000-000000000000",
}

func (in instance) appendString(dst []byte, s gjson.Result) []byte {
	v, fixed := formats[s.Get("format").Str]
	if !fixed {
		v = "sample"
		if in.marker != "" {
			v = in.marker + ".sample"
		}
	}
	if low := s.Get("minLength").Int(); int64(len(v)) < low && low <= 1<<16 {
		v += strings.Repeat("x", int(low)-len(v))
	}
	if high := s.Get("maxLength"); high.Exists() && int64(len(v)) > max(high.Int(), 0) {
		v = v[:max(high.Int(), 0)]
	}
	return AppendQuoted(dst, v)
}

// resolve follows a reference inside the same schema.
func (in instance) resolve(ref string) gjson.Result {
	at := in.root
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#"), "/") {
		if part == "" {
			continue
		}
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		at = at.Get(gjson.Escape(part))
	}
	return at
}
