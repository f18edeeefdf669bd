package jsonraw

import (
	"slices"
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw/internal/scan"
)

// Writer builds JSON by appending to Buf, and puts the commas. It is used as a value:
//
//	w := jsonraw.Writer{Buf: dst}
//	w.Object()
//	w.Key("model")
//	w.String("small")
//	w.Member("messages", body.Get("messages"))
//	w.End()
//	return w.Buf
//
// The caller sees to it that keys and values alternate inside objects; a Writer does not check. At the top
// level values follow each other with nothing between them. Buf may be read and appended to between calls.
// Nesting allocates only beyond 64 levels.
type Writer struct {
	Buf []byte // what was there before, and the text written

	open  uint64   // the innermost containers, one bit each, the last one lowest: set for objects
	outer []uint64 // full words of open, pushed when it overflows
	depth int
	comma bool // the next key or element needs a comma before it
}

// Object opens an object, which the matching End closes.
func (w *Writer) Object() { w.begin('{', 1) }

// Array opens an array, which the matching End closes.
func (w *Writer) Array() { w.begin('[', 0) }

// begin is out of line, as End is: in a guest, calls are smaller than what they would be replaced by, and where a loop is near,
// that would be paid for at each turn.
//
//go:noinline
func (w *Writer) begin(bracket byte, bit uint64) {
	w.separate()
	w.Buf = append(w.Buf, bracket)
	w.push(bit)
}

// End closes the innermost open object or array. Without one it does nothing.
//
//go:noinline
func (w *Writer) End() {
	if w.depth == 0 {
		return
	}
	bracket := byte(']')
	if w.open&1 != 0 {
		bracket = '}'
	}
	w.Buf = append(w.Buf, bracket)
	w.pop()
}

// Open writes constant JSON that ends inside a new object or array, which the matching Close ends:
//
//	w.Open(`{"role":"user","content":[`)
//	…
//	w.Close(`]}`)
//
// For the Writer it is one container, however many brackets there are. Like Literal it is several times as quick as the
// calls that it stands for, and in a guest a small part of the code.
func (w *Writer) Open(json string) {
	w.separate()
	put(w, json)
	w.push(0)
}

// Close ends what the matching Open began, with constant JSON.
func (w *Writer) Close(json string) {
	put(w, json)
	w.pop()
}

func (w *Writer) push(bit uint64) {
	if w.depth&63 == 0 && w.depth > 0 {
		w.outer = append(w.outer, w.open)
	}
	w.open = w.open<<1 | bit
	w.depth++
	w.comma = false
}

func (w *Writer) pop() {
	w.open >>= 1
	w.depth--
	if w.depth&63 == 0 && w.depth > 0 {
		last := len(w.outer) - 1
		w.open, w.outer = w.outer[last], w.outer[:last]
	}
	w.comma = w.depth > 0
}

// separate writes the comma that the next key or element needs, and notes that the one after it needs one.
func (w *Writer) separate() {
	if w.comma {
		w.Buf = append(w.Buf, ',')
	}
	w.comma = w.depth > 0
}

// Key writes the key of the next value.
func (w *Writer) Key(name string) {
	w.separate()
	w.quote(name)
	w.Buf = append(w.Buf, ':')
	w.comma = false
}

// quote adds text as a string.
func (w *Writer) quote(text string) {
	if !plainName(text) {
		w.Buf = AppendString(w.Buf, text)
		return
	}
	w.room(len(text) + 2)
	n := len(w.Buf)
	w.Buf = w.Buf[:n+len(text)+2]
	buf := w.Buf[n:]
	buf[0], buf[len(buf)-1] = '"', '"'
	copy(buf[1:], text)
}

// room makes room for so many bytes. What is written there by copy needs no pointer to be written, other than with
// append: in a guest whose collector is at work, a pointer costs as much as thousands of bytes.
func (w *Writer) room(size int) {
	if size > cap(w.Buf)-len(w.Buf) {
		w.Buf = slices.Grow(w.Buf, size)
	}
}

// put adds text as it is.
func put[T ~string | ~[]byte](w *Writer, text T) {
	w.room(len(text))
	n := len(w.Buf)
	w.Buf = w.Buf[:n+len(text)]
	copy(w.Buf[n:], text)
}

