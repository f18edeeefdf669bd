//go:build unix

package guestmemory

import (
	"sync"
	"syscall"

	"github.com/tetratelabs/wazero/experimental"
)

// reserved is a range of addresses of which the first part is in use.
type reserved struct {
	addresses []byte
	used      uint64
	freeing   sync.Once
}

// reserve returns a memory that takes no room until it is reallocated, and can't be if there is no such range.
func reserve(most uint64) experimental.LinearMemory {
	m := &reserved{}
	if most > 0 {
		m.addresses, _ = syscall.Mmap(-1, 0, int(most), syscall.PROT_NONE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	}
	return m
}

// Reallocate makes the first size bytes usable, new ones being zero, and returns them. It returns nil when the system
// has no more.
func (m *reserved) Reallocate(size uint64) []byte {
	if size > uint64(len(m.addresses)) {
		return nil
	}
	if size > m.used {
		if err := syscall.Mprotect(m.addresses[m.used:size], syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
			return nil
		}
		m.used = size
	}
	if size == 0 {
		return []byte{} // nil would say that there is no memory
	}
	return m.addresses[:size:size]
}

// Free returns everything to the system. No view of the memory may be used any more.
func (m *reserved) Free() {
	m.freeing.Do(func() {
		if m.addresses != nil {
			_ = syscall.Munmap(m.addresses)
		}
	})
}
