// Package guestmemory gives guests their memory: import it to have that grow in place and go back to the system at once, and
// to have guests that run for long give way to everything else.
//
// On the heap of the process a memory that grows is copied, in one piece that the garbage collector has to wait for, and
// what a guest gave up stays with the process until a collection finds it.
//
// Modules must be rewritten by package meter, whose documentation says how a guest gives way: it asks for a page that it
// never gets.
package guestmemory

import "github.com/tetratelabs/wazero/experimental"

// Allocator makes the memory of one instance. It is used by the goroutine that starts the instance, then by the one that
// has it.
type Allocator struct {
	Owner  string // the tenant whose guest it is, which shares its turns with that tenant's others; empty is the operator
	memory memory
}

// memory is a LinearMemory whose last page is only asked for.
type memory struct {
	experimental.LinearMemory
	most uint64 // bytes that the guest may have
	turn turn
}

const page = 64 << 10

// Allocate reserves the most that the memory may come to. Wazero calls it.
func (a *Allocator) Allocate(_, most uint64) experimental.LinearMemory {
	a.memory.turn.owner = a.Owner
	a.memory.most = most - min(most, page)
	a.memory.LinearMemory = reserve(a.memory.most)
	return &a.memory
}

// Reallocate makes the first size bytes usable, new ones being zero, and returns them. It returns nil when the system has
// no more, and when a guest that asked for too much has given way and has its turn again.
func (m *memory) Reallocate(size uint64) []byte {
	if size > m.most {
		m.turn.next()
		return nil
	}
	return m.LinearMemory.Reallocate(size)
}

// Leave says that the guest's call has ended. It must follow each call, however that ended.
func (a *Allocator) Leave() { a.memory.turn.end() }

// Free gives back the memory of an instance that did not come to life: closing a module frees its memory, but a module
// that fails to start is never closed. Freeing twice is allowed.
func (a *Allocator) Free() {
	if a.memory.LinearMemory != nil {
		a.memory.Free()
	}
}
