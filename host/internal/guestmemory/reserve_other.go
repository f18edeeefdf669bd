//go:build !unix

package guestmemory

import "github.com/tetratelabs/wazero/experimental"

// onHeap is a memory where ranges of addresses can't be reserved.
type onHeap struct{ buffer []byte }

func reserve(uint64) experimental.LinearMemory { return &onHeap{} }

// Reallocate makes the first size bytes usable and returns them.
func (m *onHeap) Reallocate(size uint64) []byte {
	if size > uint64(cap(m.buffer)) {
		grown := make([]byte, size)
		copy(grown, m.buffer)
		m.buffer = grown
	}
	m.buffer = m.buffer[:max(size, uint64(len(m.buffer)))]
	return m.buffer[:size:size]
}

// Free leaves the rest to the garbage collector.
func (m *onHeap) Free() { m.buffer = nil }
