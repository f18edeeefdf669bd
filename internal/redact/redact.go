// Package redact blots secrets out of bytes that come from elsewhere: import it where a vendor's answer, which may echo
// what it was sent, goes on to a guest or to a client.
//
// A secret is found as it is, and as JSON, URLs and HTML spell it: with \u0041, \/ and \x41, with %2F, with &#47; and
// &amp;, each also when it was escaped more than once. A secret that has %, & or \ itself is found as it is, but not in
// every spelling, because how often those were escaped can't be told. It is not found when somebody hides it: cut in
// pieces, encrypted, or in an alphabet of his own.
package redact

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"slices"
	"strings"
)

// Shortest is the length in bytes below which a text is no secret: blotting it out would garble answers.
const Shortest = 8

// Mark takes a secret's place. It can stand in a JSON string as it is.
const Mark = "[redacted]"

// Set is a set of secrets. It is immutable and safe for concurrent use; a nil Set is empty.
type Set struct {
	needles [][]byte
	lower   []string  // of the needles
	first   [256]bool // bytes that a needle begins with
	quoted  bool      // a needle has a character that every JSON text escapes
}

// New returns the set of the values that are long enough, and of what they consist of when they are credentials as a
// header has them: the part after the scheme, and what Basic encodes.
func New(values ...string) *Set {
	s := &Set{}
	for _, v := range values {
		s.add(v)
		scheme, rest, ok := strings.Cut(v, " ")
		if !ok {
			continue
		}
		s.add(rest)
		if plain, err := base64.StdEncoding.DecodeString(rest); err == nil && strings.EqualFold(scheme, "basic") {
			s.add(string(plain))
			_, password, _ := strings.Cut(string(plain), ":")
			s.add(password)
		}
	}
	return s
}

func (s *Set) add(v string) {
	if v = strings.TrimSpace(v); len(v) < Shortest || slices.Contains(s.lower, strings.ToLower(v)) && s.in([]byte(v)) {
		return
	}
	s.needles = append(s.needles, []byte(v))
	s.lower = append(s.lower, strings.ToLower(v))
	s.first[v[0]] = true
	s.quoted = s.quoted || strings.ContainsAny(v, `"\`)
}

// in reports whether v is a needle already.
func (s *Set) in(v []byte) bool {
	return slices.ContainsFunc(s.needles, func(n []byte) bool { return bytes.Equal(n, v) })
}

// Empty reports whether nothing is secret.
func (s *Set) Empty() bool { return s == nil || len(s.needles) == 0 }

// Clean returns text with each secret replaced by Mark: text itself when there is none in it, else a copy.
func (s *Set) Clean(text []byte) []byte {
	if s.Empty() || len(text) < Shortest {
		return text
	}
	found := s.find(text)
	if len(found) == 0 {
		return text
	}
	clean := make([]byte, 0, len(text))
	from := 0
	for _, f := range found {
		if f.from < from { // the one before covers its start
			from = max(from, f.to)
			continue
		}
		clean = append(append(clean, text[from:f.from]...), Mark...)
		from = f.to
	}
	return append(clean, text[from:]...)
}

// In reports whether a secret is in text.
func (s *Set) In(text []byte) bool { return !s.Empty() && len(s.find(text)) > 0 }

// InName reports whether a secret is in a name whose case means nothing, such as that of a header.
func (s *Set) InName(name string) bool {
	if s.Empty() || len(name) < Shortest {
		return false
	}
	name = strings.ToLower(name)
	return slices.ContainsFunc(s.lower, func(n string) bool { return strings.Contains(name, n) })
}

// span is where a secret lies in a text.
type span struct{ from, to int }

// find returns where secrets are, in order of their starts.
func (s *Set) find(text []byte) []span {
	var found []span
	for _, n := range s.needles {
		found = appendPlain(found, text, n)
	}
	if s.escaped(text) {
		found = s.appendEscaped(found, text)
	}
	for i := range found {
		if at := found[i].from; at > 0 && text[at-1] == '\\' && run(text, at)%2 == 1 {
			found[i].from-- // the half of an escape that is left would spoil the text around it
		}
	}
	slices.SortFunc(found, func(a, b span) int { return cmp.Or(a.from-b.from, b.to-a.to) })
	return found
}

// run counts the backslashes before an offset.
func run(text []byte, at int) (n int) {
	for n < at && text[at-1-n] == '\\' {
		n++
	}
	return n
}

// longest is how much of a needle is searched for at once: bytes.Index is much faster below 64 bytes.
const longest = 48

// appendPlain finds a needle as it is, by its end.
func appendPlain(found []span, text, needle []byte) []span {
	head := max(0, len(needle)-longest)
	for from := 0; ; {
		i := bytes.Index(text[from:], needle[head:])
		if i < 0 {
			return found
		}
		if start := from + i - head; start >= 0 && bytes.Equal(text[start:from+i], needle[:head]) {
			found = append(found, span{start, start + len(needle)})
		}
		from += i + 1
	}
}
