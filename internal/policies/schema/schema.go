// Package schema checks a JSON value against a JSON Schema that somebody else wrote: import it to tell an author all that
// is wrong with a configuration, each with its path.
//
// It knows the validating keywords of draft 2020-12 that say something about a single document, and references within the
// schema. What it does not know it passes over, as the standard asks; formats and annotations are not checked. The work is
// bounded, because a schema of a few lines can ask for more than a day of it.
package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Report takes one problem. Path is as in "rules[2].when", empty for the value as a whole.
type Report func(path, message string)

// Bounds of a check.
const (
	maxSteps = 300_000
	maxDepth = 128
)

// ErrTooMuch says that a check was given up: schema and value together ask for too much work.
var ErrTooMuch = errors.New("checking it against the schema takes too much work")

// Check reports what is wrong with a value, which is as encoding/json decodes it with UseNumber. An empty schema allows an
// object without members. The error is about the schema, or ErrTooMuch.
func Check(schema []byte, value any, report Report) error {
	if len(schema) == 0 {
		schema = []byte(`{"type":"object","additionalProperties":false}`)
	}
	d := json.NewDecoder(strings.NewReader(string(schema)))
	d.UseNumber()
	var root any
	if err := d.Decode(&root); err != nil {
		return fmt.Errorf("the schema is not JSON: %w", err)
	}
	c := &check{root: root, steps: maxSteps, patterns: map[string]pattern{}}
	c.apply(root, value, "", report, 0)
	return c.err
}

// check is one check under way.
type check struct {
	root     any
	steps    int
	err      error // the first
	patterns map[string]pattern
}

// spend counts work and reports whether it may be done.
func (c *check) spend(steps int) bool {
	if c.steps -= steps; c.err == nil && c.steps < 0 {
		c.err = ErrTooMuch
	}
	return c.err == nil
}

// bytesPerStep is how many bytes of text are a step's work.
const bytesPerStep = 64

// apply checks a value against one schema.
func (c *check) apply(schema, v any, path string, report Report, depth int) {
	if depth > maxDepth {
		c.spend(c.steps + 1)
	}
	if !c.spend(1 + size(v)) {
		return
	}
	s, ok := schema.(map[string]any)
	if !ok {
		if schema == false {
			report(path, "nothing may be here")
		}
		return
	}
	if ref, ok := s["$ref"].(string); ok {
		if target, ok := c.resolve(ref); ok {
			c.apply(target, v, path, report, depth+1)
		}
	}
	if !c.kind(s, v, path, report) {
		return // the rest would only say so again
	}
	c.values(s, v, path, report)
	switch v := v.(type) {
	case map[string]any:
		c.object(s, v, path, report, depth)
	case []any:
		c.array(s, v, path, report, depth)
	case string:
		c.text(s, v, path, report)
	case json.Number:
		number(s, v, path, report)
	}
	c.combine(s, v, path, report, depth)
}

// resolve finds what a reference within the schema points to.
func (c *check) resolve(ref string) (any, bool) {
	pointer, ok := strings.CutPrefix(ref, "#")
	at := c.root
	for ok && pointer != "" {
		var name string
		name, pointer, _ = strings.Cut(pointer[1:], "/")
		if pointer != "" {
			pointer = "/" + pointer
		}
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		switch in := at.(type) {
		case map[string]any:
			at, ok = in[name]
		case []any:
			i, err := strconv.Atoi(name)
			if ok = err == nil && i >= 0 && i < len(in); ok {
				at = in[i]
			}
		default:
			ok = false
		}
	}
	if !ok && c.err == nil {
		c.err = fmt.Errorf("the schema has a reference %q to nothing in it", ref)
	}
	return at, ok
}

// kind checks the keyword type and reports whether it holds.
func (c *check) kind(s map[string]any, v any, path string, report Report) bool {
	var allowed []string
	switch t := s["type"].(type) {
	case string:
		allowed = []string{t}
	case []any:
		for _, one := range t {
			if name, ok := one.(string); ok {
				allowed = append(allowed, name)
			}
		}
	default:
		return true
	}
	have := kindOf(v)
	if slices.Contains(allowed, have) || have == "integer" && slices.Contains(allowed, "number") {
		return true
	}
	report(path, fmt.Sprintf("%s is %s, not %s", excerpt(v), article(have), alternatives(allowed)))
	return false
}

