package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/switchyard-gateway/switchyard/internal/config/suggest"
	"github.com/switchyard-gateway/switchyard/internal/config/yamltree"
)

// A kind is one type of value of the file: how it is read from a node and how the reference describes it.
// The file's grammar is a tree of kinds (see grammar.go) that parses, fills in defaults and documents.
type kind[V any] struct {
	name  string // as the reference prints it
	empty bool   // "" is a value; for other kinds an expansion to "" means absent
	// read stores what n holds in v, or reports why it cannot and leaves v alone.
	read func(d *decoder, n *yamltree.Node, path string, v *V)
	// rows and changed describe what is below an object; both are nil for other kinds.
	rows    func(path string) []row
	changed func(path string, a, b *V) []string
}

// decode reads a present value: broken nodes are passed over, their problem has been reported.
func (k kind[V]) decode(d *decoder, n *yamltree.Node, path string, v *V) {
	d.lines[path] = n.Line
	switch {
	case n.Kind == yamltree.Broken:
	case k.absent(n):
		d.add(n.Line, path, "is empty")
	default:
		k.read(d, n, path, v)
	}
}

func (k kind[V]) absent(n *yamltree.Node) bool {
	return n == nil || n.Kind == yamltree.Null || n.Kind == yamltree.Scalar && n.Text == "" && len(n.Env) > 0 && !k.empty
}

// A decoder reads nodes by kinds and collects all problems.
type decoder struct {
	file     string
	problems Problems
	lines    map[string]int            // of each key and item that the file has, by path
	env      map[string][]yamltree.Use // of each scalar that was expanded, by path
}

func (d *decoder) report(line int, path, message string) {
	d.problems = append(d.problems, Problem{d.file, line, path, message})
}

func (d *decoder) add(line int, path, format string, args ...any) {
	d.report(line, path, fmt.Sprintf(format, args...))
}

// shown is the value at path as a message shows it: by its variable when it came from the environment.
func (d *decoder) shown(path, value string) string {
	if env := d.env[path]; len(env) > 0 {
		return "${" + env[len(env)-1].Name + "}"
	}
	return strconv.Quote(value)
}

// wrong reports a value of the wrong shape without showing it.
func (d *decoder) wrong(n *yamltree.Node, path, want string) {
	have := map[yamltree.Kind]string{
		yamltree.Null: "nothing", yamltree.Scalar: "a single value", yamltree.List: "a list", yamltree.Table: "a map",
	}[n.Kind]
	d.add(n.Line, path, "must be %s, not %s", want, have)
}

// A field is one key of an object T.
type field[T any] struct {
	key, kind, def, doc string
	required            bool
	live                bool
	read                func(d *decoder, n *yamltree.Node, path string, t *T) // n is nil when the key is absent
	rows                func(path string) []row
	changed             func(path string, a, b *T) []string
}

// optional is a key that may be absent. def is its default as it would stand in the file, or "" to leave the
// field zero.
func optional[T, V any](key, def string, k kind[V], at func(*T) *V, doc string) field[T] {
	return field[T]{
		key: key, kind: k.name, def: def, doc: doc, live: true, rows: k.rows,
		read: func(d *decoder, n *yamltree.Node, path string, t *T) {
			switch {
			case !k.absent(n):
				k.decode(d, n, path, at(t))
			case def != "":
				k.read(d, defaultNode(def), path, at(t))
			}
		},
	}
}

// required is a key that must be there.
func required[T, V any](key string, k kind[V], at func(*T) *V, doc string) field[T] {
	f := optional(key, "", k, at, doc)
	f.required = true
	read := f.read
	f.read = func(d *decoder, n *yamltree.Node, path string, t *T) {
		if k.absent(n) && n != nil {
			d.add(n.Line, path, "is required, and is empty")
		}
		read(d, n, path, t)
	}
	return f
}

