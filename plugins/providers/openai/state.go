package main

import (
	"encoding/binary"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// streamState is what a repaired stream must remember between two calls. Layout, little-endian, lengths before bytes:
//
//	u8 version | u8 flags | u64 created | u16 id | u16 model | u16 usage | 4 × u16 template | u8 choices | choices…
//	choice: u32 index | u8 flags | u16 tools | tools…
//	tool:   u32 upstream index + 1 | u64 hash of the id | u32 hash of the name | u8 flags
//
// What is read from an encoding aliases it: most calls change nothing, and give it back as it came.
type streamState struct {
	loaded  []byte // the encoding, for as long as nothing changed
	started bool   // id, model and created are settled
	done    bool
	created int64
	id      []byte // a string, raw and with its quotes; so is model
	model   []byte
	usage   []byte // the last usage object
	spent   []byte // memory for it
	choices []choiceState
	tools   int // of all choices

	template template
}

type choiceState struct {
	index    int64
	role     bool // the role was sent
	finished bool
	tools    []toolState
}

type toolState struct {
	index int64 // the vendor's, -1 if it gave none
	id    uint64
	name  uint32
	args  bool // a piece of arguments was sent
}

const (
	stateVersion = 1
	maxChoices   = 128
	maxTools     = 1024 // of all choices together
	maxUsage     = 8 << 10

	flagStarted = 1
	flagDone    = 2

	flagRole     = 1
	flagFinished = 2

	flagArgs = 1
)

var le = binary.LittleEndian

// reset empties s and keeps its memory.
func (s *streamState) reset() {
	s.loaded, s.started, s.done, s.created, s.tools = nil, false, false, 0, 0
	s.id, s.model, s.usage, s.choices = nil, nil, nil, s.choices[:0]
	s.template.drop()
}

// changed says that the encoding which was loaded no longer holds.
func (s *streamState) changed() {
	if s.loaded != nil { // a pointer that need not be written is not: see head
		s.loaded = nil
	}
}

// spend notes the usage that the vendor reports.
func (s *streamState) spend(usage []byte) {
	if len(usage) <= maxUsage {
		s.spent = append(s.spent[:0], usage...)
		s.usage = s.spent
	}
}

// load reads an encoded state, or none. It reports whether the encoding is whole.
func (s *streamState) load(b []byte) bool {
	s.reset()
	if len(b) == 0 {
		return true
	}
	if len(b) < 10 || b[0] != stateVersion {
		return false
	}
	s.started, s.done = b[1]&flagStarted != 0, b[1]&flagDone != 0
	s.created = int64(le.Uint64(b[2:]))
	r := stateReader{b: b[10:]}
	s.id, s.model, s.usage = r.bytes(), r.bytes(), r.bytes()
	t := &s.template
	t.before, t.after, t.outBefore, t.outAfter = r.bytes(), r.bytes(), r.bytes(), r.bytes()
	s.loaded = b
	choices := int(r.take(1)[0])
	if choices > maxChoices {
		return false
	}
	for range choices {
		c := s.addChoice(int64(le.Uint32(r.take(4))))
		flags := r.take(1)[0]
		c.role, c.finished = flags&flagRole != 0, flags&flagFinished != 0
		for range le.Uint16(r.take(2)) {
			if r.bad || s.tools == maxTools {
				return false
			}
			c.tools = append(c.tools, toolState{
				index: int64(le.Uint32(r.take(4))) - 1,
				id:    le.Uint64(r.take(8)),
				name:  le.Uint32(r.take(4)),
				args:  r.take(1)[0]&flagArgs != 0,
			})
			s.tools++
		}
	}
	return !r.bad && len(r.b) == 0
}

// save appends the encoding.
func (s *streamState) save(dst []byte) []byte {
	if s.loaded != nil {
		return append(dst, s.loaded...)
	}
	dst = append(dst, stateVersion, bits(s.started, flagStarted)|bits(s.done, flagDone))
	dst = le.AppendUint64(dst, uint64(s.created))
	t := &s.template
	for _, b := range [...][]byte{s.id, s.model, s.usage, t.before, t.after, t.outBefore, t.outAfter} {
		dst = le.AppendUint16(dst, uint16(len(b)))
		dst = append(dst, b...)
	}
	dst = append(dst, byte(len(s.choices)))
	for i := range s.choices {
		c := &s.choices[i]
		dst = le.AppendUint32(dst, uint32(c.index))
		dst = append(dst, bits(c.role, flagRole)|bits(c.finished, flagFinished))
		dst = le.AppendUint16(dst, uint16(len(c.tools)))
		for _, t := range c.tools {
			dst = le.AppendUint32(dst, uint32(t.index+1))
			dst = le.AppendUint64(dst, t.id)
			dst = le.AppendUint32(dst, t.name)
			dst = append(dst, bits(t.args, flagArgs))
		}
	}
	return dst
}

func bits(on bool, flag byte) byte {
	if on {
		return flag
	}
	return 0
}

// choice returns the state of the choice with the vendor's index, a new one if need be; nil if there are too many.
func (s *streamState) choice(index int64) *choiceState {
	for i := range s.choices {
		if s.choices[i].index == index {
			return &s.choices[i]
		}
	}
	if len(s.choices) == maxChoices {
		return nil
	}
	return s.addChoice(index)
}

// addChoice appends a choice, in memory of an earlier one where there is some.
func (s *streamState) addChoice(index int64) *choiceState {
	n := len(s.choices)
	if n < cap(s.choices) {
		s.choices = s.choices[:n+1]
		s.choices[n] = choiceState{index: index, tools: s.choices[n].tools[:0]}
	} else {
		s.choices = append(s.choices, choiceState{index: index})
	}
	return &s.choices[n]
}

// complete reports whether every choice that was begun has been finished, and there is one.
func (s *streamState) complete() bool {
	for i := range s.choices {
		if !s.choices[i].finished {
			return false
		}
	}
	return len(s.choices) > 0
}

// tool finds the tool that the delta c continues, or -1 if it begins one. Vendors leave out the index, repeat id and
// name on every delta, give every call the index 0, or a new id on every delta of one call; what decides is that one
// call has one id and one name. last is the tool that the previous element of the same delta belongs to, -1 if
// there is none: one delta never holds two pieces of one call.
func (cs *choiceState) tool(doc *jsonraw.Outline, c *call, last int) int {
	if c.id != 0 {
		id := hash(doc.Inner(c.id))
		if i := lastID(cs.tools, id); i > last {
			return i
		}
		if c.name != 0 {
			return -1
		}
	}
	if c.index < 0 {
		if c.name != 0 || len(cs.tools)-1 <= last {
			return -1
		}
		return len(cs.tools) - 1
	}
	i := lastIndex(cs.tools, c.index)
	if i <= last {
		return -1
	}
	if t := &cs.tools[i]; c.name != 0 && t.name != 0 && t.name != nameHash(doc, c.name) {
		return -1
	}
	return i
}

// lastID finds the last tool with an id, -1 if there is none. Like lastIndex it is out of line because a guest pays for the
// longest way through a loop's turn, and around it that would be the rest of a function.
//
//go:noinline
func lastID(tools []toolState, id uint64) int {
	for i := len(tools) - 1; i >= 0; i-- {
		if tools[i].id == id {
			return i
		}
	}
	return -1
}

// lastIndex finds the last tool with the vendor's index, -1 if there is none.
//
//go:noinline
func lastIndex(tools []toolState, index int64) int {
	for i := len(tools) - 1; i >= 0; i-- {
		if tools[i].index == index {
			return i
		}
	}
	return -1
}

// nameHash is never 0, which stands for a tool whose name did not come yet.
func nameHash(doc *jsonraw.Outline, name jsonraw.Node) uint32 {
	return uint32(hash(doc.Inner(name))) | 1
}

// stateReader reads an encoded state; past its end it yields zeros.
type stateReader struct {
	b   []byte
	bad bool
}

var zeros [8]byte

func (r *stateReader) take(n int) []byte {
	if n > len(r.b) {
		r.bad, r.b = true, nil
		if n > len(zeros) {
			return nil
		}
		return zeros[:n]
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *stateReader) bytes() []byte {
	b := r.b
	if len(b) < 2 {
		r.bad, r.b = true, nil
		return nil
	}
	n := 2 + int(le.Uint16(b))
	if n > len(b) {
		r.bad, r.b = true, nil
		return nil
	}
	r.b = b[n:]
	return b[2:n:n]
}
