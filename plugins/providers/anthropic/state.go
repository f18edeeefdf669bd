package main

import (
	"encoding/binary"
	"slices"

	"github.com/switchyard-gateway/switchyard/sdk/chat/answer"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
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
//	version | bits | finish | u16 calls | 5 × u64 usage, if it is known | u16 length, head | blocks…
//
// where finish is an index in finishReasons, and a block is u64 index | kind | u16 call | u16 length, input; numbers
// are little-endian. What request returns are the first two bytes only.
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

var finishReasons = [...]string{"", answer.FinishStop, answer.FinishLength, answer.FinishToolCalls, answer.FinishContentFilter}

func appendInitialState(dst []byte, jsonTool bool) []byte {
	bits := byte(0)
	if jsonTool {
		bits = stateJSONTool
	}
	return append(dst, stateVersion, bits)
}

// decode reads a state into s, whose slices alias data; none at all is that of a new stream.
func (s *state) decode(data []byte) error {
	s.jsonTool, s.started, s.stopped, s.jsonCall = false, false, false, false
	s.finish, s.calls, s.head, s.blocks, s.used.present = "", 0, nil, s.blocks[:0], false
	s.used.input, s.used.write, s.used.read, s.used.output, s.used.thought = 0, 0, 0, 0, 0
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
	if len(data) < 7 || int(data[2]) >= len(finishReasons) {
		return errState
	}
	s.finish, s.calls = finishReasons[data[2]], int(le.Uint16(data[3:]))
	data = data[5:]
	if s.used.present {
		if len(data) < 42 {
			return errState
		}
		u := &s.used
		u.input, u.write, u.read = le.Uint64(data), le.Uint64(data[8:]), le.Uint64(data[16:])
		u.output, u.thought = le.Uint64(data[24:]), le.Uint64(data[32:])
		data = data[40:]
	}
	n := 2 + int(le.Uint16(data))
	if n > len(data) || s.calls > maxCalls || s.started != (n > 2) {
		return errState
	}
	s.head, data = data[2:n:n], data[n:]
	for len(data) > 0 {
		if len(data) < 13 || len(s.blocks) == maxBlocks {
			return errState
		}
		b := block{index: le.Uint64(data), kind: blockKind(data[8]), call: int(le.Uint16(data[9:]))}
		n := 13 + int(le.Uint16(data[11:]))
		if n > len(data) || b.call > maxCalls {
			return errState
		}
		b.input, data = data[13:n:n], data[n:]
		s.blocks = append(s.blocks, b)
	}
	return nil
}

var le = binary.LittleEndian

func (s *state) append(dst []byte) []byte {
	bits, finish := byte(0), 0
	if s.jsonTool {
		bits |= stateJSONTool
	}
	if s.started {
		bits |= stateStarted
	}
	if s.stopped {
		bits |= stateStopped
		finish = max(0, slices.Index(finishReasons[:], s.finish))
	}
	if s.jsonCall {
		bits |= stateJSONCall
	}
	if s.used.present {
		bits |= stateUsage
	}
	dst = append(dst, stateVersion, bits, byte(finish), byte(s.calls), byte(s.calls>>8))
	if u := &s.used; u.present {
		dst = le.AppendUint64(le.AppendUint64(dst, u.input), u.write)
		dst = le.AppendUint64(le.AppendUint64(dst, u.read), u.output)
		dst = le.AppendUint64(dst, u.thought)
	}
	dst = append(append(dst, byte(len(s.head)), byte(len(s.head)>>8)), s.head...)
	for i := range s.blocks {
		b := &s.blocks[i]
		dst = append(le.AppendUint64(dst, b.index), byte(b.kind), byte(b.call), byte(b.call>>8))
		dst = append(le.AppendUint16(dst, uint16(len(b.input))), b.input...)
	}
	return dst
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

// errState refuses a state that this version did not write.
var errState = refusal.BadResponse("the stream's state can't be read")
