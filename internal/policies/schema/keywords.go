package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// object checks the keywords about members.
func (c *check) object(s map[string]any, v map[string]any, path string, report Report, depth int) {
	properties, _ := s["properties"].(map[string]any)
	patterns, _ := s["patternProperties"].(map[string]any)
	rest, closed := s["additionalProperties"]
	for _, name := range slices.Sorted(maps.Keys(v)) {
		at, known := path+"."+name, false
		if path == "" {
			at = name
		}
		if names, ok := s["propertyNames"]; ok {
			c.apply(names, name, at, report, depth+1)
		}
		if one, ok := properties[name]; ok {
			known = true
			c.apply(one, v[name], at, report, depth+1)
		}
		for form, one := range patterns {
			if c.matches(form, name, false) {
				known = true
				c.apply(one, v[name], at, report, depth+1)
			}
		}
		switch {
		case known || !closed:
		case rest == false && len(properties) == 0:
			report(at, fmt.Sprintf("the key %q is unknown, there are none here", name))
		case rest == false:
			report(at, fmt.Sprintf("the key %q is unknown, there are: %s", name, quoted(properties)))
		default:
			c.apply(rest, v[name], at, report, depth+1)
		}
	}
	c.required(list(s["required"]), v, path, report)
	if dependent, ok := s["dependentRequired"].(map[string]any); ok {
		for name, needs := range dependent {
			if _, ok := v[name]; ok {
				c.required(list(needs), v, path, report)
			}
		}
	}
	count(s, "minProperties", "maxProperties", len(v), "members", path, report)
}

func (c *check) required(names []any, v map[string]any, path string, report Report) {
	for _, name := range names {
		if name, ok := name.(string); ok {
			if _, ok := v[name]; !ok {
				report(path, fmt.Sprintf("the key %q is missing", name))
			}
		}
	}
}

// array checks the keywords about items.
func (c *check) array(s map[string]any, v []any, path string, report Report, depth int) {
	first := list(s["prefixItems"])
	rest, ok := s["items"]
	fit := 0
	contains, asked := s["contains"]
	for i, item := range v {
		at := path + "[" + strconv.Itoa(i) + "]"
		switch {
		case i < len(first):
			c.apply(first[i], item, at, report, depth+1)
		case ok:
			c.apply(rest, item, at, report, depth+1)
		}
		if asked && c.holds(contains, item, depth) {
			fit++
		}
	}
	if asked {
		least := 1
		if n, ok := s["minContains"].(json.Number); ok {
			least, _ = strconv.Atoi(n.String())
		}
		if fit < least {
			report(path, fmt.Sprintf("%d of its items are as the schema asks, %d must be", fit, least))
		}
		count(s, "", "maxContains", fit, "items of that kind", path, report)
	}
	if s["uniqueItems"] == true {
		c.unique(v, path, report)
	}
	count(s, "minItems", "maxItems", len(v), "items", path, report)
}

func (c *check) unique(v []any, path string, report Report) {
	for i := range v {
		for j := range i {
			if c.equal(v[i], v[j]) {
				report(path+"["+strconv.Itoa(i)+"]", excerpt(v[i])+" stands here twice")
				break
			}
		}
	}
}

// text checks the keywords about strings.
func (c *check) text(s map[string]any, v, path string, report Report) {
	count(s, "minLength", "maxLength", utf8.RuneCountInString(v), "characters", path, report)
	if form, ok := s["pattern"].(string); ok && !c.matches(form, v, true) {
		report(path, fmt.Sprintf("%s does not match %s", excerpt(v), excerpt(form)))
	}
}

// pattern is a regular expression, nil of a dialect that Go does not have, and the work of a step of it.
type pattern struct {
	re   *regexp.Regexp
	size int
}

// matches reports whether a text fits a pattern. One that Go can't read is left to the plugin: otherwise says what is
// assumed of it.
func (c *check) matches(text, in string, otherwise bool) bool {
	p, ok := c.patterns[text]
	if !ok && c.spend(1+len(text)) {
		// A short pattern may stand for a program of many states, each of which is looked at for each byte.
		if tree, err := syntax.Parse(text, syntax.Perl); err == nil {
			if program, err := syntax.Compile(tree.Simplify()); err == nil && c.spend(len(program.Inst)) {
				p.re, p.size = regexp.MustCompile(text), len(program.Inst)
			}
		}
		c.patterns[text] = p
	}
	if p.re == nil || !c.spend(p.size*(1+len(in)/bytesPerStep)) {
		return otherwise
	}
	return p.re.MatchString(in)
}

// count compares a number of parts with what the schema allows.
func count(s map[string]any, least, most string, n int, what, path string, report Report) {
	have := big.NewRat(int64(n), 1)
	if low := rat(s[least]); low != nil && have.Cmp(low) < 0 {
		report(path, fmt.Sprintf("it has %d %s, at least %v are needed", n, what, s[least]))
	}
	if high := rat(s[most]); high != nil && have.Cmp(high) > 0 {
		report(path, fmt.Sprintf("it has %d %s, at most %v are allowed", n, what, s[most]))
	}
}

// number checks the keywords about numbers.
func number(s map[string]any, v json.Number, path string, report Report) {
	have := rat(v)
	for _, limit := range []struct {
		keyword, text string
		bad           func(sign int) bool
	}{
		{"minimum", "is below %v", func(sign int) bool { return sign < 0 }},
		{"maximum", "is above %v", func(sign int) bool { return sign > 0 }},
		{"exclusiveMinimum", "is not above %v", func(sign int) bool { return sign <= 0 }},
		{"exclusiveMaximum", "is not below %v", func(sign int) bool { return sign >= 0 }},
	} {
		bound := rat(s[limit.keyword])
		if bound != nil && have == nil {
			report(path, fmt.Sprintf("%s is too long or too large a number", excerpt(v)))
			return
		}
		if bound != nil && limit.bad(have.Cmp(bound)) {
			report(path, excerpt(v)+" "+fmt.Sprintf(limit.text, s[limit.keyword]))
		}
	}
	if step := rat(s["multipleOf"]); step != nil && step.Sign() > 0 && have != nil && !new(big.Rat).Quo(have, step).IsInt() {
		report(path, fmt.Sprintf("%s is not a multiple of %v", excerpt(v), s["multipleOf"]))
	}
}

// rat returns a number exactly, nil for what is none or would take too much room.
func rat(v any) *big.Rat {
	n, ok := v.(json.Number)
	if !ok || len(n) > 64 {
		return nil
	}
	if _, exponent, ok := strings.Cut(strings.ToLower(n.String()), "e"); ok {
		if e, err := strconv.Atoi(exponent); err != nil || e > 400 || e < -400 {
			return nil
		}
	}
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return nil
	}
	return r
}

// whole reports whether a number is an integer, however it is written.
func whole(n json.Number) bool {
	r := rat(n)
	return r != nil && r.IsInt() || r == nil && !strings.ContainsAny(n.String(), ".eE")
}

// equal compares as JSON Schema does: 1 and 1.0 are one number.
func (c *check) equal(a, b any) bool {
	if !c.spend(1 + size(b)) {
		return true // nothing more is reported
	}
	x, y := rat(a), rat(b)
	if x != nil && y != nil {
		return x.Cmp(y) == 0
	}
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, c.equal)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, c.equal)
	}
	return reflect.DeepEqual(a, b)
}