// plainName reports whether name is sure to need no escape. Names of usual length are looked at without a loop.
func plainName(name string) bool {
	var w uint64 // of a longer name, both ends
	n := len(name)
	switch {
	case n > 16 || n == 0:
		return n == 0 || scan.IndexUnsafe(name, 0) == n
	case n >= 8:
		w = scan.Load8(name, n-8)
		if first := scan.Load8(name, 0); scan.ZeroBytes(first^scan.Quotes)|scan.ZeroBytes(first^scan.Slashes)|scan.Below20(first)|first&scan.HighBits != 0 {
			return false
		}
	case n >= 4:
		w = scan.Load4(name, 0) | scan.Load4(name, n-4)<<32
	default:
		w = uint64(name[0]) | uint64(name[n/2])<<8 | uint64(name[n-1])<<16 | scan.LowBits*'x'&^0xffffff
	}
	return scan.ZeroBytes(w^scan.Quotes)|scan.ZeroBytes(w^scan.Slashes)|scan.Below20(w)|w&scan.HighBits == 0
}

// RawKey is Key for the raw string of a key, such as [Members].Key.
func (w *Writer) RawKey(key Value) {
	w.Around("", key, ":")
	w.comma = false
}

// Member writes the key name and the raw value v; nothing at all if v is missing.
func (w *Writer) Member(name string, v Value) {
	if len(v) == 0 {
		return
	}
	w.Key(name)
	put(w, v)
	w.comma = true
}

// Raw writes v as it is.
func (w *Writer) Raw(v Value) {
	w.separate()
	put(w, v)
}

// Literal writes constant JSON as it is: a value, or inside an object whole members, as in
// w.Literal(`"type":"text"`). It is several times as quick as Key and String.
func (w *Writer) Literal(json string) {
	w.separate()
	put(w, json)
}

// Around writes before, v and after one behind the other, which together are a value, or inside an object whole members:
//
//	w.Around(`{"type":"text","text":`, text, `}`)
func (w *Writer) Around(before string, v Value, after string) {
	w.room(1 + len(before) + len(v) + len(after))
	buf, n := w.Buf[len(w.Buf):cap(w.Buf)], 0
	if w.comma {
		buf[0] = ','
		n = 1
	}
	n += copy(buf[n:], before)
	n += copy(buf[n:], v)
	n += copy(buf[n:], after)
	w.Buf = w.Buf[:len(w.Buf)+n]
	w.comma = w.depth > 0
}

// String writes text as a JSON string, escaped as by [AppendString].
func (w *Writer) String(text string) {
	w.separate()
	w.quote(text)
}

// Bytes is String for text in a byte slice.
func (w *Writer) Bytes(text []byte) {
	w.separate()
	w.Buf = AppendString(w.Buf, text)
}

// Joined writes one string made of several, as [AppendJoined] does.
func (w *Writer) Joined(sep string, parts ...Value) {
	w.separate()
	w.Buf = AppendJoined(w.Buf, sep, parts...)
}

// OpenString starts a string that is written in pieces, with Inner and Escape, until CloseString.
func (w *Writer) OpenString() {
	w.separate()
	w.Buf = append(w.Buf, '"')
}

// Inner adds the text of the string v to the open string, copied still escaped.
func (w *Writer) Inner(v Value) { put(w, v.Inner()) }

// Escape adds text to the open string.
func (w *Writer) Escape(text string) { w.Buf = AppendEscaped(w.Buf, text) }

// CloseString ends the open string.
func (w *Writer) CloseString() { w.Buf = append(w.Buf, '"') }

// Quoted writes a string that contains v as compact JSON text, as [AppendQuoted] does.
func (w *Writer) Quoted(v Value) {
	w.separate()
	w.Buf = AppendQuoted(w.Buf, v)
}

// Unquoted writes the JSON value that the string v contains as text, as [AppendUnquoted] does. On an error
// nothing is written, and a value for the key, if there is one, is still due.
func (w *Writer) Unquoted(v Value) error {
	mark, comma := len(w.Buf), w.comma
	w.separate()
	buf, err := AppendUnquoted(w.Buf, v)
	if err != nil {
		w.Buf, w.comma = w.Buf[:mark], comma
		return err
	}
	w.Buf = buf
	return nil
}

// Int writes n.
func (w *Writer) Int(n int64) {
	var room [20]byte
	w.separate()
	put(w, strconv.AppendInt(room[:0], n, 10))
}

// Float writes f, or null if f is not finite.
func (w *Writer) Float(f float64) {
	w.separate()
	w.Buf = appendFloat(w.Buf, f)
}

// Bool writes true or false.
func (w *Writer) Bool(b bool) {
	w.separate()
	w.Buf = strconv.AppendBool(w.Buf, b)
}

// Null writes null.
func (w *Writer) Null() {
	w.separate()
	put(w, "null")
}
