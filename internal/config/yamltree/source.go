// Package yamltree reads YAML for configuration files: strictly, within bounds, with the environment expanded,
// and with a line and a path for everything that is wrong. Nothing else in the tree knows YAML.
package yamltree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Limits on the source. They are far above any real file and keep aliases of aliases, or a file that
// is no configuration at all, from taking the process down.
const (
	MaxBytes    = 4 << 20
	maxNodes    = 100_000
	maxDepth    = 32
	maxKeyBytes = 256
)

// A Kind is the shape of a value.
type Kind uint8

const (
	Broken Kind = iota // its problem is reported already; readers pass over it
	Null
	Scalar
	List
	Table
)

// A Node is a YAML value with aliases and merge keys resolved, duplicate keys removed and the environment
// expanded.
type Node struct {
	Kind  Kind
	Line  int    // of its key, or of the list item
	Text  string // of a Scalar
	Plain bool   // written without quotes
	Env   []Use  // the look-ups that Text is made of
	Items []*Node
	Pairs []Pair
}

// A Pair is an entry of a Table.
type Pair struct {
	Key   string
	Value *Node
}

// A Report takes one problem. Line is 0 when the file as a whole is to blame; the message holds no values.
type Report func(line int, path, message string)

// Read parses a file of one document. It reports everything that is wrong with it, and returns nil when there is
// nothing to go on with. Without getenv the environment is not expanded: a dollar sign is one.
func Read(data []byte, getenv func(string) (string, bool), report Report) *Node {
	s := source{report: report, getenv: getenv, open: make(map[*yaml.Node]bool)}
	return s.read(data)
}

type source struct {
	report Report
	getenv func(string) (string, bool)
	nodes  int
	open   map[*yaml.Node]bool // the collections around the current node, to see aliases to themselves
}

func (s *source) add(line int, path, format string, args ...any) {
	s.report(line, path, fmt.Sprintf(format, args...))
}

func (s *source) read(data []byte) *Node {
	if !s.checkEncoding(data) {
		return nil
	}
	text := string(bytes.TrimPrefix(data, []byte(byteOrderMark)))
	if s.getenv != nil {
		text = shelter(text)
	}
	documents := yaml.NewDecoder(strings.NewReader(text))
	var doc, second yaml.Node
	switch err := documents.Decode(&doc); {
	case errors.Is(err, io.EOF):
		s.add(1, "", "the file is empty")
		return nil
	case err != nil:
		s.syntax(err, text)
		return nil
	}
	switch err := documents.Decode(&second); {
	case err == nil:
		s.add(second.Line, "", "a second YAML document begins here: a configuration is one document")
		return nil
	case !errors.Is(err, io.EOF):
		s.syntax(err, text)
		return nil
	}
	top := s.convert(doc.Content[0], doc.Content[0].Line, "", 0)
	if top.Kind == Null {
		s.add(1, "", "the file is empty")
		return nil
	}
	return top
}

const byteOrderMark = "\ufeff"

// checkEncoding refuses what a YAML reader would refuse without saying where.
func (s *source) checkEncoding(data []byte) bool {
	switch {
	case len(data) > MaxBytes:
		s.add(0, "", "the file is larger than %d MiB", MaxBytes>>20)
		return false
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		s.add(1, "", "the file is UTF-16: save it as UTF-8")
		return false
	}
	line := 1
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == '\n':
			line++
		case r == utf8.RuneError && size == 1:
			s.add(line, "", "the file is not UTF-8: byte 0x%02x", data[i])
			return false
		case r < ' ' && r != '\t' && r != '\r', r >= 0x7f && r < 0xa0 && r != 0x85,
			r == '\ufeff' && i > 0, r == 0xfffe, r == 0xffff, firstStandIn <= r && r <= lastStandIn:
			s.add(line, "", "character U+%04X is not allowed", r)
			return false
		}
		i += size
	}
	return true
}

