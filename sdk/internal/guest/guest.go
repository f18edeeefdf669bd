// Package guest holds what both kinds of plugin share on their side of the contract: the input
// buffer, the output that stays valid until the next call, and the log.
package guest

import (
	"errors"
	"unsafe"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Memory is a guest's end of the calling convention. One instance is one goroutine, so nothing
// here locks.
type Memory struct {
	in  []byte
	Out []byte // the last output, kept until the next call
}

// Shared is the module's memory. A module holds one plugin, so one is enough.
var Shared Memory

// Input makes room for size bytes and returns their address.
func (m *Memory) Input(size uint32) uint32 {
	if n := int(size); n > cap(m.in) {
		m.in = make([]byte, max(n, 4<<10))
	}
	m.in = m.in[:cap(m.in)]
	return address(m.in)
}

// Bytes returns the first n bytes of the input buffer.
func (m *Memory) Bytes(n uint32) []byte { return m.in[:n] }

// Answer keeps out and returns it packed.
func (m *Memory) Answer(out []byte) uint64 {
	m.Out = out
	return abi.Pack(address(out), uint32(len(out)))
}

func address(b []byte) uint32 {
	if cap(b) == 0 {
		return 0
	}
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
}

// Refuse encodes any error as a refusal: a *abi.Refusal, wrapped or not, as it is, anything else as an invalid
// request that no other deployment would take either.
func Refuse(dst []byte, err error) []byte {
	ref, ok := errors.AsType[*abi.Refusal](err)
	if !ok {
		ref = &abi.Refusal{
			Status: 400, Class: abi.ClassFinal, Kind: abi.ErrorInvalidRequest,
			Type: "invalid_request_error", Code: "invalid_value", Message: err.Error(),
		}
	}
	return ref.Append(dst)
}
