package jsonraw

import "math"

// Outline is a document that was checked and taken apart in one pass: it knows where every value begins and ends, so
// that moving around in it costs next to nothing, however deep. It is what to use for a document of which much is
// read; for a look at a few members the iterators of [Value] need no memory.
//
// Values and keys are numbered in the order of the text. A value's number is followed by those of what is inside it;
// in an object the number of a key is followed by that of its value:
//
//	for key, end := doc.Members(jsonraw.Root); key < end; key = doc.After(key + 1) {
//		switch string(doc.Name(key)) {
//		case "messages":
//			for e, end := doc.Elements(key + 1); e < end; e = doc.After(e) {
//				use(doc.Value(e))
//			}
//		}
//	}
//
// Of equal keys all are there, in order. The zero value is ready for Read. What was read is valid until the next Read,
// as long as the text is, and belongs to one goroutine.
type Outline struct {
	// Limit is about how many keys and values Read accepts, MaxNodes when it is 0. Each takes 8 bytes.
	Limit int

	text []byte
	wide bool // a string has an escape with four digits

	// A key, or a value that is no container, is one entry: where it starts (31 bits) and where it ends (the next 32,
	// of which the highest is set if it is a string with a backslash). A container has two, around those of what is
	// inside: where it starts and the number behind its second entry; where it ends. While it is open, the first one
	// has the number of the container around it.
	entries []uint64
}

// Node is the number of a key or value in an [Outline].
type Node int

// Root is the number of the whole document. As no member or element has it, it can stand for a missing one.
const Root Node = 0

// MaxNodes is about how many keys and values [Outline.Read] accepts unless it has a Limit: more than any request has, and
// little enough that a hostile one cannot fill a guest's memory.
const MaxNodes = 1 << 20

// entry returns where a key or value begins, and what the upper half of its entry says.
func (o *Outline) entry(n Node) (start, end int) {
	e := o.entries[n]
	return int(e & math.MaxInt32), int(e >> 32 & math.MaxInt32)
}

// Value returns the text of a key or value.
func (o *Outline) Value(n Node) Value {
	start, end := o.entry(n)
	if o.text[start]|0x20 == '{' { // either bracket
		end = int(o.entries[end-1])
	}
	return o.text[start:end:end]
}

// Offset returns where in the document a key or value begins.
func (o *Outline) Offset(n Node) int { return int(o.entries[n] & math.MaxInt32) }

// Wide reports whether any string of the document has an escape with four digits, such as \u00e9.
func (o *Outline) Wide() bool { return o.wide }

// Kind returns the kind of a value.
func (o *Outline) Kind(n Node) Kind { return kinds[o.text[o.entries[n]&math.MaxInt32]] }

// Absent reports whether a value is null.
func (o *Outline) Absent(n Node) bool { return o.text[o.entries[n]&math.MaxInt32] == 'n' }

var kinds = [256]Kind{
	'"': String, '{': Object, '[': Array, 't': Bool, 'f': Bool, 'n': Null, '-': Number,
	'0': Number, '1': Number, '2': Number, '3': Number, '4': Number, '5': Number, '6': Number, '7': Number, '8': Number, '9': Number,
}

// Name returns a key's text. It allocates only if the key contains escapes; otherwise it is a slice of the document.
func (o *Outline) Name(key Node) (name []byte) {
	if e := o.entries[key]; int64(e) < 0 {
		name = o.unescaped(key)
	} else {
		name = o.text[uint32(e)+1 : e>>32-1]
	}
	return
}

func (o *Outline) unescaped(key Node) []byte { return o.Value(key).AppendText(nil) }

// Inner returns the inside of a string, still escaped and without its quotes; nil if the value is not a string.
func (o *Outline) Inner(n Node) []byte {
	start, end := o.entry(n)
	if o.text[start] != '"' {
		return nil
	}
	return o.text[start+1 : end-1]
}

// Members returns the number of an object's first key, and where to stop. There are none in a value of another kind.
func (o *Outline) Members(n Node) (key, end Node) {
	at, behind := o.entry(n)
	if o.text[at] != '{' {
		return n, n
	}
	return n + 1, Node(behind - 1)
}

// Elements returns the number of an array's first element, and where to stop. There are none in a value of another
// kind.
func (o *Outline) Elements(n Node) (first, end Node) {
	at, behind := o.entry(n)
	if o.text[at] != '[' {
		return n, n
	}
	return n + 1, Node(behind - 1)
}

// After returns the number behind a value and all that is inside it.
func (o *Outline) After(value Node) Node {
	e := o.entries[value]
	if o.text[e&math.MaxInt32]|0x20 == '{' {
		return Node(e >> 32)
	}
	return value + 1
}