var (
	yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
	// The parser, unlike the scanner below it, counts lines from 0 in its errors.
	parserError   = regexp.MustCompile(`^did not find expected ([<',]|key|node|'-')`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntax reports an error of the YAML reader.
func (s *source) syntax(err error, text string) {
	m := yamlError.FindStringSubmatch(err.Error())
	if m == nil {
		s.add(0, "", "not YAML: %v", err)
		return
	}
	line, message := 1, m[2]
	if n, err := strconv.Atoi(m[1]); err == nil {
		line = n
		if parserError.MatchString(message) {
			line++
		}
	}
	if m := unknownAnchor.FindStringSubmatch(message); m != nil {
		before, _, _ := strings.Cut(text, "*"+m[1])
		line = 1 + strings.Count(before, "\n")
		message = "alias to an anchor that is not defined (a value that begins with * needs quotes)"
	}
	s.add(line, "", "not YAML: %s", message)
}

// convert turns a YAML node into ours. It always returns a node, a broken one after reporting why.
func (s *source) convert(y *yaml.Node, line int, path string, depth int) *Node {
	n := &Node{Line: line}
	s.nodes++
	switch {
	case s.nodes > maxNodes:
		if s.nodes == maxNodes+1 {
			s.add(line, path, "the file has more than %d values, aliases counted as often as they are used", maxNodes)
		}
		return n
	case depth > maxDepth:
		s.add(line, path, "nested deeper than %d levels", maxDepth)
		return n
	case y.Style&yaml.TaggedStyle != 0:
		s.add(line, path, "YAML tags are not supported (quotes make a value a string)")
		return n
	}
	switch y.Kind {
	case yaml.AliasNode:
		if s.open[y.Alias] {
			s.add(line, path, "the alias contains itself")
			return n
		}
		return s.convert(y.Alias, line, path, depth+1)
	case yaml.SequenceNode:
		s.open[y] = true
		n.Kind = List
		for i, item := range y.Content {
			n.Items = append(n.Items, s.convert(item, item.Line, Index(path, i), depth+1))
		}
		delete(s.open, y)
	case yaml.MappingNode:
		s.open[y] = true
		n.Kind = Table
		s.convertPairs(n, y, path, depth)
		delete(s.open, y)
	default:
		s.convertScalar(n, y, path)
	}
	return n
}

func (s *source) convertScalar(n *Node, y *yaml.Node, path string) {
	const quotes = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	n.Text, n.Plain = unshelter(y.Value), y.Style&quotes == 0
	if s.getenv == nil || !strings.Contains(n.Text, "$") {
		n.Kind = Scalar
		if n.Plain && y.ShortTag() == "!!null" {
			n.Kind = Null
		}
		return
	}
	var e expansion
	e.expand(n.Text, s.getenv)
	for _, complaint := range e.complaints {
		s.add(n.Line, path, "%s", complaint)
	}
	if len(e.complaints) == 0 {
		n.Kind, n.Text, n.Env = Scalar, e.text.String(), e.uses
	}
}

// convertPairs fills a table. Its own keys come first and win over merged ones (<<).
func (s *source) convertPairs(n *Node, y *yaml.Node, path string, depth int) {
	first := make(map[string]int, len(y.Content)/2)
	var merges []*yaml.Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		if key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge" {
			merges = append(merges, value)
			continue
		}
		name, ok := s.key(key, path)
		if !ok {
			continue
		}
		if before, again := first[name]; again {
			s.add(key.Line, path, "key %s stands here twice (first in line %d)", Quote(name), before)
			continue
		}
		first[name] = key.Line
		n.Pairs = append(n.Pairs, Pair{name, s.convert(value, key.Line, Join(path, name), depth+1)})
	}
	for _, m := range merges {
		if m.Kind == yaml.SequenceNode {
			for _, item := range m.Content {
				s.merge(n, first, item, path, depth)
			}
			continue
		}
		s.merge(n, first, m, path, depth)
	}
}

// merge adds the pairs of y whose keys n does not have; have is the lines of those it has.
func (s *source) merge(n *Node, have map[string]int, y *yaml.Node, path string, depth int) {
	merged := s.convert(y, y.Line, path, depth+1)
	switch merged.Kind {
	case Broken:
	case Table:
		for _, p := range merged.Pairs {
			if _, own := have[p.Key]; !own {
				have[p.Key] = p.Value.Line
				n.Pairs = append(n.Pairs, p)
			}
		}
	default:
		s.add(y.Line, path, "<< wants a map or a list of maps, or aliases to them")
	}
}

func (s *source) key(y *yaml.Node, path string) (string, bool) {
	if y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	name := unshelter(y.Value)
	switch {
	case y.Kind != yaml.ScalarNode:
		s.add(y.Line, path, "a list or a map cannot be a key")
	case y.Style&yaml.TaggedStyle != 0:
		s.add(y.Line, path, "YAML tags are not supported (quotes make a key a string)")
	case len(name) > maxKeyBytes:
		s.add(y.Line, path, "a key is longer than %d bytes", maxKeyBytes)
	case s.getenv != nil && strings.Contains(name, "${"):
		s.add(y.Line, path, "the environment is expanded in values, not in keys")
	default:
		return name, true
	}
	return "", false
}

// Join gives the path of a key below path.
func Join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// Index gives the path of an item below path.
func Index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// Quote quotes a key for a message, cut where it stops looking like one: in `api_key:sk-1` or `api_key sk-1`
// the rest is a secret that lost its colon or its space.
func Quote(key string) string {
	const longest = 24
	for i, r := range key {
		name := strings.ContainsRune("_-./*@", r) || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !name || i >= longest {
			return strconv.Quote(key[:i] + "…")
		}
	}
	return strconv.Quote(key)
}