// section is an object whose own defaults hold when it is absent.
func section[T, V any](key string, k kind[V], at func(*T) *V, doc string) field[T] {
	return field[T]{
		key: key, kind: k.name, doc: doc, live: true, rows: k.rows,
		read: func(d *decoder, n *yamltree.Node, path string, t *T) {
			if k.absent(n) {
				k.read(d, &yamltree.Node{Kind: yamltree.Table}, path, at(t))
				return
			}
			k.decode(d, n, path, at(t))
		},
		changed: func(path string, a, b *T) []string { return k.changed(path, at(a), at(b)) },
	}
}

// restart is an optional key that cannot be changed while the process runs.
func restart[T, V any](key, def string, k kind[V], at func(*T) *V, doc string) field[T] {
	f := optional(key, def, k, at, doc)
	f.live = false
	f.changed = func(path string, a, b *T) []string {
		if reflect.DeepEqual(at(a), at(b)) {
			return nil
		}
		return []string{path}
	}
	return f
}

// defaultNode parses a default as if it stood in the file.
func defaultNode(def string) *yamltree.Node {
	unset := func(string) (string, bool) { return "", false }
	n := yamltree.Read([]byte(def), unset, func(_ int, _, message string) { panic("default " + def + ": " + message) })
	n.Line = 0
	for _, item := range n.Items {
		item.Line = 0
	}
	return n
}

// object is a map with known keys. begin, which may be nil, tells T where it stands.
func object[T any](begin func(t *T, path string, line int), fields ...field[T]) kind[T] {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return kind[T]{
		name: "map",
		read: func(d *decoder, n *yamltree.Node, path string, t *T) {
			if begin != nil {
				begin(t, path, n.Line)
			}
			if n.Kind != yamltree.Table {
				d.wrong(n, path, "a map of "+strings.Join(keys, ", "))
				return
			}
			present := make(map[string]*yamltree.Node, len(n.Pairs))
			for _, p := range n.Pairs {
				present[p.Key] = p.Value
			}
			misspelt := unknownKeys(d, n, path, keys)
			for _, f := range fields {
				value := present[f.key]
				if value == nil && f.required && !misspelt[f.key] {
					d.add(n.Line, yamltree.Join(path, f.key), "is required")
				}
				f.read(d, value, yamltree.Join(path, f.key), t)
			}
		},
		rows: func(path string) (rows []row) {
			for _, f := range fields {
				rows = append(rows, row{yamltree.Join(path, f.key), f.kind, f.def, f.doc, f.required, f.live})
				if f.rows != nil {
					rows = append(rows, f.rows(yamltree.Join(path, f.key))...)
				}
			}
			return rows
		},
		changed: func(path string, a, b *T) (paths []string) {
			for _, f := range fields {
				if f.changed != nil {
					paths = append(paths, f.changed(yamltree.Join(path, f.key), a, b)...)
				}
			}
			return paths
		},
	}
}

// unknownKeys reports the keys of n that are not among keys, and returns those which were probably meant.
func unknownKeys(d *decoder, n *yamltree.Node, path string, keys []string) map[string]bool {
	known := make(map[string]bool, len(keys))
	for _, k := range keys {
		known[k] = true
	}
	misspelt := make(map[string]bool)
	for _, p := range n.Pairs {
		if known[p.Key] {
			continue
		}
		hint := suggest.DidYouMean(p.Key, keys)
		if hint == "" {
			hint = " (known here: " + strings.Join(keys, ", ") + ")"
		}
		misspelt[suggest.Nearest(p.Key, keys)] = true
		d.add(p.Value.Line, path, "unknown key %s%s", yamltree.Quote(p.Key), hint)
	}
	return misspelt
}

// listOf is a list in the order of the file.
func listOf[V any](k kind[V]) kind[[]V] {
	return kind[[]V]{
		name: "list of " + k.name,
		read: func(d *decoder, n *yamltree.Node, path string, v *[]V) {
			if n.Kind != yamltree.List {
				d.wrong(n, path, "a list")
				return
			}
			*v = make([]V, len(n.Items))
			for i, item := range n.Items {
				k.decode(d, item, yamltree.Index(path, i), &(*v)[i])
			}
		},
		rows: below(k, "[]"),
	}
}

