// Package settings is what a plugin imports to take the operator's config: one list of fields
// parses it, checks it and describes it, so that the three cannot differ.
package settings

import (
	"errors"
	"strconv"
	"strings"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// Field is one key of a config. Make one with Number, Choice, Switch, Name or Table; the variable that
// it fills holds the default before Apply.
type Field struct {
	name, about string
	value       value
}

// value reads one JSON value, and writes its part of a JSON Schema.
type value interface {
	set(v jsonraw.Value) (problem string)
	schema(w *jsonraw.Writer)
}

// Apply reads config, a JSON object, into the fields. The error names every problem at once, one a line
// and after its key, as a router expects it; an unknown key is one. After an error some variables may be set.
func Apply(config []byte, fields ...Field) error {
	doc, err := jsonraw.Parse(config)
	if err != nil {
		return err
	}
	if kind := doc.Kind(); kind != jsonraw.Object {
		return errors.New("config is of kind " + kind.String() + ", not object")
	}
	var problems []string
	for m := doc.Members(); m.Next(); {
		key := string(m.Name())
		field := find(fields, key)
		if field == nil {
			problems = append(problems, unknown(key, fields))
			continue
		}
		if problem := field.value.set(m.Value); problem != "" {
			problems = append(problems, key+": "+excerpt(m.Value)+" is not "+problem)
		}
	}
	if problems == nil {
		return nil
	}
	return errors.New(strings.Join(problems, "\n"))
}

func find(fields []Field, key string) *Field {
	for i := range fields {
		if fields[i].name == key {
			return &fields[i]
		}
	}
	return nil
}

func unknown(key string, fields []Field) string {
	var b strings.Builder
	b.WriteString("unknown key ")
	b.WriteString(strconv.Quote(key))
	if len(fields) == 0 {
		b.WriteString("; this plugin takes no config")
		return b.String()
	}
	b.WriteString("; known: ")
	for i := range fields {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(fields[i].name)
	}
	return b.String()
}

// excerpt returns v for a message, cut to what fits one.
func excerpt(v jsonraw.Value) string {
	const most = 40
	if len(v) > most {
		return strings.ToValidUTF8(string(v[:most]), "") + "…"
	}
	return string(v)
}

// Schema returns the JSON Schema of the fields, with what their variables hold as defaults; "" for no
// fields, which the contract reads as an object without members.
func Schema(fields ...Field) abi.RawJSON {
	if len(fields) == 0 {
		return ""
	}
	var w jsonraw.Writer
	w.Object()
	w.Key("type")
	w.String("object")
	w.Key("additionalProperties")
	w.Bool(false)
	w.Key("properties")
	w.Object()
	for _, f := range fields {
		w.Key(f.name)
		w.Object()
		w.Key("description")
		w.String(f.about)
		f.value.schema(&w)
		w.End()
	}
	w.End()
	w.End()
	return abi.RawJSON(w.Buf)
}

// Number is a field for a number from low to high.
func Number(name string, p *float64, low, high float64, about string) Field {
	return Field{name, about, number{p, low, high}}
}

type number struct {
	p         *float64
	low, high float64
}

func (n number) set(v jsonraw.Value) string {
	f, ok := v.Float()
	if !ok || f < n.low || f > n.high {
		return "a number from " + decimal(n.low) + " to " + decimal(n.high)
	}
	*n.p = f
	return ""
}

func (n number) schema(w *jsonraw.Writer) {
	w.Key("type")
	w.String("number")
	w.Key("minimum")
	w.Float(n.low)
	w.Key("maximum")
	w.Float(n.high)
	w.Key("default")
	w.Float(*n.p)
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// Choice is a field for one of a few words.
func Choice(name string, p *string, about string, words ...string) Field {
	return Field{name, about, choice{p, words}}
}

type choice struct {
	p     *string
	words []string
}

func (c choice) set(v jsonraw.Value) string {
	for _, word := range c.words {
		if v.TextIs(word) {
			*c.p = word
			return ""
		}
	}
	return "one of " + strings.Join(c.words, ", ")
}

func (c choice) schema(w *jsonraw.Writer) {
	w.Key("enum")
	w.Array()
	for _, word := range c.words {
		w.String(word)
	}
	w.End()
	w.Key("default")
	w.String(*c.p)
}

// Switch is a field for true or false.
func Switch(name string, p *bool, about string) Field { return Field{name, about, boolean{p}} }

type boolean struct{ p *bool }

func (b boolean) set(v jsonraw.Value) string {
	on, ok := v.Bool()
	if !ok {
		return "true or false"
	}
	*b.p = on
	return ""
}

func (b boolean) schema(w *jsonraw.Writer) {
	w.Key("type")
	w.String("boolean")
	w.Key("default")
	w.Bool(*b.p)
}

// Name is a field for a text that is not empty.
func Name(name string, p *string, about string) Field { return Field{name, about, text{p}} }

type text struct{ p *string }

func (t text) set(v jsonraw.Value) string {
	s := v.Text()
	if s == "" {
		return "a text that is not empty"
	}
	*t.p = s
	return ""
}

func (t text) schema(w *jsonraw.Writer) {
	w.Key("type")
	w.String("string")
	w.Key("minLength")
	w.Int(1)
	w.Key("default")
	w.String(*t.p)
}

// Table is a field for an object of texts that are not empty.
func Table(name string, p *map[string]string, about string) Field {
	return Field{name, about, table{p}}
}

type table struct{ p *map[string]string }

func (t table) set(v jsonraw.Value) string {
	const want = "an object whose values are texts that are not empty"
	if v.Kind() != jsonraw.Object {
		return want
	}
	entries := map[string]string{}
	for m := v.Members(); m.Next(); {
		s := m.Value.Text()
		if s == "" {
			return want
		}
		entries[string(m.Name())] = s
	}
	*t.p = entries
	return ""
}

func (t table) schema(w *jsonraw.Writer) {
	w.Key("type")
	w.String("object")
	w.Key("additionalProperties")
	w.Object()
	w.Key("type")
	w.String("string")
	w.Key("minLength")
	w.Int(1)
	w.End()
}
