package jsonraw

import (
	"bytes"
	"errors"
	"math/bits"
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw/internal/scan"
)

// splicer carries one Splice: dst grows as objects are walked over.
type splicer struct {
	dst   []byte
	edits []Edit
	big   Span // a member's value, of the outermost object
	cut   int  // where in dst it was left out; -1: nowhere
}

// scope is what concerns one object: the edits in mask, whose paths all lead to it with their first at bytes.
type scope struct {
	mask uint64
	at   int
}

// errBroken says that a text is not an object; what is wrong with it is found out afterwards.
var errBroken = errors.New("not an object")

// tally counts the occurrences of each edit's key and of the name that it renames to. It is made only for
// objects in which one pass met a key twice, or a new name behind the old one.
type tally struct {
	key, target [maxEdits]int
}

// match is what the edits of a scope have to do with one key.
type match struct {
	edits   uint64 // whose path has this key
	deeper  bool   // their paths go on behind the key
	keyLen  int
	targets uint64 // which rename to this key
}

// object appends obj, edited, and returns the offset behind it.
func (s *splicer) object(obj Value, sc scope) (int, error) {
	mark := len(s.dst)
	end, again, err := s.pass(obj, sc, nil)
	if again {
		s.dst = s.dst[:mark]
		if sc.at == 0 {
			s.cut = -1
		}
		end, _, err = s.pass(obj, sc, s.count(obj, sc))
	}
	return end, err
}

// pass walks over obj once. Without a tally it takes the first occurrence of a key for the only one, and
// asks to be run again with a tally if that turns out wrong.
func (s *splicer) pass(obj Value, sc scope, counts *tally) (end int, again bool, err error) {
	m := s.members(obj, sc)
	copied := 0             // obj[:copied] was dealt with
	itemEnd := m.pos        // behind the last member, or behind the opening brace
	kept := false           // a member was written, so that the next one needs its comma
	var seen, target uint64 // edits whose key, or whose new name, was met
	for m.Next() {
		found := s.match(&m, sc)
		if found.targets != 0 {
			again = again || seen&found.targets != 0
			target |= found.targets
		}
		if found.edits == 0 {
			itemEnd, kept = m.pos, true
			continue
		}
		again = again || seen&found.edits != 0
		if again && counts == nil {
			return 0, true, nil
		}
		seen |= found.edits
		i := bits.TrailingZeros64(found.edits)
		e := &s.edits[i]
		drop := false
		if counts != nil {
			counts.key[i]--
			drop = counts.key[i] > 0 || counts.target[i] > 0
		}
		switch {
		case found.deeper && !drop:
			s.copy(obj, sc, copied, m.valStart)
			inner := scope{mask: found.edits, at: sc.at + found.keyLen + 1}
			if err := s.member(m.Value, inner); err != nil {
				return 0, false, err
			}
			copied = m.pos
		case drop, e.Op == Delete, e.Op == Rename && target>>i&1 != 0:
			if kept {
				s.copy(obj, sc, copied, scan.SkipSpace(obj, itemEnd))
				copied = scan.SkipSpace(obj, m.pos)
			} else {
				s.copy(obj, sc, copied, itemEnd)
				if copied = scan.SkipSpace(obj, m.pos); copied < len(obj) && obj[copied] == ',' {
					copied++
				}
			}
			itemEnd = copied
			continue
		case e.Op == Set:
			s.copy(obj, sc, copied, m.valStart)
			s.dst = append(s.dst, e.Value...)
			copied = m.pos
		default:
			s.copy(obj, sc, copied, m.keyStart)
			s.dst = AppendString(s.dst, e.Value)
			copied = m.keyStart + len(m.Key)
		}
		itemEnd, kept = m.pos, true
	}
	if again && counts == nil {
		return 0, true, nil
	}
	if m.state != iterDone {
		return 0, false, errBroken
	}
	s.copy(obj, sc, copied, itemEnd)
	s.add(sc.mask&^seen, sc.at, kept)
	s.copy(obj, sc, itemEnd, m.pos)
	return m.pos, false, nil
}

