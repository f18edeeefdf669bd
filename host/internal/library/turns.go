package library

import "sync"

// turns lets goroutines do something one at a time for each key. Its zero value is ready.
type turns[K comparable] struct {
	mu    sync.Mutex
	taken map[K]*turn
}

// turn is forgotten with the last who waits for it.
type turn struct {
	sync.Mutex
	users int
}

// enter waits for a key's turn and returns what ends it.
func (t *turns[K]) enter(key K) (leave func()) {
	t.mu.Lock()
	if t.taken == nil {
		t.taken = map[K]*turn{}
	}
	one := t.taken[key]
	if one == nil {
		one = new(turn)
		t.taken[key] = one
	}
	one.users++
	t.mu.Unlock()
	one.Lock()
	return func() {
		one.Unlock()
		t.mu.Lock()
		defer t.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(t.taken, key)
		}
	}
}