// setOf is a list that names each thing once.
func setOf(k kind[string]) kind[[]string] {
	all := listOf(k)
	return kind[[]string]{
		name: all.name,
		read: func(d *decoder, n *yamltree.Node, path string, v *[]string) {
			all.read(d, n, path, v)
			first := make(map[string]int, len(*v))
			for i, s := range *v {
				if at, again := first[s]; again && s != "" {
					item := yamltree.Index(path, i)
					d.add(d.lines[item], item, "%s stands here twice (first at [%d])", d.shown(item, s), at)
					continue
				}
				first[s] = i
			}
		},
	}
}

// orOne lets a list of one be written without brackets.
func orOne[V any](k kind[[]V]) kind[[]V] {
	read := k.read
	k.read = func(d *decoder, n *yamltree.Node, path string, v *[]V) {
		if n.Kind != yamltree.List {
			n = &yamltree.Node{Kind: yamltree.List, Line: n.Line, Items: []*yamltree.Node{n}}
		}
		read(d, n, path, v)
	}
	k.name += ", or one"
	return k
}

// wordOr lets an object whose other keys have defaults be written as the value of its one required key.
func wordOr[V any](key string, k kind[V]) kind[V] {
	read := k.read
	k.read = func(d *decoder, n *yamltree.Node, path string, v *V) {
		if n.Kind == yamltree.Scalar {
			n = &yamltree.Node{Kind: yamltree.Table, Line: n.Line, Pairs: []yamltree.Pair{{Key: key, Value: n}}}
		}
		read(d, n, path, v)
	}
	k.name = "name or " + k.name
	return k
}

// named is a map from names to objects, kept in the order of the file. what is the placeholder for a name in the
// reference; check returns what is wrong with a name, as parsers do, or "".
func named[V any](what string, check func(string) string, k kind[V], name func(*V) *string) kind[[]*V] {
	return kind[[]*V]{
		name: "map of name to " + k.name,
		read: func(d *decoder, n *yamltree.Node, path string, v *[]*V) {
			if n.Kind != yamltree.Table {
				d.wrong(n, path, "a map by name")
				return
			}
			*v = make([]*V, 0, len(n.Pairs))
			for _, p := range n.Pairs {
				at := yamltree.Join(path, p.Key)
				if complaint := check(p.Key); complaint != "" {
					d.add(p.Value.Line, path, "the name %s is %s", yamltree.Quote(p.Key), complaint)
				}
				item := new(V)
				*name(item) = p.Key
				*v = append(*v, item)
				d.lines[at] = p.Value.Line
				switch {
				case p.Value.Kind == yamltree.Null: // so that its required keys are named
					k.read(d, &yamltree.Node{Kind: yamltree.Table, Line: p.Value.Line}, at, item)
				case p.Value.Kind != yamltree.Broken:
					k.read(d, p.Value, at, item)
				}
			}
		},
		rows: below(k, "."+what),
	}
}

// mapOf is a map with free keys, in no order.
func mapOf[V any](what string, k kind[V]) kind[map[string]V] {
	return kind[map[string]V]{
		name: fmt.Sprintf("map of %s to %s", what, k.name),
		read: func(d *decoder, n *yamltree.Node, path string, v *map[string]V) {
			if n.Kind != yamltree.Table {
				d.wrong(n, path, "a map of "+what+" to "+k.name)
				return
			}
			*v = make(map[string]V, len(n.Pairs))
			for _, p := range n.Pairs {
				var value V
				k.decode(d, p.Value, yamltree.Join(path, p.Key), &value)
				(*v)[p.Key] = value
			}
		},
	}
}

// pointer keeps absence apart from zero.
func pointer[V any](k kind[V]) kind[*V] {
	return kind[*V]{
		name: k.name, empty: k.empty, rows: k.rows,
		read: func(d *decoder, n *yamltree.Node, path string, v **V) {
			*v = new(V)
			k.read(d, n, path, *v)
		},
	}
}

// below describes the items of a collection.
func below[V any](k kind[V], step string) func(string) []row {
	if k.rows == nil {
		return nil
	}
	return func(path string) []row { return k.rows(path + step) }
}