// members iterates over obj.
func (s *splicer) members(obj Value, sc scope) Members {
	m := obj.Members()
	if sc.at == 0 {
		m.leap = s.big
	}
	return m
}

// copy appends a part of obj, whose ends are not inside any member's value.
func (s *splicer) copy(obj Value, sc scope, from, to int) {
	if sc.at == 0 && s.big.End > 0 && from <= s.big.Start && s.big.End <= to {
		s.dst = append(s.dst, obj[from:s.big.Start]...)
		s.cut, from = len(s.dst), s.big.End
	}
	s.dst = append(s.dst, obj[from:to]...)
}

// match finds the edits of sc which concern the current member of m.
func (s *splicer) match(m *Members, sc scope) (found match) {
	name := m.Name()
	for mask := sc.mask; mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros64(mask)
		e := &s.edits[i]
		path := e.Path[sc.at:]
		switch {
		case len(path) == len(name):
			if bytes.Equal(path, name) && bytes.IndexByte(name, '.') < 0 {
				found.edits |= 1 << i
			}
		case len(path) > len(name) && path[len(name)] == '.':
			if bytes.Equal(path[:len(name)], name) && bytes.IndexByte(name, '.') < 0 {
				found.edits |= 1 << i
				found.deeper, found.keyLen = true, len(name)
			}
		}
		if e.Op == Rename && bytes.Equal(e.Value, name) && bytes.IndexByte(path, '.') < 0 {
			found.targets |= 1 << i
		}
	}
	return found
}

// count makes the tally of obj.
func (s *splicer) count(obj Value, sc scope) *tally {
	counts := new(tally)
	for m := s.members(obj, sc); m.Next(); {
		found := s.match(&m, sc)
		if found.edits != 0 {
			counts.key[bits.TrailingZeros64(found.edits)]++
		}
		for mask := found.targets; mask != 0; mask &= mask - 1 {
			counts.target[bits.TrailingZeros64(mask)]++
		}
	}
	return counts
}

// member appends v, the value of a member inside which the edits of sc take place.
func (s *splicer) member(v Value, sc scope) error {
	kind := v.Kind()
	if kind == Object {
		_, err := s.object(v, sc)
		return err
	}
	for mask := sc.mask; mask != 0; mask &= mask - 1 {
		e := &s.edits[bits.TrailingZeros64(mask)]
		if e.Op != Set {
			continue
		}
		if kind != Null {
			return &EditError{Path: string(e.Path), Reason: strconv.Quote(string(e.Path[:sc.at-1])) + " is not an object but of kind " + kind.String()}
		}
		s.create(sc.mask, sc.at)
		return nil
	}
	s.dst = append(s.dst, v...)
	return nil
}

// create appends a new object with what the edits in mask set.
func (s *splicer) create(mask uint64, at int) {
	s.dst = append(s.dst, '{')
	s.add(mask, at, false)
	s.dst = append(s.dst, '}')
}

// add appends the members that the Set edits in mask name and that the object does not have. comma says that
// the first one needs a comma.
func (s *splicer) add(mask uint64, at int, comma bool) {
	for ; mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros64(mask)
		e := &s.edits[i]
		if e.Op != Set {
			continue
		}
		if comma {
			s.dst = append(s.dst, ',')
		}
		comma = true
		path := e.Path[at:]
		dot := bytes.IndexByte(path, '.')
		if dot < 0 {
			s.dst = AppendString(s.dst, path)
			s.dst = append(s.dst, ':')
			s.dst = append(s.dst, e.Value...)
			continue
		}
		s.dst = AppendString(s.dst, path[:dot])
		s.dst = append(s.dst, ':')
		group := uint64(0)
		for rest := mask; rest != 0; rest &= rest - 1 {
			k := bits.TrailingZeros64(rest)
			if within(s.edits[k].Path, e.Path[:at+dot]) {
				group |= 1 << k
			}
		}
		s.create(group, at+dot+1)
		mask = mask&^group | 1<<i
	}
}
