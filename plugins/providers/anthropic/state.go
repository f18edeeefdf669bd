package main

import (
	"encoding/binary"
	"slices"

	"github.com/switchyard-gateway/switchyard/sdk/chat"
)

// stateVersion is the first byte of a state.
const stateVersion = 1

// Bits of a state's second byte.
const (
	stateJSONTool = 1 << iota // the answer comes as a call of the tool of jsonTool
	stateStarted              // the role chunk was written
	stateStopped              // a stop_reason was seen
	stateJSONCall             // the tool of jsonTool was called
	stateUsage                // usage is known
)

// state is what a stream remembers between calls. The encoding is
//
//	version | bits | finish | uvarint calls | 5 uvarints: usage | uvarint length, head | blocks…
//
// where finish is an index in finishReasons, and a block is uvarint index | kind | uvarint call | uvarint length, input. What request returns are the
// first two bytes only.
type state struct {
	jsonTool, started, stopped, jsonCall bool

	finish string // the finish reason, once stopped
	calls  int    // tool calls begun
	used   counts
	head   []byte
	blocks []block
}

// block is a content block that began and did not end. Blocks of kinds without state are not kept.
type block struct {
	index uint64
	kind  blockKind
	call  int    // number of the tool call
	input []byte // the input that came with the start; it counts if no other follows
}

type blockKind byte

const (
	blockCall  blockKind = iota + 1 // a tool call without arguments so far
	blockReady                      // a tool call with arguments
	blockJSON                       // the tool of jsonTool, nothing so far
	blockJSONReady
	blockOther // one whose deltas are dropped
)

// These bound the state; the API has one block open at a time.
const (
	maxBlocks = 16
	maxInput  = 2 << 10
	maxCalls  = 1 << 12
)

var finishReasons = [...]string{"", chat.FinishStop, chat.FinishLength, chat.FinishToolCalls, chat.FinishContentFilter}

func appendInitialState(dst []byte, jsonTool bool) []byte {
	bits := byte(0)
	if jsonTool {
		bits = stateJSONTool
	}
	return append(dst, stateVersion, bits)
}

// decode reads a state into s, whose slices alias data; none at all is that of a new stream.
func (s *state) decode(data []byte) error {
	*s = state{blocks: s.blocks[:0]}
	if len(data) == 0 {
		return nil
	}
	if len(data) < 2 || data[0] != stateVersion {
		return errState
	}
	bits := data[1]
	s.jsonTool, s.started, s.stopped = bits&stateJSONTool != 0, bits&stateStarted != 0, bits&stateStopped != 0
	s.jsonCall, s.used.present = bits&stateJSONCall != 0, bits&stateUsage != 0
	if len(data) == 2 { // what request made
		if bits&^stateJSONTool != 0 {
			return errState
		}
		return nil
	}
	r := stateReader{data: data[2:]}
	finish := r.byte()
	s.calls = r.count()
	for _, n := range [...]*uint64{&s.used.input, &s.used.write, &s.used.read, &s.used.output, &s.used.thought} {
		*n = r.uvarint()
	}
	s.head = r.bytes()
	for len(r.data) > 0 && !r.bad {
		b := block{index: r.uvarint(), kind: blockKind(r.byte()), call: r.count(), input: r.bytes()}
		s.blocks = append(s.blocks, b)
	}
	if r.bad || int(finish) >= len(finishReasons) || len(s.blocks) > maxBlocks || s.started != (len(s.head) > 0) {
		return errState
	}
	s.finish = finishReasons[finish]
	return nil
}

func (s *state) append(dst []byte) []byte {
	bits := byte(0)
	for i, on := range [...]bool{s.jsonTool, s.started, s.stopped, s.jsonCall, s.used.present} {
		if on {
			bits |= 1 << i
		}
	}
	finish := max(0, slices.Index(finishReasons[:], s.finish))
	dst = append(dst, stateVersion, bits, byte(finish))
	dst = binary.AppendUvarint(dst, uint64(s.calls))
	for _, n := range [...]uint64{s.used.input, s.used.write, s.used.read, s.used.output, s.used.thought} {
		dst = binary.AppendUvarint(dst, n)
	}
	dst = appendBytes(dst, s.head)
	for i := range s.blocks {
		b := &s.blocks[i]
		dst = append(binary.AppendUvarint(dst, b.index), byte(b.kind))
		dst = binary.AppendUvarint(dst, uint64(b.call))
		dst = appendBytes(dst, b.input)
	}
	return dst
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// find returns the open block with the index, or nil.
func (s *state) find(index uint64) *block {
	for i := range s.blocks {
		if s.blocks[i].index == index {
			return &s.blocks[i]
		}
	}
	return nil
}

type stateReader struct {
	data []byte
	bad  bool
}

func (r *stateReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.bad, r.data = true, nil
		return 0
	}
	r.data = r.data[n:]
	return v
}

// count reads a number of calls.
func (r *stateReader) count() int {
	n := r.uvarint()
	r.bad = r.bad || n > maxCalls
	return int(min(n, maxCalls))
}

func (r *stateReader) byte() byte {
	if len(r.data) == 0 {
		r.bad = true
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

func (r *stateReader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.data)) {
		r.bad, r.data = true, nil
		return nil
	}
	b := r.data[:n:n]
	r.data = r.data[n:]
	return b
}

// errState refuses a state that this version did not write.
var errState = chat.BadResponse("the stream's state can't be read")
