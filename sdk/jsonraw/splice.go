package jsonraw

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw/internal/scan"
)

// Op is what an [Edit] does. The numbers are those of the plugin contract's body edits.
type Op uint8

// The operations.
const (
	Set    Op = iota // make Value the member's value, adding the member if it is absent
	Delete           // remove the member if it is present
	Rename           // give the member the name Value if it is present
)

// Edit is one change to an object.
type Edit struct {
	Op Op

	// Path names a member: "model", or "stream_options.include_usage" for a member of a member. Every dot
	// separates; a key that contains one cannot be named.
	Path []byte

	// Value is raw JSON for Set, and for Rename the new name as plain text (not JSON, dots are part of it).
	// The member keeps its place and its value. If a member of the new name exists beside it, that one stays
	// as it is, and the member that was to be renamed is removed.
	Value []byte
}

// EditError refuses edits as such or because of what they would change.
type EditError struct {
	Path   string // of the edit
	Reason string
}

// Error names the path and the reason.
func (e *EditError) Error() string { return "edit of " + strconv.Quote(e.Path) + ": " + e.Reason }

// maxEdits is how many edits one Splice takes: one bit of a word each.
const maxEdits = 64

// Splice appends the object src to dst with edits made. Everything else is copied byte for byte: unknown
// members, number formats, escapes, white space. It does not allocate if dst has room for the result, no
// key is edited that occurs twice, and the keys beside the edited ones are free of escapes.
//
// Every edit refers to src as it is, so their order only decides in which order absent members are added, at
// the end. Edits that concern one another (the same path, a path within another's, the new name of another's
// member) are refused, as are more than 64.
//
// Set on "a.b" creates the object "a" if it is absent or null, and is refused if "a" is something else;
// Delete and Rename on "a.b" do nothing unless "a" is an object. If a key that an edit changes, or descends
// into, occurs more than once, its last occurrence is edited and the others are removed.
//
// src must be an object that [Valid] accepts: only the outline of what is walked over is looked at here. The
// values of Set are checked. On an error, an [*EditError] or a [*SyntaxError], dst is returned as it was.
func Splice(dst, src []byte, edits []Edit) ([]byte, error) {
	dst, _, err := SpliceAround(dst, src, edits, Span{})
	return dst, err
}

// SpliceAround is [Splice] for an object of which the place of one big value is known, a member's. It is not walked over,
// nor copied if it stays as it is: then cut is where in the result it has to be put in, else -1. big
// must be right, as [Outline] tells it; the empty Span stands for none.
func SpliceAround(dst, src []byte, edits []Edit, big Span) (out []byte, cut int, err error) {
	if err := checkEdits(edits); err != nil {
		return dst, -1, err
	}
	s := splicer{dst: dst, edits: edits, big: big, cut: -1}
	all := uint64(1)<<len(edits) - 1 // all ones for 64 too: the shift gives zero
	end, err := s.object(src, scope{mask: all})
	if err == nil && scan.SkipSpace(src, end) < len(src) {
		err = errBroken
	}
	if errors.Is(err, errBroken) {
		return dst, -1, explain(src)
	}
	if err != nil {
		return dst, -1, err
	}
	return append(s.dst, src[end:]...), s.cut, nil
}

// explain finds what is wrong with a text that is not an object.
func explain(src []byte) error {
	if err := Valid(src); err != nil {
		return err
	}
	return &SyntaxError{Offset: scan.SkipSpace(src, 0), Reason: "expected an object"}
}

func checkEdits(edits []Edit) error {
	if len(edits) > maxEdits {
		return &EditError{Path: string(edits[maxEdits].Path), Reason: "more than " + strconv.Itoa(maxEdits) + " edits"}
	}
	for i := range edits {
		e := &edits[i]
		if e.Op > Rename {
			return &EditError{Path: string(e.Path), Reason: "unknown operation " + strconv.Itoa(int(e.Op))}
		}
		if e.Op == Set {
			if err := Valid(e.Value); err != nil {
				return &EditError{Path: string(e.Path), Reason: err.Error()}
			}
		}
		for j := range i {
			if collide(e, &edits[j]) || collide(&edits[j], e) {
				return &EditError{Path: string(e.Path), Reason: "collides with the edit of " + strconv.Quote(string(edits[j].Path))}
			}
		}
		if e.Op == Rename && bytes.Equal(e.Value, e.Path[lastSegment(e.Path):]) {
			return &EditError{Path: string(e.Path), Reason: "renamed to its own name"}
		}
	}
	return nil
}

// collide reports whether b's path is a's or lies within it, or within the member that a makes by renaming.
func collide(a, b *Edit) bool {
	if within(b.Path, a.Path) {
		return true
	}
	if a.Op != Rename {
		return false
	}
	start := lastSegment(a.Path)
	if len(b.Path) < start || !bytes.Equal(b.Path[:start], a.Path[:start]) {
		return false
	}
	if b.Op == Rename && lastSegment(b.Path) == start && bytes.Equal(a.Value, b.Value) {
		return true
	}
	return within(b.Path[start:], a.Value)
}

// within reports whether path is outer or names something inside it.
func within(path, outer []byte) bool {
	return len(path) >= len(outer) && bytes.Equal(path[:len(outer)], outer) &&
		(len(path) == len(outer) || path[len(outer)] == '.')
}

func lastSegment(path []byte) int { return bytes.LastIndexByte(path, '.') + 1 }
