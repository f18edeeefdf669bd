package host

import (
	"encoding/binary"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// A state is meaningful to the version that gave it and to no other, and a plan is as good as a state: only its author
// knows which answer it asked for. So a state leaves the host with the number of its module in front, even if it is
// empty, and the call that brings it back goes to that version, whichever serves by then. Guests never see the number.
const tagSize = 4

// mark puts the tag of a module in front of a state. The state is the size bytes at an offset of a decoded answer, and
// the tag takes the place of their length, which nobody needs any more: nothing is moved.
func (m *module) mark(answer []byte, at, size int) []byte {
	state := answer[at-tagSize : at+size : at+size]
	binary.LittleEndian.PutUint32(state, m.number)
	return state
}

// requestState returns where the state lies in the encoding of out. See abi.RequestOutput for the layout.
func requestState(out *abi.RequestOutput) int {
	const fixed = 1 + 4 + 3*2 + 4*4 // reply and modes, the lengths of three str16 and, with the state's, of four bytes32
	return fixed + len(out.AuthName) + len(out.Path) + len(out.Query) + len(out.Headers) + len(out.Edits) + len(out.Dropped)
}

// streamState is where the state lies in the encoding of an abi.StreamOutput: after the reply byte, done, the usage and
// the state's length.
const streamState = 1 + 3 + 48 + 4

// resume starts a call that brings a state, on the version that gave it, and returns the state without its tag. The
// caller holds the line's Set, which still has that version: a line's own pool lives as long as the line, and a fallback
// that has answered for a provider does too.
func (l *line) resume(e export, state []byte) (attempt, []byte, error) {
	if len(state) == 0 {
		return l.begin(), nil, nil
	}
	if len(state) >= tagSize {
		number, rest := binary.LittleEndian.Uint32(state), state[tagSize:]
		if l.pool.module.number == number {
			a := l.begin()
			a.pool, a.bound = l.pool, true
			return a, rest, nil
		}
		if f := l.fallback.Load(); f != nil && f.module.number == number && f.acquire() {
			return attempt{line: l, pool: f, bound: true, held: true}, rest, nil
		}
	}
	p := l.active()
	return attempt{}, nil, &Fault{
		Plugin: p.record.plugin, Export: e.String(), Hash: p.module.hash, Cause: "the state that the call brings is not from this provider",
	}
}
