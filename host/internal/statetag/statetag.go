// Package statetag says of a state which module gave it: import it to send a call that brings a state to that version.
//
// A state is meaningful to the version that gave it and to no other, and a plan is as good as a state: only its author
// knows which answer it asked for. So a state leaves the host with the number of its module in front, even if it is
// empty, and the call that brings it back goes to that version, whichever serves by then. Guests never see the number.
package statetag

import (
	"encoding/binary"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Size is how much longer a tagged state is, in bytes.
const Size = 4

// Request tags the state of out, which was decoded from answer and stays a view of it: what else out has is left alone.
func Request(module uint32, answer []byte, out *abi.RequestOutput) {
	// See abi.RequestOutput for the layout: reply and modes, the lengths of three str16 and, with the state's, of four
	// bytes32.
	const fixed = 1 + 4 + 3*2 + 4*4
	at := fixed + len(out.AuthName) + len(out.Path) + len(out.Query) + len(out.Headers) + len(out.Edits) + len(out.Dropped)
	out.State = put(module, answer, at, len(out.State))
}

// Stream is Request for the answer to a batch of events.
func Stream(module uint32, answer []byte, out *abi.StreamOutput) {
	const at = 1 + 3 + 48 + 4 // after the reply byte, done, the usage and the state's length
	out.State = put(module, answer, at, len(out.State))
}

// put puts a tag in front of the size bytes at an offset of a decoded answer. It takes the place of their length, which
// nobody needs any more: nothing is moved.
func put(module uint32, answer []byte, at, size int) []byte {
	state := answer[at-Size : at+size : at+size]
	binary.LittleEndian.PutUint32(state, module)
	return state
}

// Cut splits a tagged state and reports whether it can be one.
func Cut(state []byte) (module uint32, rest []byte, ok bool) {
	if len(state) < Size {
		return 0, nil, false
	}
	return binary.LittleEndian.Uint32(state), state[Size:], true
}
