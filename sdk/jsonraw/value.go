// Package jsonraw reads, builds and edits JSON as raw bytes, for plugin code that must translate a chat
// request or a stream event in microseconds inside a WASM guest, and for the host's passthrough path.
//
// Nothing is decoded that is not asked for. A [Value] is a slice of the input; strings are copied from one
// document to another still escaped, numbers keep their text, and unknown members survive byte for byte.
// The package uses no reflection, no encoding/json and no fmt.
//
// # Checked once, then trusted
//
// [Parse] (or [Valid], or [Outline.Read], which also finds where everything is) checks a whole document. All
// other readers rely on that check: on text that was never checked they do not panic, run past the end or loop,
// but what they report is unspecified.
//
// # Duplicate keys
//
// As in encoding/json the last one wins: [Value.Get] returns the last of equal keys, and [Splice] edits the
// last and removes the others. [Members] yields all of them in order, so that a loop which assigns to
// variables gets the same result by itself.
//
// # Invalid text
//
// Like encoding/json, [Valid] does not look at UTF-8 inside strings. Decoding a string turns each invalid
// byte and each unpaired surrogate escape into U+FFFD; copying a string raw keeps it as it is.
//
// Values, iterators and writers belong to one goroutine; functions may be called concurrently.
package jsonraw

import "github.com/switchyard-gateway/switchyard/sdk/jsonraw/internal/scan"

// Kind says what a [Value] is.
type Kind uint8

// The kinds. Missing is the kind of the empty Value, which stands for "no such member".
const (
	Missing Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// String returns the name that JSON uses for k, for use in messages.
func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case Bool:
		return "boolean"
	case Number:
		return "number"
	case String:
		return "string"
	case Array:
		return "array"
	case Object:
		return "object"
	default:
		return "missing"
	}
}

// Value is the raw text of one JSON value: a slice of the document it came from, valid as long as that is and
// not to be written to. The empty Value stands for a missing one, and every method accepts it.
type Value []byte

// Span is where something lies in a text: offsets, the second behind its end. The empty Span lies nowhere.
type Span struct{ Start, End int }

// Parse checks that data holds exactly one JSON value and returns it without the white space around it.
// The error is a [*SyntaxError].
func Parse(data []byte) (Value, error) {
	if err := Valid(data); err != nil {
		return nil, err
	}
	start, end := scan.SkipSpace(data, 0), len(data)
	for end > start && data[end-1] <= ' ' {
		end--
	}
	return data[start:end], nil
}

// Kind tells the kind of v from its first byte.
func (v Value) Kind() Kind {
	i := scan.SkipSpace(v, 0)
	if i >= len(v) {
		return Missing
	}
	switch v[i] {
	case '"':
		return String
	case '{':
		return Object
	case '[':
		return Array
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	default:
		return Number
	}
}

// Absent reports whether v is missing or null, which most wire formats treat alike.
func (v Value) Absent() bool {
	k := v.Kind()
	return k == Missing || k == Null
}

// Get follows path through objects by key and through arrays by decimal index ("0" is the first element) and
// returns what is there, or the empty Value. Each step reads its whole object, because the last of equal keys
// counts: to read many members of one object, loop over [Value.Members] once instead.
func (v Value) Get(path ...string) Value {
	for _, key := range path {
		switch v.Kind() {
		case Object:
			v = v.member(key)
		case Array:
			v = v.element(key)
		default:
			return nil
		}
	}
	return v
}

func (v Value) member(key string) Value {
	var found Value
	for m := v.Members(); m.Next(); {
		if m.Is(key) {
			found = m.Value
		}
	}
	return found
}

func (v Value) element(index string) Value {
	if index == "" || len(index) > 9 {
		return nil
	}
	n := 0
	for i := range len(index) {
		c := index[i]
		if c < '0' || c > '9' {
			return nil
		}
		n = n*10 + int(c-'0')
	}
	for e := v.Elements(); e.Next(); n-- {
		if n == 0 {
			return e.Value
		}
	}
	return nil
}

// Members iterates over the members of an object, in order and without allocating:
//
//	for m := body.Members(); m.Next(); {
//		switch string(m.Name()) {
//		case "model":
//			model = m.Value
//		}
//	}
type Members struct {
	Key   Value // the key's raw string, quotes included; valid after Next returned true
	Value Value // the member's value

	data     []byte
	pos      int  // where the next token is looked for
	keyStart int  // offset of Key in data
	valStart int  // offset of Value in data
	leap     Span // a value that needs no walking over
	state    iterState
	escaped  bool // Key contains a backslash
}

