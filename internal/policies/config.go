package policies

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/switchyard-gateway/switchyard/internal/config/yamltree"
	"github.com/switchyard-gateway/switchyard/internal/policies/schema"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Bounds of what an upload has beside its module.
const (
	maxConfig = 256 << 10 // bytes
	maxDepth  = 64
	maxNote   = 1 << 10 // bytes
)

// document is the configuration of an upload.
type document struct {
	json  []byte
	value any            // as encoding/json decodes it, with json.Number
	lines map[string]int // of the text that was uploaded, by path as in "rules[2].when"
}

// read takes a configuration, JSON or YAML. What is wrong with it is added to r; the document is nil then.
func (r *Refused) read(text []byte) *document {
	text = bytes.TrimSpace(text)
	switch {
	case len(text) > maxConfig:
		r.add(CodeTooLarge, "config", fmt.Sprintf("it has %d bytes, and may have %d", len(text), maxConfig))
		return nil
	case len(text) == 0:
		text = []byte("{}")
	}
	d := &document{json: text, lines: map[string]int{}}
	before := len(r.Reasons)
	complain := func(line int, path, message string) { r.add(CodeConfig, place(line, path), message) }
	if !json.Valid(text) {
		n := yamltree.Read(text, nil, complain)
		if n != nil {
			d.json = n.AppendJSON(nil, "", complain)
			d.locate(n, "")
		}
		if len(r.Reasons) > before {
			return nil
		}
	}
	w := walker{decoder: json.NewDecoder(bytes.NewReader(d.json)), text: d.json, line: 1, complain: complain}
	if len(d.lines) == 0 { // else they are those of the YAML
		w.lines = d.lines
	}
	w.decoder.UseNumber()
	var err error
	d.value, err = w.walk("", 0)
	_, object := d.value.(map[string]any)
	switch {
	case err != nil:
		complain(w.line, "", err.Error())
	case !object:
		complain(d.lines[""], "", "it is not an object")
	}
	if len(r.Reasons) > before {
		return nil
	}
	return d
}

// locate notes the lines of a YAML node and what is in it.
func (d *document) locate(n *yamltree.Node, path string) {
	d.lines[path] = n.Line
	for i, item := range n.Items {
		d.locate(item, yamltree.Index(path, i))
	}
	for _, p := range n.Pairs {
		d.locate(p.Value, yamltree.Join(path, p.Key))
	}
}

// walker reads JSON with the lines of its values.
type walker struct {
	decoder  *json.Decoder
	text     []byte
	at       int64
	line     int            // at
	lines    map[string]int // nil: they are known
	complain func(line int, path, message string)
}

var errDeep = fmt.Errorf("it nests deeper than %d levels", maxDepth)

// token reads one token and counts the lines before it.
func (w *walker) token() (json.Token, error) {
	t, err := w.decoder.Token()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	to := w.decoder.InputOffset()
	w.line += bytes.Count(w.text[w.at:to], []byte("\n"))
	w.at = to
	return t, err
}

func (w *walker) walk(path string, depth int) (any, error) {
	t, err := w.token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, errDeep
	}
	if _, known := w.lines[path]; w.lines != nil && !known {
		w.lines[path] = w.line
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for i := 0; w.decoder.More(); i++ {
			v, err := w.walk(yamltree.Index(path, i), depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = w.token()
		return list, err
	case json.Delim('{'):
		return w.object(path, depth)
	}
	return t, nil
}

func (w *walker) object(path string, depth int) (any, error) {
	members := map[string]any{}
	for w.decoder.More() {
		t, err := w.token()
		if err != nil {
			return nil, err
		}
		key, _ := t.(string)
		if _, again := members[key]; again {
			w.complain(w.line, path, fmt.Sprintf("the key %q stands here twice", key))
		}
		if members[key], err = w.walk(yamltree.Join(path, key), depth+1); err != nil {
			return nil, err
		}
	}
	_, err := w.token()
	return members, err
}

// check compares the configuration with the schema that a policy describes.
func (d *document) check(description *abi.Description, r *Refused) {
	type problem struct {
		line          int
		path, message string
	}
	var problems []problem
	err := schema.Check([]byte(description.ConfigSchema), d.value, func(path, message string) {
		problems = append(problems, problem{d.line(path), path, message})
	})
	slices.SortStableFunc(problems, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	for _, p := range problems {
		r.add(CodeSchema, place(p.line, p.path), p.message)
	}
	if err != nil {
		r.add(CodeSchema, "config", err.Error())
	}
}

// line returns where a path stands, or as much of it as is there.
func (d *document) line(path string) int {
	for {
		line, ok := d.lines[path]
		end := max(strings.LastIndexAny(path, ".["), 0)
		if ok || path == "" {
			return line
		}
		path = path[:end]
	}
}

// told splits what a policy says of its configuration: a message that begins with a path gets the path's place.
func (d *document) told(message string) (where, rest string) {
	path, rest, ok := strings.Cut(message, ": ")
	if !ok || strings.ContainsAny(path, " \t") {
		return "config", message
	}
	first, _, _ := strings.Cut(path, ".")
	first, _, _ = strings.Cut(first, "[")
	if _, known := d.lines[first]; !known {
		return "config", message
	}
	return place(d.line(path), path), rest
}

// place is "config:7: rules[2]".
func place(line int, path string) string {
	out := "config"
	if line > 0 {
		out += fmt.Sprintf(":%d", line)
	}
	if path != "" {
		out += ": " + path
	}
	return out
}
