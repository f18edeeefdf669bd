package main

import (
	"bytes"
	"slices"
	"strings"
)

// condition holds if all tests of one of its alternatives do.
type condition []alternative

type alternative []test

// holds is one loop in another, as every call costs a guest more than what most tests do.
func (c condition) holds(s *subject) bool {
next:
	for _, a := range c {
		for i := range a {
			if !a[i].ask(&a[i], s) {
				continue next
			}
		}
		return true
	}
	return false
}

// test is one key of a condition with its value. Which members it uses depends on the field's kind.
type test struct {
	field     *field
	ask       func(t *test, s *subject) bool // the evaluator of its kind
	hashes    []uint64                       // of names, and of the patterns for deployments without a star
	patterns  []pattern                      // the others
	low, high float64
	want      bool
	spans     []span
	days      uint8 // bit 0 is Sunday
	inner     condition
}

// evaluator is how fields of a kind are asked. Each is a function of its own, as a guest pays for the longest way through a
// function when it enters it.
func (k kind) evaluator() func(t *test, s *subject) bool {
	return [kinds]func(t *test, s *subject) bool{
		kindText:    (*test).spells,
		kindTags:    (*test).tagged,
		kindAllTags: (*test).fullyTagged,
		kindNumber:  (*test).between,
		kindFlag:    (*test).flagged,
		kindName:    (*test).namesSession,
		kindHours:   (*test).timely,
		kindDays:    (*test).today,
		kindNot:     (*test).fails,
		kindOffered: (*test).offered,
	}[k]
}

// fast is the same for fields of deployments.
func (k kind) fast() func(t *test, s *subject) bool {
	switch k {
	case kindText:
		return (*test).spellsDeployment
	case kindTags:
		return (*test).tagsDeployment
	case kindAllTags:
		return (*test).fullyTagsDeployment
	default:
		return k.evaluator()
	}
}

func (t *test) spellsDeployment(s *subject) bool {
	return slices.Contains(t.hashes, s.c.hashes[t.field.slot]) || t.patterns != nil && t.spells(s)
}

func (t *test) tagsDeployment(s *subject) bool {
	for _, h := range s.hashes[s.c.firstTag:s.c.tags] {
		if slices.Contains(t.hashes, h) {
			return true
		}
	}
	return t.patterns != nil && t.tagged(s)
}

func (t *test) fullyTagsDeployment(s *subject) bool {
	for _, h := range t.hashes {
		if !slices.Contains(s.hashes[s.c.firstTag:s.c.tags], h) {
			return false
		}
	}
	return t.patterns == nil || t.fullyTagged(s)
}

func (t *test) spells(s *subject) bool { return t.any(t.field.text(s)) }

// any reports whether one of the patterns matches.
func (t *test) any(text []byte) bool {
	for i := range t.patterns {
		if t.patterns[i].matches(text) {
			return true
		}
	}
	return false
}

// between does not hold for a number that is not known: it is in no range.
func (t *test) between(s *subject) bool {
	n := t.field.number(s)
	return n >= t.low && n <= t.high
}

func (t *test) flagged(s *subject) bool {
	on, known := t.field.flag(s)
	return known && on == t.want
}

func (t *test) namesSession(s *subject) bool { return slices.Contains(t.hashes, s.in.SessionHash()) }

func (t *test) timely(s *subject) bool {
	minute := int(s.minutes() % minutesPerDay)
	for _, span := range t.spans {
		if span.holds(minute) {
			return true
		}
	}
	return false
}

func (t *test) today(s *subject) bool { return t.days>>s.weekday()&1 != 0 }

func (t *test) fails(s *subject) bool { return !t.inner.holds(s) }

func (t *test) offered(s *subject) bool {
	s.identify()
	for i := range s.candidates {
		s.c = &s.candidates[i]
		if t.inner.holds(s) {
			return true
		}
	}
	return false
}

// tagged reports whether one of the lines of tags matches one of the patterns.
func (t *test) tagged(s *subject) bool {
	for tags := t.field.text(s); len(tags) > 0; {
		var tag []byte
		if tag, tags = cutLine(tags); t.any(tag) {
			return true
		}
	}
	return false
}

// fullyTagged reports whether each of the patterns matches one of the lines of tags.
func (t *test) fullyTagged(s *subject) bool {
	tags := t.field.text(s)
	for i := range t.patterns {
		found := false
		for rest := tags; len(rest) > 0 && !found; {
			var tag []byte
			tag, rest = cutLine(rest)
			found = t.patterns[i].matches(tag)
		}
		if !found {
			return false
		}
	}
	return true
}

var newline = []byte{'\n'}

func cutLine(lines []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(lines, newline)
	return line, rest
}

// pattern is a text in which * stands for any characters. It is kept in pieces, between which the stars are.
type pattern struct {
	first  string
	middle [][]byte
	last   string
	starry bool
}

func newPattern(text string) pattern {
	pieces := strings.Split(text, "*")
	p := pattern{first: pieces[0]}
	if len(pieces) > 1 {
		p.starry, p.last = true, pieces[len(pieces)-1]
		for _, piece := range pieces[1 : len(pieces)-1] {
			p.middle = append(p.middle, []byte(piece))
		}
	}
	return p
}

// matches takes time in proportion to the length of text.
func (p *pattern) matches(text []byte) bool {
	return !p.starry && string(text) == p.first || p.starry && p.matchesPieces(text)
}

func (p *pattern) matchesPieces(text []byte) bool {
	if len(text) < len(p.first)+len(p.last) || string(text[:len(p.first)]) != p.first || string(text[len(text)-len(p.last):]) != p.last {
		return false
	}
	text = text[len(p.first) : len(text)-len(p.last)]
	for _, piece := range p.middle {
		at := bytes.Index(text, piece)
		if at < 0 {
			return false
		}
		text = text[at+len(piece):]
	}
	return true
}