type iterState uint8

const (
	iterFirst iterState = iota // before the first item
	iterRest                   // after an item: a comma or the closing bracket comes next
	iterDone                   // the closing bracket was read
	iterBroken
)

// Members returns an iterator over v, which yields nothing unless v is an object.
func (v Value) Members() Members {
	i := scan.SkipSpace(v, 0)
	if i >= len(v) || v[i] != '{' {
		return Members{state: iterBroken}
	}
	return Members{data: v, pos: i + 1}
}

// Next moves to the next member and reports whether there is one.
func (m *Members) Next() bool {
	data := m.data
	i := m.pos
	if m.state == iterRest && i+1 < len(data) && data[i] == ',' && data[i+1] == '"' {
		i++ // the usual case, without white space
	} else {
		var ok bool
		if i, ok = nextItem(data, i, &m.state, '}'); !ok {
			m.pos = i
			return false
		}
		if i >= len(data) || data[i] != '"' {
			m.state = iterBroken
			return false
		}
	}
	keyStart := i
	keyEnd, escaped := scan.SkipKey(data, i+1)
	if i = keyEnd; i >= len(data) || data[i] != ':' {
		if i = scan.SkipSpace(data, i); i >= len(data) || data[i] != ':' {
			m.state = iterBroken
			return false
		}
	}
	if i++; i < len(data) && data[i] <= ' ' {
		i = scan.SkipSpace(data, i)
	}
	var end int
	if i == m.leap.Start { // never 0, as that of a span left empty is
		end = m.leap.End
	} else if i < len(data) && data[i] == '"' {
		end = scan.SkipString(data, i+1) // most are strings: spare them a call
	} else {
		end = scan.SkipValue(data, i)
	}
	if end < 0 {
		m.state = iterBroken
		return false
	}
	m.Key = data[keyStart:keyEnd:keyEnd]
	m.Value = data[i:end:end]
	m.keyStart, m.valStart, m.pos = keyStart, i, end
	m.escaped = escaped
	return true
}

// Name returns the key's text. It allocates only if the key contains escapes; otherwise it is a slice of the
// document.
func (m *Members) Name() []byte {
	if m.escaped {
		return m.Key.AppendText(nil)
	}
	return m.Key[1 : len(m.Key)-1]
}

// Is reports whether the key's text is name, without allocating.
func (m *Members) Is(name string) bool {
	if m.escaped {
		return m.Key.TextIs(name)
	}
	return string(m.Key[1:len(m.Key)-1]) == name
}

// Elements iterates over the elements of an array, in order and without allocating:
//
//	for e := messages.Elements(); e.Next(); {
//		use(e.Value)
//	}
type Elements struct {
	Value Value // the current element; valid after Next returned true

	data  []byte
	pos   int
	state iterState
}

// Elements returns an iterator over v, which yields nothing unless v is an array.
func (v Value) Elements() Elements {
	i := scan.SkipSpace(v, 0)
	if i >= len(v) || v[i] != '[' {
		return Elements{state: iterBroken}
	}
	return Elements{data: v, pos: i + 1}
}

// Next moves to the next element and reports whether there is one.
func (e *Elements) Next() bool {
	i, ok := nextItem(e.data, e.pos, &e.state, ']')
	if !ok {
		e.pos = i
		return false
	}
	end := scan.SkipValue(e.data, i)
	if end < 0 {
		e.state = iterBroken
		return false
	}
	e.Value = e.data[i:end:end]
	e.pos = end
	return true
}

// nextItem moves from pos to the start of the next item of a container, or past its closing bracket.
func nextItem(data []byte, pos int, state *iterState, closing byte) (int, bool) {
	i := scan.SkipSpace(data, pos)
	was := *state
	switch {
	case was >= iterDone:
		return pos, false
	case i >= len(data):
	case data[i] == closing:
		*state = iterDone
		return i + 1, false
	case was == iterFirst:
		*state = iterRest
		return i, true
	case data[i] == ',':
		return scan.SkipSpace(data, i+1), true
	}
	*state = iterBroken
	return pos, false
}
