// Package guestmemory gives guests their memory: import it to have that grow in place and go back to the system at once.
//
// On the heap of the process a memory that grows is copied, in one piece that the garbage collector has to wait for, and
// what a guest gave up stays with the process until a collection finds it.
package guestmemory

import "github.com/tetratelabs/wazero/experimental"

// Allocator makes the memory of one instance. It is used by the goroutine that starts the instance.
type Allocator struct{ memory experimental.LinearMemory }

// Allocate reserves the most that the memory may come to. Wazero calls it.
func (a *Allocator) Allocate(_, most uint64) experimental.LinearMemory {
	a.memory = reserve(most)
	return a.memory
}

// Free gives back the memory of an instance that did not come to life: closing a module frees its memory, but a module
// that fails to start is never closed. Freeing twice is allowed.
func (a *Allocator) Free() {
	if a.memory != nil {
		a.memory.Free()
	}
}
