package main

import (
	"math"
	"strings"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// selector reads a condition on deployments. A text is a pattern for the deployment's id.
func (r *reader) selector(path string, v jsonraw.Value) condition {
	return r.condition(path, v, &deployments, 0)
}

// condition reads an object, all keys of which have to hold, or a list of alternatives.
func (r *reader) condition(path string, v jsonraw.Value, of *scope, depth int) condition {
	switch kind := v.Kind(); {
	case depth > maxDepth:
		r.fail(path, "is nested too deep")
	case kind == jsonraw.Array:
		var c condition
		r.list(path, v, maxEntries, func(path string, v jsonraw.Value) {
			c = append(c, r.condition(path, v, of, depth+1)...)
		})
		return c
	case kind == jsonraw.String && of.bare != nil:
		r.spend(of, fuelTest)
		return condition{{r.patterns(path, v, of, of.bare)}}
	case kind != jsonraw.Object && of.bare != nil:
		r.wrong(path, v, "a deployment's id, an object, or a list of these")
	case kind != jsonraw.Object:
		r.wrong(path, v, "an object or a list of objects")
	default:
		return condition{r.alternative(path, v, of, depth)}
	}
	return nil
}

func (r *reader) alternative(path string, v jsonraw.Value, of *scope, depth int) (a alternative) {
	keys := make([]key, len(of.fields))
	for i := range of.fields {
		f := &of.fields[i]
		keys[i] = key{f.name, func(path string, v jsonraw.Value) {
			r.spend(of, fuelTest)
			t := test{field: f, ask: of.ask(f.kind)}
			r.test(path, v, &t, of, depth)
			a = append(a, t)
		}}
	}
	problems := r.count()
	r.object(path, v, keys)
	if a == nil && r.count() == problems {
		r.fail(path, "is empty: it needs a key")
	}
	return a
}

func (r *reader) test(path string, v jsonraw.Value, t *test, of *scope, depth int) {
	switch t.field.kind {
	case kindText, kindTags, kindAllTags:
		*t = r.patterns(path, v, of, t.field)
	case kindName:
		for _, s := range r.texts(path, v) {
			r.fuel += fuelName
			t.hashes = append(t.hashes, abi.Hash(s))
		}
	case kindNumber:
		t.low, t.high = r.between(path, v)
	case kindFlag:
		t.want = r.bool(path, v)
	case kindHours:
		r.eachText(path, v, func(path, s string, v jsonraw.Value) {
			span, ok := parseSpan(s)
			if !ok {
				r.wrong(path, v, `a part of the day, such as "22-6" or "09:30-17:00"`)
			}
			t.spans = append(t.spans, span)
		})
	case kindDays:
		r.eachText(path, v, func(path, s string, v jsonraw.Value) {
			for i, day := range weekdays {
				if s == day {
					t.days |= 1 << i
					return
				}
			}
			r.wrong(path, v, "one of "+strings.Join(weekdays[:], ", "))
		})
	case kindNot:
		t.inner = r.condition(path, v, of, depth+1)
	case kindOffered:
		t.inner = r.condition(path, v, &deployments, depth+1)
	}
}

// patterns reads what a field's texts are compared with.
func (r *reader) patterns(path string, v jsonraw.Value, of *scope, f *field) test {
	t := test{field: f, ask: of.ask(f.kind)}
	if of.bare != nil {
		r.uses.texts = r.uses.texts || f.kind == kindText
		r.uses.tags = r.uses.tags || f.kind != kindText
	}
	for _, s := range r.texts(path, v) {
		starry := strings.Contains(s, "*")
		if starry {
			r.spend(of, fuelPattern)
		} else {
			r.spend(of, fuelText)
		}
		if of.bare != nil && !starry {
			t.hashes = append(t.hashes, abi.Hash(s))
			continue
		}
		t.patterns = append(t.patterns, newPattern(s))
	}
	return t
}

// spend adds what a decision takes for asking something of the request, or of each deployment.
func (r *reader) spend(of *scope, fuel int) {
	if of.bare != nil {
		fuel *= sixteen
	}
	r.fuel += fuel
}

// eachText reads a text, or a list of them.
func (r *reader) eachText(path string, v jsonraw.Value, read func(path, s string, v jsonraw.Value)) {
	one := func(path string, v jsonraw.Value) {
		r.fuel += fuelName
		read(path, v.Text(), v)
	}
	if v.Kind() == jsonraw.Array {
		r.list(path, v, maxEntries, one)
	} else {
		one(path, v)
	}
}

// between reads the range of a number: a number alone is both ends.
func (r *reader) between(path string, v jsonraw.Value) (low, high float64) {
	low, high = math.Inf(-1), math.Inf(1)
	read := func(end *float64) func(string, jsonraw.Value) {
		return func(path string, v jsonraw.Value) {
			f, ok := v.Float()
			if !ok {
				r.wrong(path, v, "a number")
			}
			*end = f
		}
	}
	switch v.Kind() {
	case jsonraw.Number:
		read(&low)(path, v)
		return low, low
	case jsonraw.Object:
		problems := r.count()
		r.object(path, v, []key{{"min", read(&low)}, {"max", read(&high)}})
		if r.count() == problems && (math.IsInf(low, -1) && math.IsInf(high, 1) || low > high) {
			r.fail(path, "needs min, max or both, and min not above max")
		}
	default:
		r.wrong(path, v, "a number, or an object with min, max or both")
	}
	return low, high
}