func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case json.Number:
		if whole(v) {
			return "integer"
		}
	}
	return "number"
}

// values checks const and enum.
func (c *check) values(s map[string]any, v any, path string, report Report) {
	if want, ok := s["const"]; ok && !c.equal(want, v) {
		report(path, fmt.Sprintf("%s is not %s", excerpt(v), excerpt(want)))
	}
	list, ok := s["enum"].([]any)
	if !ok || slices.ContainsFunc(list, func(want any) bool { return c.equal(want, v) }) {
		return
	}
	names := make([]string, 0, len(list))
	for _, want := range list[:min(len(list), 20)] {
		names = append(names, excerpt(want))
	}
	report(path, fmt.Sprintf("%s is not one of %s", excerpt(v), strings.Join(names, ", ")))
}

// combine checks the keywords that apply other schemas to the same value.
func (c *check) combine(s map[string]any, v any, path string, report Report, depth int) {
	for _, one := range list(s["allOf"]) {
		c.apply(one, v, path, report, depth+1)
	}
	if any, ok := s["anyOf"].([]any); ok {
		c.choose(any, v, path, report, depth, "any")
	}
	if one, ok := s["oneOf"].([]any); ok {
		c.choose(one, v, path, report, depth, "one")
	}
	if not, ok := s["not"]; ok && c.holds(not, v, depth) {
		report(path, excerpt(v)+" is what the schema excludes here")
	}
	if test, ok := s["if"]; ok {
		branch := "then"
		if !c.holds(test, v, depth) {
			branch = "else"
		}
		if next, ok := s[branch]; ok {
			c.apply(next, v, path, report, depth+1)
		}
	}
}

// choose checks anyOf and oneOf. When nothing fits, the problems of the alternative that came nearest are told: the one
// whose first problem lies deepest.
func (c *check) choose(alternatives []any, v any, path string, report Report, depth int, mode string) {
	type problem struct{ path, message string }
	var nearest []problem
	fits := 0
	for i, one := range alternatives {
		var problems []problem
		c.apply(one, v, path, func(path, message string) { problems = append(problems, problem{path, message}) }, depth+1)
		switch {
		case len(problems) == 0:
			fits++
		case i == 0 || len(nearest) == 0 || len(problems[0].path) > len(nearest[0].path):
			nearest = problems
		}
	}
	switch {
	case fits == 0:
		for _, p := range nearest {
			report(p.path, p.message)
		}
	case fits > 1 && mode == "one":
		report(path, fmt.Sprintf("%s fits %d of the schema's alternatives, and must fit one", excerpt(v), fits))
	}
}

// holds reports whether a value has nothing against it.
func (c *check) holds(schema, v any, depth int) bool {
	good := true
	c.apply(schema, v, "", func(string, string) { good = false }, depth+1)
	return good
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// size is the work that a value is to look at, what is in it apart.
func size(v any) int {
	switch v := v.(type) {
	case string:
		return len(v) / bytesPerStep
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	}
	return 0
}

// excerpt is a value for a message.
func excerpt(v any) string {
	const most = 40
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()[:min(len(v), most)]
	case string:
		if len(v) > most {
			return strconv.Quote(strings.ToValidUTF8(v[:most], "") + "…")
		}
		return strconv.Quote(v)
	case []any:
		return "the list"
	}
	return "the object"
}

func article(kind string) string {
	switch kind {
	case "null":
		return kind
	case "array", "integer", "object":
		return "an " + kind
	}
	return "a " + kind
}

func alternatives(kinds []string) string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = article(k)
	}
	return strings.Join(words, " or ")
}

// quoted lists names for a message.
func quoted(names map[string]any) string {
	return strings.Join(slices.Sorted(maps.Keys(names)), ", ")
}
